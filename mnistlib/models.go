package mnistlib

// MLP is a multi-layer perceptron: 784 pixels, Hidden units with ReLU, 10 logits.
type MLP struct{ Hidden int }

func (m MLP) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.ReLU(nn.Linear("layer1", nn.Flatten(x), m.Hidden))
	return nn.Linear("layer2", x, numClasses)
}

// CNN is a small convolutional network: two rounds of convolution, ReLU and pooling, with 4 and 8
// channels, and a linear layer.
type CNN struct{}

func (CNN) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.MaxPool2d(nn.ReLU(nn.Conv2d("conv1", x, 4)))
	x = nn.MaxPool2d(nn.ReLU(nn.Conv2d("conv2", x, 8)))
	return nn.Linear("fc", nn.Flatten(x), numClasses)
}

// MLPBN is [MLP] with batch normalization of the hidden units, after the ReLU or before it.
type MLPBN struct {
	Hidden     int
	BeforeReLU bool
}

func (m MLPBN) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.Linear("layer1", nn.Flatten(x), m.Hidden)
	if m.BeforeReLU {
		x = nn.ReLU(nn.BatchNorm("bn", x))
	} else {
		x = nn.BatchNorm("bn", nn.ReLU(x))
	}
	return nn.Linear("layer2", x, numClasses)
}

// CNNBN is [CNN] with batch normalization after each ReLU, before the pooling.
type CNNBN struct{}

func (CNNBN) Forward(nn *Layers, x *Tensor) *Tensor {
	x = nn.MaxPool2d(nn.BatchNorm("bn1", nn.ReLU(nn.Conv2d("conv1", x, 4))))
	x = nn.MaxPool2d(nn.BatchNorm("bn2", nn.ReLU(nn.Conv2d("conv2", x, 8))))
	return nn.Linear("fc", nn.Flatten(x), numClasses)
}
