package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The notebooks run from end to end in the kernel, and every cell shows again what it shows as
// committed: training cells their accuracies, all cells their figures, each in every form.
func TestNotebooksRunInTheKernel(t *testing.T) {
	t.Parallel()
	checkout(t)
	for path, committed := range committedNotebooks(t) {
		t.Run(path, func(t *testing.T) {
			if path != "tutorial.ipynb" && path != "mistakes.ipynb" {
				long(t)
			}
			t.Parallel()
			executed := execution(t, path)
			for i, c := range committed.cells() {
				if !c.isCode() {
					continue
				}
				if c["execution_count"] == nil {
					t.Errorf("cell %d is committed without having run", i+1)
				}
				checkFigures(t, i+1, c.figures(), executed.cells()[i].figures())
			}
			if path == "mistakes.ipynb" {
				checkMistakes(t, committed)
				checkMistakes(t, executed)
			}
			if path != "tutorial.ipynb" {
				return
			}
			results, err := executed.results()
			if err != nil {
				t.Fatal(err)
			}
			var rows []string
			for _, r := range results {
				rows = append(rows, r.row)
			}
			if want := []string{"5", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19"}; !slices.Equal(rows, want) {
				t.Errorf("the rows %v of the tutorial's source printed accuracies, want %v", rows, want)
			}
		})
	}
}

// executions are the notebooks that some test has asked for, by path.
var executions sync.Map

// execution returns a notebook of this folder as the kernel executes it, once for all tests that look at
// it, which must change nothing in it.
func execution(t *testing.T, path string) notebook {
	t.Helper()
	checkout := checkout(t)
	once, _ := executions.LoadOrStore(path, sync.OnceValues(func() (notebook, error) {
		var log strings.Builder
		nb, err := execute(context.Background(), &log, checkout, quicker(t, path))
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, log.String())
		}
		return nb, err
	}))
	nb, err := once.(func() (notebook, error))()
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

// quicker copies a notebook, with fewer seeds where it takes many.
func quicker(t *testing.T, path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), path)
	content = []byte(strings.Replace(string(content), "const numSeeds = 16", "const numSeeds = 2", 1))
	if err := os.WriteFile(copied, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return copied
}

// figures returns the outputs of a cell that are pictures.
func (c cell) figures() []map[string]any {
	var figures []map[string]any
	for _, o := range list(c["outputs"]) {
		if data := object(object(o)["data"]); data["image/png"] != nil {
			figures = append(figures, data)
		}
	}
	return figures
}

func checkFigures(t *testing.T, cell int, committed, executed []map[string]any) {
	t.Helper()
	if len(executed) != len(committed) {
		t.Errorf("cell %d shows %d figures; as committed it has %d", cell, len(executed), len(committed))
	}
	for _, figure := range executed {
		for _, form := range []string{"application/vnd.vegalite.v5+json", "image/png", "text/plain"} {
			if figure[form] == nil {
				t.Errorf("a figure of cell %d has no %s", cell, form)
			}
		}
		if figure["text/html"] != nil {
			t.Errorf("a figure of cell %d has HTML, which hides its other forms", cell)
		}
	}
}
