package mnistlib

import (
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

func initialWeights(t *testing.T, model Model, seed uint64) Weights {
	t.Helper()
	weights, err := InitialWeights(model, seed)
	if err != nil {
		t.Fatal(err)
	}
	return weights
}

// Predict is written and compiled for speed, Activations for sight: what they say of the same images
// must agree.
func TestActivationsEndInThePredictions(t *testing.T) {
	trains(t)
	images := MNIST().Validation.Slice(0, 7)
	for _, model := range []Model{MLP{Hidden: 5}, MLPBN{Hidden: 5, BeforeReLU: true}, CNNBN{}} {
		weights := initialWeights(t, model, 1)
		activations, err := Activations(model, weights, images)
		if err != nil {
			t.Fatal(err)
		}
		summary, _ := Describe(model)
		if len(activations) != len(summary.Layers) {
			t.Fatalf("%s: %d activations of %d layers", summary.Name, len(activations), len(summary.Layers))
		}
		for k, a := range activations {
			if a.Kind != summary.Layers[k].Kind || len(a.Values) != 7 || len(a.Values[6]) != product(a.Shape) {
				t.Errorf("%s: activation %d is %s with %d rows of %d, its shape %v", summary.Name, k, a.Kind, len(a.Values), len(a.Values[6]), a.Shape)
			}
		}
		probabilities, err := Predict(model, weights, images)
		if err != nil {
			t.Fatal(err)
		}
		for i, logits := range activations[len(activations)-1].Values {
			for digit, p := range softmax(logits) {
				if math.Abs(p-probabilities[i][digit]) > 1e-6 {
					t.Errorf("%s: image %d, digit %d: %v from the activations, %v from Predict", summary.Name, i, digit, p, probabilities[i][digit])
				}
			}
		}
	}
}

func softmax(logits []float64) []float64 {
	sum := 0.0
	for _, z := range logits {
		sum += math.Exp(z)
	}
	p := make([]float64, len(logits))
	for i, z := range logits {
		p[i] = math.Exp(z) / sum
	}
	return p
}

// The order within a row, channel, row, column, is checked where it can be computed by hand: the
// first convolution.
func TestActivationsOfAConvolution(t *testing.T) {
	trains(t)
	images := MNIST().Validation.Slice(3, 5)
	weights := initialWeights(t, CNN{}, 2)
	activations, err := Activations(CNN{}, weights, images)
	if err != nil {
		t.Fatal(err)
	}
	kernel, bias := weights[0].Values, weights[1].Values // [4, 1, 3, 3] and [4]
	for _, at := range []struct{ image, channel, row, column int }{{0, 0, 14, 14}, {1, 3, 9, 17}, {1, 2, 0, 27}} {
		want := bias[at.channel]
		for i := range 3 {
			for j := range 3 {
				row, column := at.row+i-1, at.column+j-1
				if row >= 0 && row < 28 && column >= 0 && column < 28 {
					want += kernel[at.channel*9+i*3+j] * float64(images.Pixels[at.image*784+row*28+column]) / 255
				}
			}
		}
		if got := activations[0].Values[at.image][at.channel*784+at.row*28+at.column]; math.Abs(got-want) > 1e-12 {
			t.Errorf("%+v: %v, by hand %v", at, got, want)
		}
	}
}

func TestGradientsAgainstFiniteDifferences(t *testing.T) {
	trains(t)
	images := MNIST().Train.Slice(0, 6)
	for _, model := range []Model{MLP{Hidden: 3}, CNN{}, MLPBN{Hidden: 3}} {
		weights := initialWeights(t, model, 3)
		gradients, err := Gradients(model, weights, images)
		if err != nil {
			t.Fatal(err)
		}
		loss := trainingLoss(t, model, weights, images)
		for _, w := range weights {
			if !w.Trainable {
				continue
			}
			g := gradients[0]
			gradients = gradients[1:]
			if g.Name != w.Name || !slices.Equal(g.Shape, w.Shape) {
				t.Fatalf("%s: the gradient of %s %v is called %s %v", modelName(model), w.Name, w.Shape, g.Name, g.Shape)
			}
			j := largest(g.Values) // where a difference is seen best
			const h = 1e-5
			value := w.Values[j]
			w.Values[j] = value + h
			up := loss()
			w.Values[j] = value - h
			down := loss()
			w.Values[j] = value
			if want := (up - down) / (2 * h); math.Abs(g.Values[j]-want) > 1e-7 {
				t.Errorf("%s: gradient of %s[%d] is %v, by finite differences %v", modelName(model), w.Name, j, g.Values[j], want)
			}
		}
	}
}

// trainingLoss returns a function that computes the loss, in training mode, of what weights then holds.
func trainingLoss(t *testing.T, model Model, weights Weights, images Images) func() float64 {
	t.Helper()
	in, err := newInspection(model, weights, images)
	if err != nil {
		t.Fatal(err)
	}
	program, err := in.backend.Compile("loss", func(g *Graph) []*Node {
		_, logits := in.forward(g, true)
		return []*Node{crossEntropy(logits, Const(g, in.labels))}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Close)
	return func() float64 {
		outputs, err := program.Run(append(in.network.tensors(in.weights), in.imagesTensor())...)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.ToScalar[float64](outputs[0])
	}
}

// A step of SGD with rate 1 and no momentum subtracts the gradient.
func TestGradientsAreThoseOfATrainingStep(t *testing.T) {
	trains(t)
	images := MNIST().Train.Slice(0, 20)
	weights := initialWeights(t, MLPBN{Hidden: 4}, 3)
	gradients, err := Gradients(MLPBN{Hidden: 4}, weights, images)
	if err != nil {
		t.Fatal(err)
	}
	h, err := Train(MLPBN{Hidden: 4}, Data{Train: images, Validation: images}, Config{
		Optimizer: SGD{LR: 1}, BatchSize: 20, Epochs: 1, Weights: weights, Float64: true, Quiet: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gradients {
		before, after := named(t, weights, g.Name), named(t, h.Weights, g.Name)
		for j := range g.Values {
			if step := before.Values[j] - after.Values[j]; math.Abs(step-g.Values[j]) > 1e-12 {
				t.Fatalf("training changes %s[%d] by %v, its gradient is %v", g.Name, j, step, g.Values[j])
			}
		}
	}
}

func named(t *testing.T, weights Weights, name string) Weight {
	t.Helper()
	i := slices.IndexFunc(weights, func(w Weight) bool { return w.Name == name })
	if i < 0 {
		t.Fatalf("there is no weight %s", name)
	}
	return weights[i]
}

func largest(values []float64) int {
	best := 0
	for i, v := range values {
		if math.Abs(v) > math.Abs(values[best]) {
			best = i
		}
	}
	return best
}

// What the notebook tells of zero weights: only the bias of the last layer has a gradient.
func TestGradientsOfZeroWeights(t *testing.T) {
	trains(t)
	weights := initialWeights(t, MLP{Hidden: 30}, 1)
	for _, w := range weights {
		clear(w.Values)
	}
	gradients, err := Gradients(MLP{Hidden: 30}, weights, MNIST().Train.Slice(0, 64))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gradients {
		size := math.Abs(g.Values[largest(g.Values)])
		if g.Name == "layer2.bias" && size < 0.01 || g.Name != "layer2.bias" && size != 0 {
			t.Errorf("the largest gradient of %s is %v", g.Name, size)
		}
	}
}

func TestInspectionErrors(t *testing.T) {
	images := MNIST().Train.Slice(0, 2)
	weights := initialWeights(t, MLP{Hidden: 3}, 1)
	for _, test := range []struct {
		says    string
		model   Model
		weights Weights
		images  Images
	}{
		{"no images to look at", MLP{Hidden: 3}, weights, Images{}},
		{`"layer1.weight" has the shape [3 784], but MLP(4) takes [4 784]`, MLP{Hidden: 4}, weights, images},
		{"the label of image 1 is 10", MLP{Hidden: 3}, weights, Images{Pixels: images.Pixels, Labels: []byte{1, 10}}},
	} {
		_, activationsErr := Activations(test.model, test.weights, test.images)
		_, gradientsErr := Gradients(test.model, test.weights, test.images)
		for _, err := range []error{activationsErr, gradientsErr} {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, expected one with %q", err, test.says)
			}
		}
	}
}
