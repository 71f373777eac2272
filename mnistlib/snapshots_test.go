package mnistlib

import (
	"math"
	"os"
	"reflect"
	"testing"

	"example.com/tutorial6/mnistlib/internal/torch"
)

// A run that keeps snapshots is the same to the last bit, and each snapshot has the weights that a run has which
// ends there.
func TestSnapshotsChangeNothing(t *testing.T) {
	trains(t)
	for _, test := range []struct {
		model Model
		c     Config
	}{
		{MLP{Hidden: 8}, Config{Optimizer: SGD{LR: 0.1, Momentum: 0.9}, BatchSize: 20}},
		{MLPBN{Hidden: 8}, Config{Optimizer: Adam{LR: 0.005}, BatchSize: 20, EvaluateEachEpoch: true}},
	} {
		c := test.c
		c.Epochs, c.Seed, c.Quiet = 3, 5, true
		without, err := Train(test.model, small(), c)
		if err != nil {
			t.Fatal(err)
		}
		c.SnapshotEvery = 7
		with, err := Train(test.model, small(), c)
		if err != nil {
			t.Fatal(err)
		}
		kept := with.Snapshots
		with.Snapshots, with.Seconds, with.CompileSeconds = nil, without.Seconds, without.CompileSeconds
		if !reflect.DeepEqual(with, without) {
			t.Errorf("%s: the run with snapshots is another one", without.Model)
		}
		iterations := len(without.Loss)
		var want []int
		for i := 0; i < iterations; i += 7 {
			want = append(want, i)
		}
		if want[len(want)-1] != iterations {
			want = append(want, iterations)
		}
		var got []int
		for _, s := range kept {
			got = append(got, s.Iteration)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the snapshots are of %d, want %d", without.Model, got, want)
		}
		initial, err := InitialWeights(test.model, 5)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(kept[0].Weights, initial) {
			t.Errorf("%s: the first snapshot is not the initial weights", without.Model)
		}
		if !reflect.DeepEqual(kept[len(kept)-1].Weights, without.Weights) {
			t.Errorf("%s: the last snapshot is not the last weights", without.Model)
		}
		if test.c.EvaluateEachEpoch {
			continue
		}
		// The snapshot of iteration 7 has the weights of a run of that length.
		net, err := newNetwork(test.model, false)
		if err != nil {
			t.Fatal(err)
		}
		random := torch.NewGenerator(5)
		drawWeights(net.specs, random)
		order := random.Epoch(small().Train.Len(), true, 10)
		c.SnapshotEvery, c.Weights = 0, initial
		short := trainFor(t, 7, test.model, reordered(small(), order), c)
		if !reflect.DeepEqual(kept[1].Weights, short.Weights) {
			t.Errorf("%s: the snapshot of iteration 7 has not the weights of a run of 7 iterations", without.Model)
		}
	}
}

// Of a run that diverges, snapshots are kept up to there.
func TestSnapshotsOfARunThatDiverges(t *testing.T) {
	trains(t)
	h, err := Train(MLP{Hidden: 8}, small(), Config{Optimizer: SGD{LR: 1e30}, BatchSize: 20, Epochs: 3, Seed: 5, SnapshotEvery: 1, Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := h.diverged(); n == 0 || len(h.Snapshots) != n+1 {
		t.Errorf("a run that diverged at iteration %d has %d snapshots", n, len(h.Snapshots))
	}
	for _, s := range h.Snapshots[:len(h.Snapshots)-1] {
		for _, w := range s.Weights {
			for _, v := range w.Values {
				if math.IsNaN(v) {
					t.Fatalf("the snapshot of iteration %d is not finite", s.Iteration)
				}
			}
		}
	}
}

// What the extra iterations compute is freed.
func TestSnapshotsKeepMemoryFlat(t *testing.T) {
	trains(t)
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skip("this system does not tell how much memory a program uses")
	}
	var before int
	for run := range 5 { // of 100 snapshots, whose state takes 2 MB each time on the device
		config := Config{BatchSize: 20, Epochs: 10, Optimizer: Adam{LR: 0.001}, Seed: 1, Quiet: true, SnapshotEvery: 1}
		if _, err := Train(MLP{Hidden: 100}, small(), config); err != nil {
			t.Fatal(err)
		}
		if run == 1 {
			before = residentMB(t)
		}
	}
	if after := residentMB(t); after > before+120 {
		t.Errorf("resident memory grew from %d to %d MB in 300 snapshots", before, after)
	}
}
