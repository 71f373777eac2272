package mnistlib

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"example.com/tutorial6/mnistlib/internal/torch"
)

// What the tutorial's program does in real PyTorch after torch.manual_seed, written by testdata/seeds.py.
type seedsFile struct {
	Weights []struct {
		Model  string
		Seed   uint64
		First  [][]float64 // of each trainable weight, the first values
		SHA256 string      // of all of them, as float32
	}
	Runs []seedRun
}

type seedRun struct {
	Model, Optimizer string
	Seed             uint64
	Shuffle          bool
	Epochs           int
	Orders           []string // for each epoch the SHA-256 of its order, as int32
	Agree            int      // for how many iterations PyTorch's own float32 and float64 losses agree to 3e-6
	Float64, Float32 struct {
		Loss              []float64
		Train, Validation []int // images that the model gets right after each iteration
	}
}

func (r seedRun) name() string {
	order := ""
	if !r.Shuffle {
		order = ", not shuffled"
	}
	return r.Model + ", " + r.Optimizer + ", seed " + thousands(int(r.Seed)) + order
}

// fiveLayers is a model of a learner's own: other layers, other names.
type fiveLayers struct{}

func (fiveLayers) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.MaxPool2d(nn.ReLU(nn.Conv2d("z", x, 3)))
	x = nn.MaxPool2d(nn.ReLU(nn.Conv2d("y", x, 5)))
	x = nn.ReLU(nn.Linear("hidden", nn.Flatten(x), 20))
	x = nn.ReLU(nn.Linear("another", x, 12))
	return nn.Linear("a", x, numClasses)
}

func seedModel(t *testing.T, name string) Model {
	t.Helper()
	if name == "five layers" {
		return fiveLayers{}
	}
	for _, m := range goldenModels {
		if m.name == name {
			return m.model
		}
	}
	t.Fatalf("seeds.json has an unknown model, %q", name)
	return nil
}

func seedOptimizer(t *testing.T, name string) Optimizer {
	t.Helper()
	for _, o := range goldenOptimizers {
		if o.name == name {
			return o.optimizer
		}
	}
	t.Fatalf("seeds.json has an unknown optimizer, %q", name)
	return nil
}

func loadSeeds(t *testing.T) seedsFile {
	t.Helper()
	text, err := os.ReadFile("testdata/seeds.json")
	if err != nil {
		t.Fatal(err)
	}
	var seeds seedsFile
	if err := json.Unmarshal(text, &seeds); err != nil {
		t.Fatal(err)
	}
	if len(seeds.Weights) == 0 || len(seeds.Runs) == 0 {
		t.Fatal("seeds.json is empty")
	}
	return seeds
}

func TestInitialWeightsArePyTorchs(t *testing.T) {
	for _, want := range loadSeeds(t).Weights {
		weights := initialWeights(t, seedModel(t, want.Model), want.Seed)
		digest, i := sha256.New(), 0
		for _, w := range weights {
			if !w.Trainable {
				continue
			}
			if i == len(want.First) {
				t.Fatalf("%s has more weights than PyTorch's, which has %d", want.Model, i)
			}
			if first := w.Values[:min(3, len(w.Values))]; !slices.Equal(first, want.First[i]) {
				t.Errorf("%s, seed %d: %s begins with %v, in PyTorch with %v", want.Model, want.Seed, w.Name, first, want.First[i])
			}
			i++
			for _, v := range w.Values {
				write(digest, math.Float32bits(float32(v)))
			}
		}
		if sum(digest) != want.SHA256 {
			t.Errorf("%s, seed %d: the initial weights are not PyTorch's", want.Model, want.Seed)
		}
	}
}

func TestOrdersArePyTorchs(t *testing.T) {
	for _, want := range loadSeeds(t).Runs {
		nn, err := describe(seedModel(t, want.Model))
		if err != nil {
			t.Fatal(err)
		}
		random := torch.NewGenerator(want.Seed)
		drawWeights(nn.specs, random)
		for epoch, order := range want.Orders {
			digest := sha256.New()
			for _, image := range random.Epoch(2000, want.Shuffle, 2000/64) {
				write(digest, uint32(image))
			}
			if sum(digest) != order {
				t.Errorf("%s: the order of epoch %d is not PyTorch's", want.name(), epoch+1)
			}
		}
	}
}

