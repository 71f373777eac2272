package mnistlib

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// sameWeights compares all fields; among the values, NaN is NaN and -0 is not 0.
func sameWeights(a, b Weights) bool {
	return slices.EqualFunc(a, b, func(a, b Weight) bool {
		return a.Name == b.Name && a.DType == b.DType && a.Trainable == b.Trainable && slices.Equal(a.Shape, b.Shape) &&
			slices.EqualFunc(a.Values, b.Values, func(a, b float64) bool {
				return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
			})
	})
}

// pytorchsWeights returns what testdata/weights.py put into testdata/weights.safetensors.
func pytorchsWeights() Weights {
	nan, inf := math.NaN(), math.Inf(1)
	weights := Weights{
		{"special", "F32", []int{7}, []float64{math.Copysign(0, -1), inf, -inf, nan, 0x1p-149, math.MaxFloat32, float64(float32(0.1))}, true},
		{"special64", "F64", []int{3}, []float64{math.SmallestNonzeroFloat64, math.MaxFloat64, 0.1}, true},
		{"integers", "I64", []int{4}, []float64{-1, 0, 1<<53 - 1, 1 - 1<<53}, true},
		{"empty", "F32", []int{0, 4}, []float64{}, true},
	}
	for prefix, dtype := range map[string]string{"": "F32", "wide.": "F64"} {
		for k, w := range []Weight{
			{"conv1.weight", dtype, []int{2, 1, 3, 3}, nil, true},
			{"conv1.bias", dtype, []int{2}, nil, true},
			{"bn1.weight", dtype, []int{2}, nil, true},
			{"bn1.bias", dtype, []int{2}, nil, true},
			{"bn1.running_mean", dtype, []int{2}, nil, false},
			{"bn1.running_var", dtype, []int{2}, nil, false},
			{"bn1.num_batches_tracked", "I64", []int{}, []float64{3}, false},
			{"fc.weight", dtype, []int{2, 3}, nil, true},
			{"fc.bias", dtype, []int{2}, nil, true},
		} {
			if w.Values == nil {
				count := 1
				for _, size := range w.Shape {
					count *= size
				}
				for i := range count {
					w.Values = append(w.Values, float64(i+10*k)/8)
				}
			}
			w.Name = prefix + w.Name
			weights = append(weights, w)
		}
	}
	// safetensors writes the larger types first, I64 before F64, and equal ones by name.
	slices.SortFunc(weights, func(a, b Weight) int {
		rank := map[string]int{"I64": 0, "F64": 1, "F32": 2}
		if rank[a.DType] != rank[b.DType] {
			return rank[a.DType] - rank[b.DType]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return weights
}

func TestLoadWeightsFromPyTorch(t *testing.T) {
	got, err := LoadWeights("testdata/weights.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if want := pytorchsWeights(); !sameWeights(got, want) {
		t.Errorf("read\n%#v\nwant\n%#v", got, want)
	}
}

// What Save writes is, byte for byte, what safetensors.torch writes of the same arrays.
func TestSaveWritesPyTorchsBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := pytorchsWeights().Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/weights.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("written\n%q\nwant\n%q", got, want)
	}
}

// cnnbn returns weights in a model's order, with float32 arrays before and after the I64.
func cnnbn() Weights {
	return Weights{
		{"conv1.weight", "F32", []int{1, 1, 3, 3}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, true},
		{"bn1.running_mean", "F32", []int{1}, []float64{-0.5}, false},
		{"bn1.num_batches_tracked", "I64", []int{}, []float64{155}, false},
		{"fc.weight", "F32", []int{2, 1}, []float64{0.25, -2}, true},
		{`a "quoted" é, <`, "F64", []int{1}, []float64{0.1}, true},
	}
}

func TestSaveAndLoad(t *testing.T) {
	for name, weights := range map[string]Weights{
		"in the model's order":  cnnbn(),
		"in PyTorch's order":    pytorchsWeights(),
		"none":                  {},
		"int32":                 {{"n", "I32", []int{3}, []float64{-1 << 31, -1, 1<<31 - 1}, true}, {"bn.num_batches_tracked", "I32", nil, []float64{7}, false}},
		"scalar with no shape":  {{Name: "x", DType: "F32", Values: []float64{1}, Trainable: true}},
		"one name in another's": {{"x", "F32", []int{1}, []float64{1}, true}, {"x.x", "F32", []int{1}, []float64{2}, true}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "weights.safetensors")
			if err := weights.Save(path); err != nil {
				t.Fatal(err)
			}
			got, err := LoadWeights(path)
			if err != nil {
				t.Fatal(err)
			}
			if !sameWeights(got, weights) {
				t.Errorf("read\n%#v\nwant\n%#v", got, weights)
			}
		})
	}
}

