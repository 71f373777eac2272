package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"example.com/tutorial6/mnistlib"
	"example.com/tutorial6/notebooks/setup"
)

// The round trip without PyTorch: the test answers in its place, with what Go itself predicted.
func TestExchange(t *testing.T) {
	if testing.Short() {
		t.Skip("computes on XLA, so not with -short")
	}
	if _, err := setup.Plugin(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "exchange")
	if err := command([]string{"export", folder}); err != nil {
		t.Fatal(err)
	}
	data, err := mnistlib.LoadWeights(filepath.Join(folder, "data.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(folder, "from_go.safetensors"), filepath.Join(folder, "from_pytorch.safetensors")); err != nil {
		t.Fatal(err)
	}
	for _, w := range data {
		if w.Name != "probabilities" {
			continue
		}
		if err := (mnistlib.Weights{w}).Save(filepath.Join(folder, "answers.safetensors")); err != nil {
			t.Fatal(err)
		}
	}
	largest, err := importBack(folder)
	if err != nil || largest > 1e-7 { // the file rounds to float32
		t.Errorf("the largest difference is %v, the error %v", largest, err)
	}
	if err := command([]string{"import", filepath.Join(folder, "nowhere")}); err == nil {
		t.Error("there is no error for a folder that is not there")
	}
	if err := command([]string{"import"}); err == nil || fmt.Sprint(err)[:5] != "usage" {
		t.Errorf("a missing folder gives %v", err)
	}
}
