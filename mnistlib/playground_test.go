package mnistlib

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// turned are the places of the knobs at first, but for some that were turned to a value.
func turned(t *testing.T, p *playground, values map[int]string) []int {
	t.Helper()
	places := newPlayground(p.data, p.models).places
	for k, value := range values {
		if places[k] = slices.Index(p.knobs[k].Values, value); places[k] < 0 {
			t.Fatalf("the knob %s has no value %s", p.knobs[k].Name, value)
		}
	}
	return places
}

func testPlayground(t *testing.T, models ...Model) (p *playground, shown *[]*Figure) {
	t.Helper()
	p = newPlayground(smallData(), models)
	t.Cleanup(p.close)
	shown = &[]*Figure{}
	p.show = func(f *Figure) error {
		*shown = append(*shown, f)
		return nil
	}
	return p, shown
}

// smallData are few images, so that a run takes no time.
func smallData() Data {
	all := MNIST()
	return Data{Train: all.Train.Slice(0, 256), Validation: all.Validation.Slice(0, 100)}
}

// A turn of a knob makes the run that Train makes with its settings, needs no compilation, and leaves the run before
// as a pale line.
func TestPlaygroundTrainsWhatTheKnobsSay(t *testing.T) {
	trains(t)
	p, shown := testPlayground(t, MLP{Hidden: 6}, MLP{Hidden: 7})
	if err := p.turn(t.Context(), p.places); err != nil {
		t.Fatal(err)
	}
	first := p.run
	compiled := programs.Compiled()
	for _, test := range []struct {
		values map[int]string
		want   Config
	}{
		{map[int]string{rateKnob: "0.5", momentumKnob: "0.9", decayKnob: "0.01"}, Config{Optimizer: SGD{LR: 0.5, Momentum: 0.9, WeightDecay: 0.01}, Epochs: 3, Seed: 1}},
		{map[int]string{optimizerKnob: "Adam", rateKnob: "0.005", epochsKnob: "2", seedKnob: "7"}, Config{Optimizer: Adam{LR: 0.005}, Epochs: 2, Seed: 7}},
	} {
		if err := p.turn(t.Context(), turned(t, p, test.values)); err != nil {
			t.Fatal(err)
		}
		test.want.Quiet = true
		want, err := Train(MLP{Hidden: 6}, smallData(), test.want)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.run.Loss, want.Loss) || !slices.Equal(p.run.ValidationAccuracy, want.ValidationAccuracy) || p.run.Optimizer != want.Optimizer {
			t.Errorf("the knobs %v make another run than %v", test.values, test.want)
		}
	}
	if programs.Compiled() != compiled {
		t.Errorf("turning knobs took %d compilations", programs.Compiled()-compiled)
	}
	if len(*shown) != 3 {
		t.Fatalf("%d figures were shown, want 3", len(*shown))
	}
	if err := p.turn(t.Context(), turned(t, p, map[int]string{modelKnob: "MLP(7)"})); err != nil || p.run.Model != "MLP(7)" {
		t.Errorf("the run is of %s (%v)", p.run.Model, err)
	}

	for _, f := range *shown { // the third has the longer run before
		checkBundle(t, f, true)
	}
	f := (*shown)[1]
	var pale []chart.Curve
	for _, panel := range f.panels {
		for _, c := range panel.(*chart.Chart).Curves {
			if c.Style == chart.Pale {
				pale = append(pale, c)
			}
		}
	}
	if len(pale) != 3 || !slices.Equal(pale[0].Y, first.Loss) || !slices.Equal(pale[2].Y, first.ValidationAccuracy) {
		t.Errorf("%d curves are pale, want the loss and the accuracies of the run before", len(pale))
	}
	if want := "pale, the run before: MLP(6), SGD(lr=0.1, momentum=0)"; !strings.Contains(f.Subtitle, want) {
		t.Errorf("the subtitle %q lacks %q", f.Subtitle, want)
	}
}

