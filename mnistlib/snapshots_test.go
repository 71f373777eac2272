package mnistlib

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"example.com/tutorial6/mnistlib/internal/chart"
	"example.com/tutorial6/mnistlib/internal/torch"
)

// A run that keeps snapshots is the same to the last bit, and each snapshot has the weights that a run has which
// ends there.
func TestSnapshotsChangeNothing(t *testing.T) {
	trains(t)
	for _, test := range []struct {
		model Model
		c     Config
	}{
		{MLP{Hidden: 8}, Config{Optimizer: SGD{LR: 0.1, Momentum: 0.9}, BatchSize: 20}},
		{MLPBN{Hidden: 8}, Config{Optimizer: Adam{LR: 0.005}, BatchSize: 20, EvaluateEachEpoch: true}},
	} {
		c := test.c
		c.Epochs, c.Seed, c.Quiet = 3, 5, true
		without, err := Train(test.model, small(), c)
		if err != nil {
			t.Fatal(err)
		}
		c.SnapshotEvery = 7
		with, err := Train(test.model, small(), c)
		if err != nil {
			t.Fatal(err)
		}
		kept := with.Snapshots
		with.Snapshots, with.Seconds, with.CompileSeconds = nil, without.Seconds, without.CompileSeconds
		if !reflect.DeepEqual(with, without) {
			t.Errorf("%s: the run with snapshots is another one", without.Model)
		}
		iterations := len(without.Loss)
		var want []int
		for i := 0; i < iterations; i += 7 {
			want = append(want, i)
		}
		if want[len(want)-1] != iterations {
			want = append(want, iterations)
		}
		var got []int
		for _, s := range kept {
			got = append(got, s.Iteration)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the snapshots are of %d, want %d", without.Model, got, want)
		}
		initial, err := InitialWeights(test.model, 5)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(kept[0].Weights, initial) {
			t.Errorf("%s: the first snapshot is not the initial weights", without.Model)
		}
		if !reflect.DeepEqual(kept[len(kept)-1].Weights, without.Weights) {
			t.Errorf("%s: the last snapshot is not the last weights", without.Model)
		}
		if test.c.EvaluateEachEpoch {
			continue
		}
		// The snapshot of iteration 7 has the weights of a run of that length.
		net, err := newNetwork(test.model, false)
		if err != nil {
			t.Fatal(err)
		}
		random := torch.NewGenerator(5)
		drawWeights(net.specs, random)
		order := random.Epoch(small().Train.Len(), true, 10)
		c.SnapshotEvery, c.Weights = 0, initial
		short := trainFor(t, 7, test.model, reordered(small(), order), c)
		if !reflect.DeepEqual(kept[1].Weights, short.Weights) {
			t.Errorf("%s: the snapshot of iteration 7 has not the weights of a run of 7 iterations", without.Model)
		}
	}
}

