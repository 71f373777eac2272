package mnistlib

import (
	"fmt"

	"example.com/tutorial6/mnistlib/internal/convolution"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// A Tensor is one value inside a network, for every image of a batch at once. The batch is its last
// axis, so that a layer reads as in the textbook: W·x + b.
type Tensor struct {
	shape []int // of one image
	node  *Node // [shape..., batch]; nil while a model is only described
	id    int   // 0: the images; otherwise the number of the layer that gives it

	padded   *Node            // of the images, where it is at hand: with a border of zeros
	products map[string]*Node // of the images, where they are at hand: W·x by the name of W
}

// imageShape is that of the images.
var imageShape = []int{1, imageSize, imageSize}

// Shape returns the shape of one image's value: [features], or [channels, height, width].
func (x *Tensor) Shape() []int { return x.shape }

// Layers is what a model's Forward builds its network with. Each method adds one layer and returns
// its output. A layer with weights has a name, unique in the model, under which they are saved:
// "layer1" has the weights "layer1.weight" and "layer1.bias".
//
// A layer that cannot take its input stops Forward, and whoever called it ([Train], [Describe], …)
// returns an error that names the layer and the shapes.
type Layers struct {
	layers []Layer
	specs  []weightSpec

	numCounted int // of the specs, in the layers so far

	// While a program is built (nil and false while a model is only described):
	weights  map[string]*Node // every weight by its name
	training bool
	updates  map[string]*Node // in training, the new running statistics by name
	outputs  []*Tensor        // of each layer, beside layers
}

// A Layer is one line of a model's [Summary].
type Layer struct {
	Kind          string // for example "Linear"
	Name          string // empty for a layer without weights
	Shape         []int  // of its output for one image
	NumParameters int    // that training changes

	input int // the layer whose output it takes, counted from 1; 0: the images
}

// A weightSpec is what a layer says of one of its weights.
type weightSpec struct {
	name  string
	shape []int
	kind  weightKind
	fanIn int // inputs to each output: the bound of the uniform draw
}

type weightKind int

const (
	uniform weightKind = iota // trainable, drawn from U(-1/√fanIn, 1/√fanIn)
	ones                      // trainable, starts at 1
	zeros                     // trainable, starts at 0
	runningMean
	runningVar
	batchCount // how many batches the running statistics have seen
)

func (k weightKind) trainable() bool { return k <= zeros }

// Linear is a fully connected layer, y = W·x + b: [features] to [out]. Its weights are name.weight
// [out, features] and name.bias [out], drawn from U(-1/√features, 1/√features) as in PyTorch.
func (nn *Layers) Linear(name string, x *Tensor, out int) *Tensor {
	if len(x.shape) != 1 {
		fail("Linear layer %q takes a vector, but its input has the shape %v; call Flatten first", name, x.shape)
	}
	if out < 1 {
		fail("Linear layer %q needs at least 1 output, not %d", name, out)
	}
	in := x.shape[0]
	w := nn.weight("Linear", name, "weight", uniform, in, out, in)
	b := nn.weight("Linear", name, "bias", uniform, in, out)
	y := &Tensor{shape: []int{out}}
	if x.node != nil {
		product, ok := x.products[name+".weight"]
		if !ok {
			product = Dot(w, x.node).Product()
		}
		y.node = Add(product, perChannel(b, 2))
	}
	return nn.add("Linear", name, x, y)
}

// Conv2d is a convolution with 3 × 3 kernels and a border of one zero, so that height and width
// stay: [channels, height, width] to [out, height, width]. Its weights are name.weight
// [out, channels, 3, 3] and name.bias [out], drawn from U(-1/√fan_in, 1/√fan_in) with
// fan_in = 9·channels, as in PyTorch.
func (nn *Layers) Conv2d(name string, x *Tensor, out int) *Tensor {
	if len(x.shape) != 3 {
		fail("Conv2d layer %q takes an image [channels, height, width], but its input has the shape %v", name, x.shape)
	}
	if out < 1 {
		fail("Conv2d layer %q needs at least 1 output channel, not %d", name, out)
	}
	channels, height, width := x.shape[0], x.shape[1], x.shape[2]
	fanIn := 9 * channels
	w := nn.weight("Conv2d", name, "weight", uniform, fanIn, out, channels, 3, 3)
	b := nn.weight("Conv2d", name, "bias", uniform, fanIn, out)
	y := &Tensor{shape: []int{out, height, width}}
	if x.node != nil {
		if nn.training {
			y.node = convolution.Train(x.node, w)
		} else if x.padded != nil {
			y.node = convolution.Evaluate(x.padded, w)
		} else {
			y.node = convolution.Evaluate(convolution.WithBorder(x.node, 1), w)
		}
		y.node = Add(y.node, perChannel(b, 4))
	}
	return nn.add("Conv2d", name, x, y)
}

// MaxPool2d keeps the largest of each 2 × 2 pixels: [channels, height, width] to
// [channels, height/2, width/2], rounded down.
func (nn *Layers) MaxPool2d(x *Tensor) *Tensor {
	if len(x.shape) != 3 || x.shape[1] < 2 || x.shape[2] < 2 {
		fail("MaxPool2d takes an image [channels, height, width] of at least 2 × 2 pixels, but its input has the shape %v", x.shape)
	}
	y := &Tensor{shape: []int{x.shape[0], x.shape[1] / 2, x.shape[2] / 2}}
	if x.node != nil {
		y.node = convolution.MaxPool2x2(x.node)
	}
	return nn.add("MaxPool2d", "", x, y)
}

// BatchNorm normalizes each feature of a vector, or each channel of an image, over the batch:
//
//	y = γ·(x - mean) / √(variance + 1e-5) + β
//
// In training the mean and the (biased) variance are the batch's own. In evaluation they are the
// running ones, which start at 0 and 1 and move by 0.1 towards each batch's mean and unbiased
// variance. The weights are name.weight (γ, starts at 1) and name.bias (β, starts at 0), beside
// name.running_mean, name.running_var and name.num_batches_tracked. It is PyTorch's BatchNorm1d and
// BatchNorm2d; the source is Ioffe and Szegedy, "Batch Normalization", 2015, algorithms 1 and 2.
func (nn *Layers) BatchNorm(name string, x *Tensor) *Tensor {
	if len(x.shape) != 1 && len(x.shape) != 3 {
		fail("BatchNorm layer %q takes [features] or [channels, height, width], but its input has the shape %v", name, x.shape)
	}
	c := x.shape[0]
	gamma := nn.weight("BatchNorm", name, "weight", ones, 0, c)
	beta := nn.weight("BatchNorm", name, "bias", zeros, 0, c)
	mean := nn.weight("BatchNorm", name, "running_mean", runningMean, 0, c)
	variance := nn.weight("BatchNorm", name, "running_var", runningVar, 0, c)
	count := nn.weight("BatchNorm", name, "num_batches_tracked", batchCount, 0)
	y := &Tensor{shape: x.shape}
	if x.node != nil {
		rank := x.node.Rank()
		if nn.training {
			const momentum = 0.1
			n := float64(x.node.Shape().Size() / c)
			batchMean, batchVar := moments(x.node)
			unbiased := MulScalar(batchVar, n/(n-1))
			nn.updates[name+".running_mean"] = Add(MulScalar(mean, 1-momentum), MulScalar(StopGradient(batchMean), momentum))
			nn.updates[name+".running_var"] = Add(MulScalar(variance, 1-momentum), MulScalar(StopGradient(unbiased), momentum))
			nn.updates[name+".num_batches_tracked"] = AddScalar(count, 1)
			mean, variance = batchMean, batchVar
		}
		const epsilon = 1e-5
		scale := Div(gamma, Sqrt(Add(variance, scalar(variance, epsilon))))
		y.node = Add(Mul(Sub(x.node, perChannel(mean, rank)), perChannel(scale, rank)), perChannel(beta, rank))
	}
	return nn.add("BatchNorm", name, x, y)
}

// ReLU is max(0, x), element by element; its gradient at 0 is 0.
func (nn *Layers) ReLU(x *Tensor) *Tensor {
	y := &Tensor{shape: x.shape}
	if x.node != nil {
		y.node = Max(scalar(x.node, 0), x.node) // in this order: at 0 the gradient goes to the constant
	}
	return nn.add("ReLU", "", x, y)
}

// Flatten makes a vector of an image, channel by channel and row by row.
func (nn *Layers) Flatten(x *Tensor) *Tensor {
	y := &Tensor{shape: []int{product(x.shape)}, products: x.products}
	if x.node != nil {
		y.node = Reshape(x.node, y.shape[0], -1)
	}
	return nn.add("Flatten", "", x, y)
}

// add notes a layer, whose weights were declared since the layer before, and its output.
func (nn *Layers) add(kind, name string, x, y *Tensor) *Tensor {
	layer := Layer{Kind: kind, Name: name, Shape: y.shape, input: x.id}
	for _, s := range nn.specs[nn.numCounted:] {
		if s.kind.trainable() {
			layer.NumParameters += product(s.shape)
		}
	}
	nn.numCounted = len(nn.specs)
	nn.layers = append(nn.layers, layer)
	nn.outputs = append(nn.outputs, y)
	y.id = len(nn.layers)
	return y
}

// weight declares one weight of a layer and, while a program is built, returns its node.
func (nn *Layers) weight(layer, name, part string, kind weightKind, fanIn int, shape ...int) *Node {
	if name == "" {
		fail("a %s layer has no name; its weights are saved under it: nn.%s(\"name\", …)", layer, layer)
	}
	full := name + "." + part
	for _, s := range nn.specs {
		if s.name == full {
			fail("two layers are named %q; each layer with weights needs a name of its own", name)
		}
	}
	nn.specs = append(nn.specs, weightSpec{full, shape, kind, fanIn})
	return nn.weights[full]
}

// scalar is a number in the precision of x. GoMLX's own constants (AddScalar, ScalarZero …) are kept by the graph,
// and one that a loop's body made cannot be used in a loop within it.
func scalar(x *Node, value float64) *Node {
	return Const(x.Graph(), shapes.CastAsDType(value, x.DType()))
}

// perChannel makes a vector of one number a channel fit beside a tensor of the given rank, whose
// first axis is the channel.
func perChannel(v *Node, rank int) *Node {
	dims := make([]int, rank)
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = v.Shape().Dimensions[0]
	return Reshape(v, dims...)
}

// moments returns the mean and the biased variance of each channel, the first axis of x.
func moments(x *Node) (mean, variance *Node) {
	others := make([]int, 0, 3)
	for axis := 1; axis < x.Rank(); axis++ {
		others = append(others, axis)
	}
	mean = ReduceMean(x, others...)
	deviation := Sub(x, perChannel(mean, x.Rank()))
	return mean, ReduceMean(Square(deviation), others...)
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// A modelError is what a layer panics with: Forward returns no error, so that a model reads like
// its formula. See runForward.
type modelError string

func (e modelError) Error() string { return string(e) }

// ForUser marks it as what the learner is to read.
func (modelError) ForUser() {}

func fail(format string, args ...any) {
	panic(modelError(fmt.Sprintf(format, args...)))
}