func TestSaveErrors(t *testing.T) {
	one := []float64{1}
	for _, test := range []struct {
		name    string
		weights Weights
		want    string
	}{
		{"two of a name", Weights{{"fc.bias", "F32", []int{1}, one, true}, {"fc.bias", "F32", []int{1}, one, true}}, `"fc.bias" names two arrays`},
		{"no name", Weights{{"", "F32", []int{1}, one, true}}, `"" cannot be the name`},
		{"reserved name", Weights{{"__metadata__", "F32", []int{1}, one, true}}, `"__metadata__" cannot be the name`},
		{"name not in UTF-8", Weights{{"fc\xff", "F32", []int{1}, one, true}}, `"fc\xff" cannot be the name`},
		{"no type", Weights{{"fc.bias", "", []int{1}, one, true}}, `"fc.bias" has the type "", expected F32, F64, I32 or I64`},
		{"other type", Weights{{"fc.bias", "BF16", []int{1}, one, true}}, `"fc.bias" has the type "BF16", expected F32, F64, I32 or I64`},
		{"too few values", Weights{{"fc.bias", "F32", []int{2}, one, true}}, `"fc.bias" has 1 values, expected as many as its shape [2] says`},
		{"values without a shape", Weights{{"fc.bias", "F32", nil, []float64{1, 2}, true}}, `"fc.bias" has 2 values`},
		{"negative sizes", Weights{{"fc.bias", "F32", []int{-1, -1}, one, true}}, `"fc.bias" has 1 values`},
		{"sizes that wrap", Weights{{"fc.bias", "F32", []int{1 << 32, 1 << 32}, []float64{}, true}}, `"fc.bias" has 0 values`},
		{"beyond float32", Weights{{"fc.bias", "F32", []int{1}, []float64{1e39}, true}}, `"fc.bias" holds 1e+39`},
		{"not an integer", Weights{{"n", "I64", []int{1}, []float64{0.5}, true}}, `"n" holds 0.5, expected values that I64 can hold`},
		{"NaN as an integer", Weights{{"n", "I64", []int{1}, []float64{math.NaN()}, true}}, `"n" holds NaN`},
		{"beyond int32", Weights{{"n", "I32", []int{1}, []float64{1 << 31}, true}}, `"n" holds 2.1`},
		{"not an int32", Weights{{"n", "I32", []int{1}, []float64{0.5}, true}}, `"n" holds 0.5`},
		{"beyond the integers", Weights{{"n", "I64", []int{1}, []float64{1 << 63}, true}}, `"n" holds 9.2`},
		{"huge header", Weights{{strings.Repeat("n", 1<<20), "F32", []int{1}, one, true}}, "takes 1048"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "weights.safetensors")
			checkSaveFails(t, path, test.weights, path, test.want)
		})
	}

	t.Run("no such folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "nowhere", "weights.safetensors")
		err := cnnbn().Save(path)
		if err == nil || !strings.Contains(err.Error(), filepath.Dir(path)) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("a folder in its place", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "folder")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		err := cnnbn().Save(path)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("the error is %v", err)
		}
		if names := filesIn(t, filepath.Dir(path)); !slices.Equal(names, []string{"folder"}) {
			t.Errorf("the files %v are there, want only the folder", names)
		}
	})
	t.Run("full disk", func(t *testing.T) {
		// A limit on the size of files ends a write as a full disk does: part of it is done, then it fails.
		// It holds for the whole process, so it is far above what tests write to their logs.
		var unlimited syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
			t.Fatal(err)
		}
		signal.Ignore(syscall.SIGXFSZ)
		defer signal.Reset(syscall.SIGXFSZ)
		defer func() {
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
				t.Error(err)
			}
		}()
		limited := syscall.Rlimit{Cur: 4 << 20, Max: unlimited.Max}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "weights.safetensors")
		checkSaveFails(t, path, Weights{{"fc.bias", "F64", []int{1 << 20}, make([]float64, 1<<20), true}}, path, "large")
	})
}

// checkSaveFails checks that an error says all of want, that the file which was there stays, and that
// no other is left beside it.
func checkSaveFails(t *testing.T, path string, weights Weights, want ...string) {
	t.Helper()
	if err := cnnbn().Save(path); err != nil {
		t.Fatal(err)
	}
	err := weights.Save(path)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range want {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %.300q lacks %q", err, want)
		}
	}
	if old, err := LoadWeights(path); err != nil || !sameWeights(old, cnnbn()) {
		t.Errorf("the old file is lost: %v", err)
	}
	if names := filesIn(t, filepath.Dir(path)); !slices.Equal(names, []string{filepath.Base(path)}) {
		t.Errorf("the files %v are there, want only the old one", names)
	}
}

func filesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		names = append(names, file.Name())
	}
	return names
}

func TestSaveReplacesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	for _, weights := range []Weights{pytorchsWeights(), cnnbn()} {
		if err := weights.Save(path); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadWeights(path); err != nil || !sameWeights(got, weights) {
			t.Errorf("the file holds something else (error %v)", err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o644 {
		t.Errorf("the file's mode is %v, want that others can read it", info.Mode())
	}
	if names := filesIn(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("the files %v are there, want one", names)
	}
}

func TestLoadWeightsErrors(t *testing.T) {
	t.Run("cut off", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "weights.safetensors")
		if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
			t.Fatal(err)
		}
		weights, err := LoadWeights(path)
		if want := path + ": it is cut off"; err == nil || !strings.Contains(err.Error(), want) || weights != nil {
			t.Errorf("the weights are %v and the error %v, want none and one with %q", weights, err, want)
		}
	})
	t.Run("no file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "nowhere.safetensors")
		if _, err := LoadWeights(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("folder", func(t *testing.T) {
		folder := t.TempDir()
		if _, err := LoadWeights(folder); err == nil || !strings.Contains(err.Error(), folder) {
			t.Errorf("the error is %v", err)
		}
	})
}

// A folder, a pipe that nobody writes into, a device without an end and a file of any size end at once, with
// an error that says what is there.
func TestOnlyFilesAreRead(t *testing.T) {
	folder := t.TempDir()
	pipe, large := filepath.Join(folder, "pipe"), filepath.Join(folder, "large")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxWeights+1); err != nil { // a hole
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		folder:      folder + " is a folder, expected a file",
		pipe:        pipe + " is a pipe or a device, expected a file",
		"/dev/zero": "/dev/zero is a pipe or a device, expected a file",
		large:       large + " has 1073741825 bytes, expected at most",
	} {
		_, err := LoadWeights(path)
		checkError(t, err, want)
		_, err = LoadHistory(path)
		checkError(t, err, want)
	}
}

// As in PyTorch, weights without batch norm's counter serve, and so does a counter of another type.
func TestCounterIsNotNeeded(t *testing.T) {
	trains(t)
	model := MLPBN{Hidden: 4}
	weights, err := InitialWeights(model, 1)
	if err != nil {
		t.Fatal(err)
	}
	isCounter := func(w Weight) bool { return w.Name == "bn.num_batches_tracked" }
	counter := slices.IndexFunc(weights, isCounter)
	weights[counter].Values[0] = 5
	int32s := slices.Clone(weights)
	int32s[counter].DType = "I32"
	images := MNIST().Train.Slice(0, 20)
	want, err := Predict(model, weights, images)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		given Weights
		after float64 // the counter after two steps
	}{
		{"as it is", weights, 7},
		{"int32", int32s, 7},
		{"missing", slices.DeleteFunc(slices.Clone(weights), isCounter), 2},
	} {
		path := filepath.Join(t.TempDir(), "weights.safetensors")
		if err := c.given.Save(path); err != nil {
			t.Fatal(err)
		}
		loaded, err := LoadWeights(path)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, err := Predict(model, loaded, images)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: other predictions (error %v)", c.name, err)
		}
		h, err := Train(model, Data{Train: images, Validation: images}, Config{Weights: loaded, BatchSize: 10, Epochs: 1, Quiet: true})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if w, _ := h.Weights.Get("bn.num_batches_tracked"); w.DType != "I64" || w.Values[0] != c.after {
			t.Errorf("%s: the counter after training is %s %v, want I64 %v", c.name, w.DType, w.Values, c.after)
		}
	}
}

func TestGet(t *testing.T) {
	weights := cnnbn()
	if got, ok := weights.Get("fc.weight"); !ok || !sameWeights(Weights{got}, weights[3:4]) {
		t.Errorf("Get(fc.weight) is %v, %v", got, ok)
	}
	if got, ok := weights.Get("fc"); ok || got.Name != "" {
		t.Errorf("Get(fc) is %v, %v", got, ok)
	}
}

func ExampleWeights_String() {
	fmt.Print(cnnbn()[:3])
	// Output:
	// name                     type  shape      mean  std
	// conv1.weight             F32   [1 1 3 3]  5     2.582
	// bn1.running_mean         F32   [1]        -0.5  0
	// bn1.num_batches_tracked  I64   []         155   0
}

func TestSaveRoundsToTheType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := (Weights{{"fc.bias", "F32", []int{1}, []float64{0.1}, true}}).Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadWeights(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := loaded[0].Values[0]; got != float64(float32(0.1)) {
		t.Errorf("0.1 saved as F32 came back as %v", got)
	}
}