// A run that diverges is drawn, too; the next one has it behind.
func TestPlaygroundDiverges(t *testing.T) {
	trains(t)
	p, shown := testPlayground(t, MLP{Hidden: 6})
	for _, rate := range []string{"10", "0.1"} {
		if err := p.turn(t.Context(), turned(t, p, map[int]string{rateKnob: rate, momentumKnob: "0.99"})); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range *shown {
		checkBundle(t, f, true)
	}
	if !strings.Contains((*shown)[0].Subtitle, "the axis leaves out losses") {
		t.Errorf("the subtitle is %q", (*shown)[0].Subtitle)
	}
}

// The page's first report may come while the first run is under way, and ends it: then it is made again.
func TestPlaygroundShowsTheFirstRun(t *testing.T) {
	trains(t)
	p, _ := testPlayground(t, MLP{Hidden: 6})
	drawn := make(chan *Figure, 2)
	p.show = func(f *Figure) error {
		drawn <- f
		return nil
	}
	p.changes <- slices.Clone(p.places)
	if err := p.turn(t.Context(), p.places); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- p.play(t.Context()) }()
	select {
	case <-drawn:
	case <-time.After(time.Minute):
		t.Error("the first run is not shown")
	}
	p.changes <- nil
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// A change ends the run of the one before, which is not shown.
func TestPlaygroundFollowsTheLatestChange(t *testing.T) {
	trains(t)
	p, shown := testPlayground(t, MLP{Hidden: 6})
	p.changes <- turned(t, p, map[int]string{seedKnob: "2"})
	if err := p.turn(t.Context(), p.places); err != nil {
		t.Fatal(err)
	}
	if len(*shown) != 0 || p.run != nil {
		t.Error("a run was shown although a newer change was there")
	}
	ended := make(chan error)
	go func() { ended <- p.play(t.Context()) }()
	p.changes <- turned(t, p, map[int]string{seedKnob: "3"}) // when there is room, so the run of seed 2 may be ended
	for len(p.changes) > 0 {
		time.Sleep(time.Millisecond)
	}
	p.changes <- nil
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(*shown) > 2 || p.run != nil && p.run.Seed < 2 {
		t.Errorf("%d figures were shown, the last of seed %d", len(*shown), p.run.Seed)
	}
	// A page that only says where the knobs are changes nothing.
	if err := p.turn(t.Context(), p.places); err != nil {
		t.Fatal(err)
	}
	n := len(*shown)
	go func() { ended <- p.play(t.Context()) }()
	p.changes <- slices.Clone(p.places)
	for len(p.changes) > 0 {
		time.Sleep(time.Millisecond)
	}
	p.changes <- nil
	if err := <-ended; err != nil || len(*shown) != n {
		t.Errorf("%d figures were shown for the knobs' first report (%v)", len(*shown)-n, err)
	}
}

func TestPlaygroundWithoutANotebookEndsAtOnce(t *testing.T) {
	trains(t)
	if err := Playground(smallData()); err == nil || !strings.Contains(err.Error(), "no model") {
		t.Errorf("without a model, the error is %v", err)
	}
	if err := Playground(Data{}, MLP{Hidden: 6}); err == nil || !strings.Contains(err.Error(), "no training images") {
		t.Errorf("without images, the error is %v", err)
	}
	done := make(chan error)
	go func() { done <- Playground(smallData(), MLP{Hidden: 6}) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("the playground does not end")
	}
}

func TestReportsOfThePage(t *testing.T) {
	knobs := []knob{{Values: []string{"a", "b"}}, {Values: []string{"1", "2", "3"}}}
	number, places, ended, err := parseReport("1764170000000 0 1 2", knobs)
	if err != nil || number != 1764170000000 || ended || fmt.Sprint(places) != "[1 2]" {
		t.Errorf("the report is read as %d, %v, %v (%v)", number, places, ended, err)
	}
	if _, _, ended, err := parseReport("5 1 0 0", knobs); err != nil || !ended {
		t.Errorf("the last report is read as %v (%v)", ended, err)
	}
	for _, wrong := range []string{"", "1 0 1", "1 0 1 2 3", "1 0 2 0", "1 0 0 -1", "1 0 x 0"} {
		if _, _, _, err := parseReport(wrong, knobs); err == nil {
			t.Errorf("the report %q is taken", wrong)
		}
	}
}
