package mnistlib

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	vector "gonum.org/v1/gonum/floats"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// WeightsSlider draws how a weight changes during a run, a slider below the figure changes the iteration: also in a
// saved notebook, without a kernel. A weight [out, 784] is drawn as an image for each of the first units, one
// [out, in, 3, 3] as its filters; eight at most. The static picture shows the first four, before and after. The run must have
// snapshots: see Config.SnapshotEvery; eight of them are shown.
func WeightsSlider(h *History, weight string) *Figure {
	if len(h.Snapshots) < 2 {
		return cannotDraw("%s has no snapshots; train it with Config.SnapshotEvery", h.label())
	}
	const most, few = 8, 4 // pictures in a frame, and of each iteration in the static picture
	shown := spaced(h.Snapshots, 8)
	frames := make([][][][]float64, len(shown))
	largest := 0.0
	for k, s := range shown {
		w, ok := s.Weights.Get(weight)
		rows, columns := 0, 0
		switch {
		case ok && len(w.Shape) == 2 && w.Shape[1] == NumPixels:
			rows, columns = imageSize, imageSize
		case ok && len(w.Shape) == 4:
			rows, columns = w.Shape[2], w.Shape[3]
		default:
			return cannotDraw("%s has no weight %q of the shape [out, %d] or [out, in, height, width]", h.label(), weight, NumPixels)
		}
		for tile := range slices.Chunk(w.Values, rows*columns) {
			if len(frames[k]) < most {
				frames[k] = append(frames[k], slices.Collect(slices.Chunk(slices.Clone(tile), columns)))
				largest = max(largest, vector.Norm(tile, math.Inf(1)))
			}
		}
	}
	slider := &chart.Slider{Label: "iteration", Start: len(shown) - 1}
	film := &chart.Film{Slider: slider}
	var stillTiles []image.Image
	var stillCaptions, captions []string
	for i := range frames[0] {
		captions = append(captions, fmt.Sprint(i+1))
	}
	for k, frame := range frames {
		const shades = 12 // of each colour: pictures of more take too much room in the notebook
		for _, matrix := range frame {
			for _, row := range matrix {
				for x := range row {
					row[x] = math.Round(row[x]/largest*shades) / shades * largest
				}
			}
		}
		tiles := matrixTiles(frame, largest)
		film.Frames = append(film.Frames, chart.NewPictures(tiles, captions))
		slider.Frames = append(slider.Frames, fmt.Sprintf("iteration %d", shown[k].Iteration))
	}
	for _, k := range []int{0, len(frames) - 1} {
		n := min(few, len(frames[k]))
		stillTiles = append(stillTiles, matrixTiles(frames[k][:n], largest)...)
		for _, c := range captions[:n] {
			stillCaptions = append(stillCaptions, fmt.Sprintf("%s, it. %d", c, shown[k].Iteration))
		}
	}
	return &Figure{
		Title: fmt.Sprintf("%s of %s, seed %d", weight, h.label(), h.Seed), Subtitle: matrixColors(largest, true),
		Description: fmt.Sprintf("The first %d pictures of %s at %s.", len(captions), weight, strings.Join(slider.Frames, ", ")),
		panels:      []chart.Panel{film}, columns: 1, slider: slider, still: []chart.Panel{chart.NewPictures(stillTiles, stillCaptions)},
	}
}

// spaced are some of the snapshots, most at most, as evenly as they can be, with the first and the last.
func spaced(snapshots []Snapshot, most int) []Snapshot {
	if len(snapshots) <= most {
		return snapshots
	}
	some := make([]Snapshot, most)
	for i := range some {
		some[i] = snapshots[i*(len(snapshots)-1)/(most-1)]
	}
	return some
}

