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

// A run is one training run under way.
type run struct {
	*session
	config   Config
	program  *trainingProgram
	compiled *device.Program
	random   *torch.Generator
	history  *History
	state    []*tensors.Tensor // on the device: the weights, then what the optimizer remembers
}

// run makes one run, from its initial weights to the last iteration.
func (s *session) run(ctx context.Context, i int, c Config, show func(h *History, iterations int)) (*History, error) {
	start := time.Now()
	r := s.newRun(i, c)
	defer func() { device.Free(r.state) }()
	h := r.history
	if c.SnapshotEvery > 0 {
		r.keepSnapshot()
	}
	for epoch := 0; epoch < c.Epochs && !r.ended(); epoch++ {
		if err := r.epoch(ctx, epoch, show); err != nil {
			return nil, err
		}
	}
	if h.diverged() > 0 {
		h.ValidationRight = nil // those of a step before
	}
	h.Weights = s.network.weightsOf(r.state)
	if n := len(h.Snapshots); n > 0 && h.Snapshots[n-1].Iteration < len(h.Loss) {
		h.keepWeights(len(h.Loss), h.Weights)
	}
	h.Seconds = s.compileSeconds + time.Since(start).Seconds()
	return h, nil
}

// newRun is a run before its first iteration.
func (s *session) newRun(i int, c Config) *run {
	h := &History{
		Name: c.Name, Model: modelName(s.network.model), Optimizer: optimizerName(c.Optimizer), BatchSize: c.BatchSize, Epochs: c.Epochs,
		Shuffle: !c.NoShuffle, Seed: c.Seed, Float64: c.Float64, Backend: s.backend.Description,
		TrainImages: s.data.Train.Len(), ValidationImages: s.data.Validation.Len(), CompileSeconds: s.compileSeconds,
	}
	if h.Name == "" {
		h.Name = h.settingsName()
	}
	r := &run{session: s, config: c, program: s.programs[i], compiled: s.compiled[i], random: torch.NewGenerator(c.Seed), history: h}
	weights := drawWeights(s.network.specs, r.random) // drawn in any case, so that the orders are the same
	if c.Weights != nil {
		weights = c.Weights
	}
	r.state = s.network.tensors(weights)
	for _, shape := range r.program.slotShapes() {
		r.state = append(r.state, tensors.FromShape(shape))
	}
	return r
}

// ended tells whether the run does no more iterations, though some are left: it was interrupted, or its last loss is
// not finite.
func (r *run) ended() bool {
	losses := r.history.Loss
	return r.history.Interrupted || len(losses) > 0 && !finite(last(losses))
}

// epoch makes one pass through the training images, in parts.
func (r *run) epoch(ctx context.Context, epoch int, show func(h *History, iterations int)) error {
	p, h := r.program, r.history
	constants, err := r.epochConstants(r.random.Epoch(r.data.Train.Len(), !r.config.NoShuffle, p.iterations), epoch)
	if err != nil {
		return err
	}
	defer device.Free(constants[epochOrder : epochNumbers+1])
	part := p.part(r.config.EvaluateEachEpoch)
	for first := 0; first < p.iterations && !r.ended(); first += part {
		if ctx.Err() != nil {
			h.Interrupted = true
			return nil
		}
		last := min(first+part, p.iterations)
		if r.config.SnapshotEvery > 0 {
			if err := r.keepSnapshotsWithin(constants, first, last); err != nil {
				return err
			}
		}
		done, err := r.iterate(constants, first, last)
		if err != nil {
			return err
		}
		if !r.ended() && r.config.SnapshotEvery > 0 && len(h.Loss)%r.config.SnapshotEvery == 0 {
			r.keepSnapshot()
		}
		if !r.ended() && !p.inLoop && (!r.config.EvaluateEachEpoch || last == p.iterations) {
			if err := r.evaluate(); err != nil {
				return err
			}
		}
		show(h, done)
	}
	return nil
}

