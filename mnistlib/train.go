package mnistlib

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"

	"github.com/janpfeifer/gonb/gonbui"

	"example.com/tutorial6/mnistlib/progress"
)

// Train trains a model and returns the history of the run. At every iteration it records the loss of
// the batch and, after the step, the accuracy on all training and all validation images, in
// evaluation mode.
//
// An interrupt (Ctrl-C, or the notebook's stop button) ends it early, and so does a loss that stops being
// finite, without an error: the History holds the curves so far and says what happened. It returns an
// error if the model, the data or the configuration cannot be used.
//
// A model is compiled once: training it again in the same program, with the same batch size and kind of
// optimizer, starts at once, and in another program it takes a tenth of a second: see [Backend]. With the same
// seed, the curves on the CPU are the same to the last bit.
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
	s, err := checkedSession(model, data, configs)
	if err != nil {
		return nil, err
	}
	show, end := display(model, configs, total, quiet)
	var histories []*History
	if err = s.compile(ctx); err == nil {
		defer s.close()
		histories, err = s.train(ctx, configs, show)
	}
	err = errors.Join(err, end(histories))
	if err != nil {
		return nil, err
	}
	keepRuns(histories)
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

// display shows the runs while they are compiled and train: the growing curves of a single one that asks for them,
// otherwise how many iterations are done. One call of show follows each part of a run, and end the last.
func display(model Model, configs []Config, total int, quiet bool) (show func(h *History, iterations int), end func([]*History) error) {
	compiling := "compiling " + modelName(model)
	switch {
	case len(configs) == 1 && configs[0].Live && gonbui.IsNotebook:
		live := newLivePlot(total)
		live.say(compiling + " ...")
		return func(h *History, _ int) { live.update(h) }, func(histories []*History) error {
			if len(histories) == 0 || histories[0] == nil { // the run failed
				live.say("")
				return nil
			}
			return live.close(histories[0])
		}
	case quiet:
		return func(*History, int) {}, func([]*History) error { return nil }
	}
	line, done := progress.Start(os.Stdout, compiling, 0, ""), 0
	return func(_ *History, iterations int) {
			if done == 0 {
				line.Clear()
				line = progress.Start(os.Stdout, modelName(model), total, "iterations")
			}
			done += iterations
			line.Set(done)
		}, func([]*History) error {
			line.Clear()
			return nil
		}
}
