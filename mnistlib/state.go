package mnistlib

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// A state is what a run has on the device: the weights, the optimizer's slots, the number of steps done
// and the moved products, in the order in which trainStep takes them.
type state struct {
	trainer *trainer
	tensors []*tensors.Tensor
	before  []*tensors.Tensor // the last step, which may still be evaluated
}

func (t *trainer) newState(initial Weights) (s *state, err error) {
	defer catch(&err, "moving the weights to the device")
	s = &state{trainer: t, tensors: t.network.tensors(initial)}
	for i, spec := range t.network.specs {
		if spec.kind.trainable() {
			for range t.config.Optimizer.numSlots() {
				s.tensors = append(s.tensors, tensors.FromShape(s.tensors[i].Shape()))
			}
		}
	}
	s.tensors = append(s.tensors, tensors.FromShape(shapes.Make(dtypes.Float64)))
	if t.moved != nil {
		numImages := t.evaluation[0].images.Shape().Dimensions[0]
		for range 1 + t.config.Optimizer.numSlots() {
			for _, w := range t.network.multiply {
				s.tensors = append(s.tensors, tensors.FromShape(shapes.Make(t.network.dtype, w.shape[0], numImages)))
			}
		}
	}
	return s, nil
}

// step trains on the images that batch numbers and returns their mean loss before the step.
func (s *state) step(batch []int32, newEpoch bool) (loss float64, err error) {
	t := s.trainer
	indices := tensors.FromFlatDataAndDimensions(batch, len(batch))
	defer indices.MustFinalizeAll()
	inputs := anys(s.tensors, t.pixels, t.labels, indices)
	if t.moved != nil {
		inputs = append(inputs, t.moved.gram)
		if newEpoch {
			products, err := execute(t.moved.compute, anys(s.weightTensors(), t.evaluation[0].images)...)
			if err != nil {
				return 0, err
			}
			defer finalize(products)
			copy(inputs[s.firstProduct():], anys(products))
		}
	}
	outputs, err := execute(t.stepProgram, inputs...)
	if err != nil {
		return 0, err
	}
	finalize(s.before) // tensors that wait for the garbage collector would fill the memory
	last := len(outputs) - 1
	s.before, s.tensors = s.tensors, outputs[:last]
	loss = tensors.ToScalar[float64](outputs[last])
	outputs[last].MustFinalizeAll()
	return loss, nil
}

func (s *state) close() {
	finalize(s.before)
	finalize(s.tensors)
}

func finalize(list []*tensors.Tensor) {
	for _, tensor := range list {
		tensor.MustFinalizeAll()
	}
}

// weightTensors are the weights.
func (s *state) weightTensors() []*tensors.Tensor { return s.tensors[:len(s.trainer.network.specs)] }

// firstProduct is the place of the first moved product among the tensors.
func (s *state) firstProduct() int {
	net, optimizer := s.trainer.network, s.trainer.config.Optimizer
	return len(s.tensors) - len(net.multiply)*(1+optimizer.numSlots())
}

// evaluated are the weights, and the moved products, as evaluate takes them.
func (s *state) evaluated() []*tensors.Tensor {
	if s.trainer.moved == nil {
		return s.weightTensors()
	}
	return slices.Concat(s.weightTensors(), s.tensors[s.firstProduct():][:len(s.trainer.network.multiply)])
}

// correct counts images that a run's weights get right.
type correct struct{ train, validation int }

// evaluate counts the images that the weights of each run get right.
func (t *trainer) evaluate(weights [][]*tensors.Tensor) ([]correct, error) {
	counts := make([]correct, len(weights))
	numChunks := len(t.evaluation)
	groups := slices.Collect(slices.Chunk(weights, t.runsTogether))
	isCorrect, errs := make([][]bool, len(groups)*numChunks), make([]error, len(groups)*numChunks)
	sideBySide(len(isCorrect), func(i int) {
		group, chunk := groups[i/numChunks], t.evaluation[i%numChunks]
		inputs := slices.Concat(group...)
		for range t.runsTogether - len(group) { // the program takes no fewer
			inputs = append(inputs, group[0]...)
		}
		outputs, err := execute(t.evaluateProgram, anys(inputs, chunk.images, chunk.labels)...)
		if err != nil {
			errs[i] = err
			return
		}
		isCorrect[i] = tensors.MustCopyFlatData[bool](outputs[0]) // [runsTogether, images]
		finalize(outputs)
	})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for i := range isCorrect {
		numImages := len(isCorrect[i]) / t.runsTogether
		firstRun, firstImage := i/numChunks*t.runsTogether, i%numChunks*numImages
		for run := range groups[i/numChunks] {
			c := &counts[firstRun+run]
			for image, right := range isCorrect[i][run*numImages:][:numImages] {
				switch {
				case !right:
				case firstImage+image < t.data.Train.Len():
					c.train++
				default:
					c.validation++
				}
			}
		}
	}
	return counts, nil
}

// weights copies the weights from the device.
func (s *state) weights() Weights {
	weights := make(Weights, len(s.trainer.network.specs))
	for i, spec := range s.trainer.network.specs {
		w := Weight{Name: spec.name, Shape: slices.Clone(spec.shape), Trainable: spec.kind.trainable()}
		s.tensors[i].MustConstFlatData(func(flat any) {
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

// tensors makes the inputs of a program of the model's weights; checkWeights has seen to their being there.
func (net *network) tensors(weights Weights) []*tensors.Tensor {
	list := make([]*tensors.Tensor, len(net.specs))
	for i, spec := range net.specs {
		w, _ := weights.Get(spec.name)
		switch {
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

func toFloat64[T float32 | int64](values []T) []float64 {
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

// anys makes one list of inputs for a program.
func anys(list []*tensors.Tensor, more ...*tensors.Tensor) []any {
	out := make([]any, 0, len(list)+len(more))
	for _, t := range slices.Concat(list, more) {
		out = append(out, t)
	}
	return out
}
