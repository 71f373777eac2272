package mnistlib

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"example.com/tutorial6/mnistlib/internal/device"
	"example.com/tutorial6/mnistlib/internal/torch"
	"github.com/gomlx/gomlx/core/tensors"
)

// train makes the runs, as many at a time as there are processors: that fills them better than the threads of one
// XLA program do. After each part of a run it calls show, one call at a time, with how many iterations were done.
func (s *session) train(ctx context.Context, configs []Config, show func(h *History, iterations int)) ([]*History, error) {
	histories, errs := make([]*History, len(configs)), make([]error, len(configs))
	var showing sync.Mutex
	var workers sync.WaitGroup
	free := make(chan struct{}, runtime.NumCPU())
	for i := range configs {
		free <- struct{}{}
		workers.Go(func() {
			histories[i], errs[i] = s.run(ctx, i, configs[i], func(h *History, iterations int) {
				showing.Lock()
				defer showing.Unlock()
				show(h, iterations)
			})
			<-free
		})
	}
	workers.Wait()
	return histories, errors.Join(errs...)
}

// run makes one run, from its initial weights to the last iteration.
func (s *session) run(ctx context.Context, i int, c Config, show func(h *History, iterations int)) (*History, error) {
	start := time.Now()
	p := s.programs[i]
	h := &History{
		Model: modelName(s.network.model), Optimizer: optimizerName(c.Optimizer), BatchSize: c.BatchSize, Epochs: c.Epochs,
		Shuffle: !c.NoShuffle, Seed: c.Seed, Float64: c.Float64, Backend: s.backend.Description,
		TrainImages: s.data.Train.Len(), ValidationImages: s.data.Validation.Len(), CompileSeconds: s.compileSeconds,
	}
	h.Name = c.Name
	if h.Name == "" {
		h.Name = h.settingsName()
	}
	random := torch.NewGenerator(c.Seed)
	weights := drawWeights(s.network.specs, random) // drawn in any case, so that the orders are the same
	if c.Weights != nil {
		weights = c.Weights
	}
	state := s.network.tensors(weights)
	for _, shape := range p.slotShapes() {
		state = append(state, tensors.FromShape(shape))
	}
	defer func() { device.Free(state) }()
	if c.SnapshotEvery > 0 {
		h.keepWeights(0, s.network.weightsOf(state))
	}

	for epoch := range c.Epochs {
		order := random.Epoch(s.data.Train.Len(), !c.NoShuffle, p.iterations)
		constants, err := s.epochConstants(p, c.Optimizer, order, epoch)
		if err != nil {
			return nil, err
		}
		part := p.part(c.EvaluateEachEpoch)
		for first := 0; first < p.iterations; first += part {
			if ctx.Err() != nil {
				h.Interrupted = true
				break
			}
			last := min(first+part, p.iterations)
			if c.SnapshotEvery > 0 {
				if err := s.keepSnapshots(s.compiled[i], p, h, state, constants, first, last, c.SnapshotEvery); err != nil {
					return nil, err
				}
			}
			done, newState, err := s.runPart(s.compiled[i], p, h, state, constants, first, last)
			if err != nil {
				return nil, err
			}
			state = newState
			if c.SnapshotEvery > 0 && done == last && len(h.Loss)%c.SnapshotEvery == 0 && h.diverged() == 0 {
				h.keepWeights(len(h.Loss), s.network.weightsOf(state))
			}
			if done == last && !p.inLoop && (!c.EvaluateEachEpoch || last == p.iterations) && h.diverged() == 0 {
				if err := s.evaluate(h, state); err != nil {
					return nil, err
				}
			}
			show(h, done-first)
			if h.diverged() > 0 {
				break
			}
		}
		device.Free(constants[2:4])
		if h.Interrupted || h.diverged() > 0 {
			break
		}
	}
	if h.diverged() > 0 {
		h.ValidationRight = nil // those of a step before
	}
	h.Weights = s.network.weightsOf(state)
	if n := len(h.Snapshots); n > 0 && h.Snapshots[n-1].Iteration < len(h.Loss) {
		h.keepWeights(len(h.Loss), h.Weights)
	}
	h.Seconds = s.compileSeconds + time.Since(start).Seconds()
	return h, nil
}

// part is how many iterations of an epoch one execution does: so many that an interrupt is answered, and progress
// shown, within a fraction of a second. It does not depend on the machine, so that neither do the numbers.
func (p *trainingProgram) part(eachEpoch bool) int {
	if !p.loops || !p.inLoop && !eachEpoch { // the evaluation follows every iteration, by a program of its own
		return 1
	}
	const enough = 5e9 // multiplications; a core does 10 to 50 of these 10⁹ in a second
	multiplications := 3 * p.batchSize
	if p.inLoop && !p.moved {
		multiplications += p.evaluation.numImages
	}
	parts := math.Ceil(float64(p.iterations) * float64(multiplications) * p.network.multiplications() / enough)
	return int(math.Ceil(float64(p.iterations) / parts))
}

// multiplications is how many an image takes, from the pixels to the logits.
func (net *network) multiplications() float64 {
	n := 0.0
	shapes := map[int][]int{0: imageShape}
	for i, layer := range net.layers {
		shapes[i+1] = layer.Shape
		switch layer.Kind {
		case "Linear":
			n += float64(layer.Shape[0] * product(shapes[layer.input]))
		case "Conv2d":
			n += float64(9 * product(layer.Shape) * shapes[layer.input][0])
		}
	}
	return max(1, n)
}

