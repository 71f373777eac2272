package mnistlib

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// An evaluation says how a number of images are laid out to be evaluated: chunk by chunk.
type evaluation struct {
	numImages            int
	numChunks, chunkSize int
	convolved            bool // each image with a border of zeros, and as the last axis; otherwise an image a row
	dtype                dtypes.DType
}

// newEvaluation chooses chunks: for a network with convolutions of few enough images for what a layer computes
// of them to stay in the processor's cache, and of an odd multiple of its vectors' lengths, as rows a power of two
// apart would share few places there.
func (net *network) newEvaluation(numImages int) evaluation {
	const vector = 16
	most := 4096
	if net.convolved() {
		most = 1280
	}
	vectors := (numImages + vector - 1) / vector
	groups := (vectors + most/vector - 1) / (most / vector)
	size := vector * ((vectors+groups-1)/groups | 1)
	return evaluation{numImages, (numImages + size - 1) / size, size, net.convolved(), net.dtype}
}

// parameters are the images and the labels of a chunk as inputs of a program.
func (e evaluation) parameters(g *Graph, place int) []*Node {
	shape := shapes.Make(e.dtype, e.chunkSize, NumPixels)
	if e.convolved {
		shape = shapes.Make(e.dtype, 1, ImageSize+2, ImageSize+2, e.chunkSize)
	}
	return []*Node{
		Parameter(g, fmt.Sprintf("images %d", place), shape),
		Parameter(g, fmt.Sprintf("labels %d", place), shapes.Make(dtypes.Int32, e.chunkSize)),
	}
}

// chunks lays images and labels out, those of each chunk side by side. Images that are not there are black, and
// their label is -1, which no prediction equals.
func (e evaluation) chunks(images Images) []*tensors.Tensor {
	var list []*tensors.Tensor
	for c := range e.numChunks {
		part := images.Slice(c*e.chunkSize, min((c+1)*e.chunkSize, images.Len()))
		if e.dtype == dtypes.Float64 {
			list = append(list, imageTensor[float64](e, part))
		} else {
			list = append(list, imageTensor[float32](e, part))
		}
		list = append(list, labelTensor(part.Labels, e.chunkSize))
	}
	return list
}

func imageTensor[T float32 | float64](e evaluation, images Images) *tensors.Tensor {
	if e.convolved {
		return tensors.FromFlatDataAndDimensions(batchLastPixels[T](images, e.chunkSize, 1), 1, ImageSize+2, ImageSize+2, e.chunkSize)
	}
	rows := make([]T, e.chunkSize*NumPixels)
	for i, pixel := range images.Pixels {
		rows[i] = T(pixel) / 255
	}
	return tensors.FromFlatDataAndDimensions(rows, e.chunkSize, NumPixels)
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

// labelTensor holds n labels.
func labelTensor(labels []byte, n int) *tensors.Tensor {
	values := make([]int32, n)
	for i := range values {
		values[i] = -1
		if i < len(labels) {
			values[i] = int32(labels[i])
		}
	}
	return tensors.FromFlatDataAndDimensions(values, n)
}

// evaluationLogits returns the logits [10, images] of a chunk, in evaluation mode. The products of the weights
// with the images may be at hand.
func (net *network) evaluationLogits(weights []*Node, images *Node, products []*Node) *Node {
	nn := net.layersWith(weights, false)
	x := &Tensor{shape: imageShape}
	if net.convolved() {
		x.padded = images
		x.node = Slice(images, AxisRange(), AxisRange(1, -1), AxisRange(1, -1), AxisRange())
	} else {
		x.node = Reshape(Transpose(images, 0, 1), 1, ImageSize, ImageSize, -1)
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

// isCorrect tells of each image whether its label has the largest logit; among equal logits the
// first counts, as in PyTorch. It is written without ArgMax, which compiles slowly.
func isCorrect(logits, labels *Node) *Node {
	isLargest := Equal(logits, ReduceAndKeep(logits, ReduceMax, 0))
	digits := Iota(logits.Graph(), shapes.Make(dtypes.Int32, logits.Shape().Dimensions...), 0)
	first := ReduceMin(Where(isLargest, digits, AddScalar(ZerosLike(digits), NumClasses)), 0)
	return Equal(first, labels)
}

// evaluate builds the program that tells of each image of a chunk whether the weights get it right (bool [images]).
func (net *network) evaluate(g *Graph, e evaluation) []*Node {
	weights, chunk := net.weightParameters(g), e.parameters(g, 0)
	return []*Node{isCorrect(net.evaluationLogits(weights, chunk[0], nil), chunk[1])}
}

// predict builds the program that gives the probability of each digit, [10, images]. Its inputs are
// those of evaluate.
func (net *network) predict(g *Graph, e evaluation) []*Node {
	weights, chunk := net.weightParameters(g), e.parameters(g, 0)
	z := net.evaluationLogits(weights, chunk[0], nil)
	exp := Exp(Sub(z, ReduceAndKeep(z, ReduceMax, 0)))
	return []*Node{ConvertDType(Div(exp, ReduceAndKeep(exp, ReduceSum, 0)), dtypes.Float64)}
}
