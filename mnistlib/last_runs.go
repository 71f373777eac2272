package mnistlib

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// numKept is how many runs this program, in a notebook one cell, has kept for the cells after it.
var numKept int

// keptRuns is the folder of the runs of the last cell that trained, in the kernel's own, which is deleted when the
// kernel ends; outside a notebook it is empty.
func keptRuns() string {
	if folder := os.Getenv(protocol.GONB_TMP_DIR_ENV); folder != "" {
		return filepath.Join(folder, "runs")
	}
	return ""
}

// keepRuns saves the runs for LastRuns. A run that cannot be saved is no worse for it.
func keepRuns(runs []*History) {
	folder := keptRuns()
	if folder == "" {
		return
	}
	if numKept == 0 {
		os.RemoveAll(folder)
		os.Mkdir(folder, 0o700)
	}
	for _, h := range runs {
		numKept++
		if text, err := h.encode(); err == nil {
			os.WriteFile(filepath.Join(folder, fmt.Sprintf("%06d.json", numKept)), text, 0o600) // not History.Save, which waits for the disk
		}
	}
}

// LastRuns returns the runs of the last cell of the notebook that trained, in the order in which it made them, without
// their weights: also when nobody saw them, because the browser's tab was closed meanwhile. The kernel keeps them as long
// as it runs. It returns an error outside a notebook, and if no cell has trained yet.
func LastRuns() ([]*History, error) {
	paths, err := filepath.Glob(filepath.Join(keptRuns(), "*.json"))
	if err != nil || keptRuns() == "" || len(paths) == 0 {
		return nil, errors.New("no cell of this notebook has trained since its kernel was started")
	}
	var runs []*History
	for _, path := range paths {
		h, err := LoadHistory(path)
		if err != nil {
			return nil, err
		}
		runs = append(runs, h)
	}
	return runs, nil
}
