package mnistlib

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	vector "gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// A Spread tells how a quantity varies over runs.
type Spread struct {
	Mean     float64
	StdDev   float64 // with n-1 below the root; of a single run 0, for want of others
	Min, Max float64
}

// FinalAccuracies returns how the last accuracies of some runs are spread. Runs that measured none
// do not count.
func FinalAccuracies(runs []*History) (train, validation Spread) {
	var trains, validations []float64
	for _, h := range runs {
		if len(h.TrainAccuracy) > 0 && len(h.ValidationAccuracy) > 0 {
			trains = append(trains, last(h.TrainAccuracy))
			validations = append(validations, last(h.ValidationAccuracy))
		}
	}
	return spread(trains), spread(validations)
}

func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	s := Spread{Mean: stat.Mean(values, nil), Min: slices.Min(values), Max: slices.Max(values)}
	if len(values) > 1 {
		s.StdDev = stat.StdDev(values, nil)
	}
	return s
}

func (s Spread) String() string {
	return fmt.Sprintf("%.4f ± %.4f, from %.4f to %.4f", s.Mean, s.StdDev, s.Min, s.Max)
}

// A Comparison tells how two methods differ over runs with the same seeds: A's less B's. It prints as a table.
type Comparison struct {
	A, B  string // the names of the two
	Seeds int

	// By the means over the last epoch: see [History.LastEpoch]. The gap is the training accuracy less the
	// validation accuracy.
	Train, Validation, Gap Difference
	// By the last evaluation alone.
	LastTrain, LastValidation Difference

	// How many runs of each failed: their loss did not stay finite, or they learned nothing. If any did, means say
	// little, and the table gives the medians of the validation accuracies over the last epoch instead.
	FailedA, FailedB int
	MedianA, MedianB float64
}

// A Difference is that of two methods, paired by seed. What chance does to both cancels as far as they share it: the
// initial weights if they are the same model, and the order of the images if their models draw equally many weights.
type Difference struct {
	Mean      float64
	StdDev    float64 // of the paired differences, with n-1
	Low, High float64 // the 95 % confidence interval of the mean, with other seeds

	// The 95 % confidence interval of the mean with other seeds and other validation images. It is NaN if it is not
	// known which images the runs got right, or if those make no difference.
	ImagesLow, ImagesHigh float64

	Higher, Equal, Lower int // in how many of the seeds A is so
}

// Compare compares the accuracies of two methods. The i-th runs of both must have the same seed, as those of two calls
// of [TrainMany] with one Config.Seed have. It returns an error if they do not, if there are fewer than two seeds, or if
// a run measured no accuracy.
//
// The interval with other seeds is that of [Paired]. The one with other images, too, is mean ± t·√(n/(n-1))·s, with
// the same t, and s from a bootstrap crossed over seeds and images (Owen 2007, "The pigeonhole bootstrap"): 2,000 times
// as many seeds and as many validation images are drawn, with replacement, and s is the standard deviation of what the
// mean would have been. What an image adds to it is read off [History.ValidationRight], of the last evaluation. The
// draws are the same each time.
func Compare(a, b []*History) (Comparison, error) {
	if len(a) != len(b) {
		return Comparison{}, fmt.Errorf("there are %d runs on one side and %d on the other; a comparison by seed needs equally many", len(a), len(b))
	}
	if len(a) < 2 {
		return Comparison{}, errors.New("a comparison needs at least 2 seeds; TrainMany makes several runs")
	}
	for i := range a {
		if a[i].Seed != b[i].Seed {
			return Comparison{}, fmt.Errorf("runs %d have the seeds %d and %d; give both TrainMany the same Config.Seed", i+1, a[i].Seed, b[i].Seed)
		}
		for _, h := range []*History{a[i], b[i]} {
			if len(h.TrainAccuracy) == 0 || len(h.ValidationAccuracy) == 0 {
				return Comparison{}, fmt.Errorf("the run of %s with seed %d measured no accuracy", h.label(), h.Seed)
			}
		}
	}
	c := Comparison{A: a[0].label(), B: b[0].label(), Seeds: len(a)}
	var draws []resample
	if images := imageDifferences(a, b); images != nil {
		draws = drawResamples(images)
	}
	compare := func(quantity func(h *History) float64, onValidation bool) Difference {
		x, y := each(a, quantity), each(b, quantity)
		d := paired(x, y)
		if onValidation && draws != nil {
			half := studentsT(c.Seeds, 0.975) * crossedDeviation(x, y, draws)
			d.ImagesLow, d.ImagesHigh = d.Mean-half, d.Mean+half
		}
		return d
	}
	train := func(h *History) float64 { train, _ := h.LastEpoch(); return train }
	validation := func(h *History) float64 { _, validation := h.LastEpoch(); return validation }
	c.Train, c.Validation = compare(train, false), compare(validation, true)
	c.Gap = compare(func(h *History) float64 { return train(h) - validation(h) }, true)
	c.LastTrain = compare(func(h *History) float64 { return last(h.TrainAccuracy) }, false)
	c.LastValidation = compare(func(h *History) float64 { return last(h.ValidationAccuracy) }, true)

	c.FailedA, c.FailedB = failed(a), failed(b)
	c.MedianA, c.MedianB = median(each(a, validation)), median(each(b, validation))
	return c, nil
}

