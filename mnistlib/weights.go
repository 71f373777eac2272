package mnistlib

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"example.com/tutorial6/mnistlib/internal/torch"
	"gonum.org/v1/gonum/stat"
)

// A Weight is one named array of a model, in PyTorch's layout: "layer1.weight" is [out, in],
// "conv1.weight" is [out, in, 3, 3].
type Weight struct {
	Name      string
	DType     string    // safetensors' name of the element type: "F32", "F64", "I32" or "I64"
	Shape     []int     // empty for a scalar
	Values    []float64 // row-major; used and saved in DType, to which they are rounded
	Trainable bool      // false for batch norm's running statistics and counter
}

// Weights are all the arrays of a model, in the order in which Forward names them.
type Weights []Weight

// Get returns the weight of that name, and whether there is one.
func (w Weights) Get(name string) (Weight, bool) {
	i := slices.IndexFunc(w, func(weight Weight) bool { return weight.Name == name })
	if i < 0 {
		return Weight{}, false
	}
	return w[i], true
}

// String returns a table: each weight's name, type and shape, and its values' mean and standard
// deviation (the population's, with n below the root).
func (w Weights) String() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "name\ttype\tshape\tmean\tstd")
	for _, weight := range w {
		mean, std := stat.PopMeanStdDev(weight.Values, nil)
		fmt.Fprintf(table, "%s\t%s\t%v\t%.4g\t%.4g\n", weight.Name, weight.DType, weight.Shape, mean, std)
	}
	table.Flush()
	return text.String()
}

// InitialWeights draws the weights that a model starts from: weights and biases of Linear and Conv2d
// uniform in ±1/√fan_in, batch norm's γ = 1 and β = 0, running mean 0 and variance 1.
//
// They are PyTorch's to the last bit: those of the model that is made after torch.manual_seed(seed),
// if its layers are made in the order in which Forward calls them. Each layer takes its numbers where
// the one before it stopped, so another width draws other weights from there on (only the first 30 units
// of MLP{50} have the weights of MLP{30}'s, but other biases), while ReLU, pooling and batch norm draw
// nothing: MLP{30} and MLPBN{Hidden: 30} start from the same ones.
// Only the lower 32 bits of the seed count, as in PyTorch: 7 and 1<<32 + 7 are one seed.
func InitialWeights(model Model, seed uint64) (Weights, error) {
	nn, err := describe(model)
	if err != nil {
		return nil, err
	}
	return drawWeights(nn.specs, torch.NewGenerator(seed)), nil
}

func drawWeights(specs []weightSpec, random *torch.Generator) Weights {
	weights := make(Weights, len(specs))
	for i, spec := range specs {
		w := Weight{Name: spec.name, DType: "F32", Shape: slices.Clone(spec.shape), Trainable: spec.kind.trainable()}
		w.Values = make([]float64, product(spec.shape))
		switch spec.kind {
		case uniform:
			random.Uniform(w.Values, torch.Bound(spec.fanIn))
		case ones, runningVar:
			for j := range w.Values {
				w.Values[j] = 1
			}
		case batchCount:
			w.DType = "I64"
		}
		weights[i] = w
	}
	return weights
}

// checkWeights says what keeps weights from fitting a model.
func checkWeights(model Model, specs []weightSpec, weights Weights) error {
	name := modelName(model)
	given := map[string]Weight{}
	for _, w := range weights {
		given[w.Name] = w
	}
	for _, spec := range specs {
		w, ok := given[spec.name]
		if !ok && spec.kind == batchCount {
			continue // network.tensors begins at 0: no result depends on it
		}
		if !ok {
			return fmt.Errorf("the weights lack %q, which %s has", spec.name, name)
		}
		if !slices.Equal(w.Shape, spec.shape) {
			return fmt.Errorf("the weight %q has the shape %v, but %s takes %v", spec.name, w.Shape, name, spec.shape)
		}
		if len(w.Values) != product(spec.shape) {
			return fmt.Errorf("the weight %q has %d values, but its shape %v takes %d", spec.name, len(w.Values), w.Shape, product(spec.shape))
		}
		if i := slices.IndexFunc(w.Values, func(v float64) bool { return !finite(v) }); i >= 0 {
			return fmt.Errorf("the weight %q is not finite: value %d of %d is %v, as after a run that diverged", spec.name, i+1, len(w.Values), w.Values[i])
		}
		delete(given, spec.name)
	}
	for _, w := range weights {
		if _, extra := given[w.Name]; extra {
			return fmt.Errorf("the weights hold %q, which %s does not have", w.Name, name)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
