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

// thin says which of n points to draw so that they are about limit at most and no spike is lost: the
// points are cut into equal stretches, and of each stretch every column keeps its smallest and its
// largest value, and the first that is not finite, which breaks the curve. The first and the last
// point always stay.
func thin(n, limit int, columns ...[]float64) []int {
	var keep []int
	if n <= limit {
		for i := range n {
			keep = append(keep, i)
		}
		return keep
	}
	stretches := max(1, limit/(2*len(columns)))
	for s := range stretches {
		chosen := map[int]bool{}
		from, to := s*n/stretches, (s+1)*n/stretches
		for _, column := range columns {
			smallest, largest, broken := -1, -1, -1
			for i := from; i < to; i++ {
				switch v := column[i]; {
				case !finite(v):
					if broken < 0 {
						broken = i
					}
				case smallest < 0:
					smallest, largest = i, i
				case v < column[smallest]:
					smallest = i
				case v > column[largest]:
					largest = i
				}
			}
			chosen[smallest], chosen[largest], chosen[broken] = true, true, true
		}
		if s == 0 {
			chosen[0] = true
		}
		if s == stretches-1 {
			chosen[n-1] = true
		}
		delete(chosen, -1)
		first := len(keep)
		for i := range chosen {
			keep = append(keep, i)
		}
		sort.Ints(keep[first:])
	}
	return keep
}

// thin leaves about limit numbers of the curve and its band, with all their spikes.
func (c *curve) thin(limit int) {
	columns := [][]float64{c.y}
	if c.low != nil {
		columns = append(columns, c.low, c.high)
	}
	keep := thin(len(c.x), limit/len(columns), columns...)
	c.x, c.y, c.low, c.high = pick(c.x, keep), pick(c.y, keep), pick(c.low, keep), pick(c.high, keep)
}

// pick returns the values at the indices; nil stays nil.
func pick(values []float64, indices []int) []float64 {
	if values == nil {
		return nil
	}
	picked := make([]float64, len(indices))
	for k, i := range indices {
		picked[k] = values[i]
	}
	return picked
}
