package mnistlib

// A History is what one training run did: its settings and, for each iteration, how the model fared.
type History struct {
	Name string // what Plot calls this run; runs of one name are drawn as their mean and a band

	// The settings.
	Model                         string // for example "MLP(30)"
	Optimizer                     string // for example "SGD(lr=0.1, momentum=0.9)"
	BatchSize                     int
	Epochs                        int
	Shuffle                       bool
	Seed                          uint64 // decides the initial weights and the order of the images
	Float64                       bool
	TrainImages, ValidationImages int

	// The curves. Loss[i] is the mean cross-entropy of iteration i's batch, before its step.
	Loss []float64
	// Evaluated[k] is the iteration after whose step accuracy k was measured; the accuracies are
	// fractions, over all images, in evaluation mode.
	Evaluated          []int
	TrainAccuracy      []float64
	ValidationAccuracy []float64

	Interrupted    bool    // the run was stopped before its last iteration
	Seconds        float64 // the whole run, compilation included
	CompileSeconds float64
	Backend        string // what it ran on, with versions

	Weights Weights `json:"-"` // after the last step
}
