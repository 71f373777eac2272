package mnistlib

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// madeUpRun looks like a real run; its accuracies are measured after every so many iterations.
func madeUpRun(name string, seed uint64, iterations, every int) *History {
	random := rand.New(rand.NewPCG(seed, 1))
	h := &History{
		Name: name, Model: "MLP(30)", Optimizer: "SGD(lr=0.1, momentum=0.9)", BatchSize: 64, Epochs: 10, Shuffle: true,
		Seed: seed, TrainImages: 2000, ValidationImages: 500, Seconds: 1.3, CompileSeconds: 0.6, Backend: "made up",
	}
	for i := 1; i <= iterations; i++ {
		t := float64(i)
		h.Loss = append(h.Loss, (2.3*math.Exp(-t/40)+0.02)*math.Exp(0.3*random.NormFloat64()))
		if i%every == 0 {
			noise := 0.04 * math.Exp(-t/60) * random.NormFloat64()
			h.Evaluated = append(h.Evaluated, i)
			h.TrainAccuracy = append(h.TrainAccuracy, min(1, max(0, 1-0.88*math.Exp(-t/30)+noise)))
			h.ValidationAccuracy = append(h.ValidationAccuracy, min(1, max(0, 0.92-0.8*math.Exp(-t/30)+noise)))
		}
	}
	return h
}

// atChance is a run that learned nothing.
func atChance(name string, seed uint64) *History {
	h := madeUpRun(name, seed, 310, 31)
	for i := range h.Loss {
		h.Loss[i] = 2.303
	}
	for k := range h.Evaluated {
		h.TrainAccuracy[k], h.ValidationAccuracy[k] = 0.11, 0.1
	}
	return h
}

func madeUpRuns(name string, n, iterations int) []*History {
	var runs []*History
	for i := range n {
		runs = append(runs, madeUpRun(name, uint64(i+1), iterations, 1))
	}
	return runs
}

// runSets are the sets of runs that a figure has to cope with.
func runSets() map[string][]*History {
	diverged := madeUpRun("", 3, 60, 1)
	diverged.Loss[58], diverged.Loss[59] = 4e9, math.NaN()
	interrupted := madeUpRun("", 4, 1, 1)
	interrupted.Interrupted = true
	var nine []*History
	for i := range 9 {
		nine = append(nine, madeUpRun(fmt.Sprintf("setting %d, with <a> \"long\" name & more", i), uint64(i), 93, 1))
	}
	return map[string][]*History{
		"one":           {madeUpRun("", 42, 310, 1)},
		"sparse":        {madeUpRun("", 42, 310, 31)},
		"odd name":      {madeUpRun("<a> & \"b\"", 42, 31, 31)},
		"mean":          madeUpRuns("MLP(30)", 16, 310),
		"compare":       slices.Concat(madeUpRuns("MLP(30)", 8, 93), madeUpRuns("CNN", 8, 155), madeUpRuns("alone", 1, 20)),
		"unequal":       {madeUpRun("MLP(30)", 1, 310, 1), madeUpRun("MLP(30)", 2, 57, 31)},
		"nine":          nine,
		"long":          {madeUpRun("", 9, 60_000, 1)},
		"many settings": slices.Concat(madeUpRuns("a", 4, 310), madeUpRuns("b", 4, 310), madeUpRuns("c", 4, 310), madeUpRuns("d", 4, 310), madeUpRuns("e", 4, 310)),
		"many long":     slices.Concat(madeUpRuns("a", 2, 20_000), madeUpRuns("b", 2, 20_000), madeUpRuns("c", 2, 20_000)),
		"diverged":      {diverged},
		"interrupted":   {interrupted},
		"huge":          {{Loss: []float64{2.3, 1e300, math.MaxFloat64, math.NaN()}}},
		"at chance":     {atChance("", 1), atChance("", 2)},
		"not begun":     {{Model: "MLP(30)", Optimizer: "Adam(lr=0.005)"}},
		"none":          nil,
	}
}

