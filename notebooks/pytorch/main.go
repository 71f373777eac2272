// Command pytorch sets mnistlib beside PyTorch. With any folder for the files, in the folder of the checkout,
//
//	go run ./notebooks/pytorch export /tmp/exchange
//	python notebooks/pytorch/exchange.py /tmp/exchange
//	go run ./notebooks/pytorch import /tmp/exchange
//
// takes a model to PyTorch and another one back, to see that both sides predict the same, and repeats here a run that
// PyTorch made there. The first trains the tutorial's CNN and saves it as from_go.safetensors. The second, which needs
// PyTorch (pip install torch safetensors numpy), loads it, compares its own predictions with Go's, trains a CNN of its
// own, which it saves as from_pytorch.safetensors, and makes the tutorial's training of MLP(30) after
// torch.manual_seed(7), or another seed that follows the folder, saved as run.json. The third compares the other way. No
// conversion takes place: names, layouts and draws are PyTorch's.
//
//	go run ./notebooks/pytorch results
//
// makes all of the tutorial's trainings with the seeds 0 to 4, sets them beside what PyTorch gave, and writes
// notebooks/RESULTS.md anew.
package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"example.com/tutorial6/mnistlib"
)

func main() {
	if err := command(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command(out io.Writer, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "export":
		return export(args[1])
	case len(args) == 2 && args[0] == "import":
		return importBack(out, args[1])
	case len(args) == 1 && args[0] == "results":
		return results(out, ".")
	}
	return errors.New("usage: go run ./notebooks/pytorch export FOLDER | import FOLDER | results")
}

// export trains a model and saves it, with images and what it predicts for them.
func export(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	data := mnistlib.MNIST()
	h, err := mnistlib.Train(mnistlib.CNN{}, data, mnistlib.Config{Optimizer: mnistlib.Adam{LR: 0.005}, Epochs: 3, Seed: 1, EvaluateEachEpoch: true})
	if err != nil {
		return err
	}
	if err := h.Weights.Save(filepath.Join(folder, "from_go.safetensors")); err != nil {
		return err
	}
	probabilities, err := mnistlib.Predict(mnistlib.CNN{}, h.Weights, data.Validation)
	if err != nil {
		return err
	}
	n := data.Validation.Len()
	images := mnistlib.Weight{Name: "images", DType: "F32", Shape: []int{n, 1, 28, 28}}
	for _, p := range data.Validation.Pixels {
		images.Values = append(images.Values, float64(float32(p)/255))
	}
	labels := mnistlib.Weight{Name: "labels", DType: "I64", Shape: []int{n}}
	for _, label := range data.Validation.Labels {
		labels.Values = append(labels.Values, float64(label))
	}
	predicted := mnistlib.Weight{Name: "probabilities", DType: "F32", Shape: []int{n, 10}}
	for _, row := range probabilities {
		predicted.Values = append(predicted.Values, row...)
	}
	return mnistlib.Weights{images, labels, predicted}.Save(filepath.Join(folder, "data.safetensors"))
}

// importBack compares predictions with PyTorch's model, and a run with PyTorch's.
func importBack(out io.Writer, folder string) error {
	largest, err := comparePredictions(folder)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Go's probabilities with PyTorch's weights differ from PyTorch's by at most %.1e.\n", largest)
	return compareRun(out, folder)
}

// comparePredictions loads PyTorch's model and returns the largest difference between its
// predictions and PyTorch's own.
func comparePredictions(folder string) (largest float64, err error) {
	weights, err := mnistlib.LoadWeights(filepath.Join(folder, "from_pytorch.safetensors"))
	if err != nil {
		return 0, err
	}
	answers, err := mnistlib.LoadWeights(filepath.Join(folder, "answers.safetensors"))
	if err != nil {
		return 0, err
	}
	images := mnistlib.MNIST().Validation
	probabilities, err := mnistlib.Predict(mnistlib.CNN{}, weights, images)
	if err != nil {
		return 0, err
	}
	if len(answers) != 1 || len(answers[0].Values) != 10*images.Len() {
		return 0, fmt.Errorf("answers.safetensors does not hold the probabilities of %d images; run exchange.py again", images.Len())
	}
	for i, row := range probabilities {
		for digit, p := range row {
			largest = math.Max(largest, math.Abs(p-answers[0].Values[10*i+digit]))
		}
	}
	return largest, nil
}

// compareRun repeats PyTorch's run with the same seed.
func compareRun(out io.Writer, folder string) error {
	theirs, err := mnistlib.LoadHistory(filepath.Join(folder, "run.json"))
	if err != nil {
		return err
	}
	ours, err := mnistlib.Train(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(), mnistlib.Config{Seed: torchSeed(theirs.Seed), Quiet: true})
	if err != nil {
		return err
	}
	if len(theirs.Loss) != len(ours.Loss) || len(theirs.Evaluated) == 0 {
		return fmt.Errorf("run.json has %d iterations instead of %d; run exchange.py again", len(theirs.Loss), len(ours.Loss))
	}
	fmt.Fprintf(out, "MLP(30) with seed %d, %d iterations: Go's losses differ from PyTorch's by at most 0.001 %% for %d, by at most 1 %% for %d.\n",
		theirs.Seed, len(ours.Loss), sameUntil(ours, theirs, 1e-5), sameUntil(ours, theirs, 1e-2))
	a, b := lastAccuracies(ours), lastAccuracies(theirs)
	fmt.Fprintf(out, "Go ends with the accuracies %.4f and %.4f, PyTorch with %.4f and %.4f.\n", a[0], a[1], b[0], b[1])
	return nil
}
