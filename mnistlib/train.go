package mnistlib

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/schollz/progressbar/v3"
)

// Config says how to train. Its zero value is the tutorial's.
type Config struct {
	Optimizer Optimizer // nil: SGD{LR: 0.1, Momentum: 0.9}
	BatchSize int       // images a step; 0: 64. The last images of an epoch that do not fill a batch are skipped
	Epochs    int       // passes through the training images; 0: 10
	NoShuffle bool      // take the images in the same order in every epoch
	Seed      uint64    // decides the initial weights and the order of the images; 0 draws a fresh one, which History.Seed tells

	Name              string  // what figures call the run; empty: the model and the settings
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
// An interrupt (Ctrl-C, or the notebook's stop button) ends it early, and so does a loss that stops being
// finite, without an error: the History holds the curves so far and says what happened. It returns an
// error if the model, the data or the configuration cannot be used.
//
// A model is compiled once: training it again in the same program, with the same batch size and kind of
// optimizer, starts at once. With the same seed, the curves on the CPU are the same to the last bit.
//
// A seed gives what it gives to the tutorial's program in PyTorch, after torch.manual_seed: the initial weights
// ([InitialWeights]) and the orders. The order of an epoch depends on the seed, on how many weights the model draws
// and how many images it trains on, and from the second epoch on also on the batch size; on nothing else, so not on
// the optimizer, the precision or the Weights of the configuration. That program draws numbers whenever it measures
// its accuracies, after every iteration; Train skips as many, also if EvaluateEachEpoch. As only a seed's lower 32
// bits count, 1<<32 is PyTorch's seed 0, which the configuration takes for none.
func Train(model Model, data Data, config Config) (*History, error) {
	histories, err := TrainAll(model, data, []Config{config})
	if err != nil {
		return nil, err
	}
	return histories[0], nil
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

// TrainMany trains n runs that differ only by their seeds, config.Seed, config.Seed+1, …: see [TrainAll].
func TrainMany(model Model, data Data, config Config, n int) ([]*History, error) {
	if n < 1 {
		return nil, fmt.Errorf("the number of runs is %d; it must be at least 1", n)
	}
	if config.Seed == 0 {
		config.Seed = freshSeed()
	}
	configs := make([]Config, n)
	for i := range configs {
		configs[i] = config
		configs[i].Seed += uint64(i)
	}
	return TrainAll(model, data, configs)
}

// TrainAll trains a run for each configuration, side by side on all processors, and returns their histories in the
// order of the configurations. Those that differ by numbers only (the seed, the initial weights, the epochs, the
// learning rate, momentum and other numbers of one kind of optimizer) share one compilation. Each run is, to the last
// bit, the one that [Train] makes alone; of a diverging run the History tells. Live curves are drawn of a single run
// only, and nothing is printed if all configurations are quiet.
func TrainAll(model Model, data Data, configs []Config) ([]*History, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return trainAll(ctx, model, data, configs)
}

func trainAll(ctx context.Context, model Model, data Data, configs []Config) ([]*History, error) {
	configs = slices.Clone(configs)
	quiet, total := true, 0
	for i := range configs {
		c := &configs[i]
		if err := fillDefaults(c); err != nil {
			return nil, ofConfig(i, len(configs), err)
		}
		if err := checkData(data, *c); err != nil {
			return nil, ofConfig(i, len(configs), err)
		}
		quiet = quiet && c.Quiet
		total += c.Epochs * (data.Train.Len() / c.BatchSize)
	}
	s, err := newSession(ctx, model, data, configs)
	if err != nil {
		return nil, err
	}
	defer s.close()

	show := func(h *History, iterations int) {}
	var live *livePlot
	var bar *progressbar.ProgressBar
	switch {
	case len(configs) == 1 && configs[0].Live && gonbui.IsNotebook:
		live = newLivePlot(total)
		show = func(h *History, _ int) { live.update(h) }
	case !quiet:
		bar = newProgress(modelName(model), total)
		show = func(_ *History, iterations int) { bar.Add(iterations) }
	}
	histories, err := s.train(ctx, configs, show)
	if bar != nil {
		bar.Clear()
	}
	if live != nil && len(histories) > 0 {
		err = errors.Join(err, live.close(histories[0]))
	}
	if err != nil {
		return nil, err
	}
	if !quiet {
		if len(histories) == 1 {
			fmt.Println(histories[0])
		}
		if ctx.Err() != nil {
			fmt.Println("Interrupted: the curves show what was trained so far.")
		}
	}
	return histories, nil
}

// ofConfig says which of several configurations an error is of.
func ofConfig(i, n int, err error) error {
	if n == 1 {
		return err
	}
	return fmt.Errorf("run %d of %d: %w", i+1, n, err)
}

// freshSeed draws a seed that is short enough to type.
func freshSeed() uint64 { return 1 + rand.Uint64N(999_999) }

// newProgress shows how far the runs are, in one line.
func newProgress(name string, total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(os.Stdout),
		progressbar.OptionSetDescription(name),
		progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionClearOnFinish())
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
	if o, ok := c.Optimizer.(interface{ Check() error }); ok {
		if err := o.Check(); err != nil {
			return fmt.Errorf("Config.Optimizer: %w", err)
		}
	}
	if c.Seed == 0 {
		c.Seed = freshSeed()
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
