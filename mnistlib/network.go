package mnistlib

import (
	"fmt"
	"slices"

	"example.com/tutorial6/mnistlib/internal/device"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// A network is a model ready to be built into programs: what it consists of, and in which precision
// it computes.
type network struct {
	model  Model
	layers []Layer
	specs  []weightSpec
	dtype  dtypes.DType
}

func newNetwork(model Model, float64s bool) (*network, error) {
	nn, err := describe(model)
	if err != nil {
		return nil, err
	}
	again, err := describe(model)
	if err != nil {
		return nil, err
	}
	if fmt.Sprint(nn.layers, nn.specs) != fmt.Sprint(again.layers, again.specs) {
		return nil, fmt.Errorf("the model %s: Forward runs several times and must give the same layers each time; let it change nothing outside", typeName(model))
	}
	net := &network{model: model, layers: nn.layers, specs: nn.specs, dtype: dtypes.Float32}
	if float64s {
		net.dtype = dtypes.Float64
	}
	return net, nil
}

// convolved tells whether the images go into a Conv2d.
func (net *network) convolved() bool {
	return slices.ContainsFunc(net.layers, func(l Layer) bool { return l.Kind == "Conv2d" && l.input == 0 })
}

// imageSpecs are the places of the weights that the images are multiplied by: those of the Linear layers that
// take the flattened images.
func (net *network) imageSpecs() []int {
	var places []int
	for _, layer := range net.layers {
		if layer.Kind != "Linear" || !net.givesImages(layer.input) {
			continue
		}
		places = append(places, slices.IndexFunc(net.specs, func(s weightSpec) bool { return s.name == layer.Name+".weight" }))
	}
	return places
}

// givesImages tells whether a layer, counted from 1, gives the images unchanged but for their shape.
func (net *network) givesImages(layer int) bool {
	for layer > 0 && net.layers[layer-1].Kind == "Flatten" {
		layer = net.layers[layer-1].input
	}
	return layer == 0
}

// imageWeights are the weights that the images are multiplied by.
func (net *network) imageWeights(nn *Layers) []*Node {
	var ws []*Node
	for _, k := range net.imageSpecs() {
		ws = append(ws, nn.weights[net.specs[k].name])
	}
	return ws
}

// weightParameters are the weights as inputs of a program.
func (net *network) weightParameters(g *Graph) []*Node {
	weights := make([]*Node, len(net.specs))
	for i, spec := range net.specs {
		weights[i] = Parameter(g, spec.name, shapes.Make(net.weightType(spec), spec.shape...))
	}
	return weights
}

// layersWith is what Forward builds with these weights.
func (net *network) layersWith(weights []*Node, training bool) *Layers {
	nn := &Layers{weights: map[string]*Node{}, training: training, updates: map[string]*Node{}}
	for i, spec := range net.specs {
		nn.weights[spec.name] = weights[i]
	}
	return nn
}

func (net *network) forward(nn *Layers, x *Tensor) *Node {
	logits, err := runForward(net.model, nn, x)
	if err != nil {
		fail("%v", err) // whoever compiles returns it
	}
	return logits.node
}

// tensors makes the inputs of a program of the model's weights; checkWeights has seen to their being there,
// but for the counters, of which a missing one is 0.
func (net *network) tensors(weights Weights) []*tensors.Tensor {
	list := make([]*tensors.Tensor, len(net.specs))
	for i, spec := range net.specs {
		values := []float64{0}
		if w, ok := weights.Get(spec.name); ok {
			values = w.Values
		}
		list[i] = device.Tensor(net.weightType(spec), values, spec.shape...)
	}
	return list
}

// weightsOf copies the weights from the device.
func (net *network) weightsOf(list []*tensors.Tensor) Weights {
	names := map[dtypes.DType]string{dtypes.Float32: "F32", dtypes.Float64: "F64", dtypes.Int64: "I64"}
	weights := make(Weights, len(net.specs))
	for i, spec := range net.specs {
		weights[i] = Weight{
			Name: spec.name, DType: names[net.weightType(spec)], Shape: slices.Clone(spec.shape),
			Values: device.Values(list[i]), Trainable: spec.kind.trainable(),
		}
	}
	return weights
}

// weightType is the type of a weight's elements.
func (net *network) weightType(spec weightSpec) dtypes.DType {
	if spec.kind == batchCount {
		return dtypes.Int64
	}
	return net.dtype
}

// multiplications is how many an image takes, from the pixels to the logits.
func (net *network) multiplications() float64 {
	n := 0.0
	shapes := map[int][]int{0: imageShape}
	for i, layer := range net.layers {
		shapes[i+1] = layer.Shape
		switch layer.Kind {
		case "Linear":
			n += float64(layer.Shape[0] * product(shapes[layer.input]))
		case "Conv2d":
			n += float64(9 * product(layer.Shape) * shapes[layer.input][0])
		}
	}
	return max(1, n)
}
