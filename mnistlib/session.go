package mnistlib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/tutorial6/mnistlib/internal/device"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// programs are those of all sessions, so that the next call need not compile them again.
var programs = &device.Programs{Most: 16}

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

// newSession checks everything and compiles what is not compiled yet.
func newSession(ctx context.Context, model Model, data Data, configs []Config) (*session, error) {
	s, err := checkedSession(model, data, configs)
	if err == nil {
		err = s.compile(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// checkedSession checks everything. The session can train once it is compiled.
func checkedSession(model Model, data Data, configs []Config) (*session, error) {
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
	return s, nil
}

// compile compiles what is not compiled yet. If ctx is done meanwhile, it returns an error at once.
func (s *session) compile(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.prepare() }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // also if it has just been compiled
		return errors.New("interrupted while compiling; nothing was trained")
	}
	return err
}

// checkBatch refuses a batch from which batch norm cannot estimate a variance, as PyTorch does.
func (net *network) checkBatch(batchSize int) error {
	for _, layer := range net.layers {
		if layer.Kind == "BatchNorm" && batchSize*product(layer.Shape)/layer.Shape[0] < 2 {
			return fmt.Errorf("BatchNorm layer %q needs more than one value a channel to estimate a variance, and a batch of one image has no other; give it 2 images or more", layer.Name)
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
	if s.backend, err = device.Open(); err != nil {
		return err
	}
	moving := make(chan error, 1)
	go func() { moving <- s.moveImages() }()
	for _, p := range s.programs {
		compiled, compileErr := programs.Compile(s.backend, "training", p.key(), p.build)
		err = errors.Join(err, compileErr)
		s.compiled = append(s.compiled, compiled)
		if !p.inLoop && s.evaluateAlone == nil {
			key := fmt.Sprint("evaluation: ", p.network.dtype, p.network.layers, p.network.specs, p.evaluation)
			s.evaluateAlone, compileErr = programs.Compile(s.backend, "evaluation", key, s.evaluation.build(s.network))
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
	program, err := programs.Compile(s.backend, "Gram matrix", fmt.Sprint("Gram matrix of ", s.evaluation, s.data.Train.Len()), func(g *Graph) []*Node {
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
