package mnistlib

import (
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

func TestLastRuns(t *testing.T) {
	defer func() { numKept = 0 }()
	t.Setenv(protocol.GONB_TMP_DIR_ENV, "")
	keepRuns([]*History{madeUpRun("", 1, 3, 1)}) // no notebook
	if runs, err := LastRuns(); err == nil {
		t.Errorf("outside a notebook there are %d last runs", len(runs))
	}
	t.Setenv(protocol.GONB_TMP_DIR_ENV, t.TempDir())
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
