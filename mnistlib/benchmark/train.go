package main

import (
	"fmt"
	"time"

	"example.com/tutorial6/mnistlib"
)

// train does a work with mnistlib. The folder holds MNIST's four files.
func train(w Work, folder string) (Result, error) {
	data := mnistlib.MNIST()
	if w.Images > 0 || w.Whole {
		var err error
		if data, err = mnistlib.LoadMNIST(folder); err != nil {
			return Result{}, err
		}
	}
	if w.Images > 0 {
		const trained = 1280
		data = mnistlib.Data{Train: data.Train.Slice(0, trained), Validation: data.Train.Slice(trained, w.Images)}
	}
	var model mnistlib.Model
	switch w.Model {
	case "MLP":
		model = mnistlib.MLP{Hidden: w.Hidden}
	case "MLPBN":
		model = mnistlib.MLPBN{Hidden: w.Hidden, BeforeReLU: w.BeforeReLU}
	case "CNN":
		model = mnistlib.CNN{}
	case "CNNBN":
		model = mnistlib.CNNBN{}
	default:
		return Result{}, fmt.Errorf("there is no model %q", w.Model)
	}
	config := mnistlib.Config{Epochs: w.Epochs, NoShuffle: w.NoShuffle, EvaluateEachEpoch: w.Whole, Quiet: true}
	if w.Zero {
		weights, err := mnistlib.InitialWeights(model, 1)
		if err != nil {
			return Result{}, err
		}
		for _, weight := range weights {
			clear(weight.Values)
		}
		config.Weights = weights
	}

	start := time.Now()
	if _, err := mnistlib.Backend(); err != nil {
		return Result{}, err
	}
	prepared := time.Since(start)
	var configs []mnistlib.Config
	for rate := range max(1, w.Rates) {
		lr := w.LR * float64(rate+1)
		config.Optimizer = mnistlib.SGD{LR: lr, Momentum: w.Momentum}
		if w.Optimizer == "Adam" {
			config.Optimizer = mnistlib.Adam{LR: lr}
		}
		for range max(1, w.Seeds) {
			configs = append(configs, config)
		}
	}
	runs, err := mnistlib.TrainAll(model, data, configs)
	if err != nil {
		return Result{}, err
	}
	r := Result{
		Work: w.Name, Seconds: time.Since(start).Seconds(),
		PrepareSeconds: prepared.Seconds(), CompileSeconds: runs[0].CompileSeconds, Iterations: len(runs[0].Loss),
	}
	for _, run := range runs {
		r.TrainAccuracy = append(r.TrainAccuracy, run.TrainAccuracy[len(run.TrainAccuracy)-1])
		r.ValidationAccuracy = append(r.ValidationAccuracy, run.ValidationAccuracy[len(run.ValidationAccuracy)-1])
	}
	return r, nil
}
