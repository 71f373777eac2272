package mnistlib

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// small is data on which a run takes a moment: 10 iterations an epoch in batches of 20.
func small() Data {
	all := MNIST().Train
	return Data{Train: all.Slice(0, 210), Validation: all.Slice(210, 260)}
}

func train(t *testing.T, model Model, config Config) *History {
	t.Helper()
	config.BatchSize, config.Quiet = 20, true
	h, err := Train(model, small(), config)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestEveryIterationIsRecorded(t *testing.T) {
	trains(t)
	h := train(t, MLP{Hidden: 8}, Config{Epochs: 3})
	if len(h.Loss) != 30 || len(h.TrainAccuracy) != 30 || len(h.ValidationAccuracy) != 30 {
		t.Errorf("3 epochs of 210 images in batches of 20 gave %d losses, %d and %d accuracies; want 30 of each, the last 10 images of an epoch being skipped",
			len(h.Loss), len(h.TrainAccuracy), len(h.ValidationAccuracy))
	}
	if h.Evaluated[0] != 1 || h.Evaluated[29] != 30 {
		t.Errorf("evaluated after the iterations %v, want 1 to 30", h.Evaluated)
	}
	h = train(t, MLP{Hidden: 8}, Config{Epochs: 3, EvaluateEachEpoch: true})
	if len(h.Loss) != 30 || !slices.Equal(h.Evaluated, []int{10, 20, 30}) || len(h.ValidationAccuracy) != 3 {
		t.Errorf("with EvaluateEachEpoch there are %d losses and accuracies after the iterations %v", len(h.Loss), h.Evaluated)
	}
}

func TestAccuracyIsThatOfTheWeights(t *testing.T) {
	trains(t)
	for _, model := range []Model{MLP{Hidden: 8}, CNNBN{}} {
		h := train(t, model, Config{Epochs: 2, Optimizer: Adam{LR: 0.005}})
		data := small()
		for _, part := range []struct {
			images Images
			last   float64
		}{{data.Train, h.TrainAccuracy[len(h.TrainAccuracy)-1]}, {data.Validation, h.ValidationAccuracy[len(h.ValidationAccuracy)-1]}} {
			got, err := Accuracy(model, h.Weights, part.images)
			if err != nil {
				t.Fatal(err)
			}
			if got != part.last {
				t.Errorf("%s: the last accuracy in the history is %v, but that of its weights is %v", h.Model, part.last, got)
			}
		}
	}
}

// Which images are right is what the weights at the end say of each, however they were evaluated.
func TestWhichImagesAreRightAtTheEnd(t *testing.T) {
	trains(t)
	data := small()
	for _, model := range []Model{MLP{Hidden: 8}, CNNBN{}} {
		for _, eachEpoch := range []bool{false, true} {
			h := train(t, model, Config{Epochs: 2, Optimizer: Adam{LR: 0.005}, Seed: 3, EvaluateEachEpoch: eachEpoch})
			probabilities, err := Predict(model, h.Weights, data.Validation)
			if err != nil {
				t.Fatal(err)
			}
			var want []bool
			for i, p := range probabilities {
				want = append(want, argMax(p) == int(data.Validation.Labels[i]))
			}
			if !slices.Equal(h.ValidationRight, want) || !slices.Contains(want, true) || !slices.Contains(want, false) {
				t.Errorf("%s, each epoch %v: right are %v, by the weights %v", h.Model, eachEpoch, h.ValidationRight, want)
			}
		}
	}
	if h := train(t, MLP{Hidden: 8}, Config{Optimizer: SGD{LR: 1e30, Momentum: 0.9}, Seed: 3, Epochs: 50}); h.diverged() == 0 || h.ValidationRight != nil {
		t.Errorf("a run that diverged at %d has %v", h.diverged(), h.ValidationRight)
	}
}

// More images than fit into one execution of the evaluation program.
func TestEvaluationInChunks(t *testing.T) {
	trains(t)
	all := MNIST()
	data := Data{Train: all.Train, Validation: all.Train.Slice(0, 1300)}
	h, err := Train(MLP{Hidden: 4}, data, Config{Epochs: 1, EvaluateEachEpoch: true, Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	train, _ := Accuracy(MLP{Hidden: 4}, h.Weights, data.Train)
	validation, _ := Accuracy(MLP{Hidden: 4}, h.Weights, data.Validation)
	if h.TrainAccuracy[0] != train || h.ValidationAccuracy[0] != validation || validation == 0 {
		t.Errorf("in chunks the accuracies are %v and %v, of each set alone %v and %v", h.TrainAccuracy, h.ValidationAccuracy, train, validation)
	}
}

func TestSameSeedSameCurves(t *testing.T) {
	trains(t)
	for _, model := range []Model{MLP{Hidden: 8}, CNNBN{}} {
		config := Config{Epochs: 2, Seed: 5, Optimizer: Adam{LR: 0.01}}
		a, b := train(t, model, config), train(t, model, config)
		if !slices.Equal(a.Loss, b.Loss) || !slices.Equal(a.TrainAccuracy, b.TrainAccuracy) || !slices.Equal(a.ValidationAccuracy, b.ValidationAccuracy) {
			t.Errorf("%s: two runs with seed 5 differ", a.Model)
		}
		config.Seed = 6
		if c := train(t, model, config); slices.Equal(a.Loss, c.Loss) {
			t.Errorf("%s: seeds 5 and 6 gave the same losses", a.Model)
		}
	}
}

func TestFreshSeedIsToldAndRepeats(t *testing.T) {
	trains(t)
	a := train(t, MLP{Hidden: 8}, Config{Epochs: 1})
	b := train(t, MLP{Hidden: 8}, Config{Epochs: 1})
	if a.Seed == 0 || a.Seed == b.Seed {
		t.Fatalf("without a seed, the runs had the seeds %d and %d", a.Seed, b.Seed)
	}
	if c := train(t, MLP{Hidden: 8}, Config{Epochs: 1, Seed: a.Seed}); !slices.Equal(a.Loss, c.Loss) {
		t.Errorf("a run with the seed %d that the first one told is different", a.Seed)
	}
}

func TestTrainManyMakesTheRunsOfItsSeeds(t *testing.T) {
	trains(t)
	for _, model := range []Model{MLP{Hidden: 8}, CNNBN{}} {
		config := Config{BatchSize: 20, Epochs: 2, Seed: 40, Quiet: true, Optimizer: Adam{LR: 0.01}}
		many, err := TrainMany(model, small(), config, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range many {
			config.Seed = 40 + uint64(i)
			sameRun(t, h, train(t, model, config))
		}
	}
}

// sameRun checks that two runs are equal to the last bit.
func sameRun(t *testing.T, a, b *History) {
	t.Helper()
	if a.Seed != b.Seed || !slices.Equal(a.Loss, b.Loss) || !slices.Equal(a.TrainAccuracy, b.TrainAccuracy) || !slices.Equal(a.ValidationAccuracy, b.ValidationAccuracy) {
		t.Errorf("%s: the runs with seeds %d and %d differ", a.Name, a.Seed, b.Seed)
	}
	for i := range a.Weights {
		if !slices.Equal(a.Weights[i].Values, b.Weights[i].Values) {
			t.Errorf("%s: the runs with seeds %d and %d end with other weights %s", a.Name, a.Seed, b.Seed, a.Weights[i].Name)
		}
	}
}

// Each configuration gives its own run, in order, whatever it shares with the others; numbers alone compile nothing.
func TestTrainAll(t *testing.T) {
	trains(t)
	var configs []Config
	for _, c := range []Config{
		{Optimizer: SGD{LR: 0.1}, Seed: 1},
		{Optimizer: SGD{LR: 0.01, Momentum: 0.9, WeightDecay: 0.1}, Seed: 1, Epochs: 2},
		{Optimizer: Adam{LR: 0.01, Beta1: 0.5}, Seed: 2},
		{Optimizer: Adam{LR: 0.02}, Seed: 2, NoShuffle: true},
		{Optimizer: SGD{LR: 0.1}, Seed: 3, BatchSize: 30},
	} {
		c.Quiet = true
		c.Epochs = max(1, c.Epochs)
		if c.BatchSize == 0 {
			c.BatchSize = 20
		}
		configs = append(configs, c)
	}
	histories, err := TrainAll(MLP{Hidden: 8}, small(), configs)
	if err != nil {
		t.Fatal(err)
	}
	before := programs.Compiled()
	for i, h := range histories {
		if want := optimizerName(configs[i].Optimizer); h.Optimizer != want || h.BatchSize != configs[i].BatchSize {
			t.Errorf("history %d is of %s in batches of %d, want %s in batches of %d", i, h.Optimizer, h.BatchSize, want, configs[i].BatchSize)
		}
		alone, err := Train(MLP{Hidden: 8}, small(), configs[i])
		if err != nil {
			t.Fatal(err)
		}
		sameRun(t, h, alone)
	}
	if n := programs.Compiled() - before; n != 0 {
		t.Errorf("training again compiled %d programs", n)
	}
	for i := range configs {
		configs[i].Optimizer = SGD{LR: 0.3, Momentum: 0.1 * float64(i)}
		configs[i].BatchSize = 20
	}
	if _, err := TrainAll(MLP{Hidden: 8}, small(), configs); err != nil {
		t.Fatal(err)
	}
	if n := programs.Compiled() - before; n != 0 {
		t.Errorf("other learning rates and momenta compiled %d programs", n)
	}
	if _, err := TrainAll(MLP{Hidden: 9}, small(), configs); err != nil {
		t.Fatal(err)
	}
	if n := programs.Compiled() - before; n == 0 {
		t.Error("another model ran through a program of the first")
	}
	if _, err := TrainAll(MLP{Hidden: 8}, small(), nil); err == nil {
		t.Error("no configuration is no error")
	}
	configs[1].Epochs = -1
	_, err = TrainAll(MLP{Hidden: 8}, small(), configs)
	checkError(t, err, "run 2 of 5: Config.Epochs is -1")
}

// An epoch in parts is the epoch in one.
func TestParts(t *testing.T) {
	trains(t)
	for _, c := range []struct {
		model  Model
		config Config
	}{{MLP{Hidden: 8}, Config{}}, {CNNBN{}, Config{Optimizer: Adam{LR: 0.01}}}} {
		c.config.BatchSize, c.config.NoShuffle, c.config.Weights, c.config.Epochs = 20, true, initialWeights(t, c.model, 1), 1
		c.config.Quiet = true
		want, err := Train(c.model, small(), c.config)
		if err != nil {
			t.Fatal(err)
		}
		h := trainFor(t, 7, c.model, small(), c.config)
		if !slices.Equal(h.Loss, want.Loss[:7]) || !slices.Equal(h.TrainAccuracy, want.TrainAccuracy[:7]) {
			t.Errorf("%s: 7 of 10 iterations are not the first 7: %v, want %v", want.Model, h.Loss, want.Loss[:7])
		}
	}
}

// Of runs that go side by side, one that diverges ends alone.
func TestOneOfTwoDiverges(t *testing.T) {
	trains(t)
	weights := initialWeights(t, MLP{Hidden: 8}, 40)
	weights[0].Values[0], weights[1].Values[0] = 1e38, 1e38
	config := Config{BatchSize: 20, Epochs: 2, Quiet: true, Seed: 41}
	bad := config
	bad.Weights = weights
	runs, err := TrainAll(MLP{Hidden: 8}, small(), []Config{bad, config})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(runs[0].Loss); runs[0].diverged() != len(runs[0].Loss) || n > 5 || len(runs[0].TrainAccuracy) != n-1 {
		t.Errorf("the diverged run holds %d losses and %d accuracies", n, len(runs[0].TrainAccuracy))
	}
	sameRun(t, runs[1], train(t, MLP{Hidden: 8}, Config{Epochs: 2, Seed: 41}))
}

func TestNoShuffleRepeatsItsBatches(t *testing.T) {
	trains(t)
	// With a learning rate too small to change a float32, an epoch repeats the losses of the one before.
	config := Config{Epochs: 2, Optimizer: SGD{LR: 1e-30}, NoShuffle: true}
	h := train(t, MLP{Hidden: 8}, config)
	if !slices.Equal(h.Loss[:10], h.Loss[10:]) {
		t.Error("without shuffling, the second epoch saw other batches than the first")
	}
	config.NoShuffle = false
	h = train(t, MLP{Hidden: 8}, config)
	if slices.Equal(h.Loss[:10], h.Loss[10:]) {
		t.Error("with shuffling, the second epoch saw the batches of the first")
	}
}

func TestBadSettings(t *testing.T) {
	weights, err := InitialWeights(MLP{Hidden: 8}, 1)
	if err != nil {
		t.Fatal(err)
	}
	badShape := slices.Clone(weights)
	badShape[0].Shape = []int{784, 8}
	good, data := MLP{Hidden: 8}, small()
	wrongLabel := small()
	wrongLabel.Train.Labels = slices.Clone(wrongLabel.Train.Labels)
	wrongLabel.Train.Labels[3] = 10
	for _, c := range []struct {
		model  Model
		data   Data
		config Config
		want   string
	}{
		{good, data, Config{Optimizer: SGD{}}, "SGD's LR, the learning rate, is 0"},
		{good, data, Config{Optimizer: SGD{LR: -0.1}}, "SGD's LR, the learning rate, is -0.1"},
		{good, data, Config{Optimizer: SGD{LR: math.NaN()}}, "SGD's LR, the learning rate, is NaN"},
		{good, data, Config{Optimizer: SGD{LR: 0.1, Momentum: 1}}, "SGD's Momentum is 1"},
		{good, data, Config{Optimizer: SGD{LR: 0.1, Momentum: -0.5}}, "SGD's Momentum is -0.5"},
		{good, data, Config{Optimizer: SGD{LR: 0.1, WeightDecay: -1}}, "SGD's WeightDecay is -1"},
		{good, data, Config{Optimizer: Adam{LR: math.Inf(1)}}, "Adam's LR, the learning rate, is +Inf"},
		{good, data, Config{Optimizer: Adam{LR: 0.1, WeightDecay: math.NaN()}}, "Adam's WeightDecay is NaN"},
		{good, data, Config{BatchSize: -1}, "Config.BatchSize is -1"},
		{good, data, Config{BatchSize: 211}, "Config.BatchSize is 211, but there are only 210 training images"},
		{good, data, Config{Epochs: -3}, "Config.Epochs is -3"},
		{good, Data{}, Config{}, "the data has no training images"},
		{good, Data{Train: data.Train}, Config{}, "the data has no validation images"},
		{good, Data{Train: Images{Pixels: data.Train.Pixels[1:], Labels: data.Train.Labels}, Validation: data.Validation}, Config{}, "210 labels need 164640 pixels"},
		{good, wrongLabel, Config{}, "the label of image 3 is 10"},
		{good, data, Config{Weights: weights[1:]}, `the weights lack "layer1.weight", which MLP(8) has`},
		{good, data, Config{Weights: badShape}, `the weight "layer1.weight" has the shape [784 8], but MLP(8) takes [8 784]`},
		{CNN{}, data, Config{Weights: weights}, `the weights lack "conv1.weight"`},
		{good, data, Config{Weights: append(slices.Clone(weights), Weight{Name: "extra"})}, `the weights hold "extra", which MLP(8) does not have`},
		{nil, data, Config{}, "the model is nil"},
	} {
		if c.config.BatchSize == 0 {
			c.config.BatchSize = 20
		}
		c.config.Quiet = true
		h, err := Train(c.model, c.data, c.config)
		checkError(t, err, c.want)
		if h != nil {
			t.Errorf("beside the error %q there is a history", err)
		}
	}
	if _, err := TrainMany(good, data, Config{Quiet: true}, 0); err == nil || !strings.Contains(err.Error(), "the number of runs is 0") {
		t.Errorf("TrainMany of 0 runs: %v", err)
	}
}

// checkError checks that an error says what it should, in one line without a stack trace.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error; want one that says %q", want)
	case !strings.Contains(err.Error(), want):
		t.Errorf("the error is %q; want one that says %q", err, want)
	case strings.Contains(err.Error(), "\n"):
		t.Errorf("the error has more than one line: %q", err)
	}
}

func TestDivergence(t *testing.T) {
	trains(t)
	h, err := Train(MLP{Hidden: 8}, small(), Config{BatchSize: 20, Optimizer: SGD{LR: 1e30, Momentum: 0.9}, Seed: 3, Quiet: true, Epochs: 50})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(h.Loss); h.diverged() != len(h.Loss) || n < 2 || n == 500 || math.IsNaN(h.Loss[0]) || len(h.TrainAccuracy) != n-1 {
		t.Errorf("the history holds %d losses and %d accuracies", n, len(h.TrainAccuracy))
	}
}

func TestBatchNormNeedsTwoValues(t *testing.T) {
	trains(t)
	_, err := Train(MLPBN{Hidden: 4}, small(), Config{BatchSize: 1, Epochs: 1, Quiet: true})
	checkError(t, err, `BatchNorm layer "bn" needs more than one value a channel`)
	if _, err := Train(CNNBN{}, small(), Config{BatchSize: 1, Epochs: 1, Quiet: true, EvaluateEachEpoch: true}); err != nil {
		t.Errorf("one image has many values a channel: %v", err)
	}
}

func TestGradientsOfBatchNormNeedTwoValues(t *testing.T) {
	trains(t)
	model := MLPBN{Hidden: 4}
	_, err := Gradients(model, initialWeights(t, model, 1), small().Train.Slice(0, 1))
	checkError(t, err, `BatchNorm layer "bn" needs more than one value a channel`)
	if _, err := Activations(model, initialWeights(t, model, 1), small().Train.Slice(0, 1)); err != nil {
		t.Errorf("in evaluation mode one image is enough: %v", err)
	}
}

// As after a run that diverged.
func TestWeightsThatAreNotFiniteAreTold(t *testing.T) {
	trains(t)
	model, images := MLP{Hidden: 4}, small().Validation
	weights := initialWeights(t, model, 1)
	weights[0].Values[3] = math.NaN()
	const told = `the weight "layer1.weight" is not finite: value 4 of 3136 is NaN`
	_, err := Predict(model, weights, images)
	checkError(t, err, told)
	_, err = Accuracy(model, weights, images)
	checkError(t, err, told)
	_, err = Activations(model, weights, images)
	checkError(t, err, told)
	_, err = Gradients(model, weights, images)
	checkError(t, err, told)
	_, err = Train(model, small(), Config{Weights: weights, Epochs: 1, Quiet: true})
	checkError(t, err, told)

	for i := range weights[0].Values {
		weights[0].Values[i] = 1e38 // finite, but their products with the images are not
	}
	_, err = Predict(model, weights, images)
	checkError(t, err, "the prediction for image 0 is not finite")
}

func TestInterrupt(t *testing.T) {
	trains(t)
	var h *History
	var err error
	// The signal has to come after the compilation, and long before the run's end, which takes minutes.
	for wait := time.Second; wait < time.Minute; wait *= 2 {
		time.AfterFunc(wait, func() { syscall.Kill(os.Getpid(), syscall.SIGINT) })
		h, err = Train(MLP{Hidden: 8}, small(), Config{BatchSize: 20, Epochs: 1_000_000, Quiet: true})
		if err == nil {
			break
		}
		checkError(t, err, "interrupted while compiling")
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := len(h.Loss); !h.Interrupted || n == 0 || len(h.ValidationAccuracy) != n || len(h.Weights) != 4 {
		t.Errorf("interrupted: %v, with %d losses, %d accuracies and %d weights", h.Interrupted, n, len(h.ValidationAccuracy), len(h.Weights))
	}
}

func TestInterruptWhileCompiling(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := trainAll(ctx, CNN{}, small(), []Config{{BatchSize: 23, Quiet: true}})
	checkError(t, err, "interrupted while compiling; nothing was trained")
}

func TestMemoryStaysFlat(t *testing.T) {
	trains(t)
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skip("this system does not tell how much memory a program uses")
	}
	var before int
	for run := range 4 { // of 100 iterations, whose weights and slots take 1 MB each time
		config := Config{BatchSize: 20, Optimizer: Adam{LR: 0.001}, Seed: 1, Quiet: true}
		if _, err := Train(MLP{Hidden: 100}, small(), config); err != nil {
			t.Fatal(err)
		}
		if run == 0 {
			before = residentMB(t)
		}
	}
	if after := residentMB(t); after > before+50 {
		t.Errorf("resident memory grew from %d to %d MB in 300 iterations", before, after)
	}
}

func residentMB(t *testing.T) int {
	content, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	fmt.Sscan(string(content), &size, &resident)
	return resident * os.Getpagesize() / 1e6
}

// Without XLA's plugin there is one sentence, and no trace of frames.
func TestWithoutPlugin(t *testing.T) {
	trains(t)
	if os.Getenv("TEST_WITHOUT_PLUGIN") != "" {
		_, err := Train(MLP{Hidden: 8}, small(), Config{BatchSize: 20, Quiet: true})
		fmt.Println(err)
		return
	}
	for _, backend := range []string{"", "xla:cuda"} {
		command := exec.Command(os.Args[0], "-test.run=^TestWithoutPlugin$")
		command.Env = append(os.Environ(), "TEST_WITHOUT_PLUGIN=1", "GOMLX_BACKEND="+backend, "PJRT_PLUGIN_LIBRARY_PATH="+t.TempDir())
		output, err := command.CombinedOutput()
		const want = "XLA cannot be used: no plugin of it for the CPU was found; `go run ./notebooks setup` installs it\nPASS\n"
		if err != nil || string(output) != want {
			t.Errorf("with GOMLX_BACKEND=%s: %v\n%s", backend, err, output)
		}
	}
}

// What readers have set for other tools, or mistyped, ends in a sentence and not in a page of frames.
func TestBackendWithSettingsOfOtherTools(t *testing.T) {
	trains(t)
	if os.Getenv("TEST_BACKEND") != "" {
		fmt.Println(Must(Backend()))
		return
	}
	here, err := Backend()
	if err != nil {
		t.Fatal(err)
	}
	const instead = " cannot be used: the backends are xla:cpu and xla:cuda. Using XLA on the CPU instead.\n"
	noGPU := "The backend xla:cuda cannot be used: "
	if gpus, _ := filepath.Glob("/dev/nvidia*"); gpus == nil {
		noGPU += "no NVIDIA GPU is visible here. Using XLA on the CPU instead.\n"
	}
	for setting, notice := range map[string]string{
		"GOMLX_BACKEND=xla:cuda":                       noGPU,
		"XLA_FLAGS=--of_another_version=1":             "",
		"XLA_FLAGS=--xla_cpu_prefer_vector_width=wide": "",
		"XLA_FLAGS=/no/such/file":                      "",
		"GOMLX_BACKEND=cuda":                           "The backend cuda" + instead,
		"GOMLX_BACKEND=jax:cpu":                        "The backend jax:cpu" + instead,
		"GOMLX_BACKEND=xla:tpu":                        "The backend xla:tpu cannot be used: ",
		"GOMLX_BACKEND=xla:/no.so":                     "The backend xla:/no.so cannot be used: ",
	} {
		command := exec.Command(os.Args[0], "-test.run=^TestBackendWithSettingsOfOtherTools$")
		command.Env = append(os.Environ(), "TEST_BACKEND=1", setting)
		output, err := command.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(output), notice) || !strings.Contains(string(output), here+"\n") || strings.Count(string(output), "\n") > 3 {
			t.Errorf("%s: %v\n%s", setting, err, output)
		}
	}
}

func TestBackendSaysItsVersions(t *testing.T) {
	trains(t)
	description, err := Backend()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GoMLX", "go-xla", "plugin", "PJRT", "device"} {
		if !strings.Contains(description, want) {
			t.Errorf("Backend() = %q, without %q", description, want)
		}
	}
}

