package mnistlib

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
)

// A History is what one training run did: its settings and, for each iteration, how the model fared.
type History struct {
	// Name is what Plot calls this run; runs of one name and the same settings are drawn as their mean
	// and a band.
	Name string `json:"name"`

	// The settings.
	Model            string `json:"model"`     // for example "MLP(30)"
	Optimizer        string `json:"optimizer"` // for example "SGD(lr=0.1, momentum=0.9)"
	BatchSize        int    `json:"batch_size"`
	Epochs           int    `json:"epochs"`
	Shuffle          bool   `json:"shuffle"`
	Seed             uint64 `json:"seed"` // decides the initial weights and the order of the images
	Float64          bool   `json:"float64"`
	TrainImages      int    `json:"train_images"`
	ValidationImages int    `json:"validation_images"`

	// The curves. Iterations count from 1: Loss[i] is the mean cross-entropy of the batch of
	// iteration i+1, before its step.
	Loss []float64 `json:"loss"`
	// Evaluated[k] is the iteration after whose step accuracy k was measured; the accuracies are
	// fractions, over all images, in evaluation mode.
	Evaluated          []int     `json:"evaluated"`
	TrainAccuracy      []float64 `json:"train_accuracy"`
	ValidationAccuracy []float64 `json:"validation_accuracy"`
	// ValidationRight tells of each validation image whether the last of the evaluations found it right; nil
	// if there was none or the run diverged.
	ValidationRight []bool `json:"-"`

	Interrupted    bool    `json:"interrupted"`     // the run was stopped before its last iteration
	Seconds        float64 `json:"seconds"`         // the whole run, compilation included
	CompileSeconds float64 `json:"compile_seconds"` // to compile the model, or to load what was compiled before
	Backend        string  `json:"backend"`         // what it ran on, with versions

	Weights Weights `json:"-"` // after the last step
	// Snapshots are the weights during the run, if Config.SnapshotEvery asks for them: before the first
	// iteration, after every so many, and after the last. One of MLP(30) takes 0.2 MB.
	Snapshots []Snapshot `json:"-"`
}

// A Snapshot is what the weights were after an iteration; 0 is before the first.
type Snapshot struct {
	Iteration int
	Weights   Weights
}

// String summarizes the run in three lines: its settings, its duration and the final accuracies, as
// fractions. A fourth says so if the loss did not stay finite or nothing was learned.
func (h *History) String() string {
	name := h.Name
	if strings.HasPrefix(h.settingsName(), name) { // the settings follow anyway
		name = h.Model + ", " + h.Optimizer
	}
	order := " in the images' own order"
	if h.Shuffle {
		order = ", shuffled"
	}
	precision := ""
	if h.Float64 {
		precision = ", in float64"
	}
	stopped := ""
	if h.Interrupted {
		stopped = "Interrupted after "
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%s, batches of %d, %s%s, seed %d%s\n%s%s in %.1f s, %.1f s of it compilation\n",
		name, h.BatchSize, count(h.Epochs, "epoch"), order, h.Seed, precision, stopped, count(len(h.Loss), "iteration"), h.Seconds, h.CompileSeconds)
	if n := len(h.Evaluated); n > 0 {
		fmt.Fprintf(&s, "Final training accuracy %.4f, validation accuracy %.4f", h.TrainAccuracy[n-1], h.ValidationAccuracy[n-1])
	} else {
		s.WriteString("No accuracy was measured")
	}
	if words := h.failure(); words != "" {
		s.WriteString("\nThe run " + words + ".")
	}
	return s.String()
}

// label is the run's name, or its settings where it has none.
func (h *History) label() string {
	if h.Name != "" {
		return h.Name
	}
	return h.settingsName()
}

// settingsName tells the run from those of other settings: its model, its optimizer, and whatever else
// is not what the zero Config makes of [MNIST]'s images. A number that is not known, 0, is left out.
func (h *History) settingsName() string {
	name := h.Model + ", " + h.Optimizer
	if !h.Shuffle {
		name += ", no shuffle"
	}
	for _, setting := range []struct {
		value, usual int
		words        string
	}{
		{h.BatchSize, 64, fmt.Sprintf("batch %d", h.BatchSize)},
		{h.Epochs, 10, count(h.Epochs, "epoch")},
		{h.TrainImages, 2000, count(h.TrainImages, "training image")},
		{h.ValidationImages, 500, count(h.ValidationImages, "validation image")},
	} {
		if setting.value != setting.usual && setting.value != 0 {
			name += ", " + setting.words
		}
	}
	if h.Float64 {
		name += ", float64"
	}
	return name
}

// failure says, after "the run", what a reader of its curves must know: that it diverged, or that it
// learned nothing. It is empty for other runs.
func (h *History) failure() string {
	if i := h.diverged(); i > 0 {
		return fmt.Sprintf("diverged: the loss is not finite at iteration %d", i)
	}
	if h.atChance() {
		return fmt.Sprintf("ended no better than guessing: training accuracy %.2f and loss %.2f, where guessing has about 1/10 and ln 10 = %.2f",
			last(h.TrainAccuracy), h.lastLoss(), math.Log(numClasses))
	}
	return ""
}

// diverged is the first iteration whose loss is not finite; 0 if there is none.
func (h *History) diverged() int {
	return 1 + slices.IndexFunc(h.Loss, func(v float64) bool { return !finite(v) })
}

// atChance says whether a run that was not interrupted ended where one ends that has learned nothing. A
// model that always says the same digit is right in 1/10 of the images or a little more.
func (h *History) atChance() bool {
	const accuracy, below = 0.15, 0.1
	return !h.Interrupted && len(h.Evaluated) > 0 && h.diverged() == 0 &&
		last(h.TrainAccuracy) < accuracy && last(h.ValidationAccuracy) < accuracy && h.lastLoss() > math.Log(numClasses)-below
}

// lastLoss is the mean of the last ten losses, of which a single one is mostly chance.
func (h *History) lastLoss() float64 {
	return stat.Mean(h.Loss[max(0, len(h.Loss)-10):], nil)
}

// LastEpoch returns the means of the accuracies measured in the run's last epoch, which swing less than the last ones
// do: in the last TrainImages/BatchSize iterations. They are NaN if none was measured.
func (h *History) LastEpoch() (train, validation float64) {
	iterations := 1
	if h.BatchSize > 0 {
		iterations = max(1, h.TrainImages/h.BatchSize)
	}
	from := len(h.Evaluated)
	for from > 0 && h.Evaluated[from-1] > len(h.Loss)-iterations {
		from--
	}
	from = max(0, min(from, len(h.Evaluated)-1)) // the last one counts in any case
	return stat.Mean(h.TrainAccuracy[from:], nil), stat.Mean(h.ValidationAccuracy[from:], nil)
}

func last(values []float64) float64 { return values[len(values)-1] }

// count says "1 run" or "2 runs".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