func TestBundle(t *testing.T) {
	for name, runs := range runSets() {
		for kind, figure := range map[string]*Figure{"loss": LossCurve(runs...), "accuracy": AccuracyCurve(runs...)} {
			t.Run(name+" "+kind, func(t *testing.T) {
				drawn := len(legendNames(t, figure)) // the legend's own lines
				for _, h := range runs {
					if kind == "loss" {
						drawn += len(h.Loss)
					} else {
						drawn += len(h.Evaluated)
					}
				}
				checkBundle(t, figure, drawn > 0)
			})
		}
	}
}

func TestCurvesOfOneRun(t *testing.T) {
	h := &History{
		Model: "MLP(30)", Optimizer: "SGD(lr=0.1)", Shuffle: true, Seed: 42, Loss: []float64{2.5, 1.5, math.NaN(), 0.5},
		Evaluated: []int{2, 4}, TrainAccuracy: []float64{0.25, 0.875}, ValidationAccuracy: []float64{0.125, 0.75},
	}
	loss := curveTable(t, LossCurve(h), 0)
	if fmt.Sprint(loss["x"], loss["y"]) != "[1 2 3 4] [2.5 1.5 NaN 0.5]" {
		t.Errorf("the loss is drawn as %v over %v", loss["y"], loss["x"])
	}
	f := AccuracyCurve(h)
	accuracy := curveTable(t, f, 0)
	if fmt.Sprint(accuracy["series"], accuracy["x"], accuracy["y"]) != "[0 0 1 1] [2 4 2 4] [0.25 0.875 0.125 0.75]" {
		t.Errorf("the accuracies are drawn as %v", accuracy)
	}
	if f.Title != "MLP(30), SGD(lr=0.1), seed 42" {
		t.Errorf("the title is %q", f.Title)
	}
	if got, want := legendNames(t, f), []string{"training", "validation"}; !slices.Equal(got, want) {
		t.Errorf("the legend is %q, want %q", got, want)
	}
	for _, want := range []string{
		"Training accuracy: first 0.25 at iteration 2, last 0.875 at iteration 4, highest 0.875 at iteration 4.",
		"Validation accuracy: first 0.125 at iteration 2, last 0.75 at iteration 4, highest 0.75 at iteration 4.",
	} {
		if !strings.Contains(f.drawing().Text(), want) {
			t.Errorf("the description lacks %q:\n%s", want, f.drawing().Text())
		}
	}
	if want := "diverged: the loss is not finite at iteration 3"; LossCurve(h).Subtitle != want {
		t.Errorf("the subtitle is %q, want %q", LossCurve(h).Subtitle, want)
	}
}

func TestMeanAndBandOfRuns(t *testing.T) {
	run := func(name string, loss ...float64) *History { return &History{Name: name, Loss: loss} }
	runs := []*History{run("a", 4, 2, 1), run("a", 2, 1.5, 0.5), run("a", 3), run("a", 2, math.Inf(1), 7), run("b", 1, 1)}
	f := LossCurve(runs...)
	table := curveTable(t, f, 0)
	// a's third run reaches iteration 1 only; its fourth failed, so it is a line of its own, drawn first.
	want := map[string]string{
		"series": "[0 0 0 0 0 1 1]", "x": "[1 3 1 2 3 1 2]", "y": "[2 7 3 1.75 0.75 1 1]",
		"low": "[NaN NaN 2 1.5 0.5 NaN NaN]", "high": "[NaN NaN 4 2 1 NaN NaN]",
		"curve": "[0 0 1 1 1 2 2]", "style": "[1 1 0 0 0 0 0]",
	}
	for column, values := range want {
		if got := fmt.Sprint(table[column]); got != values {
			t.Errorf("%s is %s, want %s", column, got, values)
		}
	}
	ch := f.panels[0].(*chart.Chart)
	if len(ch.Points) != 1 || fmt.Sprint(ch.Points[0].Y, ch.Points[0].TrueX) != "[1 0.5 3 7] [3 3 1 3]" {
		t.Errorf("the last values are %v", ch.Points)
	}
	for _, want := range []string{"mean of 1 to 3 runs", "smallest to largest", "1 of 5 runs diverged", "thin lines: runs that failed"} {
		if !strings.Contains(f.Subtitle, want) {
			t.Errorf("the subtitle %q lacks %q", f.Subtitle, want)
		}
	}
}