// Of a run that diverges, snapshots are kept up to there.
func TestSnapshotsOfARunThatDiverges(t *testing.T) {
	trains(t)
	h, err := Train(MLP{Hidden: 8}, small(), Config{Optimizer: SGD{LR: 1e30}, BatchSize: 20, Epochs: 3, Seed: 5, SnapshotEvery: 1, Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := h.diverged(); n == 0 || len(h.Snapshots) != n+1 {
		t.Errorf("a run that diverged at iteration %d has %d snapshots", n, len(h.Snapshots))
	}
	for _, s := range h.Snapshots[:len(h.Snapshots)-1] {
		for _, w := range s.Weights {
			for _, v := range w.Values {
				if math.IsNaN(v) {
					t.Fatalf("the snapshot of iteration %d is not finite", s.Iteration)
				}
			}
		}
	}
}

// What the extra iterations compute is freed.
func TestSnapshotsKeepMemoryFlat(t *testing.T) {
	trains(t)
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skip("this system does not tell how much memory a program uses")
	}
	var before int
	for run := range 5 { // of 100 snapshots, whose state takes 2 MB each time on the device
		config := Config{BatchSize: 20, Epochs: 10, Optimizer: Adam{LR: 0.001}, Seed: 1, Quiet: true, SnapshotEvery: 1}
		if _, err := Train(MLP{Hidden: 200}, small(), config); err != nil {
			t.Fatal(err)
		}
		debug.FreeOSMemory() // the snapshots themselves are garbage
		if run == 1 {
			before = residentMB(t)
		}
	}
	after := residentMB(t)
	if after > before+30 {
		t.Errorf("resident memory grew from %d to %d MB in 300 snapshots", before, after)
	}
}

// madeUpSnapshots are a run of MLP(2) of some iterations, in each of which every weight grows by a tenth.
func madeUpSnapshots(t *testing.T, iterations int) *History {
	t.Helper()
	weights := initialWeights(t, MLP{Hidden: 2}, 3)
	h := madeUpRun("MLP(2)", 3, iterations, 1)
	for i := range iterations + 1 {
		var scaled Weights
		for _, w := range weights {
			w.Values = slices.Clone(w.Values)
			for k := range w.Values {
				w.Values[k] *= math.Pow(1.1, float64(i))
			}
			scaled = append(scaled, w)
		}
		h.keepWeights(i, scaled)
	}
	return h
}

func TestWeightsSlider(t *testing.T) {
	h := madeUpSnapshots(t, 30)
	last := h.Snapshots[30].Weights[0].Values
	strongest := -2 * slices.Max(last)
	for k := range 300 {
		last[k] = strongest
	}
	f := WeightsSlider(h, "layer1.weight")
	checkBundle(t, f, true)
	film := f.panels[0].(*chart.Film)
	if got := fmt.Sprint(film.Slider.Frames); len(film.Frames) != 8 || !strings.HasPrefix(got, "[iteration 0 iteration 4 ") || !strings.HasSuffix(got, " iteration 30]") {
		t.Errorf("the frames are %s", got)
	}
	at := func(frame int) string {
		place := film.Frames[frame].Place(0)
		return nameColor(film.Frames[frame].Picture.NRGBAAt(place.X+3*5+1, place.Y+1))
	}
	if at(7) != chart.Palette[0] || at(0) == chart.Palette[0] {
		t.Errorf("the sixth weight is %s at the last iteration and %s at the first", at(7), at(0))
	}
	text := vegaLiteText(t, f)
	for _, want := range []string{`"filter":"datum.frame == frame"`, `"frame":8`, `"max":8`} {
		if !strings.Contains(text, want) {
			t.Errorf("the specification lacks %s", want)
		}
	}
	if want := "The first 2 pictures of layer1.weight at iteration 0, iteration 4, "; !strings.HasPrefix(f.Description, want) {
		t.Errorf("the words are %q, want them to begin with %q", f.Description, want)
	}
}

// The pictures of real weights are noise, which is large; a figure of them stays under the limit.
func TestWeightsSliderIsSmall(t *testing.T) {
	h := madeUpRun("MLP(12)", 3, 30, 1)
	for i := range 30 {
		h.keepWeights(i, initialWeights(t, MLP{Hidden: 12}, uint64(i+1)))
	}
	checkBundle(t, WeightsSlider(h, "layer1.weight"), true)
}

func TestUpdateRatios(t *testing.T) {
	f := UpdateRatios(madeUpSnapshots(t, 12))
	checkBundle(t, f, true)
	ch := f.panels[0].(*chart.Chart)
	if len(ch.Curves) != 2 || ch.Curves[1].Name != "layer2.weight" || !ch.Y.Log {
		t.Fatalf("the curves are %v", ch.Curves)
	}
	for i, ratio := range ch.Curves[0].Y {
		if math.Abs(ratio-0.1) > 1e-9 || ch.Curves[0].X[i] != float64(i+1) {
			t.Errorf("at iteration %v the ratio is %v, want 0.1", ch.Curves[0].X[i], ratio)
		}
	}
}

// The axis is the same for a run whose updates are of one size and one whose updates shrink until there are none.
func TestUpdateRatiosCanBeCompared(t *testing.T) {
	h := madeUpSnapshots(t, 12)
	for k := 1; k < 12; k++ {
		h.Snapshots[k+1] = Snapshot{k + 1, slices.Clone(h.Snapshots[k].Weights)}
	}
	moved := &h.Snapshots[12].Weights[0]
	moved.Values = slices.Clone(moved.Values)
	moved.Values[0] += 1e-6
	for name, f := range map[string]*Figure{"one size": UpdateRatios(madeUpSnapshots(t, 12)), "shrinking": UpdateRatios(h)} {
		checkBundle(t, f, true)
		if y := f.panels[0].(*chart.Chart).Y; y.Min != 1e-4 || y.Max != 10 {
			t.Errorf("%s: the axis spans %v to %v", name, y.Min, y.Max)
		}
		if told := strings.Contains(f.Subtitle, "the axis leaves out updates below 0.0001, down to "); told != (name == "shrinking") {
			t.Errorf("%s: the subtitle is %q", name, f.Subtitle)
		}
		if told := strings.Contains(f.Subtitle, "updates of 0 are not drawn"); told != (name == "shrinking") {
			t.Errorf("%s: whether updates of 0 are drawn: %q", name, f.Subtitle)
		}
	}
	if words := UpdateRatios(h).Description; !strings.Contains(words, "Update of layer2.weight relative to it: first 0.1 at iteration 1, last 0 at iteration 12, ") {
		t.Errorf("in words: %s", words)
	}
}

func TestDeadReLUs(t *testing.T) {
	trains(t)
	h := madeUpSnapshots(t, 2)
	bias := h.Snapshots[2].Weights[1].Values
	bias[1] = -1000
	f := DeadReLUs(MLP{Hidden: 2}, MNIST().Validation.Slice(0, 50), h)
	checkBundle(t, f, true)
	ch := f.panels[0].(*chart.Chart)
	if c := ch.Curves[0]; fmt.Sprint(c.X, c.Y) != "[0 1 2] [0 0 0.5]" || c.Name != "ReLU 1, 2 units" {
		t.Errorf("the shares of dead units are %v over %v of %s", c.Y, c.X, c.Name)
	}
	if ch.Y.Min != 0 || ch.Y.Max != 1 { // for all runs, so that they can be compared
		t.Errorf("the axis spans %v to %v", ch.Y.Min, ch.Y.Max)
	}
}

func TestSnapshotsThatCannotBeDrawn(t *testing.T) {
	h := madeUpSnapshots(t, 2)
	for want, f := range map[string]*Figure{
		"no snapshots":                      WeightsSlider(madeUpRun("a", 1, 3, 1), "layer1.weight"),
		`no weight "layer2.weight"`:         WeightsSlider(h, "layer2.weight"),
		"0 snapshots of 3 iterations":       UpdateRatios(madeUpRun("a", 1, 3, 1)),
		"train it with Config.SnapshotEver": DeadReLUs(MLP{Hidden: 2}, MNIST().Validation, madeUpRun("a", 1, 3, 1)),
	} {
		if err := f.Show(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}
