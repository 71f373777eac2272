// Package runs holds what the tutorial's original program does in PyTorch with a given seed, as original.py wrote it.
package runs

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"example.com/tutorial6/mnistlib"
)

//go:embed runs.json
var file []byte

// PyTorch returns PyTorch's run of one of the tutorial's trainings, which original.py names, in float32 or float64: of
// each the seeds 0 to 4, with only the last accuracies and four digits of the losses; of five models, whole, seed 7.
func PyTorch(training string, seed uint64, float64 bool) (*mnistlib.History, error) {
	var runs []*mnistlib.History
	if err := json.Unmarshal(file, &runs); err != nil {
		return nil, err
	}
	for _, h := range runs {
		if h.Name == training && h.Seed == seed && h.Float64 == float64 {
			return h, nil
		}
	}
	return nil, fmt.Errorf("runs.json has no training %q with seed %d: original.py says what it has", training, seed)
}
