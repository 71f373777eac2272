package device

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Tensor makes a tensor of numbers, rounded to its element type.
func Tensor(dtype dtypes.DType, values []float64, dimensions ...int) *tensors.Tensor {
	switch dtype {
	case dtypes.Float32:
		return tensors.FromFlatDataAndDimensions(converted[float32](values), dimensions...)
	case dtypes.Float64:
		return tensors.FromFlatDataAndDimensions(slices.Clone(values), dimensions...)
	case dtypes.Int64:
		return tensors.FromFlatDataAndDimensions(converted[int64](values), dimensions...)
	}
	panic(fmt.Sprintf("a tensor of numbers of the type %s", dtype))
}

// Values copies the numbers of a tensor from the device.
func Values(t *tensors.Tensor) (values []float64) {
	t.MustConstFlatData(func(flat any) {
		switch flat := flat.(type) {
		case []float32:
			values = converted[float64](flat)
		case []float64:
			values = slices.Clone(flat)
		case []int32:
			values = converted[float64](flat)
		case []int64:
			values = converted[float64](flat)
		default:
			panic(fmt.Sprintf("a tensor of numbers of the type %T", flat))
		}
	})
	return values
}

type number interface {
	float32 | float64 | int32 | int64
}

func converted[To, From number](values []From) []To {
	list := make([]To, len(values))
	for i, v := range values {
		list[i] = To(v)
	}
	return list
}

// Free frees tensors: those that wait for the garbage collector would fill the memory.
func Free(list []*tensors.Tensor) {
	for _, t := range list {
		t.MustFinalizeAll()
	}
}
