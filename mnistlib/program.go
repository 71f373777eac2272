package mnistlib

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// A network is a model ready to be built into programs: what it consists of, and in which precision
// it computes.
type network struct {
	model     Model
	specs     []weightSpec
	convolved bool         // the images go into a Conv2d
	multiply  []weightSpec // the weights that the images are multiplied by
	dtype     dtypes.DType
}

func newNetwork(model Model, float64s bool) (*network, error) {
	nn, x, err := describe(model)
	if err != nil {
		return nil, err
	}
	net := &network{model: model, specs: nn.specs, convolved: x.convolved, multiply: *x.multiply, dtype: dtypes.Float32}
	if float64s {
		net.dtype = dtypes.Float64
	}
	return net, nil
}

// trainStep builds the program of one training step. Its inputs are the state, all training images
// (uint8 [images, 784]) with their labels (int32 [images]), and which of them are the batch (int32
// [batch]); its outputs are the new state and the mean loss of the batch before the step.
//
// The state is the weights, in the model's order, then the optimizer's slots for each trainable
// weight, then the number of steps done (float64).
//
// If the products of the weights and numEvaluated images are moved along (see movedProducts; 0: they are
// not), they and their slots end the state, and the Gram matrix is the last input.
func (net *network) trainStep(g *Graph, optimizer Optimizer, numImages, batchSize, numEvaluated int) []*Node {
	weights := net.weightParameters(g, "")
	slotsOf := func(name string, like *Node) []*Node {
		slots := make([]*Node, optimizer.numSlots())
		for i := range slots {
			slots[i] = Parameter(g, fmt.Sprintf("slot%d of %s", i, name), like.Shape())
		}
		return slots
	}
	slots := make([][]*Node, len(weights))
	for i, spec := range net.specs {
		if spec.kind.trainable() {
			slots[i] = slotsOf(spec.name, weights[i])
		}
	}
	steps := Parameter(g, "steps", shapes.Make(dtypes.Float64))
	var products []*Node
	var productSlots [][]*Node
	if numEvaluated > 0 {
		products = net.productParameters(g, "", numEvaluated)
		for i, spec := range net.multiply {
			productSlots = append(productSlots, slotsOf("the product of "+spec.name, products[i]))
		}
	}
	pixels := Parameter(g, "pixels", shapes.Make(dtypes.Uint8, numImages, NumPixels))
	labels := Parameter(g, "labels", shapes.Make(dtypes.Int32, numImages))
	batch := InsertAxes(Parameter(g, "batch", shapes.Make(dtypes.Int32, batchSize)), -1)

	images := Transpose(DivScalar(ConvertDType(Gather(pixels, batch), net.dtype), 255), 0, 1)
	nn := net.layers(weights, true)
	x := &Tensor{shape: []int{1, ImageSize, ImageSize}, node: Reshape(images, 1, ImageSize, ImageSize, batchSize)}
	x.product = map[*Node]*Node{}
	var differentiate []*Node
	for i, spec := range net.specs {
		if spec.kind.trainable() {
			differentiate = append(differentiate, weights[i])
		}
	}
	for _, w := range net.multiplied(nn) {
		x.product[w] = Dot(w, images)
		differentiate = append(differentiate, x.product[w])
	}
	loss := crossEntropy(net.forward(nn, x), Gather(labels, batch))
	gradients := Gradient(loss, differentiate...)

	steps = AddScalar(steps, 1)
	var newWeights, newSlots []*Node
	for i, spec := range net.specs {
		if !spec.kind.trainable() {
			newWeights = append(newWeights, nn.updates[spec.name])
			continue
		}
		w, s := optimizer.step(weights[i], gradients[0], slots[i], steps)
		gradients = gradients[1:]
		newWeights = append(newWeights, w)
		newSlots = append(newSlots, s...)
	}
	var newProducts, newProductSlots []*Node
	if numEvaluated > 0 {
		gram := Gather(Parameter(g, "gram", shapes.Make(net.dtype, numImages, numEvaluated)), batch)
		for i, product := range products {
			dy := gradients[i] // what is left of the gradients are those by the batch's products
			p, s := optimizer.step(product, Dot(dy, gram), productSlots[i], steps)
			newProducts = append(newProducts, p)
			newProductSlots = append(newProductSlots, s...)
		}
	}
	return slices.Concat(newWeights, newSlots, []*Node{steps}, newProducts, newProductSlots, []*Node{ConvertDType(loss, dtypes.Float64)})
}

