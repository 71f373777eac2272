package device

import (
	"slices"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"
)

// Programs are compiled programs, by keys that are equal for equal programs. They may be used by several
// goroutines.
type Programs struct {
	Most int // are kept, those used last, about 10 MB each

	mutex    sync.Mutex
	kept     []keptProgram // the one used last is at the end
	compiled int
}

type keptProgram struct {
	key     string
	program *Program
}

// Compile compiles a program unless the one of its key is kept.
func (p *Programs) Compile(b *Backend, name, key string, build func(g *Graph) []*Node) (*Program, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if i := slices.IndexFunc(p.kept, func(k keptProgram) bool { return k.key == key }); i >= 0 {
		found := p.kept[i]
		p.kept = append(slices.Delete(p.kept, i, i+1), found)
		return found.program, nil
	}
	memoryForCompiling()
	defer memoryForRunning()
	p.compiled++
	program, err := b.Compile(name, build)
	if err != nil {
		return nil, err
	}
	if len(p.kept) >= p.Most {
		p.kept = slices.Delete(p.kept, 0, 1) // a run may still use it: the garbage collector frees it
	}
	p.kept = append(p.kept, keptProgram{key, program})
	return program, nil
}

// Compiled is how many programs were compiled so far.
func (p *Programs) Compiled() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.compiled
}
