package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/tutorial6/mnistlib"
	"example.com/tutorial6/notebooks/pytorch/runs"
	"example.com/tutorial6/notebooks/setup"
)

// trains begins a test that trains networks, which -short leaves out.
func trains(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("computes on XLA, so not with -short")
	}
	if _, err := setup.Plugin(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
}

// The exchange without PyTorch: the test answers in its place, with what Go itself predicted, and with
// a run that PyTorch made earlier.
func TestExchange(t *testing.T) {
	trains(t)
	folder := filepath.Join(t.TempDir(), "exchange")
	if err := command(io.Discard, []string{"export", folder}); err != nil {
		t.Fatal(err)
	}
	data, err := mnistlib.LoadWeights(filepath.Join(folder, "data.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(folder, "from_go.safetensors"), filepath.Join(folder, "from_pytorch.safetensors")); err != nil {
		t.Fatal(err)
	}
	predicted, _ := data.Get("probabilities")
	if err := (mnistlib.Weights{predicted}).Save(filepath.Join(folder, "answers.safetensors")); err != nil {
		t.Fatal(err)
	}
	if largest, err := comparePredictions(folder); err != nil || largest > 1e-7 { // the file rounds to float32
		t.Errorf("the largest difference is %v, the error %v", largest, err)
	}

	run := pytorchs(t, "MLP(30)", 7, false)
	for _, c := range []struct {
		seed uint64
		want string // how the losses' sentence goes on
	}{
		{7, "for 310."}, // a rounding that grew to 1 % would show
		{8, "by at most 0.001 % for 0, by at most 1 % for "},
	} {
		run.Seed = c.seed
		if err := run.Save(filepath.Join(folder, "run.json")); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := command(&out, []string{"import", folder}); err != nil || !strings.Contains(out.String(), c.want) {
			t.Errorf("a run of seed 7 that calls itself %d gives the error %v and\n%s", c.seed, err, out.String())
		}
	}
}

func TestExchangeSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"import"}, "usage"},
		{[]string{"results", "5"}, "usage"},
		{[]string{"import", filepath.Join(t.TempDir(), "nowhere")}, "from_pytorch.safetensors"},
	} {
		if err := command(io.Discard, c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v gives the error %v; want one with %q", c.args, err, c.want)
		}
	}
}

// The exchange with PyTorch, where python3 has it.
func TestExchangeWithPyTorch(t *testing.T) {
	trains(t)
	if err := exec.Command("python3", "-c", "import torch, numpy, safetensors").Run(); err != nil {
		t.Skip("python3 has no PyTorch: pip install torch numpy safetensors, in a virtual environment that is active")
	}
	folder := t.TempDir()
	if err := command(io.Discard, []string{"export", folder}); err != nil {
		t.Fatal(err)
	}
	python := exec.Command("python3", "exchange.py", folder, "0")
	if printed, err := python.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	var out strings.Builder
	if err := command(&out, []string{"import", folder}); err != nil || !strings.Contains(out.String(), "MLP(30) with seed 0, 310 iterations") {
		t.Errorf("the error %v and\n%s", err, out.String())
	}
	if largest, err := comparePredictions(folder); err != nil || largest > 1e-5 {
		t.Errorf("the predictions differ by %v, the error %v", largest, err)
	}
	theirs, err := mnistlib.LoadHistory(filepath.Join(folder, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if n := sameUntil(theirs, pytorchs(t, "MLP(30)", 0, false), 1e-2); n < 93 {
		t.Errorf("PyTorch leaves the stored run of the same seed after %d iterations", n)
	}
}

// In float64 both end with the same accuracies, whatever the seed, and for as long as a rounding does not grow to 1 % the
// losses are the same.
func TestSeedsEndEqualInFloat64(t *testing.T) {
	trains(t)
	for _, training := range trainings {
		if training.config.Epochs != 3 || strings.HasPrefix(training.name, "CNN") {
			continue // the others take long
		}
		c, err := training.compare(true)
		if err != nil {
			t.Fatal(err)
		}
		if c.equal != "5 of 5" || c.together != "all 93" {
			t.Errorf("%s: %s end equal, together for %s", training.name, c.equal, c.together)
		}
	}
}

// The trainings here are those of original.py: with the same seed, the first losses are the same.
func TestTrainingsAreTheOriginals(t *testing.T) {
	trains(t)
	for _, training := range trainings {
		for seed := range uint64(numSeeds) {
			theirs := pytorchs(t, training.name, seed, false)
			config := training.config
			if config.Epochs != theirs.Epochs || len(theirs.Loss) != 31*theirs.Epochs {
				t.Errorf("%s has %d epochs here, in PyTorch %d with %d losses", training.name, config.Epochs, theirs.Epochs, len(theirs.Loss))
			}
			if seed != 0 {
				continue
			}
			config.Seed, config.Epochs, config.EvaluateEachEpoch, config.Quiet = torchSeed(seed), 1, true, true
			ours, err := mnistlib.Train(training.model, mnistlib.MNIST(), config)
			if err != nil {
				t.Fatal(err)
			}
			if n := sameUntil(ours, theirs, 0.001); n < 3 {
				t.Errorf("%s: the losses differ from iteration %d on", training.name, n+1)
			}
		}
	}
}

func TestSameUntil(t *testing.T) {
	a, b := &mnistlib.History{Loss: []float64{1, 2, 3}}, &mnistlib.History{Loss: []float64{1.01, 2, 3.1}}
	for tolerance, want := range map[float64]int{0.001: 0, 0.02: 2, 0.1: 3} {
		if got := sameUntil(a, b, tolerance); got != want {
			t.Errorf("with a tolerance of %v the losses are the same for %d iterations, want %d", tolerance, got, want)
		}
	}
}

func pytorchs(t *testing.T, training string, seed uint64, float64 bool) *mnistlib.History {
	t.Helper()
	h, err := runs.PyTorch(training, seed, float64)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
