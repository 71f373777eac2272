package mnistlib

import (
	"math"
	"slices"
	"testing"
)

// Small networks that between them hold each layer in each of its forms.
var smallNetworks = []struct {
	name  string
	model modelFunc
}{
	{"Linear, ReLU, BatchNorm of features", func(nn *Layers, x *Tensor) *Tensor {
		x = nn.ReLU(nn.Linear("in", nn.Flatten(x), 5))
		x = nn.BatchNorm("bn", nn.Linear("middle", x, 4))
		return nn.Linear("out", x, numClasses)
	}},
	{"Conv2d, MaxPool2d", func(nn *Layers, x *Tensor) *Tensor {
		x = nn.MaxPool2d(nn.Conv2d("conv", x, 2))
		return nn.Linear("out", nn.Flatten(x), numClasses)
	}},
	{"Conv2d of several channels, BatchNorm of channels", func(nn *Layers, x *Tensor) *Tensor {
		x = nn.BatchNorm("bn", nn.Conv2d("conv2", nn.Conv2d("conv1", x, 2), 3))
		return nn.Linear("out", nn.Flatten(x), numClasses)
	}},
}

func linearReLULinear(nn *Layers, x *Tensor) *Tensor {
	return nn.Linear("out", nn.ReLU(nn.Linear("in", nn.Flatten(x), 5)), numClasses)
}

// Along a direction d in one weight array, the loss must change as the gradient g says:
// (loss(w + h·d) - loss(w - h·d)) / 2h = g·d. One step of SGD with rate 1 tells g: w before minus w
// after.
func TestGradients(t *testing.T) {
	trains(t)
	for _, network := range smallNetworks {
		t.Run(network.name, func(t *testing.T) {
			all := MNIST()
			data := Data{Train: reordered(all, goldenOrder(all.Train.Len())).Train.Slice(0, 16), Validation: all.Validation.Slice(0, 16)}
			step := func(weights Weights) (loss float64, after Weights) {
				h := trainFor(t, 1, network.model, data, Config{Optimizer: SGD{LR: 1}, BatchSize: 16, Float64: true, Weights: weights})
				return h.Loss[0], h.Weights
			}

			weights := goldenWeights(t, network.model)
			_, after := step(weights)
			random := splitmix64(1)
			for i, w := range weights {
				if !w.Trainable {
					continue
				}
				direction := make([]float64, len(w.Values))
				var want float64 // g·d
				for j, v := range w.Values {
					direction[j] = random.uniform()
					want += (v - after[i].Values[j]) * direction[j]
				}
				const h = 1e-6
				lossAt := func(h float64) float64 {
					moved := slices.Clone(weights)
					moved[i].Values = slices.Clone(w.Values)
					for j := range moved[i].Values {
						moved[i].Values[j] += h * direction[j]
					}
					loss, _ := step(moved)
					return loss
				}
				got := (lossAt(h) - lossAt(-h)) / (2 * h)
				if math.Abs(got-want) > 1e-7*max(1, math.Abs(want)) {
					t.Errorf("along a direction in %s the loss changes by %.12g, the gradient says %.12g", w.Name, got, want)
				}
			}
		})
	}
}

// At 0 ReLU has no derivative; PyTorch takes 0. With a first layer of zeros its units are at 0 for
// every image, so that its weights must stay.
func TestReLUHasGradientZeroAtZero(t *testing.T) {
	trains(t)
	weights := goldenWeights(t, modelFunc(linearReLULinear))
	for _, w := range weights[:2] {
		clear(w.Values)
	}
	h := trainFor(t, 1, modelFunc(linearReLULinear), MNIST(), Config{Optimizer: SGD{LR: 1}, Float64: true, Weights: weights})
	for _, w := range h.Weights[:2] {
		for i, v := range w.Values {
			if v != 0 {
				t.Fatalf("%s[%d] moved from 0 to %g", w.Name, i, v)
			}
		}
	}
}
