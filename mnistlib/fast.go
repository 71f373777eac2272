package mnistlib

import (
	"slices"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// What is here computes the same numbers as the textbook's form, but faster: with the batch as the
// last axis, XLA turns each of these into loops over the images that fill its vector registers.

// multiplyRows computes the products W·X of some weights W [out, 784], there may be none, and images
// that are rows [images, 784]: nearly all the arithmetic of an MLP's evaluation. Two things make it fast:
//   - It is X·Wᵀ, not W·X: XLA divides a product of matrices among the processors by the rows of the
//     first factor, and fills the vector registers with the columns of the second. For these, Wᵀ is
//     filled up by zeros to a multiple of 16 columns.
//   - The weights of several runs stand side by side in one Wᵀ, so that the images are read once.
func multiplyRows(rows *Node, ws []*Node) (products []*Node) {
	if len(ws) == 0 {
		return nil
	}
	out := 0
	for _, w := range ws {
		out += w.Shape().Dimensions[0]
	}
	const vector = 16
	all := slices.Clone(ws)
	if missing := (vector - out%vector) % vector; missing > 0 {
		all = append(all, Zeros(rows.Graph(), shapes.Make(rows.DType(), missing, NumPixels)))
	}
	product := Transpose(Dot(rows, Transpose(Concatenate(all, 0), 0, 1)), 0, 1)
	from := 0
	for _, w := range ws {
		to := from + w.Shape().Dimensions[0]
		products = append(products, Slice(product, AxisRange(from, to)))
		from = to
	}
	return products
}

// multiply is W·x of w [out, features] and x [features, batch].
func multiply(w *Node, x *Tensor) *Node {
	if product, ok := x.product[w]; ok {
		return product
	}
	return Dot(w, x.node)
}

// movedProducts spare the evaluation of an MLP even those products. SGD is linear: all that it ever adds
// to W are multiples of gradients dY·Xᵦᵀ, where Xᵦ are the images of a batch and dY is the gradient by
// their products W·Xᵦ. So the products W·X of all images can be moved along with W, as if they were
// weights, by the same optimizer with the gradient
//
//	(dY·Xᵦᵀ)·X = dY·(XᵦᵀX)
//
// XᵦᵀX are rows of the Gram matrix XᵀX, which is computed once. For a batch of 64 images this takes a
// twelfth of the multiplications. Each epoch begins with the products themselves, so that rounding errors
// do not gather.
type movedProducts struct {
	gram    *tensors.Tensor // [training images, images]
	compute *Graph          // the program of the products themselves
}

// worthMoving tells whether the products can be moved, and whether that and the Gram matrix take less
// than half the multiplications of an image's products.
func (t *trainer) worthMoving(numRuns int) bool {
	c, iterations := t.config, t.iterationsPerEpoch()
	numTrain, all := t.data.Train.Len(), t.data.Train.Len()+t.data.Validation.Len()
	_, linear := c.Optimizer.(SGD)
	if !linear || t.network.convolved || c.EvaluateEachEpoch || t.network.chunkSize(all) < all {
		return false
	}
	outputs := 0 // of all epochs
	for _, w := range t.network.multiply {
		outputs += w.shape[0] * numRuns * c.Epochs
	}
	moved := numTrain*NumPixels + outputs*(NumPixels+iterations*c.BatchSize)
	return 2*moved < outputs*iterations*NumPixels
}

// newMovedProducts computes the Gram matrix of evaluationImages, of which the first numTrain are trained on.
func newMovedProducts(b *backend, net *network, images *tensors.Tensor, numTrain int) (*movedProducts, error) {
	numImages := images.Shape().Dimensions[0]
	gram, err := compile(b, "Gram matrix", func(g *Graph) []*Node {
		rows := net.imageParameter(g, numImages)
		return []*Node{Dot(Slice(rows, AxisRange(0, numTrain)), Transpose(rows, 0, 1))}
	})
	if err != nil {
		return nil, err
	}
	defer gram.Finalize()
	compute, err := compile(b, "products", func(g *Graph) []*Node {
		nn := net.layers(net.weightParameters(g, ""), false)
		return multiplyRows(net.imageParameter(g, numImages), net.multiplied(nn))
	})
	if err != nil {
		return nil, err
	}
	outputs, err := execute(gram, images)
	if err != nil {
		return nil, err
	}
	return &movedProducts{gram: outputs[0], compute: compute}, nil
}

func (m *movedProducts) close() {
	m.compute.Finalize()
	m.gram.MustFinalizeAll()
}

// convolve3x3 is the convolution of x [channels, height, width, batch], bordered by zeros, with
// w [out, channels, 3, 3].
func convolve3x3(x *Tensor, w *Node, training bool) *Node {
	if training {
		return convolveInTraining(x.node, w)
	}
	if x.padded == nil {
		x.padded = withBorder(x.node, 1)
	}
	return convolveShifted(x.padded, w)
}

// convolveShifted writes the convolution as a sum of shifted images, each times one weight. XLA makes
// one loop of it, together with the ReLU and the pool that follow, and keeps nothing in between: over
// thousands of images that is eight times faster than XLA's own convolution. x has its border.
func convolveShifted(x, w *Node) *Node {
	out, channels := w.Shape().Dimensions[0], w.Shape().Dimensions[1]
	height, width, batch := x.Shape().Dimensions[1]-2, x.Shape().Dimensions[2]-2, x.Shape().Dimensions[3]
	plus := func(sum, term *Node) *Node {
		if sum == nil {
			return term
		}
		return Add(sum, term)
	}
	var sum *Node
	for c := range channels {
		var ofChannel *Node // one chain of 9·channels additions would wait longer for each of them
		for i := range 3 {
			for j := range 3 {
				shifted := Slice(x, AxisElem(c), AxisRange(i, i+height), AxisRange(j, j+width), AxisRange())
				weight := Slice(w, AxisRange(), AxisElem(c), AxisElem(i), AxisElem(j))
				term := Mul(BroadcastToDims(weight, out, height, width, batch), BroadcastToDims(shifted, out, height, width, batch))
				ofChannel = plus(ofChannel, term)
			}
		}
		sum = plus(sum, ofChannel)
	}
	return sum
}

// convolveInTraining writes the convolution as a product of matrices, and so its gradients: for a
// batch of 64 a step takes a third of the time of XLA's own convolution. Differentiating the shifted
// form, or letting GoMLX differentiate this one, is slower.
func convolveInTraining(x, w *Node) *Node {
	height, width, batch := x.Shape().Dimensions[1], x.Shape().Dimensions[2], x.Shape().Dimensions[3]
	xPatches := patches(x)
	multiply := func(w, patches *Node) *Node {
		out := w.Shape().Dimensions[0]
		w = Reshape(Transpose(Transpose(w, 1, 2), 2, 3), out, -1) // [out, 9·channels]
		y := Reshape(Dot(w, patches), out, height, width+2, batch)
		return Slice(y, AxisRange(), AxisRange(), AxisRange(0, width), AxisRange())
	}
	return withGradients(multiply(w, xPatches),
		// Each pixel meets each weight once more, on its way back: a convolution with the flipped kernels.
		gradient{x, func(dy *Node) *Node {
			return multiply(Transpose(Reverse(w, 2, 3), 0, 1), patches(dy))
		}},
		gradient{w, func(dy *Node) *Node {
			out, channels := w.Shape().Dimensions[0], w.Shape().Dimensions[1]
			dy = Pad(dy, ScalarZero(dy.Graph(), dy.DType()), PadAxis{}, PadAxis{}, PadAxis{End: 2}, PadAxis{})
			dw := Einsum("op,cp->oc", Reshape(dy, out, -1), xPatches)
			return Transpose(Transpose(Reshape(dw, out, 3, 3, channels), 2, 3), 1, 2)
		}})
}

// patches copies to each pixel of x [channels, height, width, batch] the 3 × 3 pixels around it:
// [9·channels, height·(width+2)·batch]. Where an image's rows lie one after the other, each with its
// border, all pixels have a neighbour at the same distance, so that each of the nine copies is one
// piece of memory. The two more pixels of each row are the border's, and mean nothing.
//
// It is one gather: nine slices side by side take XLA ten times as long to compile.
func patches(x *Node) *Node {
	channels, height, width, batch := x.Shape().Dimensions[0], x.Shape().Dimensions[1], x.Shape().Dimensions[2], x.Shape().Dimensions[3]
	var starts [][]int32
	for i := range 3 {
		for j := range 3 {
			starts = append(starts, []int32{int32((i*(width+2) + j) * batch)})
		}
	}
	bordered := materialized(Reshape(withBorder(x, 2), channels, -1))
	shifted := GatherSlices(bordered, []int{1}, Const(x.Graph(), starts), []int{height * (width + 2) * batch}, true)
	return Reshape(shifted, 9*channels, -1)
}

// materialized returns x by way of a product with the 2 × 2 identity. It keeps XLA from computing every
// element of x anew for each of its nine copies: a product of matrices is what it never merges into
// the loops that read it. (An odd number of elements cannot be halved, and stays as it is.)
func materialized(x *Node) *Node {
	if x.Shape().Size()%2 != 0 {
		return x
	}
	identity := Const(x.Graph(), [][]float64{{1, 0}, {0, 1}})
	return Reshape(Dot(ConvertDType(identity, x.DType()), Reshape(x, 2, -1)), x.Shape().Dimensions...)
}

// withBorder adds a border of zeros around each image of x [channels, height, width, batch], of one
// pixel, or more below. It pads the bits, as integers: XLA sees that an unshifted slice of a padded
// image is the image itself and, to have both, would compute the image twice.
func withBorder(x *Node, below int) *Node {
	bits := dtypes.Int32
	if x.DType() == dtypes.Float64 {
		bits = dtypes.Int64
	}
	return Bitcast(Pad(Bitcast(x, bits), ScalarZero(x.Graph(), bits), PadAxis{}, PadAxis{Start: 1, End: below}, PadAxis{Start: 1, End: 1}, PadAxis{}), x.DType())
}

// A gradient says how to get the gradient of the loss by a value x from dy, the one by a result y.
type gradient struct {
	x  *Node
	of func(dy *Node) *Node
}

// withGradients returns y with gradients written by hand, instead of those that GoMLX would derive.
// GoMLX knows only values that pass unchanged, from one input, with a gradient of their own. So y
// goes through one that notes dy, and each x through one that gives its gradient; the path from the
// xs to y, along which GoMLX finds them, is a choice that is never taken, and XLA removes it.
func withGradients(y *Node, gradients ...gradient) *Node {
	var dy *Node
	path := ScalarZero(y.Graph(), y.DType())
	for _, g := range gradients {
		x := IdentityWithCustomGradient(g.x, func(_, _ *Node) *Node { return g.of(dy) })
		path = Add(path, ReduceAllSum(x))
	}
	y = Where(Const(y.Graph(), false), BroadcastToShape(path, y.Shape()), StopGradient(y))
	return IdentityWithCustomGradient(y, func(_, v *Node) *Node {
		dy = v
		return v
	})
}

// maxPool2x2 takes the largest of each 2 × 2 pixels of x [channels, height, width, batch], as the
// maximum of four images of every second pixel: a reduction here would be many times slower. Of
// equal pixels the gradient goes to the first, as in PyTorch.
func maxPool2x2(x *Node) *Node {
	height, width := x.Shape().Dimensions[1]/2, x.Shape().Dimensions[2]/2
	every2nd := func(i, j int) *Node {
		return Slice(x, AxisRange(), AxisRange(i, 2*height).Stride(2), AxisRange(j, 2*width).Stride(2), AxisRange())
	}
	return Max(Max(every2nd(0, 0), every2nd(0, 1)), Max(every2nd(1, 0), every2nd(1, 1)))
}
