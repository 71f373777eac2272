package mnistlib

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// A state is a run in progress: on the device, the weights, the optimizer's slots and the number of
// steps done, in the order in which trainStep takes them.
type state struct {
	trainer    *trainer
	tensors    []*tensors.Tensor
	evaluating sync.WaitGroup // on the weights in tensors
}

func (t *trainer) newState(initial Weights) (s *state, err error) {
	defer catch(&err, "moving the weights to the device")
	s = &state{trainer: t}
	for _, spec := range t.network.specs {
		s.tensors = append(s.tensors, t.network.tensor(initial, spec))
	}
	for i, spec := range t.network.specs {
		if spec.kind.trainable() {
			for range t.config.Optimizer.numSlots() {
				s.tensors = append(s.tensors, tensors.FromShape(s.tensors[i].Shape()))
			}
		}
	}
	s.tensors = append(s.tensors, tensors.FromShape(shapes.Make(dtypes.Float64)))
	return s, nil
}

// step trains on the images that batch numbers and returns their mean loss before the step.
func (s *state) step(batch []int32) (loss float64, err error) {
	indices := tensors.FromFlatDataAndDimensions(batch, len(batch))
	defer indices.MustFinalizeAll()
	inputs := anys(s.tensors, s.trainer.pixels, s.trainer.labels, indices)
	outputs, err := run(s.trainer.stepProgram, inputs...)
	if err != nil {
		return 0, err
	}
	s.evaluating.Wait()
	s.close() // tensors that wait for the garbage collector would fill the memory
	last := len(outputs) - 1
	s.tensors = outputs[:last]
	loss = tensors.ToScalar[float64](outputs[last])
	outputs[last].MustFinalizeAll()
	return loss, nil
}

// startEvaluation begins to count the training and the validation images that the weights get right.
// What it returns waits for the counts. A step may be taken meanwhile.
func (s *state) startEvaluation() (counts func() (train, validation int, err error)) {
	var train, validation int
	var err error
	now := &state{trainer: s.trainer, tensors: s.tensors} // a step gives s new ones
	s.evaluating.Go(func() { train, validation, err = now.evaluate() })
	return func() (int, int, error) {
		s.evaluating.Wait()
		return train, validation, err
	}
}

// evaluate counts the training and the validation images that the weights get right.
func (s *state) evaluate() (train, validation int, err error) {
	t, weights := s.trainer, s.tensors[:len(s.trainer.network.specs)]
	correct, errs := make([][]bool, len(t.evaluation)), make([]error, len(t.evaluation))
	sideBySide(len(t.evaluation), func(i int) {
		chunk := t.evaluation[i]
		outputs, err := run(t.evaluateProgram, anys(weights, chunk.images, chunk.labels)...)
		if err != nil {
			errs[i] = err
			return
		}
		correct[i] = tensors.MustCopyFlatData[bool](outputs[0])
		outputs[0].MustFinalizeAll()
	})
	for i, right := range slices.Concat(correct...) {
		switch {
		case !right:
		case i < t.data.Train.Len():
			train++
		default:
			validation++
		}
	}
	return train, validation, errors.Join(errs...)
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

func (s *state) close() {
	for _, tensor := range s.tensors {
		tensor.MustFinalizeAll()
	}
}

// tensor finds the weight of a spec and moves it to the device; checkWeights has seen to its being there.
func (net *network) tensor(weights Weights, spec weightSpec) *tensors.Tensor {
	i := slices.IndexFunc(weights, func(w Weight) bool { return w.Name == spec.name })
	values := weights[i].Values
	switch {
	case spec.kind == batchCount:
		return tensors.FromFlatDataAndDimensions(fromFloat64[int64](values), spec.shape...)
	case net.dtype == dtypes.Float64:
		return tensors.FromFlatDataAndDimensions(slices.Clone(values), spec.shape...)
	default:
		return tensors.FromFlatDataAndDimensions(fromFloat64[float32](values), spec.shape...)
	}
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
