package mnistlib

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// An evaluation says how a number of images are laid out to be evaluated: chunk by chunk.
type evaluation struct {
	numTrain, numImages  int // the first are training images, the others validation images
	numChunks, chunkSize int
	convolved            bool // each image with a border of zeros, and as the last axis; otherwise an image a row
	dtype                dtypes.DType
}

// newEvaluation chooses chunks: for a network with convolutions of few enough images for what a layer computes
// of them to stay in the processor's cache, and of an odd multiple of its vectors' lengths, as rows a power of two
// apart would share few places there.
func (net *network) newEvaluation(numTrain, numImages int) evaluation {
	const vector = 16
	most := 4096
	if net.convolved() {
		most = 1280
	}
	vectors := (numImages + vector - 1) / vector
	groups := (vectors + most/vector - 1) / (most / vector)
	size := vector * ((vectors+groups-1)/groups | 1)
	return evaluation{numTrain, numImages, (numImages + size - 1) / size, size, net.convolved(), net.dtype}
}

// parameters are the images and the labels of n chunks as inputs of a program.
func (e evaluation) parameters(g *Graph, n int) (images, labels *Node) {
	shape := []int{n, e.chunkSize, NumPixels}
	if e.convolved {
		shape = []int{n, imageSize + 2, imageSize + 2, e.chunkSize}
	}
	return Parameter(g, "images", shapes.Make(e.dtype, shape...)), Parameter(g, "labels of images", shapes.Make(dtypes.Int32, n, e.chunkSize))
}

// tensors lay images and labels out. Images that are not there are black, and their label is -1, which no
// prediction equals.
func (e evaluation) tensors(images Images) []*tensors.Tensor {
	pixels := imageTensor[float32]
	if e.dtype == dtypes.Float64 {
		pixels = imageTensor[float64]
	}
	labels := make([]int32, e.numChunks*e.chunkSize)
	for i := range labels {
		labels[i] = -1
		if i < images.Len() {
			labels[i] = int32(images.Labels[i])
		}
	}
	return []*tensors.Tensor{pixels(e, images), tensors.FromFlatDataAndDimensions(labels, e.numChunks, e.chunkSize)}
}

func imageTensor[T float32 | float64](e evaluation, images Images) *tensors.Tensor {
	if e.convolved {
		var all []T
		for c := range e.numChunks {
			part := images.Slice(c*e.chunkSize, min((c+1)*e.chunkSize, images.Len()))
			all = append(all, batchLastPixels[T](part, e.chunkSize, 1)...)
		}
		return tensors.FromFlatDataAndDimensions(all, e.numChunks, imageSize+2, imageSize+2, e.chunkSize)
	}
	rows := make([]T, e.numChunks*e.chunkSize*NumPixels)
	for i, pixel := range images.Pixels {
		rows[i] = T(pixel) / 255
	}
	return tensors.FromFlatDataAndDimensions(rows, e.numChunks, e.chunkSize, NumPixels)
}

func batchLastPixels[T float32 | float64](images Images, n, border int) []T {
	side := imageSize + 2*border
	out := make([]T, side*side*n)
	for row := range imageSize {
		for column := range imageSize {
			pixel := out[((row+border)*side+column+border)*n:][:n]
			for i := range images.Len() {
				pixel[i] = T(images.Pixels[i*NumPixels+row*imageSize+column]) / 255
			}
		}
	}
	return out
}

// evaluationLogits returns the logits [10, images] of a chunk, in evaluation mode. The products of the weights
// with the images may be at hand.
func (net *network) evaluationLogits(weights []*Node, images *Node, products []*Node) *Node {
	nn := net.layersWith(weights, false)
	x := &Tensor{shape: imageShape}
	if net.convolved() {
		images = InsertAxes(images, 0) // one channel
		x.padded = images
		x.node = Slice(images, AxisRange(), AxisRange(1, -1), AxisRange(1, -1), AxisRange())
	} else {
		x.node = Reshape(Transpose(images, 0, 1), 1, imageSize, imageSize, -1)
		if products == nil {
			products = multiplyImages(images, net.imageWeights(nn))
		}
		x.products = map[string]*Node{}
		for i, k := range net.imageSpecs() {
			x.products[net.specs[k].name] = products[i]
		}
	}
	return net.forward(nn, x)
}