// Paired compares two lists of numbers pair by pair: for example, how many iterations two methods took with the same
// seeds. It returns an error if the lists are not equally long or have fewer than two numbers.
//
// The interval is Student's t interval of the paired differences: mean ± t·s/√n, where s is their standard deviation
// (with n-1) and t the 97.5 % quantile for n-1 degrees of freedom. It trusts that the differences are spread evenly
// about their mean.
func Paired(a, b []float64) (Difference, error) {
	if len(a) != len(b) || len(a) < 2 {
		return Difference{}, fmt.Errorf("there are %d and %d numbers; a comparison by pairs needs equally many, at least 2", len(a), len(b))
	}
	return paired(a, b), nil
}

func paired(a, b []float64) Difference {
	d := Difference{ImagesLow: math.NaN(), ImagesHigh: math.NaN()}
	differences := make([]float64, len(a))
	for i := range a {
		differences[i] = a[i] - b[i]
		switch {
		case a[i] > b[i]:
			d.Higher++
		case a[i] < b[i]:
			d.Lower++
		default:
			d.Equal++
		}
	}
	d.Mean, d.StdDev = stat.MeanStdDev(differences, nil)
	half := studentsT(len(a), 0.975) * d.StdDev / math.Sqrt(float64(len(a)))
	d.Low, d.High = d.Mean-half, d.Mean+half
	return d
}

// studentsT is a quantile of Student's t for the mean of n values.
func studentsT(n int, p float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}.Quantile(p)
}

// imageDifferences tells of each seed and each validation image whether only A's run gets it right (1), only B's (-1),
// or both or neither (0); it is nil if that is not known of all.
func imageDifferences(a, b []*History) [][]float64 {
	numImages := len(a[0].ValidationRight)
	if numImages == 0 {
		return nil
	}
	all := make([][]float64, len(a))
	for i := range a {
		if len(a[i].ValidationRight) != numImages || len(b[i].ValidationRight) != numImages {
			return nil
		}
		all[i] = make([]float64, numImages)
		for j := range numImages {
			if a[i].ValidationRight[j] {
				all[i][j]++
			}
			if b[i].ValidationRight[j] {
				all[i][j]--
			}
		}
	}
	return all
}

// A resample is one draw of the crossed bootstrap.
type resample struct {
	seeds    []int   // as many as there are, with repetition
	byImages float64 // what the mean difference gains by the images drawn
}

// drawResamples draws seeds and images anew, as many as there are, some of them several times and others not at all.
func drawResamples(images [][]float64) []resample {
	random := rand.New(rand.NewPCG(1, 0))
	n, m := len(images), len(images[0])
	draws := make([]resample, 2000)
	times := make([]float64, m) // how often an image was drawn
	for k := range draws {
		clear(times)
		for range m {
			times[random.IntN(m)]++
		}
		r := &draws[k]
		for range n {
			i := random.IntN(n)
			r.seeds = append(r.seeds, i)
			r.byImages += (vector.Dot(times, images[i]) - vector.Sum(images[i])) / float64(n*m)
		}
	}
	return draws
}