// No dot of a last value hides another, and no tick stands below the dots, where no iteration is.
func TestDotsStandBesideEachOther(t *testing.T) {
	f := AccuracyCurve(madeUpRuns("MLP(30)", 8, 93)...)
	ch := f.panels[0].(*chart.Chart)
	for _, p := range ch.Points {
		for i := range p.X {
			for j := range i {
				dx := (p.X[i] - p.X[j]) / ch.X.Max * ch.Width
				dy := (p.Y[i] - p.Y[j]) / (ch.Y.Max - ch.Y.Min) * ch.Height
				if math.Hypot(dx, dy) < 5 {
					t.Errorf("the dots %d and %d are %.1f pixels apart", i, j, math.Hypot(dx, dy))
				}
			}
			if p.X[i] <= 93 || p.X[i] >= ch.X.Max {
				t.Errorf("a dot stands at iteration %v, among the curves or outside the panel", p.X[i])
			}
		}
	}
	spec := vegaLite(t, f)
	x := spec["concat"].([]any)[0].(map[string]any)["encoding"].(map[string]any)["x"].(map[string]any)
	ticks := x["axis"].(map[string]any)["values"].([]any)
	if lastTick := ticks[len(ticks)-1].(float64); lastTick > 93 {
		t.Errorf("a tick stands at iteration %v of 93", lastTick)
	}
}

// One figure shows the loss and the accuracies of a run.
func TestPlotOfOneSettingHasTwoPanels(t *testing.T) {
	f := runsFigure(madeUpRun("", 42, 93, 1))
	checkBundle(t, f, true)
	if len(f.panels) != 2 {
		t.Fatalf("there are %d panels, want the loss and the accuracies", len(f.panels))
	}
	loss, accuracy := f.panels[0].(*chart.Chart), f.panels[1].(*chart.Chart)
	if len(loss.Curves) != 1 || len(accuracy.Curves) != 2 || loss.X != accuracy.X {
		t.Errorf("they have %d and %d curves, and the axes %v and %v", len(loss.Curves), len(accuracy.Curves), loss.X, accuracy.X)
	}
	spec := vegaLite(t, f)
	epochs := spec["concat"].([]any)[0].(map[string]any)["layer"].([]any)[0].(map[string]any)
	if got := epochs["data"].(map[string]any)["values"]; got != "x\n31\n62\n93" {
		t.Errorf("the lines of the epochs stand at %q", got)
	}
}

func TestPlotComparesSettingsBySeed(t *testing.T) {
	a, b := madeUpRuns("a", 4, 93), madeUpRuns("b", 4, 93)
	for i, h := range b {
		for k := range h.ValidationAccuracy { // by 0.01, 0.02, 0.03 and 0.04
			h.ValidationAccuracy[k] = a[i].ValidationAccuracy[k] - 0.01*float64(i+1)
		}
	}
	slices.Reverse(b) // seeds pair them, not their order
	f := runsFigure(append(a, b...)...)
	checkBundle(t, f, true)
	if len(f.panels) != 4 {
		t.Fatalf("there are %d panels, want 4", len(f.panels))
	}
	c := f.panels[3].(*chart.Chart).Curves[0]
	if n := len(c.Y); c.Name != "b" || math.Abs(c.Y[n-1]+0.025) > 1e-9 {
		t.Errorf("the last mean difference of %s is %v, want -0.025 of b", c.Name, c.Y[n-1])
	}
	// Student's t for 3 degrees of freedom is 3.1824; the standard deviation is 0.01291, and its quarter root 2.
	if half := c.High[0] - c.Y[0]; math.Abs(half-3.1824*0.012910/2) > 1e-6 {
		t.Errorf("half the interval is %v", half)
	}
	if train, validation := f.panels[0].(*chart.Chart), f.panels[1].(*chart.Chart); train.Y != validation.Y {
		t.Errorf("the accuracies have the axes %v and %v", train.Y, validation.Y)
	}
	if strings.Contains(f.Subtitle, "their axis leaves out") {
		t.Errorf("all differences are on the axis, and the subtitle is %q", f.Subtitle)
	}
	for _, h := range b {
		h.ValidationAccuracy[0] -= 0.5
	}
	if f := runsFigure(append(a, b...)...); !strings.Contains(f.Subtitle, "their axis leaves out differences from -0.55 to ") {
		t.Errorf("the first difference is not on the axis, and the subtitle is %q", f.Subtitle)
	}
	for name, others := range map[string][]*History{"other seeds": {madeUpRun("b", 8, 93, 1), madeUpRun("b", 9, 93, 1)}, "one run": b[:1], "twice": {b[0], b[0], b[1], b[2]}} {
		if f := runsFigure(append(slices.Clone(a), others...)...); len(f.panels) != 3 {
			t.Errorf("with %s there are %d panels, want no differences", name, len(f.panels))
		}
	}
}