// isCorrect tells of each image whether its label has the largest logit; among equal logits the first counts, as in
// PyTorch. It is written without reductions: go-xla keeps them by program, too, and the loss has them.
func isCorrect(logits, labels *Node) *Node {
	images := labels.Shape().Dimensions[0]
	logit := func(digit int) *Node { return Reshape(Slice(logits, AxisElem(digit)), images) }
	largest := logit(0)
	for digit := 1; digit < numClasses; digit++ {
		largest = Max(largest, logit(digit))
	}
	prediction := BroadcastToDims(scalar(labels, numClasses), images) // of logits that are not finite
	for digit := numClasses - 1; digit >= 0; digit-- {
		prediction = Where(Equal(logit(digit), largest), BroadcastToDims(scalar(labels, float64(digit)), images), prediction)
	}
	return Equal(prediction, labels)
}

// rightImages tells which images the weights get right (bool [images]), by one piece of program for each chunk.
func (e evaluation) rightImages(net *network, weights, products []*Node, images, labels *Node) *Node {
	var right []*Node
	for c := range e.numChunks {
		chunk := Reshape(Slice(images, AxisElem(c)), images.Shape().Dimensions[1:]...)
		chunkLabels := Reshape(Slice(labels, AxisElem(c)), e.chunkSize)
		right = append(right, isCorrect(net.evaluationLogits(weights, chunk, products), chunkLabels))
	}
	return Slice(Concatenate(right, 0), AxisRange(0, e.numImages))
}

// countRight counts the training and the validation images among those that are right.
func (e evaluation) countRight(right *Node) (train, validation *Node) {
	count := func(from, to int) *Node {
		return ReduceSum(ConvertDType(Slice(right, AxisRange(from, to)), dtypes.Int32))
	}
	return count(0, e.numTrain), count(e.numTrain, e.numImages)
}

// build builds the program that evaluates by one piece of program for all chunks, one after the other. Its inputs are
// the weights, the images and their labels; its outputs the two counts, and which images are right.
func (e evaluation) build(net *network) func(g *Graph) []*Node {
	return func(g *Graph) []*Node {
		weights := net.weightParameters(g)
		images, labels := e.parameters(g, e.numChunks)
		none := Const(g, tensors.FromShape(shapes.Make(dtypes.Bool, e.numChunks, e.chunkSize)))
		state := concat([]*Node{Const(g, int32(0)), none, images, labels}, weights)
		done := loop(g, state, func(s []*Node) *Node {
			return LessThan(s[0], scalar(s[0], float64(e.numChunks)))
		}, func(s []*Node) []*Node {
			c, right, images, labels, weights := s[0], s[1], s[2], s[3], s[4:]
			chunk := Reshape(Gather(images, Reshape(c, 1)), images.Shape().Dimensions[1:]...)
			chunkLabels := Reshape(Gather(labels, Reshape(c, 1)), e.chunkSize)
			inChunk := BroadcastToShape(InsertAxes(isCorrect(net.evaluationLogits(weights, chunk, nil), chunkLabels), 0), right.Shape())
			isChunk := Equal(Iota(c.Graph(), shapes.Make(dtypes.Int32, e.numChunks, e.chunkSize), 0), c)
			return concat([]*Node{Add(c, scalar(c, 1)), Where(isChunk, inChunk, right)}, s[2:])
		})
		right := Slice(Reshape(done[1], -1), AxisRange(0, e.numImages))
		train, validation := e.countRight(right)
		return []*Node{train, validation, right}
	}
}

// loop is a While: as long as more says so of the state, it becomes what next makes of it.
func loop(g *Graph, state []*Node, more func(state []*Node) *Node, next func(state []*Node) []*Node) []*Node {
	closure := func(of func(state []*Node) []*Node) *Function {
		return NewClosure(g, func(g *Graph) []*Node {
			inputs := make([]*Node, len(state))
			for i, node := range state {
				inputs[i] = Parameter(g, fmt.Sprintf("state %d", i), node.Shape())
			}
			return of(inputs)
		})
	}
	return While(closure(func(state []*Node) []*Node { return []*Node{more(state)} }), closure(next), state...)
}

func concat(lists ...[]*Node) []*Node { return slices.Concat(lists...) }

// predict builds the program that gives the probability of each digit, [10, images], for one chunk.
func (net *network) predict(g *Graph, e evaluation) []*Node {
	weights := net.weightParameters(g)
	images, _ := e.parameters(g, 1)
	z := net.evaluationLogits(weights, Reshape(images, images.Shape().Dimensions[1:]...), nil)
	exp := Exp(Sub(z, ReduceAndKeep(z, ReduceMax, 0)))
	return []*Node{ConvertDType(Div(exp, ReduceAndKeep(exp, ReduceSum, 0)), dtypes.Float64)}
}
