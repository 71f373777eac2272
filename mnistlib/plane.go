package mnistlib

import (
	"slices"

	vector "gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// A plane lies in the space of a model's trainable weights.
type plane struct {
	like       Weights // the names and shapes, and what is not trainable
	center     []float64
	directions [2][]float64
	share      [2]float64 // of the variance
}

// newPlane is the plane nearest to some points, by the squares of the distances; ok is false if they lie on a line
// or are not finite.
func newPlane(points []Weights) (p plane, ok bool) {
	p.like = points[0]
	p.center = make([]float64, len(flatten(p.like)))
	rows := mat.NewDense(len(points), len(p.center), nil)
	for i, w := range points {
		rows.SetRow(i, flatten(w))
		vector.AddScaled(p.center, 1/float64(len(points)), rows.RawRowView(i))
	}
	var components stat.PC
	if !finite(vector.Sum(p.center)) || !components.PrincipalComponents(rows, nil) {
		return p, false
	}
	variances := components.VarsTo(nil)
	if len(variances) < 2 || !(variances[1] > 1e-12*variances[0]) {
		return p, false
	}
	var directions mat.Dense
	components.VectorsTo(&directions)
	for k := range p.directions {
		p.directions[k] = mat.Col(nil, k, &directions)
		p.share[k] = variances[k] / vector.Sum(variances)
	}
	return p, true
}

// place is where the weights are projected to.
func (p plane) place(w Weights) (at [2]float64) {
	from := vector.SubTo(make([]float64, len(p.center)), flatten(w), p.center)
	return [2]float64{vector.Dot(from, p.directions[0]), vector.Dot(from, p.directions[1])}
}

// at are the weights at a place in the plane.
func (p plane) at(x, y float64) Weights {
	flat := slices.Clone(p.center)
	vector.AddScaled(flat, x, p.directions[0])
	vector.AddScaled(flat, y, p.directions[1])
	all := slices.Clone(p.like)
	for i, w := range all {
		if w.Trainable {
			all[i].Values, flat = flat[:len(w.Values)], flat[len(w.Values):]
		}
	}
	return all
}

// flatten are the values of the trainable weights, one after the other.
func flatten(weights Weights) (flat []float64) {
	for _, w := range weights {
		if w.Trainable {
			flat = append(flat, w.Values...)
		}
	}
	return flat
}
