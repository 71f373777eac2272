// Command pytorch takes a model to PyTorch and another one back, to see that both sides predict the
// same. In the folder of the checkout, with any folder for the files:
//
//	go run ./notebooks/pytorch export /tmp/exchange
//	python notebooks/pytorch/exchange.py /tmp/exchange
//	go run ./notebooks/pytorch import /tmp/exchange
//
// The first trains the tutorial's CNN and saves it as from_go.safetensors. The second, which needs
// PyTorch (pip install torch safetensors numpy), loads it, compares its own predictions with Go's,
// trains a CNN of its own and saves it as from_pytorch.safetensors. The third loads that and
// compares the other way. No conversion takes place: names and layouts are PyTorch's.
package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"example.com/tutorial6/mnistlib"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command(args []string) error {
	if len(args) == 2 && args[0] == "export" {
		return export(args[1])
	}
	if len(args) == 2 && args[0] == "import" {
		largest, err := importBack(args[1])
		if err == nil {
			fmt.Printf("Go's probabilities with PyTorch's weights differ from PyTorch's by at most %.1e.\n", largest)
		}
		return err
	}
	return errors.New("usage: go run ./notebooks/pytorch export|import FOLDER")
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

// importBack loads PyTorch's model and returns the largest difference between its
// predictions and PyTorch's own.
func importBack(folder string) (largest float64, err error) {
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
