package mnistlib

// A Weight is one named array of a model, in PyTorch's layout: "layer1.weight" is [out, in],
// "conv1.weight" is [out, in, 3, 3].
type Weight struct {
	Name      string
	DType     string    // safetensors' name of the element type: "F32", "F64" or "I64"
	Shape     []int     // empty for a scalar
	Values    []float64 // row-major; each is exact in DType
	Trainable bool      // false for batch norm's running statistics and counter
}

// Weights are all the arrays of a model, in the order in which Forward names them.
type Weights []Weight