// evaluate builds the program that judges images by the weights of some runs, in evaluation mode. Its
// inputs are the weights of each run, with the products if they are moved, the images as
// evaluationImages lays them out, and their labels (int32 [images]); its output tells of each run and
// image whether the label has the largest logit (bool [runs, images]).
func (net *network) evaluate(g *Graph, numRuns, numImages int, moved bool) []*Node {
	logits := net.evaluationLogits(g, numRuns, numImages, moved)
	labels := Parameter(g, "labels", shapes.Make(dtypes.Int32, numImages))
	correct := make([]*Node, numRuns)
	for run := range correct {
		correct[run] = InsertAxes(isCorrect(logits[run], labels), 0)
	}
	return []*Node{Concatenate(correct, 0)}
}

// predict builds the program that gives the probability of each digit, [10, images]. Its inputs are
// the weights and the images as evaluationImages lays them out.
func (net *network) predict(g *Graph, numImages int) []*Node {
	z := net.evaluationLogits(g, 1, numImages, false)[0]
	e := Exp(Sub(z, ReduceAndKeep(z, ReduceMax, 0)))
	return []*Node{ConvertDType(Div(e, ReduceAndKeep(e, ReduceSum, 0)), dtypes.Float64)}
}

// evaluationLogits returns the logits [10, images] of each run.
func (net *network) evaluationLogits(g *Graph, numRuns, numImages int, moved bool) []*Node {
	runs := make([]*Layers, numRuns)
	var multiplied, products []*Node
	for run := range runs {
		prefix := fmt.Sprintf("run %d: ", run)
		runs[run] = net.layers(net.weightParameters(g, prefix), false)
		multiplied = append(multiplied, net.multiplied(runs[run])...)
		if moved {
			products = append(products, net.productParameters(g, prefix, numImages)...)
		}
	}
	x := &Tensor{shape: []int{1, ImageSize, ImageSize}}
	if net.convolved {
		x.padded = Parameter(g, "images", shapes.Make(net.dtype, 1, ImageSize+2, ImageSize+2, numImages))
		x.node = Slice(x.padded, AxisRange(), AxisRange(1, -1), AxisRange(1, -1), AxisRange())
	} else {
		rows := net.imageParameter(g, numImages)
		x.node = Reshape(Transpose(rows, 0, 1), 1, ImageSize, ImageSize, numImages)
		if !moved {
			products = multiplyRows(rows, multiplied)
		}
		x.product = map[*Node]*Node{}
		for i, w := range multiplied {
			x.product[w] = products[i]
		}
	}
	logits := make([]*Node, numRuns)
	for run, nn := range runs {
		logits[run] = net.forward(nn, x)
	}
	return logits
}

// evaluationImages lays images out as evaluate takes them, with pixels from 0 to 1: before a Conv2d
// the image as the last axis and a border of zeros, otherwise an image a row. It makes room for n
// images; those that are not there stay black.
func (net *network) evaluationImages(images Images, n int) *tensors.Tensor {
	if net.dtype == dtypes.Float64 {
		return evaluationTensor[float64](net, images, n)
	}
	return evaluationTensor[float32](net, images, n)
}

func evaluationTensor[T float32 | float64](net *network, images Images, n int) *tensors.Tensor {
	if net.convolved {
		return tensors.FromFlatDataAndDimensions(batchLastPixels[T](images, n, 1), 1, ImageSize+2, ImageSize+2, n)
	}
	rows := make([]T, n*NumPixels)
	for i, pixel := range images.Pixels {
		rows[i] = T(pixel) / 255
	}
	return tensors.FromFlatDataAndDimensions(rows, n, NumPixels)
}

func batchLastPixels[T float32 | float64](images Images, n, border int) []T {
	side := ImageSize + 2*border
	out := make([]T, side*side*n)
	for row := range ImageSize {
		for column := range ImageSize {
			pixel := out[((row+border)*side+column+border)*n:][:n]
			for i := range images.Len() {
				pixel[i] = T(images.Pixels[i*NumPixels+row*ImageSize+column]) / 255
			}
		}
	}
	return out
}

