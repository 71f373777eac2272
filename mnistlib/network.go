package mnistlib

import (
	"fmt"
	"slices"

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
		dtype := net.dtype
		if spec.kind == batchCount {
			dtype = dtypes.Int64
		}
		weights[i] = Parameter(g, spec.name, shapes.Make(dtype, spec.shape...))
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
		w, ok := weights.Get(spec.name)
		switch {
		case !ok:
			list[i] = tensors.FromScalar(int64(0))
		case spec.kind == batchCount:
			list[i] = tensors.FromFlatDataAndDimensions(fromFloat64[int64](w.Values), spec.shape...)
		case net.dtype == dtypes.Float64:
			list[i] = tensors.FromFlatDataAndDimensions(slices.Clone(w.Values), spec.shape...)
		default:
			list[i] = tensors.FromFlatDataAndDimensions(fromFloat64[float32](w.Values), spec.shape...)
		}
	}
	return list
}

// weightsOf copies the weights from the device.
func (net *network) weightsOf(list []*tensors.Tensor) Weights {
	weights := make(Weights, len(net.specs))
	for i, spec := range net.specs {
		w := Weight{Name: spec.name, Shape: slices.Clone(spec.shape), Trainable: spec.kind.trainable()}
		list[i].MustConstFlatData(func(flat any) {
			switch values := flat.(type) {
			case []float32:
				w.DType, w.Values = "F32", toFloat64(values)
			case []float64:
				w.DType, w.Values = "F64", slices.Clone(values)
			case []int64:
				w.DType, w.Values = "I64", toFloat64(values)
			default:
				panic(fmt.Sprintf("a weight of type %T", flat))
			}
		})
		weights[i] = w
	}
	return weights
}

func toFloat64[T float32 | int64 | int32](values []T) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

func fromFloat64[T float32 | int64](values []float64) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = T(v)
	}
	return out
}

// numbersTensor holds numbers in the precision of the network.
func (net *network) numbersTensor(values []float64, dimensions ...int) *tensors.Tensor {
	if net.dtype == dtypes.Float64 {
		return tensors.FromFlatDataAndDimensions(slices.Clone(values), dimensions...)
	}
	return tensors.FromFlatDataAndDimensions(fromFloat64[float32](values), dimensions...)
}