// Accuracies of trained networks differ in the third digit: the axis of a comparison shows it, and says what it hides.
func TestComparisonShowsWhatDiffers(t *testing.T) {
	runs := append(madeUpRuns("a", 2, 310), madeUpRuns("b", 2, 310)...)
	f := AccuracyCurve(runs...)
	if y := f.panels[0].(*chart.Chart).Y; y.Min < 0.7 {
		t.Errorf("the axis begins at %v", y.Min)
	}
	if !strings.Contains(f.Subtitle, "the axis leaves out accuracies below") {
		t.Errorf("the subtitle %q does not say so", f.Subtitle)
	}
	for i := range 2 {
		runs[i] = atChance("a", uint64(i+1))
	}
	if y := AccuracyCurve(runs...).panels[0].(*chart.Chart).Y; y.Min > 0.1 {
		t.Errorf("runs at 0.1 lie outside the axis, which begins at %v", y.Min)
	}
}

// Runs of other settings are other curves, whatever their names.
func TestRunsOfOtherSettingsAreApart(t *testing.T) {
	changes := map[string]func(*History){
		"MLP(30), SGD(lr=0.1, momentum=0.9), no shuffle":            func(h *History) { h.Shuffle = false },
		"MLP(30), SGD(lr=0.1, momentum=0.9), batch 32":              func(h *History) { h.BatchSize = 32 },
		"MLP(30), SGD(lr=0.1, momentum=0.9), 3 epochs":              func(h *History) { h.Epochs = 3 },
		"MLP(30), SGD(lr=0.1, momentum=0.9), 1000 training images":  func(h *History) { h.TrainImages = 1000 },
		"MLP(30), SGD(lr=0.1, momentum=0.9), 10 validation images":  func(h *History) { h.ValidationImages = 10 },
		"MLP(30), SGD(lr=0.1, momentum=0.9), float64":               func(h *History) { h.Float64 = true },
		"CNN, SGD(lr=0.1, momentum=0.9)":                            func(h *History) { h.Model = "CNN" },
		"MLP(30), Adam(lr=0.005)":                                   func(h *History) { h.Optimizer = "Adam(lr=0.005)" },
		"MLP(30), SGD(lr=0.1, momentum=0.9), no shuffle, batch 128": func(h *History) { h.Shuffle, h.BatchSize = false, 128 },
	}
	for _, name := range []string{"", "mine", "MLP(30), SGD(lr=0.1, momentum=0.9)"} {
		for settings, change := range changes {
			changed := madeUpRun(name, 1, 31, 1)
			change(changed)
			usual := "MLP(30), SGD(lr=0.1, momentum=0.9)"
			want := []string{usual, settings}
			switch {
			case name == "mine":
				want = []string{"mine: " + usual, "mine: " + settings}
			case name != "" && !strings.HasPrefix(settings, name):
				want[1] = name + ": " + settings
			}
			got := legendNames(t, LossCurve(madeUpRun(name, 1, 31, 1), madeUpRun(name, 2, 31, 1), changed))
			if !slices.Equal(got, want) {
				t.Errorf("the legend of runs named %q is %q, want %q", name, got, want)
			}
		}
	}
	if got := legendNames(t, LossCurve(madeUpRun("a", 1, 31, 1), madeUpRun("a", 2, 31, 1), madeUpRun("b", 1, 31, 1))); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the legend of runs with names of their own is %q", got)
	}
}

