package mnistlib

import (
	"context"
	"math"
	"slices"
	"testing"
)

// bothWays makes the same run with the images multiplied anew in each evaluation, and with the products moved.
func bothWays(t *testing.T, model Model, config Config) (anew, moved *History) {
	t.Helper()
	config.Quiet, config.Seed = true, 1
	if err := fillDefaults(&config); err != nil {
		t.Fatal(err)
	}
	var histories []*History
	for _, way := range []bool{false, true} {
		s, err := newSession(context.Background(), model, MNIST(), []Config{config})
		if err != nil {
			t.Fatal(err)
		}
		if !s.programs[0].moved {
			t.Fatalf("the products of %s are not moved", modelName(model))
		}
		if !way {
			s.programs[0].moved = false
			s.compiled = nil
			if err := s.prepare(); err != nil {
				t.Fatal(err)
			}
		}
		defer s.close()
		runs, err := s.train(context.Background(), []Config{config}, func(*History, int) {})
		if err != nil {
			t.Fatal(err)
		}
		histories = append(histories, runs[0])
	}
	return histories[0], histories[1]
}

// oneUnused has two layers that multiply the images; what comes of the first is not used.
type oneUnused struct{}

func (oneUnused) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.Flatten(x)
	nn.Linear("unused", x, 3)
	x = nn.ReLU(nn.Linear("layer1", x, 12))
	return nn.Linear("layer2", x, numClasses)
}

func TestMovedProducts(t *testing.T) {
	trains(t)
	for _, model := range []Model{MLP{Hidden: 12}, MLPBN{Hidden: 12, BeforeReLU: true}, oneUnused{}} {
		for _, optimizer := range []SGD{{LR: 0.1, Momentum: 0.9}, {LR: 0.05, WeightDecay: 0.01}} {
			anew, moved := bothWays(t, model, Config{Optimizer: optimizer, Epochs: 3, Float64: true})
			name := modelName(model) + " by " + optimizer.String()
			if !slices.Equal(anew.Loss, moved.Loss) {
				t.Errorf("%s: the losses differ: the evaluation has changed the training", name)
			}
			if !slices.Equal(anew.TrainAccuracy, moved.TrainAccuracy) || !slices.Equal(anew.ValidationAccuracy, moved.ValidationAccuracy) {
				t.Errorf("%s: in float64 the accuracies differ:\n%v\n%v", name, anew.TrainAccuracy, moved.TrainAccuracy)
			}
		}
	}
}

// In float32 an image that is nearly on the border between two digits may fall to the other side.
func TestMovedProductsInFloat32(t *testing.T) {
	trains(t)
	anew, moved := bothWays(t, MLP{Hidden: 30}, Config{})
	differ := 0
	for i := range anew.TrainAccuracy {
		images := math.Round(2000 * math.Abs(anew.TrainAccuracy[i]-moved.TrainAccuracy[i]))
		if images > 1 {
			t.Errorf("iteration %d: %.0f images of 2,000 fell to the other side", i+1, images)
		}
		differ += int(images)
	}
	if differ > 15 {
		t.Errorf("in %d of 310 iterations an image fell to the other side", differ)
	}
	t.Logf("%d of 620,000 decisions differ", differ)
}

func TestWorthMoving(t *testing.T) {
	many := MNIST()
	many.Train = Images{Pixels: slices.Concat(many.Train.Pixels, many.Train.Pixels), Labels: slices.Concat(many.Train.Labels, many.Train.Labels)}
	for _, test := range []struct {
		name   string
		model  Model
		data   Data
		config Config
		want   bool
	}{
		{"the tutorial's MLP", MLP{Hidden: 30}, MNIST(), Config{}, true},
		{"Adam is not linear", MLP{Hidden: 30}, MNIST(), Config{Optimizer: Adam{LR: 0.005}}, false},
		{"Nesterov's momentum is", MLP{Hidden: 30}, MNIST(), Config{Optimizer: nesterov{0.1, 0.9}}, true},
		{"a convolution", CNN{}, MNIST(), Config{}, false},
		{"one evaluation an epoch", MLP{Hidden: 30}, MNIST(), Config{EvaluateEachEpoch: true}, false},
		{"a batch of 1,000 images", MLP{Hidden: 30}, MNIST(), Config{BatchSize: 1000}, false},
		{"too many images for a Gram matrix", MLP{Hidden: 30}, many, Config{}, false},
	} {
		if err := fillDefaults(&test.config); err != nil {
			t.Fatal(err)
		}
		net, err := newNetwork(test.model, false)
		if err != nil {
			t.Fatal(err)
		}
		s := &session{network: net, data: test.data, evaluation: net.newEvaluation(test.data.Train.Len(), test.data.Train.Len()+test.data.Validation.Len())}
		p, err := s.newProgram(test.config)
		if err != nil {
			t.Fatal(err)
		}
		if p.moved != test.want {
			t.Errorf("%s: worth moving: %t, want %t", test.name, p.moved, test.want)
		}
	}
}