// crossedDeviation is the standard deviation that a mean difference has by chance of seeds and of images: √(n/(n-1)) times
// its deviation in the crossed bootstrap, which takes the n seeds for all that there are.
func crossedDeviation(a, b []float64, draws []resample) float64 {
	n := float64(len(a))
	means := make([]float64, len(draws))
	for k, r := range draws {
		means[k] = r.byImages
		for _, i := range r.seeds {
			means[k] += (a[i] - b[i]) / n
		}
	}
	return math.Sqrt(n/(n-1)) * stat.PopStdDev(means, nil)
}

// SeedsNeeded returns how many seeds show a difference of this size, if the paired differences have this standard
// deviation: with so many, their 95 % interval will lie on one side of 0 in about four studies of five. It is the
// smallest n for which (t(97.5 %) + t(80 %))·deviation/√n is at most the difference. The deviation, as a rule, comes
// from a pilot study, and is as uncertain as that is small.
func SeedsNeeded(deviation, difference float64) (int, error) {
	ratio := deviation / math.Abs(difference)
	if !(deviation >= 0 && ratio < 1e4) {
		return 0, fmt.Errorf("no number of seeds shows a difference of %g where the differences have the deviation %g", difference, deviation)
	}
	n := 2
	for (studentsT(n, 0.975)+studentsT(n, 0.8))*ratio > math.Sqrt(float64(n)) {
		n = max(n+1, int(math.Pow((1.96+0.84)*ratio, 2))) // Student's t is larger than the normal distribution's
	}
	return n, nil
}

// failed counts the runs that failed altogether.
func failed(runs []*History) (n int) {
	for _, h := range runs {
		if h.failure() != "" {
			n++
		}
	}
	return n
}

func each(runs []*History, quantity func(h *History) float64) []float64 {
	values := make([]float64, len(runs))
	for i, h := range runs {
		values[i] = quantity(h)
	}
	return values
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func (c Comparison) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s against %s, %d seeds", c.A, c.B, c.Seeds)
	if c.FailedA+c.FailedB > 0 {
		d := c.Validation
		fmt.Fprintf(&s, ":\n  %d of %d runs failed against %d of %d, so that the mean says little.\n", c.FailedA, c.Seeds, c.FailedB, c.Seeds)
		fmt.Fprintf(&s, "  Median validation accuracy over the last epoch %.4f against %.4f; higher / equal / lower: %d / %d / %d.",
			c.MedianA, c.MedianB, d.Higher, d.Equal, d.Lower)
		return s.String()
	}
	s.WriteString("; 95 % intervals of the mean difference:\n")
	fmt.Fprintf(&s, "%-24s %7s  %-18s  %-18s  %s", "", "mean", "with other seeds", "and other images", "higher / equal / lower")
	for _, row := range []struct {
		name string
		d    Difference
	}{
		{"last epoch, training", c.Train}, {"            validation", c.Validation}, {"            gap", c.Gap},
		{"last value, training", c.LastTrain}, {"            validation", c.LastValidation},
	} {
		d := row.d
		images := ""
		if !math.IsNaN(d.ImagesLow) {
			images = interval(d.ImagesLow, d.ImagesHigh)
		}
		fmt.Fprintf(&s, "\n  %-22s %+.4f  %-18s  %-18s  %d / %d / %d", row.name, d.Mean, interval(d.Low, d.High), images, d.Higher, d.Equal, d.Lower)
	}
	return s.String()
}

func interval(low, high float64) string { return fmt.Sprintf("%+.4f to %+.4f", low, high) }

// Verdict says in words what the intervals say of A against B.
func (d Difference) Verdict() string {
	word := "higher"
	if d.Mean < 0 {
		word = "lower"
	}
	switch {
	case d.Low == 0 && d.High == 0:
		return "the same"
	case d.Low <= 0 && d.High >= 0:
		return "no difference shown"
	case d.ImagesLow <= 0 && d.ImagesHigh >= 0: // not if they are NaN
		return word + " on these images; on others it may not be"
	case math.IsNaN(d.ImagesLow):
		return word
	}
	return word + ", on other images too"
}
