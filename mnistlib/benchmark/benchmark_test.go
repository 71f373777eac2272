package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/tutorial6/notebooks/setup"
)

func TestWorkPrintsItsResult(t *testing.T) {
	if testing.Short() {
		t.Skip("trains, so not with -short")
	}
	if _, err := setup.Plugin(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := doWork("19 MLP(30), zero weights", "", &out); err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Iterations != 93 || r.CompileSeconds <= 0 || r.Seconds <= r.CompileSeconds {
		t.Errorf("%+v", r)
	}
	// It says one digit to everything: 7 (0.102 of the validation images) or 1 (0.114).
	if v := r.ValidationAccuracy[0]; v != 0.102 && v != 0.114 {
		t.Errorf("the run with weights of zero ends at %v", v)
	}
	if err := doWork("20 nothing", "", &out); err == nil {
		t.Error("a work that does not exist was done")
	}
}

// fakeMeasured lets every engine take the seconds given here for each of its works, a tenth of them to
// compile.
func fakeMeasured(t *testing.T, seconds map[string]float64) (*Measured, []Work) {
	all, err := works()
	if err != nil {
		t.Fatal(err)
	}
	m := &Measured{Machine: "a machine", Rounds: 1, Results: map[string]map[string][]Result{}}
	for _, w := range all {
		for name, s := range seconds {
			if (Engine{Name: name}).does(w) {
				m.add(name, Result{Work: w.Name, Seconds: s, CompileSeconds: s / 10, Iterations: 100, MaxRSS: 200,
					TrainAccuracy: []float64{0.9}, ValidationAccuracy: []float64{0.8}})
			}
		}
	}
	m.Cell = Cell{First: []float64{3}, Changed: []float64{2.8, 2.9, 2.0}, Unchanged: []float64{2.6}}
	return m, all
}

func TestTable(t *testing.T) {
	m, all := fakeMeasured(t, map[string]float64{thisLibrary: 2, asWritten: 8, optimized: 4, jaxLoop: 2.5, jaxScan: 3, jaxMoved: 1.5, kept: 1, jaxKept: 1.5})
	table := m.table(all)
	for _, want := range []string{
		"| the 14 training sections with compilation, summed | 28.0 s | 112.0 s | 56.0 s | 35.0 s | 3 times as fast as the source | yes: 4.0 times |",
		"| an iteration of MLP(30) | 18.00 ms | 72.00 ms | 36.00 ms | 22.50 ms | 2.5 times as fast as JAX | no: 1.25 times |",
		"| an iteration of MLP(30), JAX with moved products, too | 18.00 ms |  |  | 13.50 ms | none: tells the trick from the engine | 0.75 times |",
		"| an iteration of the CNN | 18.00 ms | 72.00 ms | 36.00 ms | 22.50 ms | 1.5 times as fast as JAX | no: 1.25 times |",
		"| compiling the training of the CNN | 0.20 s |  |  | 0.25 s | half of JAX's | no: 1.25 times |",
		"| MLP(30), 16 seeds, a run | 0.125 s |  |  | 0.188 s | 3 times as fast as JAX | no: 1.50 times |",
		"| 10 CNN again, its programs kept from an earlier process | 1.00 s |  |  | 1.50 s | none | 1.50 times |",
		"| the notebook's cell of MLP(30), never run before | 3.00 s |  |  |  | under 2.5 s | no: 0.83 times |",
		"| the same, with another learning rate | 2.80 s |  |  |  | under 2.5 s | no: 0.89 times |",
		"| the same, unchanged | 2.60 s |  |  |  | under 1.5 s | no: 0.58 times |",
		"| memory of 10 CNN | 200 MB |  |  |  | under 300 MB | yes: 1.5 times |",
		"| memory of 10 CNN again | 200 MB |  |  |  | under 300 MB | yes: 1.5 times |",
		"| 18 CNNBN | 2.00 | 8.00 | 4.00 | 2.50 | 4.0 | 0.800 | 0.800 |",
		"| CNN, 60,000 images | 18.00 ms | 0.30 ms |",
	} {
		if !strings.Contains(table, want+"\n") {
			t.Errorf("the table lacks\n%s", want)
		}
	}
	if t.Failed() {
		t.Log(table)
	}
}

// What was not measured is left out; nothing prints as NaN.
func TestTableOfLittle(t *testing.T) {
	m, all := fakeMeasured(t, map[string]float64{thisLibrary: 2})
	if table := m.table(all); strings.Contains(table, "NaN") {
		t.Error(table)
	}
	empty := &Measured{Machine: "a machine", Rounds: 1}
	if table := empty.table(nil); strings.Contains(table, "NaN") {
		t.Error(table)
	}
}

func TestPlot(t *testing.T) {
	m, all := fakeMeasured(t, map[string]float64{thisLibrary: 2, asWritten: 8, optimized: 4, jaxLoop: 2.5, jaxScan: 3})
	path := filepath.Join(t.TempDir(), "results.svg")
	if err := m.plot(all, path); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"18 CNNBN", asWritten, "seconds"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("the picture lacks %q", want)
		}
	}
}
