package mnistlib

import (
	"context"
	"testing"

	"example.com/tutorial6/mnistlib/internal/device"
	"github.com/gomlx/gomlx/core/tensors"
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
	p := s.programs[0]
	order := make([]int32, data.Train.Len())
	for i := range order {
		order[i] = int32(i)
	}
	constants, err := s.epochConstants(p, config.Optimizer, order, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Free(constants[2:4])
	state := s.network.tensors(config.Weights)
	for _, shape := range p.slotShapes() {
		state = append(state, tensors.FromShape(shape))
	}
	h := &History{TrainImages: data.Train.Len(), ValidationImages: data.Validation.Len()}
	_, state, err = s.runPart(s.compiled[0], p, h, state, constants, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Free(state)
	h.Weights = s.network.weightsOf(state)
	return h
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
