package mnistlib

import (
	"math"
	"testing"
)

// Optimizers as a reader would write them.

type nesterov struct{ LR, Momentum float64 }

func (o nesterov) Step(w, g *Array, s *State) *Array {
	v := s.Get("v").Scale(o.Momentum).Add(g)
	s.Set("v", v)
	return w.Sub(g.Add(v.Scale(o.Momentum)).Scale(o.LR))
}

type rmsProp struct{ LR, Decay, Epsilon float64 }

func (o rmsProp) Step(w, g *Array, s *State) *Array {
	v := s.Get("v").Scale(o.Decay).Add(g.Square().Scale(1 - o.Decay))
	s.Set("v", v)
	return w.Sub(g.Scale(o.LR).Div(v.Sqrt().AddScalar(o.Epsilon)))
}

type adamW struct{ LR, WeightDecay float64 }

func (o adamW) Step(w, g *Array, s *State) *Array {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	w = w.Scale(1 - o.LR*o.WeightDecay)
	m := s.Get("m").Scale(beta1).Add(g.Scale(1 - beta1))
	v := s.Get("v").Scale(beta2).Add(g.Square().Scale(1 - beta2))
	s.Set("m", m)
	s.Set("v", v)
	mHat := m.Scale(1 / (1 - math.Pow(beta1, float64(s.T))))
	vHat := v.Scale(1 / (1 - math.Pow(beta2, float64(s.T))))
	return w.Sub(mHat.Scale(o.LR).Div(vHat.Sqrt().AddScalar(epsilon)))
}

// readersOptimizers are compared with PyTorch's by TestFloat64AgreesWithPyTorch.
var readersOptimizers = []goldenOptimizer{
	{"Nesterov", nesterov{LR: 0.1, Momentum: 0.9}},
	{"RMSprop", rmsProp{LR: 0.001, Decay: 0.99, Epsilon: 1e-8}},
	{"AdamW", adamW{LR: 0.005, WeightDecay: 0.1}},
}

// halving halves the learning rate each iteration.
type halving struct{ LR float64 }

func (o halving) Step(w, g *Array, s *State) *Array {
	return w.Sub(g.Scale(o.LR / math.Pow(2, float64(s.T-1))))
}

// A number may follow the iteration: the second step of a halving rate is half of the constant rate's.
func TestLearningRateSchedule(t *testing.T) {
	trains(t)
	weights := initialWeights(t, MLP{Hidden: 8}, 1)
	after := func(o Optimizer, n int) Weights {
		return trainFor(t, n, MLP{Hidden: 8}, small(), Config{Optimizer: o, BatchSize: 20, Float64: true, Weights: weights}).Weights
	}
	one, constant, halved := after(SGD{LR: 0.1}, 1), after(SGD{LR: 0.1}, 2), after(halving{0.1}, 2)
	for k := range one {
		for j, w := range one[k].Values {
			full, half := constant[k].Values[j]-w, halved[k].Values[j]-w
			if !near(half, full/2, 1e-15) {
				t.Fatalf("%s[%d]: the second step is %g, half of %g expected", one[k].Name, j, half, full)
			}
		}
	}
}

type optimizerFunc func(w, g *Array, s *State) *Array

func (f optimizerFunc) Step(w, g *Array, s *State) *Array { return f(w, g, s) }

func TestBadOptimizers(t *testing.T) {
	trains(t)
	for _, c := range []struct {
		optimizer optimizerFunc
		want      string
	}{
		{func(w, g *Array, s *State) *Array { return nil }, "Step returned nil"},
		{func(w, g *Array, s *State) *Array { return w.Sub(nil) }, "its Step method failed"},
		{func(w, g *Array, s *State) *Array { return w.Sub(g.Scale(math.Inf(1))) }, "a number in its Step is +Inf at iteration 1"},
		{func(w, g *Array, s *State) *Array { return w.Sub(g.Scale(1 / float64(s.T-3))) }, "is +Inf at iteration 3"},
		{func(w, g *Array, s *State) *Array {
			if s.T > 2 {
				g = g.Square()
			}
			return w.Sub(g.Scale(0.1))
		}, "its Step does something else at iteration 3 than at the first"},
	} {
		_, err := Train(MLP{Hidden: 8}, small(), Config{Optimizer: c.optimizer, BatchSize: 20, Epochs: 1, Quiet: true})
		checkError(t, err, c.want)
	}
}

func TestOptimizerNames(t *testing.T) {
	for want, o := range map[string]Optimizer{
		"nesterov(LR=0.1, Momentum=0.9)":                 nesterov{0.1, 0.9},
		"SGD(lr=0.1, momentum=0)":                        SGD{LR: 0.1},
		"Adam(lr=0.005)":                                 Adam{LR: 0.005},
		"Adam(lr=0.005, beta1=0.5, weight decay=0.0001)": Adam{LR: 0.005, Beta1: 0.5, WeightDecay: 1e-4},
	} {
		if got := optimizerName(o); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
