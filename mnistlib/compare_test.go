package mnistlib

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
)

// runsOf are runs with the seeds 1, 2, … that end with these accuracies.
func runsOf(name string, train, validation []float64) []*History {
	var runs []*History
	for i := range train {
		runs = append(runs, &History{
			Name: name, Seed: uint64(i + 1), Loss: []float64{2.3, 0.5}, Evaluated: []int{1, 2},
			TrainAccuracy: []float64{0.1, train[i]}, ValidationAccuracy: []float64{0.1, validation[i]},
		})
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
	if d := c.Train; !near(d.Mean, mean) || !near(d.Low, low) || !near(d.High, high) || d.Higher != 4 || d.Equal != 0 || d.Lower != 1 {
		t.Errorf("the difference is %+v, expected %v, %v to %v, higher in 4 and lower in 1", d, mean, low, high)
	}
	if d := c.Validation; !near(d.Mean, -mean) || !near(d.Low, -high) || !near(d.High, -low) || d.Higher != 1 {
		t.Errorf("the difference the other way is %+v", d)
	}
}

// By both measures: a run's last value and the mean of its last epoch, here of two iterations.
func TestCompareByTheLastEpoch(t *testing.T) {
	run := func(seed uint64, train, validation []float64) *History {
		return &History{Seed: seed, BatchSize: 50, TrainImages: 120, Loss: make([]float64, 4), Evaluated: []int{1, 2, 3, 4}, TrainAccuracy: train, ValidationAccuracy: validation}
	}
	flat := []float64{0.5, 0.5, 0.5, 0.5}
	a := []*History{run(1, []float64{0, 0.1, 0.8, 0.6}, []float64{0, 0, 0.5, 0.7}), run(2, []float64{0, 0.9, 0.7, 0.7}, []float64{0, 0, 0.4, 0.4})}
	c, err := Compare(a, []*History{run(1, flat, flat), run(2, flat, flat)})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name       string
		d          Difference
		mean, size float64 // of the two seeds' difference
	}{
		{"training", c.Train, 0.2, 0}, {"validation", c.Validation, 0, 0.2}, {"gap", c.Gap, 0.2, 0.2},
		{"last training", c.LastTrain, 0.15, 0.1}, {"last validation", c.LastValidation, 0.05, 0.3},
	} {
		if math.Abs(test.d.Mean-test.mean) > 1e-12 || math.Abs(test.d.StdDev-test.size/math.Sqrt2) > 1e-12 || !math.IsNaN(test.d.ImagesLow) {
			t.Errorf("%s: %+v, expected the mean %v of differences %v apart, and no interval for images", test.name, test.d, test.mean, test.size)
		}
	}
}

func TestLastEpoch(t *testing.T) {
	h := madeUpRun("", 1, 93, 1)
	train, validation := h.LastEpoch()
	if train != stat.Mean(h.TrainAccuracy[62:], nil) || validation != stat.Mean(h.ValidationAccuracy[62:], nil) {
		t.Errorf("the means are %v and %v", train, validation)
	}
	h = madeUpRun("", 1, 93, 31) // measured once an epoch
	if train, validation := h.LastEpoch(); train != h.TrainAccuracy[2] || validation != h.ValidationAccuracy[2] {
		t.Errorf("of one evaluation the means are %v and %v", train, validation)
	}
	h.Loss = append(h.Loss, make([]float64, 60)...) // interrupted long after it
	if train, _ := h.LastEpoch(); train != h.TrainAccuracy[2] {
		t.Errorf("long after the last evaluation the mean is %v", train)
	}
	if train, validation := (&History{}).LastEpoch(); !math.IsNaN(train) || !math.IsNaN(validation) {
		t.Errorf("of no evaluation the means are %v and %v", train, validation)
	}
}

