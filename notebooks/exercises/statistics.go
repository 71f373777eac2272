package exercises

import (
	"fmt"
	"math"
	"slices"
)

// CheckPaired checks paired(a, b): of the differences a[i] - b[i] between two methods that were run
// with the same seeds, the mean and its standard error.
func CheckPaired(paired func(a, b []float64) (mean, standardError float64)) string {
	const lesson = "A mean more than about two standard errors away from 0 is hard to explain by luck; how large it is, you must still judge yourself."
	return report(9, "better, or lucky?", lesson, func() string {
		// Of four, √n and n/2 are the same; of nine they are not.
		for _, sample := range [][2][]float64{
			{{0.91, 0.86, 0.93, 0.90}, {0.89, 0.85, 0.90, 0.88}},
			{{0.88, 0.91, 0.87, 0.92, 0.90, 0.86, 0.93, 0.89, 0.90}, {0.90, 0.91, 0.92, 0.90, 0.93, 0.89, 0.91, 0.94, 0.92}},
		} {
			a, b := sample[0], sample[1]
			mean, standardError := paired(slices.Clone(a), slices.Clone(b))
			if mean == 0 && standardError == 0 {
				return notSolved
			}
			d := make([]float64, len(a))
			for i := range a {
				d[i] = a[i] - b[i]
			}
			n := float64(len(d))
			wantMean, deviation := meanAndDeviation(d)
			_, deviationA := meanAndDeviation(a)
			_, deviationB := meanAndDeviation(b)
			methods := fmt.Sprintf("%s and %s", numbers(a, 5), numbers(b, 5))
			wrong := compare("the mean difference of "+methods, []float64{mean}, []float64{wantMean},
				mistake{[]float64{-wantMean}, "The sign is wrong: the difference is a - b, positive where a is better."},
				mistake{[]float64{n * wantMean}, "That is the sum of the differences; divide by how many there are."},
			)
			if wrong != "" {
				return wrong
			}
			wrong = compare("the standard error of the differences of "+methods, []float64{standardError}, []float64{deviation / math.Sqrt(n)},
				mistake{[]float64{deviation}, "That is the standard deviation of one difference; the mean of n of them varies less, by √n."},
				mistake{[]float64{deviation / n}, "You divide the standard deviation by n; divide by √n."},
				mistake{[]float64{deviation / (n / 2)}, "You divide the standard deviation by n/2; divide by √n. Of four numbers they are the same, of nine they are not."},
				mistake{[]float64{deviation / 2}, "You divide the standard deviation by 2, as is right for four numbers; divide by √n."},
				mistake{[]float64{deviation * deviation / n}, "That is the variance of the mean; take its square root."},
				mistake{[]float64{deviation * math.Sqrt((n-1)/n) / math.Sqrt(n)}, "Your variance divides by n; the mean was estimated from the same numbers, so divide by n-1."},
				mistake{[]float64{deviation * math.Sqrt((n-1)/3) / math.Sqrt(n)}, "Your variance divides by 3, as is right for four numbers; divide by n-1."},
				mistake{[]float64{math.Sqrt((deviationA*deviationA + deviationB*deviationB) / n)}, "You combine the deviations of a and of b as if they were independent. They share their seeds, and much of their variation: take the deviation of the DIFFERENCES."},
			)
			if wrong != "" {
				return wrong
			}
		}
		return ""
	})
}

// meanAndDeviation returns the mean and the standard deviation, with n-1, of a sample.
func meanAndDeviation(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(values)-1))
}