// A run that diverges is shown: a wild loss does not flatten the others, and the figure says what is wrong.
func TestWildLossesDoNotFlattenTheOthers(t *testing.T) {
	for _, wild := range []float64{12, 4e9, 1e308} {
		h := madeUpRun("", 1, 60, 1)
		h.Loss[58], h.Loss[59] = wild, math.NaN()
		f := LossCurve(h)
		if top := f.panels[0].(*chart.Chart).Y.Max; top < 2.3 || top > 5 {
			t.Errorf("with a loss of %v, the axis ends at %v", wild, top)
		}
		want := fmt.Sprintf("diverged: the loss is not finite at iteration 60; the axis leaves out losses far above the others, up to %.3g", wild)
		if f.Subtitle != want {
			t.Errorf("the subtitle is %q, want %q", f.Subtitle, want)
		}
		if live := liveFigure(nil, h, 60, time.Second).Subtitle; !strings.HasPrefix(live, want+"; iteration 60 of 60, 1 s") {
			t.Errorf("while it grows, the subtitle is %q, want %q", live, want)
		}
	}
	// One setting that diverges at once beside one that learns.
	diverged := &History{Name: "too fast", Loss: []float64{2.4, 1e2, 1e5, math.Inf(1)}}
	f := LossCurve(madeUpRun("", 1, 60, 1), diverged)
	if top := f.panels[0].(*chart.Chart).Y.Max; top > 5 {
		t.Errorf("the axis ends at %v", top)
	}
	// A loss that is large throughout is no exception.
	high := &History{Loss: []float64{60, 50, 40, 50}}
	if f := LossCurve(high); f.panels[0].(*chart.Chart).Y.Max < 60 || strings.Contains(f.Subtitle, "leaves out") {
		t.Errorf("the axis ends at %v, and the subtitle is %q", f.panels[0].(*chart.Chart).Y.Max, f.Subtitle)
	}
}

func TestRunsThatLearnedNothingSaySo(t *testing.T) {
	h := atChance("", 1)
	want := "ended no better than guessing: training accuracy 0.11 and loss 2.30, where guessing has about 1/10 and ln 10 = 2.30"
	if got := AccuracyCurve(h).Subtitle; got != want {
		t.Errorf("the subtitle is %q, want %q", got, want)
	}
	if !strings.HasSuffix(h.String(), "validation accuracy 0.1000\nThe run "+want+".") {
		t.Errorf("the summary is %s", h)
	}
	if got, want := LossCurve(h, madeUpRun("", 2, 310, 31)).Subtitle, "1 of 2 runs ended no better than guessing"; !strings.Contains(got, want) {
		t.Errorf("the subtitle %q lacks %q", got, want)
	}
	if got := LossCurve(h, atChance("", 2)).Subtitle; strings.Contains(got, "mean") || !strings.Contains(got, "thin lines: runs that failed") {
		t.Errorf("the subtitle of runs that all failed is %q", got)
	}
	for _, fine := range []*History{madeUpRun("", 2, 310, 31), madeUpRun("", 2, 310, 311), {}} {
		if got := LossCurve(fine).Subtitle + fine.String(); strings.Contains(got, "guessing") {
			t.Errorf("a run that is not at chance: %q", got)
		}
	}
	h.Interrupted = true // it had no time to learn
	if got := LossCurve(h).Subtitle; got != "interrupted after 310 iterations" {
		t.Errorf("the subtitle of an interrupted run is %q", got)
	}
}

func TestComparisonHasOneColourEach(t *testing.T) {
	runs := slices.Concat(madeUpRuns("MLP", 3, 93), madeUpRuns("CNN", 3, 93))
	for _, h := range runs {
		for k := range h.TrainAccuracy {
			h.TrainAccuracy[k] = max(0.85, h.TrainAccuracy[k]) // alone, it would have another axis
			if h.Name == "CNN" {                               // apart from the other
				h.TrainAccuracy[k] -= 0.2
				h.ValidationAccuracy[k] *= 0.7
			}
		}
	}
	f := AccuracyCurve(runs...)
	if len(f.panels) != 2 {
		t.Fatalf("%d panels, want training and validation", len(f.panels))
	}
	left, right := f.panels[0].(*chart.Chart), f.panels[1].(*chart.Chart)
	if left.Y != right.Y {
		t.Errorf("the axes differ: %v and %v", left.Y, right.Y)
	}
	decoded := pngOf(t, f)
	colors := countColors(decoded)
	for i, want := range []bool{true, true, false} {
		if n := colors[chart.Palette[i]]; (n > 1000) != want { // more than the legend and the dots have
			t.Errorf("%d pixels have colour %d", n, i)
		}
	}
}
