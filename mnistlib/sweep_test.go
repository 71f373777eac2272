package mnistlib

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// madeUpSweep has two runs of each value. Those of the fifth diverge, and those of the sixth learn nothing.
func madeUpSweep() (values []float64, runs []*History) {
	for k := range 6 {
		values = append(values, 0.001*math.Pow(10, float64(k)))
		for seed := range 2 {
			h := madeUpRun("", uint64(seed+1), 93, 1)
			h.Optimizer = fmt.Sprintf("SGD(lr=%v)", values[k])
			switch k {
			case 4:
				h.Loss = append(h.Loss[:40], math.NaN())
				h.Evaluated, h.TrainAccuracy, h.ValidationAccuracy = h.Evaluated[:40], h.TrainAccuracy[:40], h.ValidationAccuracy[:40]
			case 5:
				h.Loss = slices.Repeat([]float64{2.303}, 93)
				h.TrainAccuracy, h.ValidationAccuracy = slices.Repeat([]float64{0.11}, 93), slices.Repeat([]float64{0.1}, 93)
			default:
				h.ValidationAccuracy[92] = 0.5 + 0.1*float64(k) + 0.02*float64(seed)
			}
			runs = append(runs, h)
		}
	}
	return values, runs
}

func TestSweepSlider(t *testing.T) {
	values, runs := madeUpSweep()
	f := SweepSlider("learning rate", values, runs)
	checkBundle(t, f, true)
	spec := vegaLite(t, f)
	slider := spec["params"].([]any)[0].(map[string]any)
	bind, err := json.Marshal(slider["bind"])
	if err != nil {
		t.Fatal(err)
	}
	if string(bind) != `{"input":"range","max":6,"min":1,"name":"learning rate, number ","step":1}` || slider["value"] != 4.0 {
		t.Errorf("the slider is %v", slider)
	}
	for i, panel := range spec["concat"].([]any) {
		panel := panel.(map[string]any)
		title := panel["title"].(map[string]any)["text"].(map[string]any)["expr"].(string)
		for _, want := range []string{"[frame - 1]", `learning rate 0.001",""]`, `learning rate 10","2 of 2 diverged"]`, `learning rate 100","2 of 2 no better than guessing"]`} {
			if !strings.Contains(title, want) {
				t.Errorf("the title %s lacks %s", title, want)
			}
		}
		for _, layer := range panel["layer"].([]any)[1:] { // behind the lines of the epochs
			filter := layer.(map[string]any)["transform"].([]any)[0].(map[string]any)["filter"]
			rows := readCSV(t, layer.(map[string]any)["data"].(map[string]any)["values"].(string))
			if frames := slices.Compact(rows["frame"]); filter != "datum.frame == frame" || i == 1 && fmt.Sprint(slices.Compact(slices.Sorted(slices.Values(frames)))) != "[1 2 3 4 5 6]" {
				t.Errorf("the rows of panel %d have the frames %v and the filter %v", i, frames, filter)
			}
		}
	}
	// What the last two values cost would flatten the others, of which a reader sees one at a time: so no dot needs a place beside those of another.
	loss, accuracy := f.panels[0].(*chart.Chart), f.panels[1].(*chart.Chart)
	if loss.Y.Max > 3 || accuracy.X.Max > 1.15*93 {
		t.Errorf("the losses go to %v, and the iterations to %v", loss.Y.Max, accuracy.X.Max)
	}
	// The mean and the band of a value are those of its own runs.
	rows := curveTable(t, f, 1)
	found := false
	for i := range rows["x"] {
		if rows["frame"][i] == 3 && rows["series"][i] == 1 && rows["x"][i] == 93 {
			found = true
			if got := fmt.Sprintf("%.4g %.4g %.4g", rows["y"][i], rows["low"][i], rows["high"][i]); got != "0.71 0.7 0.72" {
				t.Errorf("the last validation accuracy of the third value is %s", got)
			}
		}
	}
	if !found {
		t.Error("the third value's last validation accuracy is not drawn")
	}
	for _, want := range []string{"learning rate 0.1: training", "validation accuracy 0.7100 (0.7000 to 0.7200) at the end", "learning rate 10, 2 of 2 diverged: no accuracy"} {
		if !strings.Contains(f.Description, want) {
			t.Errorf("the description lacks %q:\n%s", want, f.Description)
		}
	}
	runs[0].Loss[92] = math.NaN() // one of the first value's two runs
	for of, want := range map[string]string{f.Subtitle: "line: mean of 2 runs; band: smallest to largest; thin lines: runs that failed", SweepSlider("learning rate", values, runs).Subtitle: "line: mean of 1 to 2 runs"} {
		if !strings.Contains(of, want) {
			t.Errorf("the subtitle %q lacks %q", of, want)
		}
	}
	var names []string
	for _, c := range f.still[1].(*chart.Chart).Curves {
		names = append(names, c.Name)
	}
	if got := fmt.Sprint(slices.Compact(names)); got != "[learning rate 0.001 learning rate 0.01 learning rate 1 learning rate 100]" {
		t.Errorf("the picture shows %s", got)
	}
}

