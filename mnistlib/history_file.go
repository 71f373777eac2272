package mnistlib

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"example.com/tutorial6/mnistlib/internal/files"
)

// historyFormat and historyVersion begin every saved history.
const (
	historyFormat  = "mnistlib history"
	historyVersion = 1
)

// historyFile is a History as it stands in a file. Its own curves take the place of the History's,
// whose values may not all be numbers to JSON.
type historyFile struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	History
	Loss               numbers `json:"loss"`
	TrainAccuracy      numbers `json:"train_accuracy"`
	ValidationAccuracy numbers `json:"validation_accuracy"`
	ValidationRight    bits    `json:"validation_right"`
}

// maxHistory is how large a file of a history may be, in bytes: a thousand epochs of the tutorial's take
// less than 2 MB.
const maxHistory = 64 << 20

// numbers are floats of which some may not be finite: JSON has no NaN, so it becomes null.
type numbers []float64

func (ns numbers) MarshalJSON() ([]byte, error) {
	values := make([]*float64, len(ns)) // nil is null
	for i := range ns {
		if finite(ns[i]) {
			values[i] = &ns[i]
		}
	}
	return json.Marshal(values)
}

func (ns *numbers) UnmarshalJSON(text []byte) error {
	var values []*float64
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	*ns = make(numbers, len(values))
	for i, v := range values {
		(*ns)[i] = math.NaN()
		if v != nil {
			(*ns)[i] = *v
		}
	}
	return nil
}

// bits are truth values, eight a byte, the first in the lowest bit. JSON has the bytes in base64.
type bits []byte

func packBits(values []bool) bits {
	packed := make(bits, (len(values)+7)/8)
	for i, value := range values {
		if value {
			packed[i/8] |= 1 << (i % 8)
		}
	}
	return packed
}

// unpack returns the first n of the values.
func (b bits) unpack(n int) []bool {
	values := make([]bool, n)
	for i := range values {
		values[i] = b[i/8]>>(i%8)&1 == 1
	}
	return values
}

// Save writes the run, without its weights, as JSON, which Python reads as
//
//	history = json.load(open(path))
//
// It is one object. "format" is "mnistlib history" and "version" is 1. The other keys are the
// History's fields in lower case: "name", "model", "optimizer", "batch_size", "epochs", "shuffle",
// "seed" (an integer up to 2^64-1), "float64", "train_images", "validation_images", "interrupted",
// "seconds", "compile_seconds", "backend" (with its versions), and the curves as lists: "loss", and
// "evaluated" (iterations, from 1), "train_accuracy" and "validation_accuracy", which are equally
// long. A loss that is NaN or infinite is null. "validation_right" is [History.ValidationRight] in base64,
// eight images a byte, empty where that is nil; Python has it as
//
//	numpy.unpackbits(numpy.frombuffer(base64.b64decode(text), "uint8"), bitorder="little")[:n]
//
// The file appears whole or not at all.
func (h *History) Save(path string) error {
	text, err := h.encode()
	if err == nil {
		err = files.Write(path, text)
	}
	if err != nil {
		return fmt.Errorf("cannot save the history: %w", err)
	}
	return nil
}

func (h *History) encode() ([]byte, error) {
	file := historyFile{
		Format: historyFormat, Version: historyVersion,
		History: *h, Loss: h.Loss, TrainAccuracy: h.TrainAccuracy, ValidationAccuracy: h.ValidationAccuracy,
		ValidationRight: packBits(h.ValidationRight),
	}
	file.Evaluated = append([]int{}, h.Evaluated...) // an empty list is not null
	text, err := json.MarshalIndent(file, "", " ")
	return append(text, '\n'), err
}

// LoadHistory reads a run that Save wrote; its Weights are nil. A null in a curve becomes NaN. The
// error says in one sentence what is wrong with the file.
func LoadHistory(path string) (*History, error) {
	file, err := files.Open(path, maxHistory)
	if err != nil {
		return nil, fmt.Errorf("cannot load the history: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxHistory))
	if err != nil {
		return nil, fmt.Errorf("cannot load the history: %w", err)
	}
	h, err := decodeHistory(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not a history that this version can read: %w", path, err)
	}
	return h, nil
}

func decodeHistory(text []byte) (*History, error) {
	var f historyFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	switch {
	case f.Format != historyFormat:
		return nil, fmt.Errorf("its \"format\" is %q, expected %q", f.Format, historyFormat)
	case f.Version != historyVersion:
		return nil, fmt.Errorf("its \"version\" is %d, expected %d", f.Version, historyVersion)
	case len(f.TrainAccuracy) != len(f.Evaluated) || len(f.ValidationAccuracy) != len(f.Evaluated):
		return nil, fmt.Errorf("\"evaluated\", \"train_accuracy\" and \"validation_accuracy\" have %d, %d and %d values, expected equally many",
			len(f.Evaluated), len(f.TrainAccuracy), len(f.ValidationAccuracy))
	case len(f.ValidationRight) > 0 && (f.ValidationImages > 8*len(f.ValidationRight) || f.ValidationImages <= 8*(len(f.ValidationRight)-1)):
		return nil, fmt.Errorf("\"validation_right\" has %d bytes for %d images, expected 8 images a byte", len(f.ValidationRight), f.ValidationImages)
	}
	for k, iteration := range f.Evaluated {
		if iteration < 1 || iteration > len(f.Loss) || k > 0 && iteration <= f.Evaluated[k-1] {
			return nil, fmt.Errorf("\"evaluated\" holds %d in place %d, expected growing iterations from 1 to %d, the number of losses",
				iteration, k, len(f.Loss))
		}
		if train, validation := f.TrainAccuracy[k], f.ValidationAccuracy[k]; !(train >= 0 && train <= 1 && validation >= 0 && validation <= 1) {
			return nil, fmt.Errorf("accuracies %v and %v in place %d, expected fractions from 0 to 1", train, validation, k)
		}
	}
	h := f.History
	h.Loss, h.TrainAccuracy, h.ValidationAccuracy = f.Loss, f.TrainAccuracy, f.ValidationAccuracy
	if len(f.ValidationRight) > 0 {
		h.ValidationRight = f.ValidationRight.unpack(h.ValidationImages)
	}
	return &h, nil
}
