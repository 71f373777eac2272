package mnistlib

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"time"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/janpfeifer/gonb/gonbui"
	"github.com/schollz/progressbar/v3"

	"example.com/tutorial6/mnistlib/internal/torch"
)

// Config says how to train. Its zero value is the tutorial's.
type Config struct {
	Optimizer Optimizer // nil: SGD{LR: 0.1, Momentum: 0.9}
	BatchSize int       // images a step; 0: 64. The last images of an epoch that do not fill a batch are skipped
	Epochs    int       // passes through the training images; 0: 10
	NoShuffle bool      // take the images in the same order in every epoch
	Seed      uint64    // decides the initial weights and the order of the images; 0 draws a fresh one, which History.Seed tells

	Weights           Weights // what to start from; nil: InitialWeights(model, seed)
	EvaluateEachEpoch bool    // measure the accuracies once an epoch, not after every step
	Float64           bool    // compute in float64 instead of float32
	Live              bool    // in a notebook, draw the curves while they grow
	Quiet             bool    // print nothing
}

// Train trains a model and returns the history of the run. At every iteration it records the loss of
// the batch and, after the step, the accuracy on all training and all validation images, in
// evaluation mode.
//
// An interrupt (Ctrl-C, or the notebook's stop button) ends it early, without an error: the History
// holds the curves so far. It returns an error if the model, the data or the configuration cannot
// be used, and an error beside the History so far if the loss stops being finite.
//
// With the same seed, the curves on the CPU are the same to the last bit. A seed gives what it gives to
// the tutorial's program in PyTorch, after torch.manual_seed: the initial weights ([InitialWeights]) and
// the orders. The order of an epoch depends on the seed, on how many weights the model draws and how many
// images it trains on, and from the second epoch on also on the batch size; on nothing else, so not on
// the optimizer, the precision or the Weights of the configuration. That program draws numbers whenever
// it measures its accuracies, after every iteration; Train skips as many, also if EvaluateEachEpoch. As
// only a seed's lower 32 bits count, 1<<32 is PyTorch's seed 0, which the configuration takes for none.
func Train(model Model, data Data, config Config) (*History, error) {
	histories, err := TrainMany(model, data, config, 1)
	if len(histories) == 0 {
		return nil, err
	}
	return histories[0], err
}