func write(digest hash.Hash, v uint32) {
	digest.Write(binary.LittleEndian.AppendUint32(nil, v))
}

func sum(digest hash.Hash) string { return fmt.Sprintf("%x", digest.Sum(nil)) }

// In float64 a run is PyTorch's, every loss and every image, to rounding. How far rounding gets amplified,
// PyTorch's own float32 shows.
func TestSameSeedSameRunAsPyTorch(t *testing.T) {
	trains(t)
	for _, want := range loadSeeds(t).Runs {
		if convolutional := !strings.HasPrefix(want.Model, "MLP"); convolutional && (want.Optimizer != "SGD" || want.Seed != 7) {
			want.Epochs = 1 // they take long, and the orders of later epochs are tested above
		}
		t.Run(want.name(), func(t *testing.T) {
			if want.Model == "CNN" && 0 < want.Seed && want.Seed < 5 && want.Shuffle {
				long(t) // the other tests have these seeds' weights and orders, and this one other seeds
			}
			if want.Agree < 3 {
				t.Fatalf("PyTorch's float32 leaves its float64 in iteration %d: the run shows nothing", want.Agree+1)
			}
			got := trainAs(t, want, true)
			for i := range got.Loss {
				loss, tolerance := want.Float64.Loss[i], 1e-12
				if i >= want.Agree {
					tolerance = 1e-8 // 7e-11 was seen
				}
				if math.Abs(got.Loss[i]-loss) > tolerance*loss {
					t.Fatalf("iteration %d: the loss is %.17g, in PyTorch %.17g", i+1, got.Loss[i], loss)
				}
			}
			compareCounts(t, "training", got.TrainAccuracy, want.Float64.Train, 2000)
			compareCounts(t, "validation", got.ValidationAccuracy, want.Float64.Validation, 500)
		})
	}
}

// In float32 a run stays as near to PyTorch's as that one to its float64.
func TestSameSeedSameRunAsPyTorchInFloat32(t *testing.T) {
	trains(t)
	for _, want := range loadSeeds(t).Runs {
		if want.Model != "MLP(30)" {
			continue // enough: float64 compares the other models' draws
		}
		t.Run(want.name(), func(t *testing.T) {
			got := trainAs(t, want, false)
			for i, loss := range want.Float32.Loss[:want.Agree] {
				if math.Abs(got.Loss[i]-loss) > 1e-5*loss {
					t.Fatalf("iteration %d: the loss is %.9g, in PyTorch %.9g", i+1, got.Loss[i], loss)
				}
			}
		})
	}
}

// What a seed gives does not depend on how often a run is measured, on weights that replace the drawn
// ones, or on batch norm, which draws nothing.
func TestRunsOfOneSeedShareTheirDraws(t *testing.T) {
	trains(t)
	config := Config{Epochs: 2, Seed: 9}
	drawn := train(t, MLP{Hidden: 8}, config)

	config.EvaluateEachEpoch = true
	if h := train(t, MLP{Hidden: 8}, config); !slices.Equal(h.Loss, drawn.Loss) {
		t.Error("EvaluateEachEpoch changes the losses")
	}
	config.EvaluateEachEpoch, config.Weights = false, initialWeights(t, MLP{Hidden: 8}, 9)
	if h := train(t, MLP{Hidden: 8}, config); !slices.Equal(h.Loss, drawn.Loss) {
		t.Error("given the weights that it draws by itself, the run has other losses")
	}

	// Other widths share nothing but what the first layer draws first.
	narrow, wide := initialWeights(t, MLP{Hidden: 8}, 9), initialWeights(t, MLP{Hidden: 12}, 9)
	for i := range narrow {
		n := len(narrow[i].Values)
		if same, want := slices.Equal(narrow[i].Values, wide[i].Values[:n]), i == 0; same != want {
			t.Errorf("with 8 and 12 units, %s begins with the same weights: %v, want %v", narrow[i].Name, same, want)
		}
	}

	plain, batchNorm := initialWeights(t, MLP{Hidden: 8}, 9), initialWeights(t, MLPBN{Hidden: 8}, 9)
	for _, w := range plain {
		i := slices.IndexFunc(batchNorm, func(b Weight) bool { return b.Name == w.Name })
		if !slices.Equal(w.Values, batchNorm[i].Values) {
			t.Errorf("with batch norm, %s is another one", w.Name)
		}
	}
}

