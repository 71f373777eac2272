package mnistlib

import (
	"math"
	"slices"
	"sort"
)

// xy is the points of one curve of one run, by growing x.
type xy struct{ x, y []float64 }

// measured is the curve without what is not finite.
func (r xy) measured() xy {
	var m xy
	for i := range r.x {
		if finite(r.y[i]) {
			m.x, m.y = append(m.x, r.x[i]), append(m.y, r.y[i])
		}
	}
	return m
}

// at is the curve's height at x, between its points on the straight line; ok is false before its
// first and after its last.
func (r xy) at(x float64) (y float64, ok bool) {
	i := sort.SearchFloat64s(r.x, x)
	switch {
	case i == len(r.x), i == 0 && r.x[0] > x:
		return 0, false
	case r.x[i] == x:
		return r.y[i], true
	}
	t := (x - r.x[i-1]) / (r.x[i] - r.x[i-1])
	return r.y[i-1] + t*(r.y[i]-r.y[i-1]), true
}

// meanAndRange returns, wherever one of the runs was measured, the mean, the smallest and the
// largest of those that reach there.
func meanAndRange(runs []xy) (x, mean, low, high []float64) {
	for _, r := range runs {
		x = append(x, r.x...)
	}
	slices.Sort(x)
	x = slices.Compact(x)
	for _, x := range x {
		sum, n, smallest, largest := 0.0, 0.0, math.Inf(1), math.Inf(-1)
		for _, r := range runs {
			if y, ok := r.at(x); ok {
				sum, n, smallest, largest = sum+y, n+1, min(smallest, y), max(largest, y)
			}
		}
		mean, low, high = append(mean, sum/n), append(low, smallest), append(high, largest)
	}
	return x, mean, low, high
}