// Must returns value, unless err is not nil: then it prints err and ends the program, in a notebook
// the cell, with status 1.
func Must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// TrainMany trains n runs that differ only by their seeds, config.Seed, config.Seed+1, …, with one
// compilation and one progress line. Each is the run that [Train] makes with its seed. It returns
// errors as Train does, those of several runs joined. Live curves are drawn of a single run only.
func TrainMany(model Model, data Data, config Config, n int) ([]*History, error) {
	if n < 1 {
		return nil, fmt.Errorf("the number of runs is %d; it must be at least 1", n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	t, err := newTrainer(ctx, model, data, config, n)
	if err != nil {
		return nil, err
	}
	defer t.close()
	seed := config.Seed
	if seed == 0 {
		seed = 1 + rand.Uint64N(999_999) // short enough to type
	}
	if n == 1 && config.Live && gonbui.IsNotebook {
		t.live = newLivePlot(t.config.Epochs * t.iterationsPerEpoch())
	} else {
		t.startProgress(n)
	}

	histories, err := t.train(ctx, seed, n)
	t.endProgress()
	if n == 1 && err == nil && !config.Quiet {
		fmt.Println(histories[0])
	}
	if ctx.Err() != nil && !config.Quiet {
		fmt.Println("Interrupted: the curves show what was trained so far.")
	}
	return histories, err
}

// sideBySide does n things, as many at a time as there are processors: that fills them better than the
// threads of one XLA program do.
func sideBySide(n int, do func(i int)) {
	var workers sync.WaitGroup
	free := make(chan struct{}, runtime.NumCPU())
	for i := range n {
		free <- struct{}{}
		workers.Go(func() {
			do(i)
			<-free
		})
	}
	workers.Wait()
}

// A trainer holds what the runs of one model and configuration share: the compiled programs, and the
// images on the device.
type trainer struct {
	config  Config // with its defaults filled in
	data    Data
	backend *backend
	network *network

	stepProgram     *Graph
	evaluateProgram *Graph // for runsTogether runs
	runsTogether    int
	moved           *movedProducts    // nil: the evaluation multiplies the images anew
	pixels, labels  *tensors.Tensor   // what trainStep takes
	evaluation      []evaluationChunk // all training, then all validation images
	compileSeconds  float64

	progress *progressbar.ProgressBar // nil if quiet or live
	live     *livePlot                // nil unless the curves are drawn while they grow
}

// iterationsPerEpoch leaves out the images that do not fill a batch.
func (t *trainer) iterationsPerEpoch() int { return t.data.Train.Len() / t.config.BatchSize }

// An evaluationChunk is as many images as one execution of the evaluation program judges.
type evaluationChunk struct{ images, labels *tensors.Tensor }

// chunkSize is how many images an evaluation chunk has when there are n: for a network with
// convolutions few enough for what a layer computes of them to stay in the processor's cache, and an
// odd multiple of its vectors' lengths, as rows a power of two apart would share few places there.
func (net *network) chunkSize(n int) int {
	const vector = 16
	most := 4096
	if net.convolved {
		most = 1280
	}
	vectors := evenly((n+vector-1)/vector, most/vector)
	return vector * (vectors | 1)
}

// evaluatedTogether is how many of n runs one execution of the evaluation program judges: see multiplyRows,
// which gains by it. The limit keeps compilation short.
func (net *network) evaluatedTogether(n int) int {
	if net.convolved {
		return 1
	}
	return evenly(n, 16)
}

// evenly returns the size of equal groups of at most the given size that n things make.
func evenly(n, most int) int {
	groups := (n + most - 1) / most
	return (n + groups - 1) / groups
}

// newTrainer checks everything and compiles for a number of runs. If ctx is done meanwhile, it returns
// an error at once.
func newTrainer(ctx context.Context, model Model, data Data, config Config, numRuns int) (*trainer, error) {
	if err := fillDefaults(&config); err != nil {
		return nil, err
	}
	if err := checkData(data, config); err != nil {
		return nil, err
	}
	net, err := newNetwork(model, config.Float64)
	if err != nil {
		return nil, err
	}
	if config.Weights != nil {
		if err := checkWeights(model, net.specs, config.Weights); err != nil {
			return nil, err
		}
	}
	t := &trainer{config: config, data: data, network: net, runsTogether: net.evaluatedTogether(numRuns)}
	done := make(chan error, 1)
	go func() { done <- t.compile(t.worthMoving(numRuns)) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = errors.New("interrupted while compiling; nothing was trained")
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// compile opens the backend, compiles the programs side by side and moves the images to the device.
func (t *trainer) compile(moved bool) (err error) {
	start := time.Now()
	memoryForCompiling()
	if t.backend, err = openBackend(); err != nil {
		return err
	}
	if t.network.convolved && !t.backend.isXLA {
		return errors.New("the pure-Go backend cannot train a network with convolutions; `go run ./notebooks setup` installs XLA, which can")
	}
	all := Images{
		Pixels: slices.Concat(t.data.Train.Pixels, t.data.Validation.Pixels),
		Labels: slices.Concat(t.data.Train.Labels, t.data.Validation.Labels),
	}
	numTrain, numChunk := t.data.Train.Len(), t.network.chunkSize(all.Len())
	numEvaluated := 0
	if moved {
		numEvaluated = numChunk
	}
	var stepErr, evaluateErr error
	var both sync.WaitGroup
	both.Go(func() {
		t.stepProgram, stepErr = compile(t.backend, "training step", func(g *Graph) []*Node {
			return t.network.trainStep(g, t.config.Optimizer, numTrain, t.config.BatchSize, numEvaluated)
		})
	})
	both.Go(func() {
		t.evaluateProgram, evaluateErr = compile(t.backend, "evaluation", func(g *Graph) []*Node {
			return t.network.evaluate(g, t.runsTogether, numChunk, moved)
		})
	})
	t.pixels = tensors.FromFlatDataAndDimensions(t.data.Train.Pixels, numTrain, NumPixels)
	t.labels = labelTensor(t.data.Train.Labels, numTrain)
	for from := 0; from < all.Len(); from += numChunk {
		part := all.Slice(from, min(from+numChunk, all.Len()))
		t.evaluation = append(t.evaluation, evaluationChunk{
			images: t.network.evaluationImages(part, numChunk),
			labels: labelTensor(part.Labels, numChunk),
		})
	}
	// Left to its first use, the move of a tensor that several runs share would be a race among them.
	var moveErrs []error
	for _, tensor := range t.sharedTensors() {
		moveErrs = append(moveErrs, tensor.MaterializeOnDevice(t.backend.Backend, true, 0))
	}
	var movedErr error
	if moved {
		t.moved, movedErr = newMovedProducts(t.backend, t.network, t.evaluation[0].images, numTrain)
	}
	both.Wait()
	memoryForRunning()
	t.compileSeconds = time.Since(start).Seconds()
	return errors.Join(stepErr, evaluateErr, movedErr, errors.Join(moveErrs...))
}

// sharedTensors lists what all runs read.
func (t *trainer) sharedTensors() []*tensors.Tensor {
	shared := []*tensors.Tensor{t.pixels, t.labels}
	for _, chunk := range t.evaluation {
		shared = append(shared, chunk.images, chunk.labels)
	}
	return shared
}

// labelTensor holds n labels; those that are not there are -1, which no prediction equals.
func labelTensor(labels []byte, n int) *tensors.Tensor {
	values := make([]int32, n)
	for i := range values {
		values[i] = -1
		if i < len(labels) {
			values[i] = int32(labels[i])
		}
	}
	return tensors.FromFlatDataAndDimensions(values, n)
}

// close frees the programs and the images.
func (t *trainer) close() {
	if t.moved != nil {
		t.moved.close()
	}
	t.stepProgram.Finalize()
	t.evaluateProgram.Finalize()
	finalize(t.sharedTensors())
}

// A run is one training run in progress.
type run struct {
	history *History
	state   *state
	random  *torch.Generator // draws the initial weights and the orders
	order   []int32          // of the images in this epoch
	err     error            // why it ended before the others
}

func (t *trainer) newRun(seed uint64) (*run, error) {
	c := t.config
	r := &run{
		history: &History{
			Model: modelName(t.network.model), Optimizer: c.Optimizer.String(), BatchSize: c.BatchSize, Epochs: c.Epochs,
			Shuffle: !c.NoShuffle, Seed: seed, Float64: c.Float64, Backend: t.backend.description,
			TrainImages: t.data.Train.Len(), ValidationImages: t.data.Validation.Len(), CompileSeconds: t.compileSeconds,
		},
		random: torch.NewGenerator(seed),
	}
	r.history.Name = r.history.Model + ", " + r.history.Optimizer
	weights := drawWeights(t.network.specs, r.random) // drawn in any case, so that the orders are the same
	if c.Weights != nil {
		weights = c.Weights
	}
	var err error
	r.state, err = t.newState(weights)
	return r, err
}

// train makes n runs, from their initial weights to the last iteration.
func (t *trainer) train(ctx context.Context, seed uint64, n int) ([]*History, error) {
	start := time.Now()
	runs := make([]*run, n)
	for i := range runs {
		var err error
		if runs[i], err = t.newRun(seed + uint64(i)); err != nil {
			return nil, err
		}
		defer runs[i].state.close()
	}
	errs := []error{t.iterate(ctx, runs)}
	histories := make([]*History, n)
	for i, r := range runs {
		histories[i] = r.history
		r.history.Weights = r.state.weights()
		r.history.Seconds = t.compileSeconds + time.Since(start).Seconds()
		errs = append(errs, r.err)
	}
	if t.live != nil {
		errs = append(errs, t.live.close(histories[0]))
	}
	return histories, errors.Join(errs...)
}

// iterate takes the steps of all runs, side by side. While a step is under way, the weights from before
// it are evaluated.
func (t *trainer) iterate(ctx context.Context, runs []*run) error {
	c, perEpoch := t.config, t.iterationsPerEpoch()
	nothing := func() error { return nil }
	finishEvaluation := nothing
	for range c.Epochs {
		for _, r := range runs {
			r.order = r.random.Epoch(t.data.Train.Len(), !c.NoShuffle, perEpoch)
		}
		for i := range perEpoch {
			if ctx.Err() != nil {
				for _, r := range runs {
					r.history.Interrupted = r.err == nil
				}
				return finishEvaluation()
			}
			sideBySide(len(runs), func(k int) { runs[k].step(i*c.BatchSize, c.BatchSize) })
			if err := finishEvaluation(); err != nil {
				return err
			}
			finishEvaluation = nothing
			if !slices.ContainsFunc(runs, func(r *run) bool { return r.err == nil }) {
				return nil
			}
			if !c.EvaluateEachEpoch || i == perEpoch-1 {
				finishEvaluation = t.startEvaluation(runs)
			}
			t.advance(runs)
		}
	}
	return finishEvaluation()
}

// step trains on the images of the order from the given one on, unless the run has ended.
func (r *run) step(from, batchSize int) {
	if r.err != nil {
		return
	}
	loss, err := r.state.step(r.order[from:][:batchSize], from == 0)
	if err != nil {
		r.err = err
		return
	}
	h := r.history
	h.Loss = append(h.Loss, loss)
	if !finite(loss) {
		r.err = fmt.Errorf("the loss became %v at iteration %d of %s; a learning rate below that of %s usually helps", loss, len(h.Loss), h.Model, h.Optimizer)
	}
}

// startEvaluation begins to measure the accuracies of all runs after their last step. What it returns
// waits for them and records them.
func (t *trainer) startEvaluation(runs []*run) (finish func() error) {
	weights := make([][]*tensors.Tensor, len(runs))
	iterations := make([]int, len(runs)) // 0: the run has ended
	for i, r := range runs {
		weights[i] = r.state.evaluated()
		if r.err == nil {
			iterations[i] = len(r.history.Loss)
		}
	}
	var counts []correct
	var err error
	var evaluating sync.WaitGroup
	evaluating.Go(func() { counts, err = t.evaluate(weights) })
	return func() error {
		evaluating.Wait()
		if err != nil {
			return err
		}
		for i, r := range runs {
			if h := r.history; iterations[i] > 0 {
				h.Evaluated = append(h.Evaluated, iterations[i])
				h.TrainAccuracy = append(h.TrainAccuracy, float64(counts[i].train)/float64(t.data.Train.Len()))
				h.ValidationAccuracy = append(h.ValidationAccuracy, float64(counts[i].validation)/float64(t.data.Validation.Len()))
			}
		}
		return nil
	}
}

// fillDefaults gives the zero fields of a configuration their meaning, and checks the others.
func fillDefaults(c *Config) error {
	if c.Optimizer == nil {
		c.Optimizer = SGD{LR: 0.1, Momentum: 0.9}
	}
	if c.BatchSize == 0 {
		c.BatchSize = 64
	}
	if c.Epochs == 0 {
		c.Epochs = 10
	}
	if c.BatchSize < 0 {
		return fmt.Errorf("Config.BatchSize is %d; it must be at least 1, or 0 for 64", c.BatchSize)
	}
	if c.Epochs < 0 {
		return fmt.Errorf("Config.Epochs is %d; it must be at least 1, or 0 for 10", c.Epochs)
	}
	if err := c.Optimizer.check(); err != nil {
		return fmt.Errorf("Config.Optimizer: %w", err)
	}
	return nil
}

func checkData(data Data, c Config) error {
	for _, set := range []struct {
		name   string
		images Images
	}{{"training", data.Train}, {"validation", data.Validation}} {
		if set.images.Len() == 0 {
			return fmt.Errorf("the data has no %s images; mnistlib.MNIST() has 2,000 to train and 500 to validate", set.name)
		}
		if err := checkImages(set.images); err != nil {
			return fmt.Errorf("the %s data: %w", set.name, err)
		}
	}
	if c.BatchSize > data.Train.Len() {
		return fmt.Errorf("Config.BatchSize is %d, but there are only %d training images", c.BatchSize, data.Train.Len())
	}
	return nil
}

func checkImages(images Images) error {
	if len(images.Pixels) != NumPixels*images.Len() {
		return fmt.Errorf("%d labels need %d pixels (784 each), but there are %d", images.Len(), NumPixels*images.Len(), len(images.Pixels))
	}
	for i, label := range images.Labels {
		if label >= NumClasses {
			return fmt.Errorf("the label of image %d is %d; labels are the digits 0 to 9", i, label)
		}
	}
	return nil
}

// startProgress shows how far n runs are, in one line.
func (t *trainer) startProgress(n int) {
	if t.config.Quiet {
		return
	}
	total := n * t.config.Epochs * t.iterationsPerEpoch()
	t.progress = progressbar.NewOptions(total,
		progressbar.OptionSetWriter(os.Stdout),
		progressbar.OptionSetDescription(modelName(t.network.model)),
		progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionClearOnFinish())
}

// advance shows that the runs have got one iteration further.
func (t *trainer) advance(runs []*run) {
	if t.progress != nil {
		t.progress.Add(len(runs))
	}
	if t.live != nil {
		t.live.update(runs[0].history)
	}
}

func (t *trainer) endProgress() {
	if t.progress != nil {
		t.progress.Clear()
	}
}
