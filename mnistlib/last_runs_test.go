package mnistlib

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"example.com/tutorial6/mnistlib/internal/chart"
)

func TestLastRuns(t *testing.T) {
	defer func() { numKept = 0 }()
	t.Setenv(protocol.GONB_TMP_DIR_ENV, "")
	keepRuns([]*History{madeUpRun("", 1, 3, 1)}) // no notebook
	if runs, err := LastRuns(); err == nil {
		t.Errorf("outside a notebook there are %d last runs", len(runs))
	}
	folder := filepath.Join(t.TempDir(), "Uni [2026]") // as a reader may call one
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv(protocol.GONB_TMP_DIR_ENV, folder)
	if runs, err := LastRuns(); err == nil {
		t.Errorf("before the first training there are %d last runs", len(runs))
	}
	for cell, seeds := range [][]uint64{{1, 2, 3}, {11, 12}} {
		numKept = 0 // each cell is a program of its own
		for _, seed := range seeds {
			keepRuns([]*History{madeUpRun("", seed, 3, 1)})
		}
		runs, err := LastRuns()
		if err != nil || len(runs) != len(seeds) {
			t.Fatalf("after cell %d there are %d last runs (%v), want %d", cell+1, len(runs), err, len(seeds))
		}
		for i, h := range runs {
			if h.Seed != seeds[i] || len(h.Loss) != 3 {
				t.Errorf("after cell %d the last run %d has the seed %d and %d losses", cell+1, i+1, h.Seed, len(h.Loss))
			}
		}
	}
}

// The figure of a run has the run before of the same settings behind it, and no other.
func TestRunBeforeIsPale(t *testing.T) {
	defer func() { numKept = 0 }()
	pale := func(h *History) (losses []float64, note string) {
		t.Helper()
		f := runsFigure(h)
		checkBundle(t, f, true)
		for _, c := range f.panels[0].(*chart.Chart).Curves {
			if c.Style == chart.Pale {
				losses = c.Y
			}
		}
		return losses, f.Subtitle
	}
	first, second, other := madeUpRun("", 1, 30, 1), madeUpRun("", 2, 30, 1), madeUpRun("", 3, 30, 1)
	other.Optimizer = "Adam(lr=0.005)"
	first.Loss[29], second.Loss[29] = math.NaN(), math.NaN()
	t.Setenv(protocol.GONB_TMP_DIR_ENV, "")
	keepRuns([]*History{first})
	if losses, _ := pale(second); losses != nil {
		t.Error("outside a notebook there is a run before")
	}
	t.Setenv(protocol.GONB_TMP_DIR_ENV, t.TempDir())
	keepRuns([]*History{first})
	if losses, note := pale(first); losses != nil || strings.Contains(note, "pale") {
		t.Errorf("a run is its own run before: %s", note)
	}
	growing := madeUpRun("", 2, 1, 1) // while it trains, it is not kept yet
	if losses, _ := pale(growing); len(losses) != 30 || losses[0] != first.Loss[0] {
		t.Errorf("while the second run grows, the losses %v are behind it", losses)
	}
	keepRuns([]*History{other})
	numKept = 0                                                            // the next cell
	keepRuns([]*History{madeUpRun("", 4, 30, 1), madeUpRun("", 5, 30, 1)}) // many runs leave the single ones alone
	keepRuns([]*History{second})
	losses, note := pale(second)
	if len(losses) != 30 || !slices.Equal(losses[:29], first.Loss[:29]) || !strings.Contains(note, "pale: another run of these settings, seed 1") {
		t.Errorf("behind the second run are the losses %v (%s), want those of the first", losses, note)
	}
	keepRuns([]*History{second}) // the same seed again
	if losses, _ := pale(second); len(losses) != 30 || losses[0] != first.Loss[0] {
		t.Errorf("behind a run that was made twice are the losses %v, want those of the first", losses)
	}
	if losses, _ := pale(other); losses != nil {
		t.Error("behind a run is one of other settings")
	}
	if losses, _ := pale(madeUpRun("named", 6, 30, 1)); losses != nil {
		t.Error("behind a run is one of another name")
	}
}
