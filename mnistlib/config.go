package mnistlib

import (
	"fmt"
	"math/rand/v2"
)

// Config says how to train. Its zero value is the tutorial's.
//
// Its Seed decides the initial weights and the order of the images in each epoch, to the last bit as the tutorial's
// program draws them in PyTorch after torch.manual_seed(Seed). So runs of one seed share
//
//   - their initial weights, if their models have the same Linear and Conv2d layers in the same order: with or without
//     batch norm, whatever else differs (see [InitialWeights]);
//   - the order of the first epoch, if their models draw equally many weights and they train on equally many images,
//     and of all epochs, if the batch size is the same, too: whatever the optimizer, the precision and the Weights.
//
// Another width or another layer draws other weights from there on, and other orders. As in PyTorch only the lower 32
// bits of a seed count: for PyTorch's seed 0, give 1<<32. The tutorial's program draws numbers whenever it measures its
// accuracies, after every iteration; as many are skipped here, also if EvaluateEachEpoch.
type Config struct {
	Optimizer Optimizer // nil: SGD{LR: 0.1, Momentum: 0.9}
	BatchSize int       // images a step; 0: 64. The last images of an epoch that do not fill a batch are skipped
	Epochs    int       // passes through the training images; 0: 10
	NoShuffle bool      // take the images in the same order in every epoch
	Seed      uint64    // what is drawn: see above; 0 takes a fresh seed, which History.Seed tells

	Name              string  // what figures call the run; empty: the model and the settings
	Weights           Weights // what to start from; nil: InitialWeights(model, seed)
	SnapshotEvery     int     // keep the weights after every so many iterations, in History.Snapshots; 0: none
	EvaluateEachEpoch bool    // measure the accuracies once an epoch, not after every step
	Float64           bool    // compute in float64 instead of float32
	Live              bool    // in a notebook, draw the curves while they grow
	Quiet             bool    // print nothing
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
	if c.SnapshotEvery < 0 {
		return fmt.Errorf("Config.SnapshotEvery is %d; it must be at least 1, or 0 for no snapshots", c.SnapshotEvery)
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
		if label >= numClasses {
			return fmt.Errorf("the label of image %d is %d; labels are the digits 0 to 9", i, label)
		}
	}
	return nil
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
