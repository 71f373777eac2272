package mnistlib

import (
	"math"
	"strings"
	"testing"
)

// runsOf are runs with the seeds 1, 2, … that end with these accuracies.
func runsOf(name string, train, validation []float64) []*History {
	var runs []*History
	for i := range train {
		runs = append(runs, &History{Name: name, Seed: uint64(i + 1), TrainAccuracy: []float64{0.1, train[i]}, ValidationAccuracy: []float64{0.1, validation[i]}})
	}
	return runs
}

// The expected interval is that of SciPy 1.17: stats.ttest_rel(a, b).confidence_interval(0.95).
func TestCompareAgainstSciPy(t *testing.T) {
	a := []float64{0.90, 0.92, 0.88, 0.95, 0.91}
	b := []float64{0.89, 0.87, 0.885, 0.90, 0.90}
	c, err := Compare(runsOf("A", a, b), runsOf("B", b, a))
	if err != nil {
		t.Fatal(err)
	}
	const mean, low, high = 0.023, -0.008534354559128127, 0.054534354559128126
	near := func(x, y float64) bool { return math.Abs(x-y) < 1e-12 }
	if d := c.Train; !near(d.Mean, mean) || !near(d.Low, low) || !near(d.High, high) || d.Higher != 4 {
		t.Errorf("the difference is %+v, expected %v, %v to %v, higher in 4", d, mean, low, high)
	}
	if d := c.Validation; !near(d.Mean, -mean) || !near(d.Low, -high) || !near(d.High, -low) || d.Higher != 1 {
		t.Errorf("the difference the other way is %+v", d)
	}
}

func TestComparisonIsASentence(t *testing.T) {
	low, high := []float64{0.80, 0.81, 0.79}, []float64{0.90, 0.92, 0.88}
	c, err := Compare(runsOf("new", high, low), runsOf("old", low, low))
	if err != nil {
		t.Fatal(err)
	}
	const want = `new against old, 3 seeds:
  training accuracy higher by 0.1000 (95 % interval +0.0752 to +0.1248; higher in 3 of 3);
  validation accuracy the same in all of them.`
	if c.String() != want {
		t.Errorf("it says\n%s\nexpected\n%s", c, want)
	}
	c, _ = Compare(runsOf("new", []float64{0.80, 0.82}, low[:2]), runsOf("old", low[:2], high[:2]))
	if s := c.String(); !strings.Contains(s, "which holds 0: it may be chance; higher in 1 of 2") || !strings.Contains(s, "validation accuracy lower by 0.1050") {
		t.Errorf("it says %s", s)
	}
}

func TestCompareErrors(t *testing.T) {
	two := []float64{0.5, 0.6}
	good := runsOf("a", two, two)
	other := runsOf("b", two, two)
	other[1].Seed = 7
	empty := runsOf("b", two, two)
	empty[1].ValidationAccuracy = nil
	for _, test := range []struct {
		a, b []*History
		says string
	}{
		{good, good[:1], "2 runs on one side and 1 on the other"},
		{good[:1], good[:1], "at least 2 seeds"},
		{good, other, "runs 2 have the seeds 2 and 7"},
		{good, empty, "the run of b with seed 2 measured no accuracy"},
	} {
		if _, err := Compare(test.a, test.b); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("the error is %v, expected one with %q", err, test.says)
		}
	}
}

// The expected deviation is that of SciPy 1.17: stats.tstd(values).
func TestSpreadOfFinalAccuracies(t *testing.T) {
	runs := runsOf("a", []float64{0.90, 0.92, 0.88, 0.95, 0.91}, []float64{0.5, 0.5, 0.5, 0.5, 0.5})
	runs = append(runs, &History{}) // stopped before it measured anything
	train, validation := FinalAccuracies(runs)
	if s := train.String(); s != "0.9120 ± 0.0259, from 0.8800 to 0.9500" || math.Abs(train.StdDev-0.02588435821108955) > 1e-12 {
		t.Errorf("the training accuracies are %s with the deviation %v", s, train.StdDev)
	}
	if validation != (Spread{0.5, 0, 0.5, 0.5}) {
		t.Errorf("the validation accuracies are %v", validation)
	}
	if one, _ := FinalAccuracies(runs[:1]); one != (Spread{0.90, 0, 0.90, 0.90}) {
		t.Errorf("a single run is %v", one)
	}
	if none, _ := FinalAccuracies(nil); none != (Spread{}) {
		t.Errorf("no runs are %v", none)
	}
}