// GoMLX moves a tensor to the device at its first use, and of two runs that use it first at the same
// moment one may find it neither here nor there.
func TestSharedTensorsAreOnTheDeviceBeforeTheRuns(t *testing.T) {
	trains(t)
	config := Config{BatchSize: 20, Optimizer: SGD{LR: 0.1}, Epochs: 1}
	s, err := newSession(context.Background(), MLP{Hidden: 4}, small(), []Config{config})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if len(s.images) != 2 || s.gram == nil {
		t.Errorf("%d tensors of chunks, expected images and labels; the Gram matrix: %v", len(s.images), s.gram)
	}
	for i, tensor := range append(s.images, s.pixels, s.labels, s.gram) {
		if !tensor.IsOnAnyDevice() {
			t.Errorf("shared tensor %d is not on the device yet", i)
		}
	}
}

func TestTrainingLeavesItsSummaryInALog(t *testing.T) {
	trains(t)
	printed := stdoutOf(t, func() error {
		_, err := Train(MLP{Hidden: 5}, MNIST(), Config{Epochs: 1, Seed: 1})
		return err
	})
	if strings.Contains(printed, "\r") || strings.Count(printed, "\n") != 3 || !strings.HasPrefix(printed, "MLP(5), SGD") {
		t.Errorf("a training prints in a log, beside its three lines:\n%q", printed)
	}
}