// weightParameters are inputs of a program. Their names are those of the weights after a prefix.
func (net *network) weightParameters(g *Graph, prefix string) []*Node {
	weights := make([]*Node, len(net.specs))
	for i, spec := range net.specs {
		dtype := net.dtype
		if spec.kind == batchCount {
			dtype = dtypes.Int64
		}
		weights[i] = Parameter(g, prefix+spec.name, shapes.Make(dtype, spec.shape...))
	}
	return weights
}

// imageParameter is the images as rows [images, 784].
func (net *network) imageParameter(g *Graph, numImages int) *Node {
	return Parameter(g, "images", shapes.Make(net.dtype, numImages, NumPixels))
}

// productParameters are W·X [out, images] of the weights that the images are multiplied by.
func (net *network) productParameters(g *Graph, prefix string, numImages int) []*Node {
	products := make([]*Node, len(net.multiply))
	for i, w := range net.multiply {
		products[i] = Parameter(g, prefix+"product of "+w.name, shapes.Make(net.dtype, w.shape[0], numImages))
	}
	return products
}

// multiplied are the weights that the images are multiplied by.
func (net *network) multiplied(nn *Layers) []*Node {
	ws := make([]*Node, len(net.multiply))
	for i, w := range net.multiply {
		ws[i] = nn.weights[w.name]
	}
	return ws
}

func (net *network) layers(weights []*Node, training bool) *Layers {
	nn := &Layers{weights: map[string]*Node{}, training: training, updates: map[string]*Node{}}
	for i, spec := range net.specs {
		nn.weights[spec.name] = weights[i]
	}
	return nn
}

func (net *network) forward(nn *Layers, x *Tensor) *Node {
	logits, err := runForward(net.model, nn, x)
	if err != nil {
		panic(err) // compile returns it
	}
	return logits.node
}

// crossEntropy is the mean over the batch of -log softmax(logits)[label]; logits are [10, batch].
func crossEntropy(logits, labels *Node) *Node {
	z := Sub(logits, StopGradient(ReduceAndKeep(logits, ReduceMax, 0))) // so that exp cannot overflow
	logSum := Log(ReduceSum(Exp(z), 0))
	return ReduceAllMean(Sub(logSum, ReduceSum(Where(oneHot(z, labels), z, ZerosLike(z)), 0)))
}

// isCorrect tells of each image whether its label has the largest logit; among equal logits the
// first counts, as in PyTorch. It is written without ArgMax, which compiles slowly.
func isCorrect(logits, labels *Node) *Node {
	isLargest := Equal(logits, ReduceAndKeep(logits, ReduceMax, 0))
	digits := Iota(logits.Graph(), shapes.Make(dtypes.Int32, logits.Shape().Dimensions...), 0)
	first := ReduceMin(Where(isLargest, digits, AddScalar(ZerosLike(digits), NumClasses)), 0)
	return Equal(first, labels)
}

// oneHot is true where a row of logits [10, batch] is that of the image's label.
func oneHot(logits, labels *Node) *Node {
	digits := Iota(logits.Graph(), shapes.Make(dtypes.Int32, logits.Shape().Dimensions...), 0)
	return Equal(digits, BroadcastToDims(InsertAxes(labels, 0), logits.Shape().Dimensions...))
}

// compile builds a program and compiles it.
func compile(b *backend, name string, build func(g *Graph) []*Node) (program *Graph, err error) {
	defer catch(&err, "compiling the "+name+" program")
	program = NewGraph(b.Backend, name)
	program.Compile(build(program)...)
	return program, nil
}

// execute runs a program.
func execute(program *Graph, inputs ...any) (outputs []*tensors.Tensor, err error) {
	defer catch(&err, "running the "+program.Name()+" program")
	return program.Run(inputs...), nil
}

// catch turns a panic of GoMLX, which is how it reports errors while it builds, into an error.
func catch(err *error, doing string) {
	switch cause := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("%s failed: %s", doing, firstLine(cause))
		if _, ok := errors.AsType[modelError](cause); ok {
			*err = cause
		}
	default:
		*err = fmt.Errorf("%s failed: %s", doing, firstLine(cause))
	}
}