// Twelve values with eight seeds of ten epochs stay small, and each is drawn as a curve.
func TestSweepSliderIsSmall(t *testing.T) {
	var values []float64
	var runs []*History
	for k := range 12 {
		values = append(values, float64(k))
		for seed := range 8 {
			h := madeUpRun("", uint64(seed+1), 310, 1)
			h.Optimizer = fmt.Sprint(k)
			runs = append(runs, h)
		}
	}
	f := SweepSlider("momentum", values, runs)
	checkBundle(t, f, true)
	for _, c := range f.panels[1].(*chart.Chart).Curves {
		if len(c.X) < 30 {
			t.Errorf("a curve has %d points left of 310", len(c.X))
		}
	}
}

func TestSweepCurve(t *testing.T) {
	values, runs := madeUpSweep()
	f := SweepCurve("learning rate", values, runs)
	checkBundle(t, f, true)
	if !strings.Contains(f.Subtitle, "line: mean of the runs that did not diverge; band") {
		t.Errorf("the subtitle is %q", f.Subtitle)
	}
	accuracy, failed := f.panels[0].(*chart.Chart), f.panels[1].(*chart.Chart)
	if !accuracy.X.Log || accuracy.X.Min != 0.001 || math.Abs(accuracy.X.Max-100) > 1e-9 {
		t.Errorf("the axis is %v", accuracy.X)
	}
	validation := accuracy.Curves[1]
	if got := fmt.Sprintf("%.4g %.4g %.3g", validation.X, validation.Y, validation.High); got != "[0.001 0.01 0.1 1 100] [0.51 0.61 0.71 0.81 0.1] [0.52 0.62 0.72 0.82 0.1]" {
		t.Errorf("the validation accuracies are %s", got)
	}
	if got := fmt.Sprint(failed.Curves[0].Y); got != "[0 0 0 0 1 1]" {
		t.Errorf("the shares of failed runs are %s", got)
	}
	for i, v := range values {
		values[i] = v + 1
	}
	if SweepCurve("", values[:3], runs[:6]).panels[0].(*chart.Chart).X.Log {
		t.Error("values from 1 to 1.1 have a logarithmic axis")
	}
}

func TestSweepMap(t *testing.T) {
	_, runs := madeUpSweep()
	runs[1].Loss[3] = math.Inf(1) // one of the first pair's two
	f := SweepMap("momentum", []float64{0, 0.9}, "learning rate", []float64{0.01, 0.1, 1}, runs)
	checkBundle(t, f, false)
	table := f.panels[0].(*chart.HeatMap)
	var texts []string
	for _, row := range table.Cells {
		for _, cell := range row {
			texts = append(texts, cell.Text)
		}
	}
	if got := fmt.Sprintf("%q", texts); got != `["0.50\n1 fail" "0.610" "0.710" "0.810" "all\nfail" "0.10\n2 fail"]` {
		t.Errorf("the cells read %s", got)
	}
	if best, worst, none := table.Cells[1][0].Shade, table.Cells[1][2].Shade, table.Cells[1][1].Shade; best != 1 || worst != 0 || finite(none) {
		t.Errorf("the best pair's shade is %v, the worst one's %v, that of no run %v", best, worst, none)
	}
	if want := "momentum 0.9, learning rate 0.1, 2 of 2 diverged: no accuracy was measured."; !strings.Contains(f.Description, want) {
		t.Errorf("the description lacks %q:\n%s", want, f.Description)
	}
	none := SweepMap("momentum", []float64{0}, "learning rate", []float64{0.01, 0.1}, runs[2:6])
	guessed := SweepMap("momentum", []float64{0}, "learning rate", []float64{1, 100}, slices.Concat(runs[6:8], runs[10:]))
	for f, want := range map[*Figure]string{
		none:    "mean of 2 runs",
		guessed: "mean of 2 runs; fail: runs that ended no better than guessing, or diverged",
		f:       "mean of 2 runs; fail: runs that ended no better than guessing, or diverged, which the mean leaves out; grey: all diverged",
	} {
		if f.Subtitle != want {
			t.Errorf("the marks are explained so: %q, want %q", f.Subtitle, want)
		}
	}
}

func TestSweepsThatCannotBeDrawn(t *testing.T) {
	values, runs := madeUpSweep()
	bySeed := append(slices.Clone(runs[1:]), runs[0])
	for want, f := range map[string]*Figure{
		"12 runs for 5 values":                SweepSlider("rate", values[:5], runs),
		"0 runs for 0 values":                 SweepSlider("rate", nil, nil),
		"in the order of the values":          SweepCurve("rate", values, bySeed),
		"do not grow":                         SweepCurve("rate", []float64{6, 5, 4, 3, 2, 1}, runs),
		"12 runs for 10 values":               SweepMap("a", values[:2], "b", values[:5], runs),
		"all seeds of one value together":     SweepMap("a", values[:2], "b", values[:3], bySeed),
		"12 runs for 7 values; there must be": SweepCurve("rate", append([]float64{0}, values...), runs),
	} {
		if err := f.Show(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}
