package mnistlib

import (
	"fmt"
	"math"
)

// SGD is stochastic gradient descent, with PyTorch's definition of momentum and weight decay
// (torch.optim.SGD; Sutskever et al., "On the importance of initialization and momentum in deep
// learning", 2013, differs by the place of the learning rate):
//
//	v ← Momentum·v + g + WeightDecay·w
//	w ← w - LR·v
type SGD struct {
	LR          float64 // learning rate, above 0; the tutorial's is 0.1
	Momentum    float64 // from 0 up to, not including, 1
	WeightDecay float64 // 0 or more
}

// Step is one step of gradient descent.
func (o SGD) Step(w, g *Array, s *State) *Array {
	g = g.Add(w.Scale(o.WeightDecay))
	v := s.Get("v").Scale(o.Momentum).Add(g)
	s.Set("v", v)
	return w.Sub(v.Scale(o.LR))
}

// Check returns an error if a setting is out of its range.
func (o SGD) Check() error {
	if !(o.Momentum >= 0 && o.Momentum < 1) {
		return fmt.Errorf("SGD's Momentum is %v; it must be at least 0 and below 1", o.Momentum)
	}
	return checkRates("SGD", o.LR, o.WeightDecay, 0.1)
}

func (o SGD) String() string {
	return fmt.Sprintf("SGD(lr=%v, momentum=%v%s)", o.LR, o.Momentum, setting("weight decay", o.WeightDecay, 0))
}

// Adam is the optimizer of Kingma and Ba, "Adam: a method for stochastic optimization", 2015,
// algorithm 1. Weight decay is added to the gradient, as in torch.optim.Adam:
//
//	g ← g + WeightDecay·w
//	m ← β₁·m + (1-β₁)·g
//	v ← β₂·v + (1-β₂)·g²
//	w ← w - LR · m/(1-β₁ᵗ) / (√(v/(1-β₂ᵗ)) + ε)
type Adam struct {
	LR          float64 // learning rate, above 0; the tutorial's is 0.005
	WeightDecay float64 // 0 or more
	Beta1       float64 // β₁, from 0 up to, not including, 1; 0: 0.9
	Beta2       float64 // β₂, likewise; 0: 0.999
	Epsilon     float64 // ε, above 0; 0: 1e-8
}

// Step is one step of Adam.
func (o Adam) Step(w, g *Array, s *State) *Array {
	o = o.withDefaults()
	t := float64(s.T)
	g = g.Add(w.Scale(o.WeightDecay))
	m := s.Get("m").Scale(o.Beta1).Add(g.Scale(1 - o.Beta1))
	v := s.Get("v").Scale(o.Beta2).Add(g.Square().Scale(1 - o.Beta2))
	s.Set("m", m)
	s.Set("v", v)
	mHat := m.Scale(1 / (1 - math.Pow(o.Beta1, t)))
	vHat := v.Scale(1 / (1 - math.Pow(o.Beta2, t)))
	return w.Sub(mHat.Scale(o.LR).Div(vHat.Sqrt().AddScalar(o.Epsilon)))
}

func (o Adam) withDefaults() Adam {
	for _, field := range []struct {
		value *float64
		usual float64
	}{{&o.Beta1, 0.9}, {&o.Beta2, 0.999}, {&o.Epsilon, 1e-8}} {
		if *field.value == 0 {
			*field.value = field.usual
		}
	}
	return o
}

// Check returns an error if a setting is out of its range.
func (o Adam) Check() error {
	o = o.withDefaults()
	if !(o.Beta1 >= 0 && o.Beta1 < 1 && o.Beta2 >= 0 && o.Beta2 < 1) {
		return fmt.Errorf("the betas of Adam are %v and %v; they must be above 0 and below 1", o.Beta1, o.Beta2)
	}
	if !(o.Epsilon > 0) || math.IsInf(o.Epsilon, 1) {
		return fmt.Errorf("the Epsilon of Adam is %v; it must be above 0", o.Epsilon)
	}
	return checkRates("Adam", o.LR, o.WeightDecay, 0.005)
}

func (o Adam) String() string {
	o = o.withDefaults()
	return fmt.Sprintf("Adam(lr=%v%s%s%s%s)", o.LR, setting("beta1", o.Beta1, 0.9), setting("beta2", o.Beta2, 0.999),
		setting("epsilon", o.Epsilon, 1e-8), setting("weight decay", o.WeightDecay, 0))
}

func checkRates(name string, lr, weightDecay, usual float64) error {
	if !(lr > 0) || math.IsInf(lr, 1) {
		return fmt.Errorf("%s's LR, the learning rate, is %v; it must be above 0 (the tutorial uses %v)", name, lr, usual)
	}
	if !(weightDecay >= 0) || math.IsInf(weightDecay, 1) {
		return fmt.Errorf("%s's WeightDecay is %v; it must be 0 or more", name, weightDecay)
	}
	return nil
}

// setting names a setting that differs from its usual value.
func setting(name string, value, usual float64) string {
	if value == usual {
		return ""
	}
	return fmt.Sprintf(", %s=%v", name, value)
}
