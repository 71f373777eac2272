package mnistlib

import (
	"errors"
	"iter"
	"slices"

	"example.com/tutorial6/mnistlib/internal/device"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// What is here looks inside a network. Everything is computed in float64, so that a gradient that is
// zero by mathematics is not hidden by the rounding of float32.

// An Activation is what one layer of a model gives.
type Activation struct {
	Layer              // which layer, and the Shape of its output for one image
	Values [][]float64 // an image a row, each in the order channel, row, column
}

// Activations returns what each layer of a model gives for some images, in the order in which Forward
// calls them and in evaluation mode; the last are the logits. It returns an error if the weights do
// not fit the model or are not finite.
func Activations(model Model, weights Weights, images Images) ([]Activation, error) {
	in, err := newInspection(model, weights, images)
	if err != nil {
		return nil, err
	}
	var layers []Layer
	outputs, err := in.run("activations", func(g *Graph) []*Node {
		nn, _ := in.forward(g, false)
		layers = nn.layers
		var nodes []*Node
		for _, y := range nn.outputs {
			nodes = append(nodes, y.node)
		}
		return nodes
	})
	if err != nil {
		return nil, err
	}
	activations := make([]Activation, len(layers))
	for k, values := range outputs {
		activations[k] = Activation{Layer: layers[k], Values: make([][]float64, images.Len())}
		for i := range images.Len() {
			row := make([]float64, len(values)/images.Len())
			for j := range row {
				row[j] = values[j*images.Len()+i] // the batch is the last axis
			}
			activations[k].Values[i] = row
		}
	}
	return activations, nil
}

// Gradients returns the gradient of the mean cross-entropy of some images by each weight that
// training changes: what the first training step with these images as its batch would descend. As
// there, batch norm uses the statistics of the batch, which must have more than one value a channel. Names, order and
// shapes are those of the weights. It returns an error if the weights do not fit the model or are not finite.
func Gradients(model Model, weights Weights, images Images) (Weights, error) {
	in, err := newInspection(model, weights, images)
	if err != nil {
		return nil, err
	}
	if err := in.network.checkBatch(images.Len()); err != nil {
		return nil, err
	}
	var gradients Weights
	outputs, err := in.run("gradients", func(g *Graph) []*Node {
		nn, logits := in.forward(g, true)
		var trainable []*Node
		for _, spec := range in.network.specs {
			if spec.kind.trainable() {
				gradients = append(gradients, Weight{Name: spec.name, DType: "F64", Shape: slices.Clone(spec.shape), Trainable: true})
				trainable = append(trainable, nn.weights[spec.name])
			}
		}
		return Gradient(crossEntropy(logits, Const(g, in.labels)), trainable...)
	})
	if err != nil {
		return nil, err
	}
	for i, values := range outputs {
		gradients[i].Values = values
	}
	return gradients, nil
}

// An inspection runs a model once, with given weights on given images.
type inspection struct {
	network *network
	backend *device.Backend
	weights Weights
	images  Images
	labels  []int32
}

func newInspection(model Model, weights Weights, images Images) (*inspection, error) {
	if images.Len() == 0 {
		return nil, errors.New("there are no images to look at")
	}
	net, b, err := prepare(model, weights, images, true)
	if err != nil {
		return nil, err
	}
	return &inspection{network: net, backend: b, weights: weights, images: images, labels: images.labels()}, nil
}

// forward builds the network.
func (in *inspection) forward(g *Graph, training bool) (nn *Layers, logits *Node) {
	nn = in.network.layersWith(in.network.weightParameters(g), training)
	x := Parameter(g, "images", shapes.Make(dtypes.Float64, 1, imageSize, imageSize, in.images.Len()))
	return nn, in.network.forward(nn, &Tensor{shape: imageShape, node: x})
}

// run builds a program, runs it and returns the values of its outputs.
func (in *inspection) run(name string, build func(g *Graph) []*Node) ([][]float64, error) {
	values, err := in.runAll(name, build, slices.Values([]Weights{in.weights}))
	if err != nil {
		return nil, err
	}
	return values[0], nil
}

// runAll builds a program and runs it with each of some weights.
func (in *inspection) runAll(name string, build func(g *Graph) []*Node, weights iter.Seq[Weights]) ([][][]float64, error) {
	program, err := in.backend.Compile(name, build)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	images := in.imagesTensor()
	defer device.Free([]*tensors.Tensor{images})
	var all [][][]float64
	for one := range weights {
		inputs := in.network.tensors(one)
		outputs, err := program.Run(append(slices.Clone(inputs), images)...)
		device.Free(inputs)
		if err != nil {
			return nil, err
		}
		var values [][]float64
		for _, output := range outputs {
			tensors.MustConstFlatData(output, func(flat []float64) { values = append(values, slices.Clone(flat)) })
		}
		device.Free(outputs)
		all = append(all, values)
	}
	return all, nil
}

func (in *inspection) imagesTensor() *tensors.Tensor {
	pixels := batchLastPixels[float64](in.images, in.images.Len(), 0)
	return tensors.FromFlatDataAndDimensions(pixels, 1, imageSize, imageSize, in.images.Len())
}
