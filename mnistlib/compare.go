package mnistlib

import (
	"errors"
	"fmt"
	"math"
	"slices"

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

// A Comparison tells how two methods differ over runs with the same seeds. It prints as a sentence of three lines.
type Comparison struct {
	A, B              string // the names of the two
	Seeds             int
	Train, Validation Difference // of the final accuracies, A's less B's
}

// A Difference is that of two methods, paired by seed: each pair starts from the same random numbers,
// so that much of what chance does to both cancels.
type Difference struct {
	Mean      float64
	Low, High float64 // the 95 % confidence interval of the mean
	Higher    int     // in how many of the seeds A was higher
}

// Compare compares the final accuracies of two methods. The i-th runs of both must have the same
// seed, as those of two calls of [TrainMany] with one Config.Seed have. It returns an error if they
// do not, if there are fewer than two seeds, or if a run measured no accuracy.
//
// The interval is Student's t interval of the paired differences: mean ± t·s/√n, where s is their
// standard deviation (with n-1) and t the 97.5 % quantile for n-1 degrees of freedom. It trusts that
// the differences are spread evenly about their mean; where a few runs fail altogether, look at the
// runs themselves.
func Compare(a, b []*History) (Comparison, error) {
	if len(a) != len(b) {
		return Comparison{}, fmt.Errorf("there are %d runs on one side and %d on the other; a comparison by seed needs equally many", len(a), len(b))
	}
	if len(a) < 2 {
		return Comparison{}, errors.New("a comparison needs at least 2 seeds; TrainMany makes several runs")
	}
	c := Comparison{A: a[0].label(), B: b[0].label(), Seeds: len(a)}
	var train, validation []float64
	for i := range a {
		if a[i].Seed != b[i].Seed {
			return Comparison{}, fmt.Errorf("runs %d have the seeds %d and %d; give both TrainMany the same Config.Seed", i+1, a[i].Seed, b[i].Seed)
		}
		for _, h := range []*History{a[i], b[i]} {
			if len(h.TrainAccuracy) == 0 || len(h.ValidationAccuracy) == 0 {
				return Comparison{}, fmt.Errorf("the run of %s with seed %d measured no accuracy", h.label(), h.Seed)
			}
		}
		train = append(train, last(a[i].TrainAccuracy)-last(b[i].TrainAccuracy))
		validation = append(validation, last(a[i].ValidationAccuracy)-last(b[i].ValidationAccuracy))
	}
	c.Train, c.Validation = difference(train), difference(validation)
	return c, nil
}

// difference summarizes paired differences.
func difference(differences []float64) Difference {
	n := float64(len(differences))
	mean, deviation := stat.MeanStdDev(differences, nil)
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975) * deviation / math.Sqrt(n)
	d := Difference{Mean: mean, Low: mean - half, High: mean + half}
	for _, x := range differences {
		if x > 0 {
			d.Higher++
		}
	}
	return d
}

func (c Comparison) String() string {
	return fmt.Sprintf("%s against %s, %d seeds:\n  training accuracy %s;\n  validation accuracy %s.",
		c.A, c.B, c.Seeds, c.Train.words(c.Seeds), c.Validation.words(c.Seeds))
}

// words says how large the difference is, and whether it may be chance.
func (d Difference) words(seeds int) string {
	if d.Low == 0 && d.High == 0 {
		return "the same in all of them"
	}
	direction := "higher"
	if d.Mean < 0 {
		direction = "lower"
	}
	verdict := ""
	if d.Low <= 0 && d.High >= 0 {
		verdict = ", which holds 0: it may be chance"
	}
	return fmt.Sprintf("%s by %.4f (95 %% interval %+.4f to %+.4f%s; higher in %d of %d)",
		direction, math.Abs(d.Mean), d.Low, d.High, verdict, d.Higher, seeds)
}
