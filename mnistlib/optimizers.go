package mnistlib

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// An Optimizer turns a gradient into a step: [SGD] or [Adam].
type Optimizer interface {
	String() string

	check() error
	// numSlots is how many arrays it remembers for each weight, all zero at first.
	numSlots() int
	// step returns the weight and the slots after iteration t, counted from 1; g is the gradient of
	// the loss, t a float64 scalar.
	step(w, g *Node, slots []*Node, t *Node) (*Node, []*Node)
}

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

func (o SGD) step(w, g *Node, slots []*Node, _ *Node) (*Node, []*Node) {
	v := decay(g, w, o.WeightDecay)
	if o.Momentum > 0 {
		v = Add(MulScalar(slots[0], o.Momentum), v)
		slots = []*Node{v}
	}
	return Sub(w, MulScalar(v, o.LR)), slots
}

func (o SGD) numSlots() int {
	if o.Momentum > 0 {
		return 1
	}
	return 0
}

func (o SGD) check() error {
	if !(o.Momentum >= 0 && o.Momentum < 1) {
		return fmt.Errorf("SGD's Momentum is %v; it must be at least 0 and below 1", o.Momentum)
	}
	return checkRates("SGD", o.LR, o.WeightDecay, 0.1)
}

func (o SGD) String() string {
	return fmt.Sprintf("SGD(lr=%v, momentum=%v%s)", o.LR, o.Momentum, decayString(o.WeightDecay))
}

// Adam is the optimizer of Kingma and Ba, "Adam: a method for stochastic optimization", 2015,
// algorithm 1, with β₁ = 0.9, β₂ = 0.999 and ε = 1e-8. Weight decay is added to the gradient, as in
// torch.optim.Adam:
//
//	g ← g + WeightDecay·w
//	m ← β₁·m + (1-β₁)·g
//	v ← β₂·v + (1-β₂)·g²
//	w ← w - LR · m/(1-β₁ᵗ) / (√(v/(1-β₂ᵗ)) + ε)
type Adam struct {
	LR          float64 // learning rate, above 0; the tutorial's is 0.005
	WeightDecay float64 // 0 or more
}

func (o Adam) step(w, g *Node, slots []*Node, t *Node) (*Node, []*Node) {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	g = decay(g, w, o.WeightDecay)
	m := Add(MulScalar(slots[0], beta1), MulScalar(g, 1-beta1))
	v := Add(MulScalar(slots[1], beta2), MulScalar(Square(g), 1-beta2))

	// t is a float64: in float32, 1 - 0.999ᵗ loses half of its digits.
	correction := func(beta float64) *Node {
		return ConvertDType(OneMinus(Pow(Scalar(t.Graph(), t.DType(), beta), t)), w.DType())
	}
	mHat := Div(m, correction(beta1))
	vHat := Div(v, correction(beta2))
	return Sub(w, Div(MulScalar(mHat, o.LR), AddScalar(Sqrt(vHat), epsilon))), []*Node{m, v}
}

func (o Adam) numSlots() int { return 2 }

func (o Adam) check() error { return checkRates("Adam", o.LR, o.WeightDecay, 0.005) }

func (o Adam) String() string {
	return fmt.Sprintf("Adam(lr=%v%s)", o.LR, decayString(o.WeightDecay))
}

// decay adds the gradient of WeightDecay·‖w‖²/2.
func decay(g, w *Node, weightDecay float64) *Node {
	if weightDecay == 0 {
		return g
	}
	return Add(g, MulScalar(w, weightDecay))
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

func decayString(weightDecay float64) string {
	if weightDecay == 0 {
		return ""
	}
	return fmt.Sprintf(", weight decay=%v", weightDecay)
}
