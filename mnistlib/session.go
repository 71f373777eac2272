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
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// A session holds what the runs of one call share: the compiled programs, and the images on the device.
type session struct {
	network *network
	data    Data
	backend *device.Backend

	programs       []*trainingProgram // beside the configurations
	compiled       []*device.Program  // beside programs
	evaluateAlone  *device.Program    // nil if every program evaluates in its loop
	evaluation     evaluation
	pixels, labels *tensors.Tensor
	images         []*tensors.Tensor // all training, then all validation images, and their labels
	gram           *tensors.Tensor   // nil if no products are moved
	compileSeconds float64
}

// maxChunksInLoop is how many chunks of images a training program evaluates after each iteration, each by a piece of
// program of its own, as GoMLX has no loop within a loop. More would make its compilation long, and are evaluated by a
// program of their own.
const maxChunksInLoop = 4

// newSession checks everything and compiles what is not compiled yet. If ctx is done meanwhile, it returns an error
// at once.
func newSession(ctx context.Context, model Model, data Data, configs []Config) (*session, error) {
	if len(configs) == 0 {
		return nil, errors.New("there is no configuration to train")
	}
	for _, c := range configs {
		if c.Float64 != configs[0].Float64 {
			return nil, errors.New("some configurations have Float64 and some not; train them apart")
		}
	}
	net, err := newNetwork(model, configs[0].Float64)
	if err != nil {
		return nil, err
	}
	s := &session{network: net, data: data, evaluation: net.newEvaluation(data.Train.Len(), data.Train.Len()+data.Validation.Len())}
	for i, c := range configs {
		if c.Weights != nil {
			if err := checkWeights(model, net.specs, c.Weights); err != nil {
				return nil, ofConfig(i, len(configs), err)
			}
		}
		if err := net.checkBatch(c.BatchSize); err != nil {
			return nil, ofConfig(i, len(configs), err)
		}
		p, err := s.newProgram(c)
		if err != nil {
			return nil, ofConfig(i, len(configs), err)
		}
		s.programs = append(s.programs, p)
	}
	done := make(chan error, 1)
	go func() { done <- s.prepare() }()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = errors.New("interrupted while compiling; nothing was trained")
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// checkBatch refuses a batch from which batch norm cannot estimate a variance, as PyTorch does.
func (net *network) checkBatch(batchSize int) error {
	for _, layer := range net.layers {
		if layer.Kind == "BatchNorm" && batchSize*product(layer.Shape)/layer.Shape[0] < 2 {
			return fmt.Errorf("Config.BatchSize is %d, but BatchNorm layer %q needs more than one value a channel to estimate a variance; take batches of 2 images or more", batchSize, layer.Name)
		}
	}
	return nil
}

func (s *session) newProgram(c Config) (*trainingProgram, error) {
	p := &trainingProgram{
		network: s.network, optimizer: c.Optimizer, batchSize: c.BatchSize,
		iterations: s.data.Train.Len() / c.BatchSize,
		evaluation: s.evaluation, inLoop: !c.EvaluateEachEpoch && s.evaluation.numChunks <= maxChunksInLoop,
	}
	var err error
	if p.read, err = readStep(c.Optimizer, 1); err != nil {
		return nil, err
	}
	p.moved = p.worthMoving()
	return p, nil
}

// prepare opens the backend, compiles the programs and moves the images to the device.
func (s *session) prepare() (err error) {
	start := time.Now()
	if s.backend, err = openFor(s.network, "train"); err != nil {
		return err
	}
	moving := make(chan error, 1)
	go func() { moving <- s.moveImages() }()
	for _, p := range s.programs {
		p.loops = s.backend.IsXLA
		compiled, compileErr := compileOnce(s.backend, "training", p.key(), p.build)
		err = errors.Join(err, compileErr)
		s.compiled = append(s.compiled, compiled)
		if !p.inLoop && s.evaluateAlone == nil {
			key := fmt.Sprint("evaluation: ", p.network.dtype, p.network.layers, p.network.specs, p.evaluation)
			s.evaluateAlone, compileErr = compileOnce(s.backend, "evaluation", key, s.evaluation.build(s.network, s.backend.IsXLA))
			err = errors.Join(err, compileErr)
		}
		if err != nil {
			break
		}
	}
	err = errors.Join(err, <-moving)
	s.compileSeconds = time.Since(start).Seconds()
	return err
}

// moveImages moves the images to the device, and computes the Gram matrix there if products are moved.
func (s *session) moveImages() error {
	all := Images{
		Pixels: slices.Concat(s.data.Train.Pixels, s.data.Validation.Pixels),
		Labels: slices.Concat(s.data.Train.Labels, s.data.Validation.Labels),
	}
	s.pixels = tensors.FromFlatDataAndDimensions(s.data.Train.Pixels, s.data.Train.Len(), NumPixels)
	s.labels = tensors.FromFlatDataAndDimensions(s.data.Train.labels(), s.data.Train.Len())
	s.images = s.evaluation.tensors(all)
	if err := s.backend.Share(slices.Concat([]*tensors.Tensor{s.pixels, s.labels}, s.images)); err != nil {
		return err
	}
	if !slices.ContainsFunc(s.programs, func(p *trainingProgram) bool { return p.moved }) {
		return nil
	}
	program, err := compileOnce(s.backend, "Gram matrix", fmt.Sprint("Gram matrix of ", s.evaluation, s.data.Train.Len()), func(g *Graph) []*Node {
		images, _ := s.evaluation.parameters(g, 1)
		return []*Node{gramMatrix(Reshape(images, s.evaluation.chunkSize, NumPixels), s.data.Train.Len())}
	})
	if err != nil {
		return err
	}
	outputs, err := program.Run(s.images...)
	if err != nil {
		return err
	}
	s.gram = outputs[0]
	return nil
}

// close frees the images. The programs stay, for the next call.
func (s *session) close() {
	device.Free(slices.Concat([]*tensors.Tensor{s.pixels, s.labels}, s.images))
	if s.gram != nil {
		s.gram.MustFinalizeAll()
	}
}

// The programs compiled last, by their keys; the newest is at the end.
var (
	compiledMutex   sync.Mutex
	compiledLast    []compiledProgram
	numCompilations int
)

type compiledProgram struct {
	key     string
	program *device.Program
}

// maxCompiled bounds the memory of the programs that are kept, about 10 MB each.
const maxCompiled = 16

// compileOnce compiles a program unless one of its key was compiled a while ago.
func compileOnce(b *device.Backend, name, key string, build func(g *Graph) []*Node) (*device.Program, error) {
	compiledMutex.Lock()
	defer compiledMutex.Unlock()
	if i := slices.IndexFunc(compiledLast, func(c compiledProgram) bool { return c.key == key }); i >= 0 {
		found := compiledLast[i]
		compiledLast = append(slices.Delete(compiledLast, i, i+1), found)
		return found.program, nil
	}
	device.MemoryForCompiling()
	defer device.MemoryForRunning()
	numCompilations++
	program, err := b.Compile(name, build)
	if err != nil {
		return nil, err
	}
	if len(compiledLast) >= maxCompiled {
		compiledLast = slices.Delete(compiledLast, 0, 1) // a run may still use it: the garbage collector frees it
	}
	compiledLast = append(compiledLast, compiledProgram{key, program})
	return program, nil
}

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
			done, newState, err := s.runPart(s.compiled[i], p, h, state, constants, first, last)
			if err != nil {
				return nil, err
			}
			state = newState
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
	records := []*tensors.Tensor{
		tensors.FromScalar(int32(first)), tensors.FromScalar(int32(last)),
		s.network.numbersTensor(make([]float64, p.iterations), p.iterations),
		tensors.FromFlatDataAndDimensions(make([]int32, p.iterations), p.iterations),
		tensors.FromFlatDataAndDimensions(make([]int32, p.iterations), p.iterations),
		tensors.FromFlatDataAndDimensions(make([]bool, p.evaluation.numImages), p.evaluation.numImages),
	}
	outputs, err := program.Run(slices.Concat(records, state, constants)...)
	device.Free(records)
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
	device.Free(outputs[:5])
	return done, outputs[5:], nil
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
