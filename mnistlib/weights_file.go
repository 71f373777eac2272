package mnistlib

import (
	"fmt"
	"strings"

	"example.com/tutorial6/mnistlib/internal/files"
	"example.com/tutorial6/mnistlib/internal/safetensors"
)

// Save writes the weights to a safetensors file, which PyTorch reads with
// safetensors.torch.load_file(path): each array under its name, in its type and shape, batch norm's
// running_mean, running_var and num_batches_tracked included. A file that is there already is
// replaced; when Save fails (the disk is full, say) it stays as it was.
//
// Save refuses, with an error that names the weight: two of one name, a type other than F32, F64,
// I32 and I64, a number of values that does not fit the shape, a value beyond the type's range, a
// fraction in an integer. F32 values are rounded to the nearest; NaN and infinities are written as they are.
func (w Weights) Save(path string) error {
	arrays := make([]safetensors.Array, len(w))
	for i, weight := range w {
		arrays[i] = safetensors.Array{Name: weight.Name, DType: weight.DType, Shape: weight.Shape, Values: weight.Values}
	}
	content, err := safetensors.Encode(arrays)
	if err == nil {
		err = files.Write(path, content)
	}
	if err != nil {
		return fmt.Errorf("cannot save the weights to %s: %w", path, err)
	}
	return nil
}

// maxWeights is how large a file of weights may be, in bytes: the tutorial's largest has less than 1 MB.
const maxWeights = 1 << 30

// LoadWeights reads a safetensors file that Save or PyTorch's safetensors.torch.save_file wrote. The
// weights come in the order of the file's header: the order in which they were saved if Save wrote
// it, and 8-byte types first, then by name, if PyTorch did. Those whose name ends in running_mean,
// running_var or num_batches_tracked are not Trainable.
//
// It reads files of up to 1 GiB and the types F32, F64, I32 and I64. The error names the file and, where
// there is one, the array. Whether the weights fit a model is checked where they are used; there, as in
// PyTorch, num_batches_tracked may be missing, and counts from 0 then.
func LoadWeights(path string) (Weights, error) {
	file, err := files.Open(path, maxWeights)
	if err != nil {
		return nil, fmt.Errorf("cannot load the weights: %w", err)
	}
	defer file.Close()
	arrays, err := safetensors.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("cannot load the weights from %s: %w", path, err)
	}
	weights := make(Weights, len(arrays))
	for i, a := range arrays {
		weights[i] = Weight{Name: a.Name, DType: a.DType, Shape: a.Shape, Values: a.Values, Trainable: isTrainable(a.Name)}
	}
	return weights, nil
}

// isTrainable tells a model's parameters from batch norm's running statistics, by PyTorch's names.
func isTrainable(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return last != "running_mean" && last != "running_var" && last != "num_batches_tracked"
}