// epochConstants are what the iterations of one epoch read. The order and the numbers are this epoch's own.
func (s *session) epochConstants(p *trainingProgram, o Optimizer, order []int32, epoch int) ([]*tensors.Tensor, error) {
	numbers := make([]float64, 0, p.iterations*p.numNumbers())
	for i := range p.iterations {
		t := epoch*p.iterations + i + 1
		step, err := readStep(o, t)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(step.operations, p.read.operations) {
			return nil, fmt.Errorf("the optimizer %s: its Step does something else at iteration %d than at the first; only its numbers may change", optimizerName(o), t)
		}
		numbers = append(numbers, step.numbers...)
	}
	if len(numbers) == 0 {
		numbers = make([]float64, p.iterations)
	}
	constants := []*tensors.Tensor{
		s.pixels, s.labels, tensors.FromFlatDataAndDimensions(slices.Clone(order[:p.iterations*p.batchSize]), p.iterations, p.batchSize),
		s.network.numbersTensor(numbers, p.iterations, p.numNumbers()),
	}
	if p.inLoop {
		constants = append(constants, s.images...)
	}
	if p.moved {
		constants = append(constants, s.gram)
	}
	return constants, nil
}

// runPart does the iterations of an epoch from first up to, not including, last, and notes them in the history.
// It frees the state and returns the one after it, and how many iterations of the epoch are done.
func (s *session) runPart(program *device.Program, p *trainingProgram, h *History, state, constants []*tensors.Tensor, first, last int) (done int, newState []*tensors.Tensor, err error) {
	outputs, err := s.iterate(program, p, state, constants, first, last)
	if err != nil {
		return 0, state, err
	}
	device.Free(state)
	done = int(tensors.ToScalar[int32](outputs[0]))
	losses := floatsOf(outputs[1])
	train, validation := floatsOf(outputs[2]), floatsOf(outputs[3])
	for i := first; i < done; i++ {
		h.Loss = append(h.Loss, losses[i])
		if p.inLoop && finite(losses[i]) {
			h.noteAccuracies(train[i], validation[i])
		}
	}
	if p.inLoop {
		h.ValidationRight = tensors.MustCopyFlatData[bool](outputs[4])[p.evaluation.numTrain:]
	}
	device.Free(outputs[:numRecords])
	return done, outputs[numRecords:], nil
}

// numRecords is how many outputs of a training program come before the state.
const numRecords = 5

// iterate runs a training program from a state, which it leaves as it is.
func (s *session) iterate(program *device.Program, p *trainingProgram, state, constants []*tensors.Tensor, first, last int) ([]*tensors.Tensor, error) {
	records := []*tensors.Tensor{
		tensors.FromScalar(int32(first)), tensors.FromScalar(int32(last)),
		s.network.numbersTensor(make([]float64, p.iterations), p.iterations),
		tensors.FromFlatDataAndDimensions(make([]int32, p.iterations), p.iterations),
		tensors.FromFlatDataAndDimensions(make([]int32, p.iterations), p.iterations),
		tensors.FromFlatDataAndDimensions(make([]bool, p.evaluation.numImages), p.evaluation.numImages),
	}
	defer device.Free(records)
	return program.Run(slices.Concat(records, state, constants)...)
}

// keepSnapshots keeps the weights that Config.SnapshotEvery asks for inside a part of an epoch. It does the part's
// iterations an extra time, from snapshot to snapshot, as cutting the part itself would change the accuracies by the
// rounding of moved products, which a part begins anew.
func (s *session) keepSnapshots(program *device.Program, p *trainingProgram, h *History, state, constants []*tensors.Tensor, first, last, every int) error {
	var at []*tensors.Tensor // nil: the state itself
	defer func() { device.Free(at) }()
	before := len(h.Loss) - first // iterations of the epochs before
	from := first
	for to := (before+first)/every*every + every - before; to < last; to += every {
		outputs, err := s.iterate(program, p, state, constants, from, to)
		if err != nil {
			return err
		}
		device.Free(at)
		at, state = outputs[numRecords:], outputs[numRecords:]
		loss := floatsOf(outputs[1])[to-1]
		done := int(tensors.ToScalar[int32](outputs[0]))
		device.Free(outputs[:numRecords])
		if done < to || !finite(loss) {
			return nil // the run ends here
		}
		h.keepWeights(before+to, s.network.weightsOf(state))
		from = to
	}
	return nil
}

// floatsOf copies a list of numbers from the device.
func floatsOf(t *tensors.Tensor) (values []float64) {
	t.MustConstFlatData(func(flat any) {
		switch flat := flat.(type) {
		case []float32:
			values = toFloat64(flat)
		case []float64:
			values = slices.Clone(flat)
		case []int32:
			values = toFloat64(flat)
		default:
			panic(fmt.Sprintf("numbers of type %T", flat))
		}
	})
	return values
}

// evaluate measures the accuracies of weights.
func (s *session) evaluate(h *History, state []*tensors.Tensor) error {
	outputs, err := s.evaluateAlone.Run(slices.Concat(state[:len(s.network.specs)], s.images)...)
	if err != nil {
		return err
	}
	h.noteAccuracies(float64(tensors.ToScalar[int32](outputs[0])), float64(tensors.ToScalar[int32](outputs[1])))
	h.ValidationRight = tensors.MustCopyFlatData[bool](outputs[2])[h.TrainImages:]
	device.Free(outputs)
	return nil
}

// noteAccuracies adds the accuracies after the last iteration: how many images are right.
func (h *History) noteAccuracies(train, validation float64) {
	h.Evaluated = append(h.Evaluated, len(h.Loss))
	h.TrainAccuracy = append(h.TrainAccuracy, train/float64(h.TrainImages))
	h.ValidationAccuracy = append(h.ValidationAccuracy, validation/float64(h.ValidationImages))
}

func (h *History) keepWeights(iteration int, weights Weights) {
	h.Snapshots = append(h.Snapshots, Snapshot{Iteration: iteration, Weights: weights})
}