// The crossed bootstrap's variance is known without drawing: that of the seeds over n, that of the images over m, and
// that of what is left over nm (Owen 2007).
func TestCrossedDeviation(t *testing.T) {
	const n, m = 6, 80
	random := rand.New(rand.NewPCG(7, 7))
	for _, ofImages := range []float64{0, 0.2, 0.6} {
		a, b, images := make([]float64, n), make([]float64, n), make([][]float64, n)
		easy := make([]float64, m)
		for j := range easy {
			if random.Float64() < ofImages {
				easy[j] = 1
			}
		}
		column := make([]float64, m)
		for i := range n {
			a[i], b[i] = random.Float64()*0.1, random.Float64()*0.1
			images[i] = make([]float64, m)
			for j := range m {
				images[i][j] = easy[j]
				if ofImages > 0 && random.Float64() < 0.3 {
					images[i][j]--
				}
				column[j] += images[i][j] / n
			}
		}
		seeds := make([]float64, n)
		for i := range n {
			seeds[i] = a[i] - b[i]
		}
		rest := 0.0
		for i := range n {
			for j := range m {
				rest += math.Pow(images[i][j]-stat.Mean(images[i], nil)-column[j]+stat.Mean(column, nil), 2) / (n * m)
			}
		}
		variance := stat.PopVariance(seeds, nil)/n + stat.PopVariance(column, nil)/m + rest/(n*m)
		want := math.Sqrt(variance * n / (n - 1))
		if got := crossedDeviation(a, b, drawResamples(images)); math.Abs(got/want-1) > 0.05 {
			t.Errorf("images %v: the deviation is %v, expected about %v", ofImages, got, want)
		}
	}
}

// Of images, whichever they are, only those count that one method gets right and the other not.
func TestCompareWithOtherImages(t *testing.T) {
	accuracy := []float64{0.61, 0.60, 0.59, 0.60}
	lower := []float64{0.50, 0.51, 0.49, 0.50}
	right := func(runs []*History, from, to int) []*History {
		for _, h := range runs {
			h.ValidationRight = make([]bool, 100)
			for i := from; i < to; i++ {
				h.ValidationRight[i] = true
			}
		}
		return runs
	}
	c, err := Compare(right(runsOf("A", accuracy, accuracy), 0, 60), right(runsOf("B", lower, lower), 0, 50))
	if err != nil {
		t.Fatal(err)
	}
	// Ten images of a hundred make the difference, in each run: its binomial deviation is √(0.1·0.9/100) = 0.03.
	d := c.Validation
	half := studentsT(4, 0.975) * math.Hypot(d.StdDev/2, math.Sqrt(4.0/3)*0.03)
	if math.Abs((d.ImagesHigh-d.ImagesLow)/2/half-1) > 0.05 || math.Abs((d.ImagesHigh+d.ImagesLow)/2-d.Mean) > 1e-12 {
		t.Errorf("the interval is %v to %v, expected about %v ± %v", d.ImagesLow, d.ImagesHigh, d.Mean, half)
	}
	if v := d.Verdict(); v != "higher on these images; on others it may not be" {
		t.Errorf("the verdict is %q", v)
	}
	if !math.IsNaN(c.Train.ImagesLow) || c.Train.Verdict() != "higher" {
		t.Errorf("the training images are the same: %+v, %s", c.Train, c.Train.Verdict())
	}
	if c.Gap.Verdict() != "the same" && c.Gap.Verdict() != "no difference shown" {
		t.Errorf("the gap: %s", c.Gap.Verdict())
	}
	lower = []float64{0.20, 0.21, 0.19, 0.20}
	c, _ = Compare(right(runsOf("A", accuracy, accuracy), 0, 60), right(runsOf("B", lower, lower), 0, 20))
	if v := c.LastValidation.Verdict(); v != "higher, on other images too" {
		t.Errorf("of 40 images the verdict is %q", v)
	}
	b := right(runsOf("B", lower, lower), 0, 20)
	b[3].ValidationRight = nil
	if c, _ = Compare(right(runsOf("A", accuracy, accuracy), 0, 60), b); !math.IsNaN(c.Validation.ImagesLow) {
		t.Error("an interval for images of which one run says nothing")
	}
}

func TestVerdict(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		d    Difference
		want string
	}{
		{Difference{Mean: -1, Low: -2, High: -0.5, ImagesLow: nan, ImagesHigh: nan}, "lower"},
		{Difference{Mean: -1, Low: -2, High: -0.5, ImagesLow: -2, ImagesHigh: 0}, "lower on these images; on others it may not be"},
		{Difference{Mean: -1, Low: -2, High: -0.5, ImagesLow: -2, ImagesHigh: -0.1}, "lower, on other images too"},
		{Difference{Mean: 1, Low: 0, High: 2, ImagesLow: 0.1, ImagesHigh: 2}, "no difference shown"},
		{Difference{Mean: 0, Low: 0, High: 0, ImagesLow: 0, ImagesHigh: 0}, "the same"},
	} {
		if got := test.d.Verdict(); got != test.want {
			t.Errorf("%+v: %q, expected %q", test.d, got, test.want)
		}
	}
}

