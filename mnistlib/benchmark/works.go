package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// A Work is one piece of the tutorial's work, the same for every engine. What is zero has the
// tutorial's default.
type Work struct {
	Name       string
	Group      string // what it is measured for: see the groups in report.go
	Model      string
	Hidden     int
	BeforeReLU bool `json:"before_relu"`
	Optimizer  string
	LR         float64
	Momentum   float64
	Epochs     int
	NoShuffle  bool `json:"no_shuffle"`
	Zero       bool // start from weights of zero
	Seeds      int  // so many runs; 0: one
	Rates      int  // with so many learning rates, LR, 2·LR, 3·LR, …, and as many runs of each; 0: one
	Images     int  // evaluate so many at every iteration, and train on the first 1,280: 20 iterations an epoch
	Whole      bool // all of MNIST, 60,000 and 10,000 images, evaluated once an epoch
}

// A Result is what an engine measured of a work, a line of JSON.
type Result struct {
	Work               string
	Seconds            float64   // from the images in memory to the last accuracy, compilation included
	PrepareSeconds     float64   `json:"prepare_seconds"` // of these, to start the library and to move the images
	CompileSeconds     float64   `json:"compile_seconds"` // likewise, to compile
	Iterations         int       // of one run
	TrainAccuracy      []float64 `json:"train_accuracy"`      // at the end of each run
	ValidationAccuracy []float64 `json:"validation_accuracy"` // likewise

	MaxRSS float64 `json:"max_rss"` // most memory the process held, in MB
}

// milliseconds returns the time of one iteration, without preparation and compilation.
func (r Result) milliseconds() float64 {
	return 1000 * (r.Seconds - r.PrepareSeconds - r.CompileSeconds) / float64(r.Iterations)
}

// secondsPerRun returns the time of one run of a work of several seeds, compilation included.
func (w Work) secondsPerRun(r Result) float64 { return r.Seconds / float64(max(1, w.Seeds)) }

//go:embed works.json
var worksJSON []byte

func works() ([]Work, error) {
	var works []Work
	if err := json.Unmarshal(worksJSON, &works); err != nil {
		return nil, fmt.Errorf("works.json: %w", err)
	}
	return works, nil
}

func findWork(name string) (Work, error) {
	all, err := works()
	if err != nil {
		return Work{}, err
	}
	for _, w := range all {
		if w.Name == name {
			return w, nil
		}
	}
	return Work{}, fmt.Errorf("works.json has no work %q", name)
}
