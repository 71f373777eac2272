// Package mnistlib defines, trains and plots small neural networks on MNIST digits, with PyTorch's
// arithmetic, on XLA.
//
// A model is a description that holds no weights: a type whose Forward method reads like the
// formula. [Train] draws its weights, trains it and returns the [History] of the run, which
// [Plot] draws:
//
//	type MLP struct{ Hidden int }
//
//	func (m MLP) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
//		x = nn.ReLU(nn.Linear("layer1", nn.Flatten(x), m.Hidden))
//		return nn.Linear("layer2", x, 10)
//	}
//
//	history := mnistlib.Must(mnistlib.Train(MLP{Hidden: 50}, mnistlib.MNIST(), mnistlib.Config{}))
//	mnistlib.Plot(history)
//
// The zero [Config] is the tutorial's: stochastic gradient descent with learning rate 0.1 and
// momentum 0.9, batches of 64 images, 10 epochs.
package mnistlib

// Where to read, in the order in which Train walks:
//
//	data.go         the images
//	layers.go       what a model is built of; model.go, models.go, describe.go: what a model is, and four of them
//	weights.go      the weights, and where they come from; weights_file.go: in PyTorch's files
//	optimizer.go    what an optimizer is made of; optimizers.go: SGD and Adam
//	config.go       the settings of a run
//	train.go        Train, TrainMany, TrainAll
//	session.go      what the runs of one call share: compiled programs, images
//	network.go      a model in programs; program.go: the one that trains; evaluation.go: the one that evaluates; products.go: a shortcut
//	run.go          a run, epoch by epoch
//	history.go      what a run did; history_file.go: in a file
//	predict.go      a trained model at work; inspect.go: its activations and gradients; backend.go: on what
//	compare.go      many runs against many others
//
// The rest draws: figure.go a figure, plot.go and charts.go the curves of runs, figures.go whatever a cell computes, and
// sweep.go, snapshots.go, surface.go, playground.go one subject each.
