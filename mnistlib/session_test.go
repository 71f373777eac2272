package mnistlib

import (
	"context"
	"testing"

	"example.com/tutorial6/mnistlib/internal/device"
	. "github.com/gomlx/gomlx/core/graph"
)

// trainFor makes the first n iterations of a run, on the images in their own order.
func trainFor(t testing.TB, n int, model Model, data Data, config Config) *History {
	t.Helper()
	if err := fillDefaults(&config); err != nil {
		t.Fatal(err)
	}
	s, err := newSession(context.Background(), model, data, []Config{config})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	r := s.newRun(0, config)
	defer func() { device.Free(r.state) }()
	order := make([]int32, data.Train.Len())
	for i := range order {
		order[i] = int32(i)
	}
	constants, err := r.epochConstants(order, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Free(constants[epochOrder : epochNumbers+1])
	if _, err := r.iterate(constants, 0, n); err != nil {
		t.Fatal(err)
	}
	r.history.Weights = s.network.weightsOf(r.state)
	return r.history
}

// reordered takes the training images in another order.
func reordered(data Data, order []int32) Data {
	var images Images
	for _, i := range order {
		one := data.Train.Slice(int(i), int(i)+1)
		images.Pixels = append(images.Pixels, one.Pixels...)
		images.Labels = append(images.Labels, one.Labels...)
	}
	return Data{Train: images, Validation: data.Validation}
}

// Of the compiled programs the ones used last are kept.
func TestProgramsUsedLastAreKept(t *testing.T) {
	trains(t)
	b, err := device.Open()
	if err != nil {
		t.Fatal(err)
	}
	last := &device.Programs{Most: 2}
	for i, step := range []struct {
		key      string
		compiled int // so far
	}{{"a", 1}, {"b", 2}, {"a", 2}, {"c", 3}, {"a", 3}, {"b", 4}} {
		if _, err := last.Compile(b, step.key, step.key, func(g *Graph) []*Node { return []*Node{Const(g, 1)} }); err != nil {
			t.Fatal(err)
		}
		if n := last.Compiled(); n != step.compiled {
			t.Errorf("after step %d, program %s, %d were compiled, want %d", i+1, step.key, n, step.compiled)
		}
	}
}
