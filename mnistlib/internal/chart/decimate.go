package chart

import "sort"

// decimate says which of n points to draw so that they are about limit at most and no spike is lost: the
// points are cut into equal stretches, as many as leave so few points, and of each stretch extremes stay.
func decimate(n, limit int, columns ...[]float64) []int {
	if n <= limit {
		return extremes(n, n, columns...)
	}
	stretches := max(1, limit/(2*len(columns)))
	keep := extremes(n, stretches, columns...)
	for {
		stretches += stretches/8 + 1 // the columns have some of their extremes at one point
		more := extremes(n, stretches, columns...)
		if len(more) > limit {
			return keep
		}
		keep = more
	}
}

// extremes are, of each of equal stretches of n points, those where a column has its smallest and its largest value, and
// the first that is not finite, which breaks the curve; and the first and the last point of all.
func extremes(n, stretches int, columns ...[]float64) []int {
	var keep []int
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

// Columns is how many numbers are drawn at each point of the curve.
func (c *Curve) Columns() int {
	if c.Low == nil {
		return 1
	}
	return 3
}

// Decimate leaves about limit points of the curve and its band, with all their spikes.
func (c *Curve) Decimate(limit int) {
	columns := [][]float64{c.Y}
	if c.Low != nil {
		columns = append(columns, c.Low, c.High)
	}
	keep := decimate(len(c.X), limit, columns...)
	c.X, c.Y, c.Low, c.High = pick(c.X, keep), pick(c.Y, keep), pick(c.Low, keep), pick(c.High, keep)
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
