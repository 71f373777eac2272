package mnistlib

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// numKept is how many runs this program, in a notebook one cell, has kept for the cells after it.
var numKept int

// keeping lets goroutines that train keep their runs one after the other.
var keeping sync.Mutex

// keptRuns is the folder of the runs of the last cell that trained, in the kernel's own, which is deleted when the
// kernel ends; outside a notebook it is empty.
func keptRuns() string {
	if folder := os.Getenv(protocol.GONB_TMP_DIR_ENV); folder != "" {
		return filepath.Join(folder, "runs")
	}
	return ""
}

// keptSingle are the files of the last two different runs of these settings that were trained by themselves, the newest first.
func keptSingle(h *History) []string {
	settings := sha256.Sum256([]byte(h.label() + "\n" + h.settingsName()))
	name := filepath.Join(filepath.Dir(keptRuns()), "single", hex.EncodeToString(settings[:]))
	return []string{name + "-1.json", name + "-2.json"}
}

// keepRuns saves the runs for LastRuns, and a single one for runBefore. A run that cannot be saved is no worse for it.
func keepRuns(runs []*History) {
	folder := keptRuns()
	if folder == "" {
		return
	}
	keeping.Lock()
	defer keeping.Unlock()
	if numKept == 0 {
		os.RemoveAll(folder)
		os.Mkdir(folder, 0o700)
	}
	for _, h := range runs {
		numKept++
		text, err := h.encode()
		if err != nil {
			continue
		}
		os.WriteFile(filepath.Join(folder, fmt.Sprintf("%06d.json", numKept)), text, 0o600) // not History.Save, which waits for the disk
		if len(runs) == 1 {
			single := keptSingle(h)
			os.Mkdir(filepath.Dir(single[0]), 0o700)
			if before, err := LoadHistory(single[0]); err == nil && !sameLosses(before, h) {
				os.Rename(single[0], single[1])
			}
			os.WriteFile(single[0], text, 0o600)
		}
	}
}

// runBefore returns the last other run of the same name and settings that this notebook has trained by itself; nil
// if there is none, and outside a notebook.
func runBefore(h *History) *History {
	if keptRuns() == "" {
		return nil
	}
	for _, path := range keptSingle(h) {
		if before, err := LoadHistory(path); err == nil && !sameLosses(before, h) {
			return before
		}
	}
	return nil
}

// sameLosses reports whether the losses of two runs are the same as far as both have come.
func sameLosses(a, b *History) bool {
	n := min(len(a.Loss), len(b.Loss))
	return slices.EqualFunc(a.Loss[:n], b.Loss[:n], func(v, w float64) bool { return v == w || !finite(v) && !finite(w) })
}

// LastRuns returns the runs of the last cell of the notebook that called [Train], [TrainMany] or [TrainAll], in the order in
// which it made them, without their weights: also when nobody saw them, because the browser's tab was closed meanwhile. The
// kernel keeps them as long as it runs. It returns an error outside a notebook, and if no cell has trained yet.
func LastRuns() ([]*History, error) {
	folder := keptRuns()
	names, err := fs.Glob(os.DirFS(folder), "*.json") // what the folder is called is no pattern
	if err != nil || len(names) == 0 {
		return nil, errors.New("no cell of this notebook has trained since its kernel was started")
	}
	var runs []*History
	for _, name := range names {
		h, err := LoadHistory(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		runs = append(runs, h)
	}
	return runs, nil
}
