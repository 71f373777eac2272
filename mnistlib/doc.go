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
