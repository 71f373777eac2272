package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"text/template"

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
	{"MLP(50)", mnistlib.MLP{Hidden: 50}, mnistlib.Config{Optimizer: momentum, Epochs: 10}},
	{"MLP(100)", mnistlib.MLP{Hidden: 100}, mnistlib.Config{Optimizer: momentum, Epochs: 10}},
	{"MLP(30)", mnistlib.MLP{Hidden: 30}, mnistlib.Config{Optimizer: momentum, Epochs: 10}},
	{"MLP(30), not shuffled", mnistlib.MLP{Hidden: 30}, mnistlib.Config{Optimizer: momentum, Epochs: 10, NoShuffle: true}},
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

// A row of the table of results, as it is printed.
type row struct {
	Name, Settings        string
	Original              string // accuracies that the original printed; "–" where it printed none
	Ours, Theirs          string // the lowest and highest accuracies of the seeds 0 to 4, here and in PyTorch
	Together              string // for how many iterations the losses differ by no more than 1 %
	Equal, EqualInFloat64 string // how many of the five runs end with PyTorch's accuracies
}

// row makes a training with PyTorch's seeds 0 to 4, in float32 and in float64.
func (t training) row(original string) (row, error) {
	single, err := t.compare(false)
	if err != nil {
		return row{}, err
	}
	double, err := t.compare(true)
	if err != nil {
		return row{}, err
	}
	return row{
		Name: t.name, Settings: t.settings(), Original: original,
		Ours: ranges(single.ours), Theirs: ranges(single.theirs),
		Together: single.together, Equal: single.equal, EqualInFloat64: double.equal,
	}, nil
}

func (t training) settings() string {
	return fmt.Sprintf("%v, %d epochs", t.config.Optimizer, t.config.Epochs)
}

// A page is RESULTS.md.
type page struct {
	Machine string
	Rows    []row
}

//go:embed results.md.tmpl
var pageTemplate string

func (p page) write(out io.Writer) error {
	return template.Must(template.New("").Parse(pageTemplate)).Execute(out, p)
}

// results makes all trainings and writes their page, in a checkout's folder.
func results(progress io.Writer, checkout string) error {
	originals, err := originalAccuracies(checkout)
	if err != nil {
		return err
	}
	here, err := machine()
	if err != nil {
		return err
	}
	p := page{Machine: here}
	for i, t := range trainings {
		fmt.Fprintf(progress, "%d of %d: %s\n", i+1, len(trainings), t.name)
		r, err := t.row(originals[i])
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, r)
	}
	var text bytes.Buffer
	if err := p.write(&text); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(checkout, "notebooks", "RESULTS.md"), text.Bytes(), 0o644)
}

// originalAccuracies are what the original printed of each of the trainings, as the tutorial's cells note it.
func originalAccuracies(checkout string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(checkout, "notebooks", "tutorial.ipynb"))
	if err != nil {
		return nil, err
	}
	var notebook struct {
		Cells []struct {
			Metadata struct {
				Tutorial *struct{ Train, Validation json.Number }
			}
		}
	}
	if err := json.Unmarshal(text, &notebook); err != nil {
		return nil, fmt.Errorf("tutorial.ipynb: %w", err)
	}
	var list []string
	for _, c := range notebook.Cells {
		switch printed := c.Metadata.Tutorial; {
		case printed == nil:
		case printed.Train == "":
			list = append(list, "–")
		case printed.Validation == "":
			list = append(list, fmt.Sprintf("%s / –", printed.Train))
		default:
			list = append(list, fmt.Sprintf("%s / %s", printed.Train, printed.Validation))
		}
	}
	if len(list) != len(trainings) {
		return nil, fmt.Errorf("tutorial.ipynb has %d trainings of the original's, and here are %d", len(list), len(trainings))
	}
	return list, nil
}

// machine names the processor, as far as the system tells, and what the runs are computed with.
func machine() (string, error) {
	processor := runtime.GOOS + " " + runtime.GOARCH
	text, _ := os.ReadFile("/proc/cpuinfo")
	if name := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(text); name != nil {
		processor = string(name[1])
	}
	backend, err := mnistlib.Backend()
	return processor + ", " + backend, err
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
