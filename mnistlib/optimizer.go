package mnistlib

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
)

// An Optimizer turns a gradient into a step: [SGD], [Adam], or a type of your own with this one method.
// Step returns the weight w after an iteration; g is the gradient of the mean loss by w, and what the
// optimizer remembers of w is in s:
//
//	type Nesterov struct{ LR, Momentum float64 }
//
//	func (o Nesterov) Step(w, g *mnistlib.Array, s *mnistlib.State) *mnistlib.Array {
//		v := s.Get("v").Scale(o.Momentum).Add(g)
//		s.Set("v", v)
//		return w.Sub(g.Add(v.Scale(o.Momentum)).Scale(o.LR))
//	}
//
// Step is called once for each iteration, to read its numbers, and some times more, to build the program. So the
// numbers may change with s.T, but the operations must be the same each time, and all weights share them. A Step that breaks this,
// or that gives a number that is not finite, is an error of [Train]. An optimizer may also have a method
// Check() error, which says what is wrong with its settings before anything is trained, and String() string.
type Optimizer interface {
	Step(w, g *Array, s *State) *Array
}

// An Array is one weight of a model, or what an optimizer computes of it, element by element: all arrays
// of one Step have the shape of its weight. The numbers that its methods take are inputs of the
// compiled program: another learning rate needs no new one.
type Array struct {
	step *step
	id   int
	node *Node // nil while a step is only read
}

// Add returns a + b.
func (a *Array) Add(b *Array) *Array { return a.with(b, "add", Add) }

// Sub returns a - b.
func (a *Array) Sub(b *Array) *Array { return a.with(b, "sub", Sub) }

// Mul returns a · b, element by element.
func (a *Array) Mul(b *Array) *Array { return a.with(b, "mul", Mul) }

// Div returns a / b, element by element.
func (a *Array) Div(b *Array) *Array { return a.with(b, "div", Div) }

// Max returns the larger of a and b, element by element.
func (a *Array) Max(b *Array) *Array { return a.with(b, "max", Max) }

// Scale returns k·a.
func (a *Array) Scale(k float64) *Array { return a.withNumber(k, "scale", Mul) }

// AddScalar returns a + k.
func (a *Array) AddScalar(k float64) *Array { return a.withNumber(k, "add scalar", Add) }

// Square returns a².
func (a *Array) Square() *Array { return a.alone("square", Square) }

// Sqrt returns √a.
func (a *Array) Sqrt() *Array { return a.alone("sqrt", Sqrt) }

// Abs returns |a|.
func (a *Array) Abs() *Array { return a.alone("abs", Abs) }

// Sign returns -1, 0 or 1 for each element below, at or above 0.
func (a *Array) Sign() *Array { return a.alone("sign", Sign) }

// State is what an optimizer remembers of one weight from iteration to iteration.
type State struct {
	T int // the iteration, counted from 1

	step *step
}

// Get returns the array that was kept under a name, before the first iteration zeros.
func (s *State) Get(name string) *Array {
	st := s.step
	i := st.slot(name)
	y := st.note("get "+name, nil)
	if st.building {
		y.node = st.before[i]
	}
	return y
}

// Set keeps an array under a name for the next iteration.
func (s *State) Set(name string, a *Array) {
	st := s.step
	st.note(fmt.Sprintf("set %s #%d", name, a.id), nil)
	st.after[st.slot(name)] = a
}

// A step is one call of an optimizer's Step.
type step struct {
	building   bool
	operations []string // steps with the same operations run through the same program
	numbers    []float64
	slots      []string // names of what is kept

	// While a program is built:
	given  *Node   // the numbers as an input
	before []*Node // the slots before the step
	after  map[int]*Array
}

// note adds an operation with its result.
func (st *step) note(operation string, node *Node) *Array {
	st.operations = append(st.operations, operation)
	return &Array{step: st, id: len(st.operations), node: node}
}

func (st *step) slot(name string) int {
	i := slices.Index(st.slots, name)
	if i < 0 {
		i = len(st.slots)
		st.slots = append(st.slots, name)
	}
	return i
}

func (a *Array) alone(operation string, compute func(*Node) *Node) *Array {
	y := a.step.note(fmt.Sprintf("%s #%d", operation, a.id), nil)
	if a.step.building {
		y.node = compute(a.node)
	}
	return y
}

func (a *Array) with(b *Array, operation string, compute func(x, y *Node) *Node) *Array {
	y := a.step.note(fmt.Sprintf("%s #%d #%d", operation, a.id, b.id), nil)
	if a.step.building {
		y.node = compute(a.node, b.node)
	}
	return y
}

func (a *Array) withNumber(k float64, operation string, compute func(x, y *Node) *Node) *Array {
	st := a.step
	i := len(st.numbers)
	st.numbers = append(st.numbers, k)
	y := st.note(fmt.Sprintf("%s #%d", operation, a.id), nil)
	if st.building {
		y.node = compute(a.node, Squeeze(Slice(st.given, AxisRange(i, i+1)), 0))
	}
	return y
}

// readStep calls Step for iteration t without computing anything: it tells the operations and the numbers.
func readStep(o Optimizer, t int) (st *step, err error) {
	st = &step{after: map[int]*Array{}}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the optimizer %s: its Step method failed: %v", optimizerName(o), cause)
		}
	}()
	if _, err := st.call(o, nil, nil, t); err != nil {
		return nil, err
	}
	for _, k := range st.numbers {
		if !finite(k) {
			return nil, fmt.Errorf("the optimizer %s: a number in its Step is %v at iteration %d; all must be finite", optimizerName(o), k, t)
		}
	}
	return st, nil
}

// buildStep is Step in a program: it returns the weight and the slots after it.
func buildStep(o Optimizer, w, g *Node, slots []*Node, numbers *Node) (newWeight *Node, newSlots []*Node) {
	st := &step{building: true, given: numbers, before: slots, after: map[int]*Array{}}
	y, err := st.call(o, w, g, 1)
	if err != nil {
		fail("%v", err)
	}
	newSlots = slices.Clone(slots)
	for i, a := range st.after {
		newSlots[i] = a.node
	}
	return y.node, newSlots
}

func (st *step) call(o Optimizer, w, g *Node, t int) (*Array, error) {
	y := o.Step(st.note("weight", w), st.note("gradient", g), &State{T: t, step: st})
	if y == nil {
		return nil, fmt.Errorf("the optimizer %s: Step returned nil instead of the new weight", optimizerName(o))
	}
	st.operations = append(st.operations, fmt.Sprintf("return #%d", y.id))
	return y, nil
}

// isLinear tells whether the step does nothing but add and scale, so that it may move along what depends
// linearly on a weight: see multiplyImages.
func (st *step) isLinear() bool {
	for _, operation := range st.operations {
		switch name, _, _ := strings.Cut(operation, " #"); {
		case name == "weight", name == "gradient", name == "return", name == "add", name == "sub", name == "scale":
		case strings.HasPrefix(name, "get "), strings.HasPrefix(name, "set "):
		default:
			return false
		}
	}
	return true
}

// optimizerName is what an optimizer prints as, or its type and fields: "Nesterov(LR=0.1, Momentum=0.9)".
func optimizerName(o Optimizer) string {
	if s, ok := o.(fmt.Stringer); ok {
		return s.String()
	}
	v := reflect.Indirect(reflect.ValueOf(o))
	var fields []string
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			fields = append(fields, fmt.Sprintf("%s=%v", v.Type().Field(i).Name, v.Field(i)))
		}
	}
	return fmt.Sprintf("%s(%s)", v.Type().Name(), strings.Join(fields, ", "))
}
