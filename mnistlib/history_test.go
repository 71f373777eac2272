package mnistlib

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestHistoryThroughAFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "run.json")
	h := madeUpRun("a run with \"quotes\"", math.MaxUint64, 310, 31)
	h.Float64, h.Interrupted = true, true
	h.ValidationRight = make([]bool, h.ValidationImages)
	for i := range h.ValidationRight {
		h.ValidationRight[i] = i%3 == 0 || i == 499
	}
	if err := h.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(h, loaded) {
		t.Errorf("saved %+v, loaded %+v", h, loaded)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the folder holds %v, want one file", entries)
	}

	if err := h.Save(filepath.Join(folder, "missing", "run.json")); err == nil || !strings.HasPrefix(err.Error(), "cannot save the history: ") {
		t.Errorf("saving to a missing folder: %v", err)
	}
	if _, err := LoadHistory(filepath.Join(folder, "no.json")); err == nil || !strings.HasPrefix(err.Error(), "cannot load the history: ") {
		t.Errorf("loading a missing file: %v", err)
	}
}

// The names are what a Python program reads; see Save.
func TestHistoryFileNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	h := madeUpRun("run", 7, 3, 1)
	h.Loss[2] = math.NaN()
	h.ValidationImages, h.ValidationRight = 10, []bool{true, false, false, true, false, false, false, false, false, true}
	if err := h.Save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	want := "backend batch_size compile_seconds epochs evaluated float64 format interrupted loss model name optimizer" +
		" seconds seed shuffle train_accuracy train_images validation_accuracy validation_images validation_right version"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the names are %s, want %s", got, want)
	}
	if object["format"] != "mnistlib history" || object["version"] != 1.0 || object["seed"] != 7.0 {
		t.Errorf("format %v, version %v, seed %v", object["format"], object["version"], object["seed"])
	}
	if right := object["validation_right"]; right != "CQI=" { // Python: base64.b64encode(numpy.packbits([1, 0, 0, 1, 0, 0, 0, 0, 0, 1], bitorder="little"))
		t.Errorf("the images that are right are %v, want the bytes 9 and 2 in base64", right)
	}
	if loss := object["loss"].([]any); loss[2] != nil || loss[1] != h.Loss[1] {
		t.Errorf("the loss is %v, want %v with null for NaN", loss, h.Loss)
	}
}

