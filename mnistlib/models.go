package mnistlib

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"example.com/tutorial6/mnistlib/internal/device"
	"example.com/tutorial6/mnistlib/internal/torch"
)

// A Model describes a network; it holds no weights. Forward takes a batch of images
// [1, 28, 28], with pixels from 0 to 1, and returns the logits [10], one for each digit.
//
// Forward runs several times, to list the layers and to build programs of them, and must give the same layers
// each time: it may read the model's fields but change nothing.
type Model interface {
	Forward(nn *Layers, x *Tensor) *Tensor
}

// MLP is a multi-layer perceptron: 784 pixels, Hidden units with ReLU, 10 logits.
type MLP struct{ Hidden int }

func (m MLP) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.ReLU(nn.Linear("layer1", nn.Flatten(x), m.Hidden))
	return nn.Linear("layer2", x, numClasses)
}

// CNN is a small convolutional network: two rounds of convolution, ReLU and pooling, with 4 and 8
// channels, and a linear layer.
type CNN struct{}

func (CNN) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.MaxPool2d(nn.ReLU(nn.Conv2d("conv1", x, 4)))
	x = nn.MaxPool2d(nn.ReLU(nn.Conv2d("conv2", x, 8)))
	return nn.Linear("fc", nn.Flatten(x), numClasses)
}

// MLPBN is [MLP] with batch normalization of the hidden units, after the ReLU or before it.
type MLPBN struct {
	Hidden     int
	BeforeReLU bool
}

func (m MLPBN) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.Linear("layer1", nn.Flatten(x), m.Hidden)
	if m.BeforeReLU {
		x = nn.ReLU(nn.BatchNorm("bn", x))
	} else {
		x = nn.BatchNorm("bn", nn.ReLU(x))
	}
	return nn.Linear("layer2", x, numClasses)
}

// CNNBN is [CNN] with batch normalization after each ReLU, before the pooling.
type CNNBN struct{}

func (CNNBN) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.MaxPool2d(nn.BatchNorm("bn1", nn.ReLU(nn.Conv2d("conv1", x, 4))))
	x = nn.MaxPool2d(nn.BatchNorm("bn2", nn.ReLU(nn.Conv2d("conv2", x, 8))))
	return nn.Linear("fc", nn.Flatten(x), numClasses)
}

// A Summary is what [Describe] finds in a model. It prints as a table.
type Summary struct {
	Name          string // for example "MLP(30)"
	Layers        []Layer
	NumParameters int // that training changes
}

// Describe runs through a model without computing anything and lists its layers and parameters.
// It returns an error if the layers do not fit together or the model does not end in 10 logits.
func Describe(model Model) (Summary, error) {
	nn, err := describe(model)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Name: typeName(model), Layers: nn.layers}
	for _, layer := range nn.layers {
		s.NumParameters += layer.NumParameters
	}
	return s, nil
}

func (s Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s parameters\n", s.Name, thousands(s.NumParameters))
	for _, layer := range s.Layers {
		parameters := ""
		if layer.NumParameters > 0 {
			parameters = thousands(layer.NumParameters)
		}
		line := fmt.Sprintf("  %-10s %-8s %-12s %9s", layer.Kind, layer.Name, shapeString(layer.Shape), parameters)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
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
		delete(given, spec.name)
	}
	for _, w := range weights {
		if _, extra := given[w.Name]; extra {
			return fmt.Errorf("the weights hold %q, which %s does not have", w.Name, name)
		}
	}
	return nil
}

// describe runs Forward without building a program.
func describe(model Model) (*Layers, error) {
	nn := &Layers{}
	_, err := runForward(model, nn, &Tensor{shape: imageShape})
	return nn, err
}

// runForward calls the model's Forward and turns a panic inside it into an error of one sentence.
func runForward(model Model, nn *Layers, x *Tensor) (logits *Tensor, err error) {
	if model == nil {
		return nil, errors.New("the model is nil; give a value such as MLP{Hidden: 30}")
	}
	name := typeName(model)
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case modelError:
			err = fmt.Errorf("the model %s: %w", name, cause)
		default:
			err = fmt.Errorf("the model %s: its Forward method failed: %v", name, device.FirstLine(cause))
		}
	}()
	logits = model.Forward(nn, x)
	if logits == nil {
		return nil, fmt.Errorf("the model %s: Forward returned nil instead of its logits", name)
	}
	if !slices.Equal(logits.shape, []int{numClasses}) {
		return nil, fmt.Errorf("the model %s: Forward must return one logit for each of the 10 digits, the shape [10], but returned %v", name, logits.shape)
	}
	return logits, nil
}

// modelName is what a model prints as, or its type and fields.
func modelName(model Model) string {
	if s, ok := model.(fmt.Stringer); ok {
		return s.String()
	}
	return typeName(model)
}

// typeName is the model's type and the values of its fields: "MLP(30)". It calls no method of the model, as a
// String method may well call Describe.
func typeName(model Model) string {
	v := reflect.Indirect(reflect.ValueOf(model))
	if v.Kind() != reflect.Struct {
		return reflect.TypeOf(model).Name()
	}
	var fields []string
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Bool:
			if f.Bool() {
				fields = append(fields, v.Type().Field(i).Name)
			}
		default:
			fields = append(fields, fmt.Sprint(f))
		}
	}
	if len(fields) == 0 {
		return v.Type().Name()
	}
	return v.Type().Name() + "(" + strings.Join(fields, ", ") + ")"
}

func shapeString(shape []int) string {
	dims := make([]string, len(shape))
	for i, d := range shape {
		dims[i] = fmt.Sprint(d)
	}
	return strings.Join(dims, "×")
}

// thousands writes 159010 as 159,010.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
