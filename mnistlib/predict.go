package mnistlib

import (
	"errors"
	"fmt"
	"slices"

	"example.com/tutorial6/mnistlib/internal/device"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Predict returns, for each image, the probability that the model gives to each of the 10 digits, in
// evaluation mode: the softmax of its logits. It returns an error if the weights do not fit the
// model, or if they or the probabilities are not finite.
func Predict(model Model, weights Weights, images Images) ([][]float64, error) {
	if images.Len() == 0 {
		return nil, nil
	}
	net, b, err := prepare(model, weights, images, false)
	if err != nil {
		return nil, err
	}
	e := net.newEvaluation(0, images.Len())
	program, err := b.Compile("prediction", func(g *Graph) []*Node { return net.predict(g, e) })
	if err != nil {
		return nil, err
	}
	defer program.Close()
	inputs := net.tensors(weights)
	defer func() { device.Free(inputs) }()
	probabilities := make([][]float64, images.Len())
	for c := range e.numChunks {
		one := e
		one.numChunks = 1
		chunk := one.tensors(images.Slice(c*e.chunkSize, min((c+1)*e.chunkSize, images.Len())))
		outputs, err := program.Run(slices.Concat(inputs, chunk)...)
		device.Free(chunk)
		if err != nil {
			return nil, err
		}
		tensors.MustConstFlatData(outputs[0], func(p []float64) { // [10, images]
			for i := range min(e.chunkSize, images.Len()-c*e.chunkSize) {
				row := make([]float64, numClasses)
				for digit := range row {
					row[digit] = p[digit*e.chunkSize+i]
				}
				probabilities[c*e.chunkSize+i] = row
			}
		})
		device.Free(outputs)
	}
	if i := slices.IndexFunc(probabilities, func(p []float64) bool { return !finite(p[0]) }); i >= 0 {
		return nil, fmt.Errorf("the prediction for image %d is not finite: some weights are too large, as after a run that diverged", i)
	}
	return probabilities, nil
}

// prepare checks that a model, its weights and images fit together and can be computed here.
func prepare(model Model, weights Weights, images Images, float64s bool) (*network, *device.Backend, error) {
	if err := checkImages(images); err != nil {
		return nil, nil, err
	}
	net, err := newNetwork(model, float64s)
	if err != nil {
		return nil, nil, err
	}
	if err := checkWeights(model, net.specs, weights); err != nil {
		return nil, nil, err
	}
	b, err := device.Open()
	if err != nil {
		return nil, nil, err
	}
	return net, b, nil
}

// Accuracy returns the fraction of the images whose label the model finds the most probable, in
// evaluation mode; of equally probable digits it says the first. Errors are those of [Predict].
func Accuracy(model Model, weights Weights, images Images) (float64, error) {
	if images.Len() == 0 {
		return 0, errors.New("there are no images to measure the accuracy on")
	}
	probabilities, err := Predict(model, weights, images)
	if err != nil {
		return 0, err
	}
	correct := 0
	for i, p := range probabilities {
		if argMax(p) == int(images.Labels[i]) {
			correct++
		}
	}
	return float64(correct) / float64(images.Len()), nil
}

// argMax returns the index of the largest value, the first of equal ones.
func argMax(values []float64) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}
