package mnistlib

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// LossSurface draws a slice of the loss surface with the paths of some runs on it. The slice is the plane through
// the mean of the runs' snapshots along their first two principal components, two orthogonal directions of length 1
// in the space of all weights that training changes; its axes are Euclidean distances there. The loss is the mean
// cross-entropy of the images at 25 × 25 points; as in [Gradients], batch norm uses the statistics of these
// images. The paths are projected onto the plane; the axes say how much of the snapshots' variance lies along each
// direction, and the words of the figure compare the loss of each run's last weights with the loss at their place
// in the plane. The method is that of Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets", for paths, but
// for the origin, which there is the end of the only path.
//
// The runs must be of the model, have not diverged, and have snapshots: see Config.SnapshotEvery. Of each, 20 are
// shown at most. Some hundred images make it quick.
func LossSurface(model Model, images Images, runs ...*History) *Figure {
	if len(runs) == 0 {
		return cannotDraw("there are no runs")
	}
	var points []Weights // of all runs, one after the other
	var shown [][]Snapshot
	for _, h := range runs {
		switch {
		case len(h.Snapshots) < 2:
			return cannotDraw("%s has no snapshots; train it with Config.SnapshotEvery", h.label())
		case h.diverged() > 0:
			return cannotDraw("%s diverged; leave it out", h.label())
		}
		snapshots := spaced(h.Snapshots, 20)
		shown = append(shown, snapshots)
		for _, s := range snapshots {
			points = append(points, s.Weights)
		}
	}
	in, err := newInspection(model, points[0], images)
	for i := 1; i < len(points) && err == nil; i++ {
		err = checkWeights(model, in.network.specs, points[i])
	}
	if err != nil {
		return cannotDraw("%v", err)
	}
	p, ok := newPlane(points)
	if !ok {
		return cannotDraw("the weights of the snapshots do not span a plane")
	}

	s := &chart.Surface{Size: 20 * surfaceCells, Value: "loss", X: p.axis(0, "first", points), Y: p.axis(1, "second", points)}
	losses, err := in.losses(func(yield func(Weights) bool) {
		center := func(a chart.Axis, i int) float64 { return a.Min + (float64(i)+0.5)/surfaceCells*(a.Max-a.Min) }
		for i := range surfaceCells * surfaceCells {
			if !yield(p.at(center(s.X, i%surfaceCells), center(s.Y, i/surfaceCells))) {
				return
			}
		}
		for _, snapshots := range shown { // the last weights of each run, and their place in the plane
			w := snapshots[len(snapshots)-1].Weights
			place := p.place(w)
			if !yield(w) || !yield(p.at(place[0], place[1])) {
				return
			}
		}
	})
	if err != nil {
		return cannotDraw("%v", err)
	}
	s.Values = slices.Collect(slices.Chunk(losses[:surfaceCells*surfaceCells], surfaceCells))
	ends := losses[surfaceCells*surfaceCells:]

	words := []string{s.X.Title + "; " + s.Y.Title + "."}
	labels := pathLabels(runs)
	for k, h := range runs {
		path := p.path(labels[h], shown[k])
		s.Paths = append(s.Paths, path)
		n := len(path.X) - 1
		words = append(words, fmt.Sprintf("%s: from (%.3g, %.3g) to (%.3g, %.3g); loss of the last weights %.3g, at their place in the plane %.3g.",
			path.Name, path.X[0], path.Y[0], path.X[n], path.Y[n], ends[2*k], ends[2*k+1]))
	}
	lowest, highest := s.Range()
	return &Figure{
		Title: fmt.Sprintf("A slice of the loss of %s, with the paths of %s", modelName(model), count(len(runs), "run")),
		Subtitle: fmt.Sprintf("loss of %s, from white, %.3g, to the darkest, %.3g, by its logarithm; dots: snapshots, projected onto the plane; the large one is the last",
			count(images.Len(), "image"), lowest, highest),
		Description: strings.Join(words, "\n"),
		panels:      []chart.Panel{s}, columns: 1,
	}
}

// surfaceCells is the number of losses along each side of a surface.
const surfaceCells = 25

// axis is that of a direction of the plane, and spans the places of the points with a margin.
func (p plane) axis(direction int, name string, points []Weights) chart.Axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, w := range points {
		at := p.place(w)[direction]
		low, high = min(low, at), max(high, at)
	}
	margin := 0.15 * (high - low)
	title := fmt.Sprintf("%s principal component, %.0f %% of the variance", name, 100*p.share[direction])
	return chart.NewAxis(title, low-margin, high+margin, 8)
}

// path is the way of a run's snapshots, projected onto the plane.
func (p plane) path(name string, snapshots []Snapshot) chart.Path {
	path := chart.Path{Name: name}
	for _, s := range snapshots {
		place := p.place(s.Weights)
		path.X, path.Y = append(path.X, place[0]), append(path.Y, place[1])
		path.Iterations = append(path.Iterations, s.Iteration)
	}
	return path
}

// pathLabels tells the runs apart: by their settings and, where several have the same, by their seeds.
func pathLabels(runs []*History) map[*History]string {
	labels := map[*History]string{}
	for _, g := range bySettings(runs) {
		for _, h := range g.runs {
			labels[h] = g.label
			if len(g.runs) > 1 {
				labels[h] += fmt.Sprintf(", seed %d", h.Seed)
			}
		}
	}
	return labels
}

// losses computes the mean cross-entropy of the images with each of some weights.
func (in *inspection) losses(all iter.Seq[Weights]) ([]float64, error) {
	outputs, err := in.runAll("loss", func(g *Graph) []*Node {
		_, logits := in.forward(g, true)
		return []*Node{crossEntropy(logits, Const(g, in.labels))}
	}, all)
	losses := make([]float64, len(outputs))
	for k := range outputs {
		losses[k] = outputs[k][0][0]
	}
	return losses, err
}