// UpdateRatios draws how far each iteration moves a weight, relative to its size: |Δw|/|w| with Euclidean norms, for
// each weight but biases and those of batch norm. About 10⁻³ is usual (Karpathy, CS231n, "Neural Networks Part 3:
// Ratio of weights:updates"). Where an iteration does not move it at all, its curve breaks. So that runs can be
// compared, the axis spans 10⁻⁴ to 10 or more; the subtitle says what lies below. The run must have a snapshot of each
// iteration: see Config.SnapshotEvery.
func UpdateRatios(h *History) *Figure {
	if len(h.Snapshots) < 2 || len(h.Snapshots) != len(h.Loss)+1 {
		return cannotDraw("%s has %s of %s; train it with Config.SnapshotEvery: 1", h.label(), count(len(h.Snapshots), "snapshot"), count(len(h.Loss), "iteration"))
	}
	ch := &chart.Chart{Width: chart.Wide, Height: wideHeight, Epoch: epochOf([]group{{"", []*History{h}}})}
	still := false // at some iteration some weights stay as they are
	for i, w := range h.Snapshots[0].Weights {
		if !w.Trainable || len(w.Shape) < 2 {
			continue
		}
		c := chart.Curve{Name: w.Name}
		for k := range h.Snapshots[1:] {
			before, after := h.Snapshots[k].Weights[i].Values, h.Snapshots[k+1].Weights[i].Values
			c.X, c.Y = append(c.X, float64(k+1)), append(c.Y, vector.Distance(before, after, 2)/vector.Norm(before, 2))
		}
		ch.Words = append(ch.Words, curveInWords(c, "Update of "+w.Name+" relative to it", "highest", "iteration"))
		for k, ratio := range c.Y {
			if ratio == 0 {
				still, c.Y[k] = true, math.NaN() // it has no place on a logarithmic axis
			}
		}
		ch.Curves = append(ch.Curves, c)
	}
	spanIterations(ch, float64(len(h.Loss)))
	f := figureOf([]*History{h})
	f.Title = "How far an iteration moves the weights: " + f.Title
	lowest, highest := ch.RangeY()
	ch.Y = chart.NewLogAxis("|Δw| / |w|", 1e-4, max(10, highest))
	if lowest < ch.Y.Min {
		f.note(fmt.Sprintf("the axis leaves out updates below 0.0001, down to %.1g", lowest))
	}
	if still {
		f.note("updates of 0 are not drawn")
	}
	f.addCharts(ch)
	return f
}

// DeadReLUs draws which share of the units of each ReLU layer is dead during a run: gives 0 for all of the images, so
// that no gradient passes. A unit is a feature or a channel. The run must be of the model and have snapshots: see
// Config.SnapshotEvery.
func DeadReLUs(model Model, images Images, h *History) *Figure {
	if len(h.Snapshots) < 2 {
		return cannotDraw("%s has no snapshots; train it with Config.SnapshotEvery", h.label())
	}
	shown := spaced(h.Snapshots, 100)
	in, err := newInspection(model, shown[0].Weights, images)
	if err != nil {
		return cannotDraw("%v", err)
	}
	var all []Weights
	for _, s := range shown {
		all = append(all, s.Weights)
	}
	largest, err := in.runAll("largest of each ReLU", func(g *Graph) []*Node {
		nn, _ := in.forward(g, false)
		var nodes []*Node
		for k, layer := range nn.layers {
			if layer.Kind == "ReLU" {
				y := nn.outputs[k].node
				nodes = append(nodes, ReduceMax(Reshape(y, y.Shape().Dimensions[0], -1), 1))
			}
		}
		return append(nodes, Const(g, 0.0)) // a program needs an output
	}, slices.Values(all))
	if err != nil {
		return cannotDraw("%v", err)
	}
	numLayers := len(largest[0]) - 1
	if numLayers == 0 {
		return cannotDraw("%s has no ReLU layer", modelName(model))
	}
	ch := &chart.Chart{Width: chart.Wide, Height: wideHeight, Epoch: epochOf([]group{{"", []*History{h}}})}
	for layer := range numLayers {
		c := chart.Curve{Name: fmt.Sprintf("ReLU %d, %d units", layer+1, len(largest[0][layer]))}
		for k, s := range shown {
			dead := 0.0
			for _, v := range largest[k][layer] {
				if v == 0 {
					dead++
				}
			}
			c.X, c.Y = append(c.X, float64(s.Iteration)), append(c.Y, dead/float64(len(largest[k][layer])))
		}
		ch.Curves = append(ch.Curves, c)
		ch.Words = append(ch.Words, curveInWords(c, "Share of dead units, "+c.Name, "highest", "iteration"))
	}
	spanIterations(ch, float64(len(h.Loss)))
	ch.Y = chart.NewAxis("share of dead units", 0, 1, 5)
	f := figureOf([]*History{h})
	f.Title = "Dead ReLUs: " + f.Title
	f.note(fmt.Sprintf("dead: 0 for each of %s", count(images.Len(), "image")))
	f.addCharts(ch)
	return f
}
