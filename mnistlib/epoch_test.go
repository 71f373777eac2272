package mnistlib

import (
	"math"
	"os"
	"testing"

	"example.com/tutorial6/mnistlib/internal/device"
)

// EMULATED=1 says that the processor is emulated: see .ci/arm64. Nearly all of the time is then XLA's compilation, which
// takes less than half as long without optimizations.
var emulated = os.Getenv("EMULATED") != ""

func init() {
	if emulated {
		device.CPUFlags += " --xla_backend_optimization_level=0"
	}
}

// The 20 iterations of golden.json are an epoch of their images, which [Train] itself does: the losses, the weights at
// the end and the validation images that are right then are PyTorch's. As nothing is evaluated before the end, even an
// emulated processor ends soon.
func TestEpochAgreesWithPyTorch(t *testing.T) {
	trains(t)
	if !emulated {
		t.Skip("for .ci/arm64: TestFloat64AgreesWithPyTorch does the same and more where the processor is real")
	}
	golden := loadGolden(t)
	data := MNIST()
	data = reordered(data, goldenOrder(data.Train.Len())[:goldenIterations*goldenBatch])
	for _, m := range goldenModels {
		for _, o := range goldenOptimizers {
			if o.name != "SGD momentum" && o.name != "Adam" {
				continue
			}
			name := m.name + ", " + o.name
			t.Run(name, func(t *testing.T) {
				want, tolerance := golden.Float64[name], float64Tolerance(m.batchNorm)
				h, err := Train(m.model, data, Config{Optimizer: o.optimizer, BatchSize: goldenBatch, Epochs: 1, NoShuffle: true,
					Weights: goldenWeights(t, m.model), EvaluateEachEpoch: true, Float64: true, Quiet: true})
				if err != nil {
					t.Fatal(err)
				}
				if len(h.Loss) != goldenIterations || len(h.ValidationAccuracy) != 1 {
					t.Fatalf("there are %d losses and %d accuracies", len(h.Loss), len(h.ValidationAccuracy))
				}
				for i, loss := range h.Loss {
					if !near(loss, want.Loss[i], tolerance) {
						t.Fatalf("iteration %d: the loss is %.17g, in PyTorch %.17g", i+1, loss, want.Loss[i])
					}
				}
				right := int(math.Round(h.ValidationAccuracy[0] * float64(h.ValidationImages)))
				if right != want.Validation[goldenIterations-1] {
					t.Errorf("%d validation images are right, in PyTorch %d", right, want.Validation[goldenIterations-1])
				}
				compareWeights(t, m.name, o.name, h.Weights, want.Weights, tolerance)
			})
		}
	}
}