// Neighbouring seeds are strangers: the runs of 1, 2, 3, … are as good as those of seeds drawn by chance, also 1<<32,
// which is PyTorch's seed 0. Of 7,850 independent weights the correlation has the standard deviation 1/√7850 = 0.011, of
// 2,000 places of an order 0.022.
func TestNeighbouringSeedsAreStrangers(t *testing.T) {
	const seeds = 16
	var weights, orders [seeds][]float64
	nn, err := describe(MLP{Hidden: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range seeds {
		random := torch.NewGenerator(1<<32 + uint64(i))
		weights[i] = drawWeights(nn.specs, random)[0].Values
		for _, image := range random.Epoch(2000, true, 31) {
			orders[i] = append(orders[i], float64(image))
		}
		for j := range i {
			if c := stat.Correlation(weights[i], weights[j], nil); math.Abs(c) > 0.05 {
				t.Errorf("the initial weights of seeds %d and %d have the correlation %.3f", j, i, c)
			}
			if c := stat.Correlation(orders[i], orders[j], nil); math.Abs(c) > 0.1 {
				t.Errorf("the orders of seeds %d and %d have the correlation %.3f", j, i, c)
			}
		}
	}
	if first := initialWeights(t, MLP{Hidden: 10}, 1); !slices.Equal(first[0].Values, weights[1]) {
		t.Error("1<<32 + 1 is not seed 1")
	}
}

// Which settings see the images in the same order: told by the losses of steps too short to change the weights.
func TestRunsOfOneSeedShareTheirOrders(t *testing.T) {
	trains(t)
	const still = 1e-30
	weights := initialWeights(t, MLP{Hidden: 8}, 1)
	losses := func(optimizer Optimizer, batch int) (epochs [2][]float64) {
		h, err := Train(MLP{Hidden: 8}, small(), Config{
			Optimizer: optimizer, BatchSize: batch, Epochs: 2, Seed: 9, Weights: weights, EvaluateEachEpoch: true, Quiet: true})
		if err != nil {
			t.Fatal(err)
		}
		n := len(h.Loss) / 2
		return [2][]float64{h.Loss[:n], h.Loss[n:]}
	}
	sgd, adam, halves := losses(SGD{LR: still}, 20), losses(Adam{LR: still}, 20), losses(SGD{LR: still}, 10)
	if slices.Equal(sgd[0], sgd[1]) {
		t.Error("both epochs have the same order")
	}
	for epoch, want := range []bool{true, false} {
		if !slices.Equal(sgd[epoch], adam[epoch]) {
			t.Errorf("in epoch %d another optimizer sees other batches", epoch+1)
		}
		same := true
		for i, loss := range sgd[epoch] {
			half := halves[epoch][2*i:]
			same = same && math.Abs((half[0]+half[1])/2-loss) < 1e-5
		}
		if same != want {
			t.Errorf("epoch %d with half the batch size has the same order: %v, want %v", epoch+1, same, want)
		}
	}
}

func trainAs(t *testing.T, r seedRun, float64 bool) *History {
	t.Helper()
	h, err := Train(seedModel(t, r.Model), MNIST(), Config{
		Optimizer: seedOptimizer(t, r.Optimizer),
		Epochs:    r.Epochs,
		NoShuffle: !r.Shuffle,
		Seed:      1<<32 | r.Seed, // PyTorch's seed, also for 0, which Config takes for none
		Float64:   float64,
		Quiet:     true,

		EvaluateEachEpoch: !float64, // in float32 only the losses are compared
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Epochs * (2000 / 64); len(h.Loss) != n || len(r.Float64.Loss) < n {
		t.Fatalf("%d iterations, in PyTorch %d, want %d", len(h.Loss), len(r.Float64.Loss), n)
	}
	return h
}

// compareCounts compares the accuracies over n images with PyTorch's counts after every iteration.
func compareCounts(t *testing.T, set string, accuracies []float64, want []int, n int) {
	t.Helper()
	for i, a := range accuracies {
		if a != float64(want[i])/float64(n) {
			t.Fatalf("iteration %d: %g of %d %s images are right, in PyTorch %d", i+1, a*float64(n), n, set, want[i])
		}
	}
}
