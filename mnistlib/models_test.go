package mnistlib

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// A modelFunc is a model written as a function.
type modelFunc func(nn *Layers, x *Tensor) *Tensor

func (f modelFunc) Forward(nn *Layers, x *Tensor) *Tensor { return f(nn, x) }

func TestModelsThatDoNotFit(t *testing.T) {
	for _, c := range []struct {
		model modelFunc
		want  string
	}{
		{func(nn *Layers, x *Tensor) *Tensor { return nn.Linear("layer1", x, 10) },
			`Linear layer "layer1" takes a vector, but its input has the shape [1 28 28]; call Flatten first`},
		{func(nn *Layers, x *Tensor) *Tensor { return nn.Linear("layer1", nn.Flatten(x), 0) },
			`Linear layer "layer1" needs at least 1 output, not 0`},
		{func(nn *Layers, x *Tensor) *Tensor { return nn.Conv2d("conv1", nn.Flatten(x), 4) },
			`Conv2d layer "conv1" takes an image [channels, height, width], but its input has the shape [784]`},
		{func(nn *Layers, x *Tensor) *Tensor { return nn.Conv2d("conv1", x, -1) },
			`Conv2d layer "conv1" needs at least 1 output channel, not -1`},
		{func(nn *Layers, x *Tensor) *Tensor { return nn.MaxPool2d(nn.Flatten(x)) },
			"MaxPool2d takes an image [channels, height, width] of at least 2 × 2 pixels, but its input has the shape [784]"},
		{func(nn *Layers, x *Tensor) *Tensor { return nn.Linear("", nn.Flatten(x), 10) },
			"a Linear layer has no name"},
		{func(nn *Layers, x *Tensor) *Tensor {
			return nn.Linear("fc", nn.Linear("fc", nn.Flatten(x), 10), 10)
		}, `two layers are named "fc"`},
		{func(nn *Layers, x *Tensor) *Tensor { return nn.Linear("fc", nn.Flatten(x), 9) },
			"Forward must return one logit for each of the 10 digits, the shape [10], but returned [9]"},
		{func(nn *Layers, x *Tensor) *Tensor { return nil }, "Forward returned nil"},
		{func(nn *Layers, x *Tensor) *Tensor { return nn.ReLU(nil) }, "Forward method failed"},
		{func(nn *Layers, x *Tensor) *Tensor { return x }, "but returned [1 28 28]"},
	} {
		_, err := Describe(c.model)
		checkError(t, err, c.want)
		_, err = Train(c.model, small(), Config{BatchSize: 20, Quiet: true})
		checkError(t, err, c.want)
	}
}

func TestSummary(t *testing.T) {
	summary, err := Describe(MLPBN{Hidden: 1500, BeforeReLU: true})
	if err != nil {
		t.Fatal(err)
	}
	const want = `MLPBN(1500, BeforeReLU): 1,195,510 parameters
  Flatten             784
  Linear     layer1   1500         1,177,500
  BatchNorm  bn       1500             3,000
  ReLU                1500
  Linear     layer2   10              15,010
`
	if summary.String() != want {
		t.Errorf("Describe prints\n%swant\n%s", summary, want)
	}
}

func TestInitialWeights(t *testing.T) {
	weights, err := InitialWeights(CNNBN{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := InitialWeights(CNNBN{}, 1)
	other, _ := InitialWeights(CNNBN{}, 2)
	var names []string
	for i, w := range weights {
		names = append(names, w.Name)
		if !slices.Equal(w.Values, again[i].Values) {
			t.Errorf("%s: seed 1 gave two different draws", w.Name)
		}
		if w.Trainable && w.Name != "bn1.weight" && w.Name != "bn1.bias" && w.Name != "bn2.weight" && w.Name != "bn2.bias" {
			if slices.Equal(w.Values, other[i].Values) {
				t.Errorf("%s: seeds 1 and 2 gave the same draw", w.Name)
			}
		}
	}
	want := []string{"conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var", "bn1.num_batches_tracked",
		"conv2.weight", "conv2.bias", "bn2.weight", "bn2.bias", "bn2.running_mean", "bn2.running_var", "bn2.num_batches_tracked", "fc.weight", "fc.bias"}
	if !slices.Equal(names, want) {
		t.Errorf("the weights are %v, want PyTorch's names %v", names, want)
	}

	// fc.weight has 3,920 draws from U(-b, b) with b = 1/√392: their standard deviation is b/√3.
	values, bound := weights[14].Values, 1/math.Sqrt(392)
	var sum, squares float64
	for _, v := range values {
		if math.Abs(v) > bound {
			t.Fatalf("fc.weight holds %v, beyond ±%v", v, bound)
		}
		sum += v
		squares += v * v
	}
	n := float64(len(values))
	if mean, sd := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 4*bound/math.Sqrt(3*n) || math.Abs(sd*math.Sqrt(3)/bound-1) > 0.03 {
		t.Errorf("fc.weight has the mean %v and the deviation %v, want 0 and %v", mean, sd, bound/math.Sqrt(3))
	}
}

// changing is a model whose layers are others each time.
type changing struct{ calls int }

func (m *changing) Forward(nn *Layers, x *Tensor) *Tensor {
	m.calls++
	return nn.Linear(fmt.Sprint("layer", m.calls), nn.Flatten(x), numClasses)
}

func TestModelsThatChange(t *testing.T) {
	images := MNIST().Train.Slice(0, 1)
	const want = "Forward runs several times and must give the same layers each time"
	_, err := Train(&changing{}, small(), Config{BatchSize: 20, Quiet: true})
	checkError(t, err, want)
	weights, err := InitialWeights(&changing{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Predict(&changing{}, weights, images)
	checkError(t, err, want)
	_, err = Activations(&changing{}, weights, images)
	checkError(t, err, want)
	_, err = Gradients(&changing{}, weights, images)
	checkError(t, err, want)
}

// described is a model that prints as its own description.
type described struct{ MLP }

func (m described) String() string {
	summary, err := Describe(m)
	if err != nil {
		return err.Error()
	}
	return summary.String()
}

func TestModelWhoseStringDescribesIt(t *testing.T) {
	trains(t)
	model := described{MLP{Hidden: 2}}
	if s := model.String(); !strings.Contains(s, "1,600 parameters") {
		t.Errorf("the model prints as %q", s)
	}
	if h := train(t, model, Config{Epochs: 1, Seed: 1}); !strings.Contains(h.Model, "1,600 parameters") {
		t.Errorf("in its history, the model is %q", h.Model)
	}
}

func TestLayersWhoseNamesAreAlike(t *testing.T) {
	summary, err := Describe(modelFunc(func(nn *Layers, x *Tensor) *Tensor {
		return nn.Linear("net", nn.ReLU(nn.Linear("net.0", nn.Flatten(x), 30)), 10)
	}))
	if err != nil {
		t.Fatal(err)
	}
	const first, second = 784*30 + 30, 30*10 + 10
	if l := summary.Layers; l[1].NumParameters != first || l[3].NumParameters != second || summary.NumParameters != first+second {
		t.Errorf("the parameters are those of other layers:\n%s", summary)
	}
}
