package device

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// A Program is a graph compiled for a backend.
type Program struct{ graph *Graph }

// Compile builds a program and compiles it. An error that build panics with comes back as it is.
func (b *Backend) Compile(name string, build func(g *Graph) []*Node) (p *Program, err error) {
	defer catch(&err, "compiling the "+name+" program")
	g := NewGraph(b.Backend, name)
	if err := g.Compile(build(g)...); err != nil {
		return nil, fmt.Errorf("compiling the %s program failed: %s", name, FirstLine(err))
	}
	return &Program{g}, nil
}

// Run runs the program. The tensors that it returns have to be freed: see [Free].
func (p *Program) Run(inputs ...*tensors.Tensor) (outputs []*tensors.Tensor, err error) {
	defer catch(&err, "running the "+p.graph.Name()+" program")
	list := make([]any, len(inputs))
	for i, t := range inputs {
		list[i] = t
	}
	return p.graph.Run(list...), nil
}

// Close frees the program.
func (p *Program) Close() { p.graph.Finalize() }

// Share moves tensors to the device that several runs will read: left to the first use, the move would be
// a race among them.
func (b *Backend) Share(list []*tensors.Tensor) error {
	for _, t := range list {
		if err := t.MaterializeOnDevice(b.Backend, true, 0); err != nil {
			return fmt.Errorf("moving the images to the device failed: %s", FirstLine(err))
		}
	}
	return nil
}

// A UserError is what a build function panics with where its user is to read its words and no others.
type UserError interface {
	error
	ForUser()
}

// catch turns a panic of GoMLX, which is how it reports errors while it builds and runs, into an error.
func catch(err *error, doing string) {
	switch cause := recover().(type) {
	case nil:
	case UserError:
		*err = cause
	default:
		*err = fmt.Errorf("%s failed: %s", doing, FirstLine(cause))
	}
}