// part is how many iterations of an epoch one execution does: so many that an interrupt is answered, and progress
// shown, within a fraction of a second. It does not depend on the machine, so that neither do the numbers.
func (p *trainingProgram) part(eachEpoch bool) int {
	if !p.inLoop && !eachEpoch { // the evaluation follows every iteration, by a program of its own
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

// epochConstants are what the iterations of one epoch read. The order and the numbers are this epoch's own.
func (r *run) epochConstants(order []int32, epoch int) ([]*tensors.Tensor, error) {
	p := r.program
	numbers := make([]float64, 0, p.iterations*p.numNumbers())
	for i := range p.iterations {
		t := epoch*p.iterations + i + 1
		step, err := readStep(r.config.Optimizer, t)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(step.operations, p.read.operations) {
			return nil, fmt.Errorf("the optimizer %s: its Step does something else at iteration %d than at the first; only its numbers may change", optimizerName(r.config.Optimizer), t)
		}
		numbers = append(numbers, step.numbers...)
	}
	if len(numbers) == 0 {
		numbers = make([]float64, p.iterations)
	}
	constants := []*tensors.Tensor{
		r.pixels, r.labels, tensors.FromFlatDataAndDimensions(slices.Clone(order[:p.iterations*p.batchSize]), p.iterations, p.batchSize),
		device.Tensor(r.network.dtype, numbers, p.iterations, p.numNumbers()),
	}
	if p.inLoop {
		constants = append(constants, r.images...)
	}
	if p.moved {
		constants = append(constants, r.gram)
	}
	return constants, nil
}

// iterate does the iterations of an epoch from first up to, not including, last, and notes them in the history. It
// returns how many it did: fewer if the loss is not finite at one.
func (r *run) iterate(constants []*tensors.Tensor, first, last int) (done int, err error) {
	p, h := r.program, r.history
	outputs, err := r.execute(r.state, constants, first, last)
	if err != nil {
		return 0, err
	}
	device.Free(r.state)
	r.state = outputs[numRecords:]
	end := int(tensors.ToScalar[int32](outputs[0]))
	losses := device.Values(outputs[1])
	train, validation := device.Values(outputs[2]), device.Values(outputs[3])
	for i := first; i < end; i++ {
		h.Loss = append(h.Loss, losses[i])
		if p.inLoop && finite(losses[i]) {
			h.noteAccuracies(train[i], validation[i])
		}
	}
	if p.inLoop {
		h.ValidationRight = tensors.MustCopyFlatData[bool](outputs[4])[p.evaluation.numTrain:]
	}
	device.Free(outputs[:numRecords])
	return end - first, nil
}

// numRecords is how many outputs of a training program come before the state.
const numRecords = 5

// execute runs the training program from a state, which it leaves as it is.
func (r *run) execute(state, constants []*tensors.Tensor, first, last int) ([]*tensors.Tensor, error) {
	p := r.program
	records := []*tensors.Tensor{
		tensors.FromScalar(int32(first)), tensors.FromScalar(int32(last)),
		device.Tensor(r.network.dtype, make([]float64, p.iterations), p.iterations),
		tensors.FromFlatDataAndDimensions(make([]int32, p.iterations), p.iterations),
		tensors.FromFlatDataAndDimensions(make([]int32, p.iterations), p.iterations),
		tensors.FromFlatDataAndDimensions(make([]bool, p.evaluation.numImages), p.evaluation.numImages),
	}
	defer device.Free(records)
	return r.compiled.Run(slices.Concat(records, state, constants)...)
}

// keepSnapshot keeps the present weights.
func (r *run) keepSnapshot() {
	r.history.keepWeights(len(r.history.Loss), r.network.weightsOf(r.state))
}

// keepSnapshotsWithin keeps the weights that Config.SnapshotEvery asks for inside a part of an epoch. It does the
// part's iterations an extra time, from snapshot to snapshot, as cutting the part itself would change the accuracies by
// the rounding of moved products, which a part begins anew.
func (r *run) keepSnapshotsWithin(constants []*tensors.Tensor, first, last int) error {
	state := r.state
	var own []*tensors.Tensor // nil: the state is the run's
	defer func() { device.Free(own) }()
	every, before := r.config.SnapshotEvery, len(r.history.Loss)-first // iterations of the epochs before
	from := first
	for to := (before+first)/every*every + every - before; to < last; to += every {
		outputs, err := r.execute(state, constants, from, to)
		if err != nil {
			return err
		}
		device.Free(own)
		own, state = outputs[numRecords:], outputs[numRecords:]
		loss := device.Values(outputs[1])[to-1]
		done := int(tensors.ToScalar[int32](outputs[0]))
		device.Free(outputs[:numRecords])
		if done < to || !finite(loss) {
			return nil // the run ends here
		}
		r.history.keepWeights(before+to, r.network.weightsOf(state))
		from = to
	}
	return nil
}

// evaluate measures the accuracies of the present weights.
func (r *run) evaluate() error {
	h := r.history
	outputs, err := r.evaluateAlone.Run(slices.Concat(r.state[:len(r.network.specs)], r.images)...)
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
