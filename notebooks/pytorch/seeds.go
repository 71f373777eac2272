package main

import (
	"fmt"
	"io"
	"slices"

	"example.com/tutorial6/mnistlib"
	"example.com/tutorial6/notebooks/pytorch/runs"
)

// A training is one of the tutorial's, under the name that it has in original.py.
type training struct {
	name   string
	model  mnistlib.Model
	config mnistlib.Config
}

var (
	noMomentum  = mnistlib.SGD{LR: 0.1}
	lowMomentum = mnistlib.SGD{LR: 0.05, Momentum: 0.9}
	momentum    = mnistlib.SGD{LR: 0.1, Momentum: 0.9}
	adam        = mnistlib.Adam{LR: 0.005}
)

var trainings = []training{
	{"MLP(50)", mnistlib.MLP{Hidden: 50}, mnistlib.Config{}},
	{"MLP(100)", mnistlib.MLP{Hidden: 100}, mnistlib.Config{}},
	{"MLP(30)", mnistlib.MLP{Hidden: 30}, mnistlib.Config{}},
	{"MLP(30), not shuffled", mnistlib.MLP{Hidden: 30}, mnistlib.Config{NoShuffle: true}},
	{"CNN", mnistlib.CNN{}, mnistlib.Config{Optimizer: noMomentum, Epochs: 5}},
	{"MLP(30), no momentum", mnistlib.MLP{Hidden: 30}, mnistlib.Config{Optimizer: noMomentum, Epochs: 3}},
	{"MLP(30), momentum", mnistlib.MLP{Hidden: 30}, mnistlib.Config{Optimizer: lowMomentum, Epochs: 3}},
	{"MLP(30), Adam", mnistlib.MLP{Hidden: 30}, mnistlib.Config{Optimizer: adam, Epochs: 3}},
	{"CNN, Adam", mnistlib.CNN{}, mnistlib.Config{Optimizer: adam, Epochs: 3}},
	{"CNN, momentum", mnistlib.CNN{}, mnistlib.Config{Optimizer: momentum, Epochs: 3}},
	{"MLP(30), batch norm after ReLU", mnistlib.MLPBN{Hidden: 30}, mnistlib.Config{Optimizer: adam, Epochs: 3}},
	{"MLP(30), batch norm before ReLU", mnistlib.MLPBN{Hidden: 30, BeforeReLU: true}, mnistlib.Config{Optimizer: adam, Epochs: 3}},
	{"CNN, batch norm", mnistlib.CNNBN{}, mnistlib.Config{Optimizer: adam, Epochs: 3}},
	{"MLP(30), all weights zero", mnistlib.MLP{Hidden: 30}, mnistlib.Config{Optimizer: adam, Epochs: 3, Weights: zeroWeights()}},
}

func zeroWeights() mnistlib.Weights {
	weights, err := mnistlib.InitialWeights(mnistlib.MLP{Hidden: 30}, 1)
	if err != nil {
		panic(err)
	}
	for _, w := range weights {
		clear(w.Values)
	}
	return weights
}

// seeds makes each of the trainings with PyTorch's seeds 0 to 4 and prints a row of the table of results: the lowest
// and highest accuracies here and in PyTorch, for how many iterations the losses differ by no more than 1 %, and how
// many of the runs end with equal accuracies, in float32 and in float64.
func seeds(out io.Writer) error {
	fmt.Fprintln(out, "| training | mnistlib | PyTorch | together for | end equal | in float64 |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|")
	for _, t := range trainings {
		single, err := t.compare(false)
		if err != nil {
			return err
		}
		double, err := t.compare(true)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", t.name,
			ranges(single.ours), ranges(single.theirs), single.together, single.equal, double.equal)
	}
	return nil
}

const numSeeds = 5

// A comparison tells of runs with the seeds 0 to 4 here and in PyTorch.
type comparison struct {
	ours, theirs    []*mnistlib.History
	together, equal string
}

func (t training) compare(float64 bool) (c comparison, err error) {
	config := t.config
	config.Seed, config.Float64, config.EvaluateEachEpoch, config.Quiet = torchSeed(0), float64, true, true
	if c.ours, err = mnistlib.TrainMany(t.model, mnistlib.MNIST(), config, numSeeds); err != nil {
		return c, err
	}
	var same []int
	equal := 0
	for seed, ours := range c.ours {
		theirs, err := runs.PyTorch(t.name, uint64(seed), float64)
		if err != nil {
			return c, err
		}
		c.theirs, same = append(c.theirs, theirs), append(same, sameUntil(ours, theirs, 0.01))
		if lastAccuracies(ours) == lastAccuracies(theirs) {
			equal++
		}
	}
	iterations := len(c.ours[0].Loss)
	c.together = fmt.Sprintf("all %d", iterations)
	if shortest := slices.Min(same); shortest < iterations {
		c.together = fmt.Sprintf("%d–%d of %d", shortest, slices.Max(same), iterations)
	}
	c.equal = fmt.Sprintf("%d of %d", equal, numSeeds)
	return c, nil
}

func ranges(runs []*mnistlib.History) string {
	train, validation := mnistlib.FinalAccuracies(runs)
	if train.Min == train.Max && validation.Min == validation.Max {
		return fmt.Sprintf("%.4f / %.3f", train.Min, validation.Min)
	}
	return fmt.Sprintf("%.4f–%.4f / %.3f–%.3f", train.Min, train.Max, validation.Min, validation.Max)
}
