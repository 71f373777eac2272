package main

import (
	"math"

	"example.com/tutorial6/mnistlib"
)

// torchSeed is the Config.Seed of PyTorch's seed: only its lower 32 bits count, and 0 itself would draw a fresh one.
func torchSeed(seed uint64) uint64 { return 1<<32 | seed }

// sameUntil returns for how many iterations the losses of two runs differ by no more than a tolerance, as a fraction.
func sameUntil(a, b *mnistlib.History, tolerance float64) int {
	for i := range min(len(a.Loss), len(b.Loss)) {
		if !(math.Abs(a.Loss[i]-b.Loss[i]) <= tolerance*b.Loss[i]) {
			return i
		}
	}
	return len(a.Loss)
}

func lastAccuracies(h *mnistlib.History) [2]float64 {
	n := len(h.Evaluated) - 1
	return [2]float64{h.TrainAccuracy[n], h.ValidationAccuracy[n]}
}