// Where runs fail there is no mean and no interval, but medians and how many failed.
func TestCompareWithFailedRuns(t *testing.T) {
	a, b := madeUpRuns("new", 4, 310), madeUpRuns("old", 4, 310)
	a[2], a[3] = atChance("new", 3), atChance("new", 4)
	b[0].Loss[309] = math.Inf(1)
	c, err := Compare(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if c.FailedA != 2 || c.FailedB != 1 {
		t.Errorf("%d and %d failed, expected 2 and 1", c.FailedA, c.FailedB)
	}
	var values []float64
	for _, h := range a {
		_, validation := h.LastEpoch()
		values = append(values, validation)
	}
	if want := (min(values[0], values[1]) + 0.1) / 2; math.Abs(c.MedianA-want) > 1e-12 {
		t.Errorf("the median is %v, expected %v, between the worse of those that learned and 0.1", c.MedianA, want)
	}
	if s := c.String(); !strings.Contains(s, "2 of 4 runs failed against 1 of 4") || strings.Contains(s, "interval") || !strings.Contains(s, fmt.Sprintf("Median validation accuracy over the last epoch %.4f", c.MedianA)) {
		t.Errorf("it says %s", s)
	}
}

func TestPaired(t *testing.T) {
	d, err := Paired([]float64{3, 5, 5}, []float64{1, 6, 5})
	if err != nil || d.Higher != 1 || d.Equal != 1 || d.Lower != 1 || math.Abs(d.Mean-1.0/3) > 1e-12 {
		t.Errorf("%+v, %v", d, err)
	}
	for _, b := range [][]float64{nil, {1}, {1, 2}} {
		if _, err := Paired([]float64{1}, b); err == nil {
			t.Errorf("pairing 1 and %d numbers is no error", len(b))
		}
	}
}

// The expected numbers are the smallest n for which SciPy's noncentral t gives the test of paired differences, at 5 %, a
// power of 80 %.
func TestSeedsNeeded(t *testing.T) {
	for _, test := range []struct {
		deviation, difference float64
		want                  int
	}{{1, 1, 10}, {1, 0.5, 34}, {0.01, -0.005, 34}, {1, 0.1, 787}, {0, 0.1, 2}} {
		if n, err := SeedsNeeded(test.deviation, test.difference); err != nil || n != test.want {
			t.Errorf("the deviation %v and the difference %v need %d seeds (%v), expected %d", test.deviation, test.difference, n, err, test.want)
		}
	}
	for _, bad := range [][2]float64{{1, 0}, {0, 0}, {-1, 1}, {math.NaN(), 1}, {1, math.NaN()}, {1, 1e-9}} {
		if n, err := SeedsNeeded(bad[0], bad[1]); err == nil {
			t.Errorf("the deviation %v and the difference %v need %d seeds", bad[0], bad[1], n)
		}
	}
}

func ExampleCompare() {
	// Four runs of each method, as TrainMany returns them.
	runs := func(name string, train, validation []float64) (runs []*History) {
		for i := range train {
			runs = append(runs, &History{
				Name: name, Seed: uint64(i + 1), Loss: []float64{0.3}, Evaluated: []int{1},
				TrainAccuracy: train[i : i+1], ValidationAccuracy: validation[i : i+1],
			})
		}
		return runs
	}
	adam := runs("Adam", []float64{0.93, 0.94, 0.92, 0.93}, []float64{0.90, 0.89, 0.89, 0.91})
	momentum := runs("momentum", []float64{0.91, 0.92, 0.91, 0.91}, []float64{0.90, 0.87, 0.90, 0.88})
	comparison := Must(Compare(adam, momentum))
	fmt.Println(comparison)
	fmt.Println("training accuracy:", comparison.Train.Verdict())
	fmt.Println("validation accuracy:", comparison.Validation.Verdict())
	// Output:
	// Adam against momentum, 4 seeds; 95 % intervals of the mean difference:
	//                             mean  with other seeds    and other images    higher / equal / lower
	//   last epoch, training   +0.0175  +0.0095 to +0.0255                      4 / 0 / 0
	//               validation +0.0100  -0.0191 to +0.0391                      2 / 1 / 1
	//               gap        +0.0075  -0.0164 to +0.0314                      2 / 0 / 2
	//   last value, training   +0.0175  +0.0095 to +0.0255                      4 / 0 / 0
	//               validation +0.0100  -0.0191 to +0.0391                      2 / 1 / 1
	// training accuracy: higher
	// validation accuracy: no difference shown
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