func TestHistoryOfADivergedOrEmptyRun(t *testing.T) {
	for _, h := range []*History{
		{Loss: []float64{2.3, math.Inf(1), math.Inf(-1), math.NaN()}},
		{},
	} {
		path := filepath.Join(t.TempDir(), "run.json")
		if err := h.Save(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"loss", "evaluated", "train_accuracy", "validation_accuracy"} {
			if strings.Contains(string(text), fmt.Sprintf("%q: null", name)) {
				t.Errorf("%s is null, want a list", name)
			}
		}
		loaded, err := LoadHistory(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(loaded.Loss) != len(h.Loss) {
			t.Fatalf("%d losses of %d came back", len(loaded.Loss), len(h.Loss))
		}
		for i, v := range h.Loss {
			if finite(v) && loaded.Loss[i] != v || !finite(v) && !math.IsNaN(loaded.Loss[i]) {
				t.Errorf("%v came back as %v", v, loaded.Loss[i])
			}
		}
	}
}

func TestBadHistoryFiles(t *testing.T) {
	good := `{"format": "mnistlib history", "version": 1, "loss": [2, 1], "evaluated": [1, 2], "train_accuracy": [0, 1], "validation_accuracy": [0.5, 1]}`
	if _, err := decodeHistory([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ from, to, want string }{
		{good, ``, "unexpected end"},
		{good, `[]`, "array"},
		{good, `{"format": "mnistlib history", "version": 1, "loss": [2`, "unexpected end"},
		{"mnistlib history", "nbformat", `"format" is "nbformat"`},
		{`"version": 1`, `"version": 2`, `"version" is 2, expected 1`},
		{`[2, 1]`, `[2, NaN]`, "invalid character 'N'"},
		{`[2, 1]`, `"none"`, "string"},
		{`[2, 1]`, `[1e999, 1]`, "1e999"},
		{`[1, 2]`, `[1]`, "equally many"},
		{`[1, 2]`, `[2, 1]`, "growing iterations"},
		{`[1, 2]`, `[0, 2]`, "holds 0 in place 0"},
		{`[1, 2]`, `[1, 3]`, "from 1 to 2"},
		{`[0, 1]`, `[0, 1.5]`, "1.5"},
		{`[0, 1]`, `[0, null]`, "NaN"},
		{`[0.5, 1]`, `[-0.5, 1]`, "-0.5"},
		{`"version": 1`, `"version": 1, "seed": -1`, "seed"},
		{`"version": 1`, `"version": 1, "epochs": "many"`, "epochs"},
		{`"version": 1`, `"version": 1, "validation_images": 17, "validation_right": "CQI="`, "2 bytes for 17 images"},
		{`"version": 1`, `"version": 1, "validation_images": 8, "validation_right": "CQI="`, "2 bytes for 8 images"},
		{`"version": 1`, `"version": 1, "validation_images": -1, "validation_right": "CQI="`, "2 bytes for -1 images"},
		{`"version": 1`, `"version": 1, "validation_right": "?"`, "base64"},
	} {
		h, err := decodeHistory([]byte(strings.Replace(good, test.from, test.to, 1)))
		if err == nil || h != nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("with %s for %s: history %v, error %v, want one with %q", test.to, test.from, h, err, test.want)
		}
	}
	path := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadHistory(path); err == nil || !strings.HasPrefix(err.Error(), path+" is not a history") {
		t.Errorf("the error does not name the file: %v", err)
	}
	if err := os.Truncate(path, maxHistory+1); err != nil { // longer, with a hole
		t.Fatal(err)
	}
	if _, err := LoadHistory(path); err == nil || !strings.Contains(err.Error(), "has 67108865 bytes, expected at most 67108864") {
		t.Errorf("a file beyond the limit: %v", err)
	}
}

func FuzzLoadHistory(f *testing.F) {
	f.Add([]byte(`{"format": "mnistlib history", "version": 1, "loss": [2, null], "evaluated": [1, 2], "train_accuracy": [0, 1], "validation_accuracy": [0.5, 1]}`))
	f.Add([]byte(`{"format": "mnistlib history", "version": 1, "evaluated": [9223372036854775807]}`))
	f.Add([]byte(`{"format": "mnistlib history", "version": 1, "validation_images": 10, "validation_right": "CQI="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := decodeHistory(text)
		if err != nil {
			return
		}
		// Whatever is accepted can be printed, drawn and saved.
		_ = h.String()
		for _, figure := range []*Figure{LossCurve(h), AccuracyCurve(h, h)} {
			if _, err := figure.drawing().VegaLite(); err != nil {
				t.Error(err)
			}
		}
		path := filepath.Join(t.TempDir(), "run.json")
		if err := h.Save(path); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadHistory(path); err != nil {
			t.Error(err)
		}
	})
}

func TestHistorySummary(t *testing.T) {
	h := &History{
		Model: "MLP(30)", Optimizer: "SGD(lr=0.1, momentum=0.9)", BatchSize: 64, Epochs: 10, Shuffle: true, Seed: 42,
		Loss: make([]float64, 310), Evaluated: []int{309, 310}, TrainAccuracy: []float64{0.5, 0.9985},
		ValidationAccuracy: []float64{0.5, 0.92}, Seconds: 1.31, CompileSeconds: 0.62,
	}
	want := "MLP(30), SGD(lr=0.1, momentum=0.9), batches of 64, 10 epochs, shuffled, seed 42\n" +
		"310 iterations in 1.3 s, 0.6 s of it compilation\n" +
		"Final training accuracy 0.9985, validation accuracy 0.9200"
	if got := h.String(); got != want {
		t.Errorf("it prints\n%s\nwant\n%s", got, want)
	}
	h = &History{Name: "mine", BatchSize: 64, Epochs: 1, Seed: 7, Float64: true, Interrupted: true, Loss: []float64{2.3}}
	want = "mine, batches of 64, 1 epoch in the images' own order, seed 7, in float64\n" +
		"Interrupted after 1 iteration in 0.0 s, 0.0 s of it compilation\n" +
		"No accuracy was measured"
	if got := h.String(); got != want {
		t.Errorf("it prints\n%s\nwant\n%s", got, want)
	}
}
