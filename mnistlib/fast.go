package mnistlib

import (
	"slices"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
)

// What is here computes the same numbers as the textbook's form, but faster: with the batch as the
// last axis, XLA turns each of these into loops over the images that fill its vector registers.

// An imageRows holds images as rows, for the layers that multiply them by their weights: nearly all the
// arithmetic of an MLP's evaluation is in that product. Two things make it fast:
//   - It is X·Wᵀ, not W·X: XLA divides a product of matrices among the processors by the rows of the
//     first factor, and fills the vector registers with the columns of the second. For these, Wᵀ is
//     filled up by zeros to a multiple of 16 columns.
//   - The weights of several runs stand side by side in one Wᵀ, so that the images are read once.
type imageRows struct {
	node    *Node           // [images, 784]; nil while a model is only described
	weights []string        // that the images are multiplied by
	product map[*Node]*Node // W·X of each of the weights, [out, images]
}

// multiply computes the product of every w [out, 784]; there may be none.
func (rows *imageRows) multiply(ws []*Node) {
	if len(ws) == 0 {
		return
	}
	out := 0
	for _, w := range ws {
		out += w.Shape().Dimensions[0]
	}
	const vector = 16
	all := slices.Clone(ws)
	if missing := (vector - out%vector) % vector; missing > 0 {
		all = append(all, Zeros(rows.node.Graph(), shapes.Make(rows.node.DType(), missing, NumPixels)))
	}
	products := Transpose(Dot(rows.node, Transpose(Concatenate(all, 0), 0, 1)), 0, 1)
	rows.product = map[*Node]*Node{}
	from := 0
	for _, w := range ws {
		to := from + w.Shape().Dimensions[0]
		rows.product[w] = Slice(products, AxisRange(from, to))
		from = to
	}
}

// multiply is W·x of w [out, features] and x [features, batch].
func multiply(w *Node, x *Tensor) *Node {
	if x.rows == nil {
		return Dot(w, x.node)
	}
	return x.rows.product[w]
}

// convolve3x3 is the convolution of x [channels, height, width, batch], bordered by zeros, with
// w [out, channels, 3, 3].
func convolve3x3(x *Tensor, w *Node, training bool) *Node {
	if training {
		return convolveInTraining(x.node, w)
	}
	if x.padded == nil {
		x.padded = withBorder(x.node)
	}
	return convolveShifted(x.padded, w)
}

// convolveShifted writes the convolution as a sum of shifted images, each times one weight. XLA makes
// one loop of it, together with the ReLU and the pool that follow, and keeps nothing in between: over
// thousands of images that is eight times faster than XLA's own convolution. x has its border.
func convolveShifted(x, w *Node) *Node {
	out, channels := w.Shape().Dimensions[0], w.Shape().Dimensions[1]
	height, width, batch := x.Shape().Dimensions[1]-2, x.Shape().Dimensions[2]-2, x.Shape().Dimensions[3]
	var sum *Node
	for c := range channels {
		for i := range 3 {
			for j := range 3 {
				shifted := Slice(x, AxisElem(c), AxisRange(i, i+height), AxisRange(j, j+width), AxisRange())
				weight := Slice(w, AxisRange(), AxisElem(c), AxisElem(i), AxisElem(j))
				term := Mul(BroadcastToDims(weight, out, height, width, batch), BroadcastToDims(shifted, out, height, width, batch))
				if sum == nil {
					sum = term
				} else {
					sum = Add(sum, term)
				}
			}
		}
	}
	return sum
}

// convolveInTraining writes the convolution as a product of matrices, and so its gradients: for a
// batch of 64 a step takes half as long as with XLA's own convolution. Differentiating the shifted
// form, or letting GoMLX differentiate this one, is slower.
func convolveInTraining(x, w *Node) *Node {
	xPatches := patches(withBorder(x))
	multiply := func(w, patches *Node) *Node {
		out := w.Shape().Dimensions[0]
		w = Reshape(Transpose(Transpose(w, 1, 2), 2, 3), out, -1) // [out, 9·channels]
		return Reshape(Dot(w, patches), out, x.Shape().Dimensions[1], x.Shape().Dimensions[2], -1)
	}
	return withGradients(multiply(w, xPatches),
		// Each pixel meets each weight once more, on its way back: a convolution with the flipped kernels.
		gradient{x, func(dy *Node) *Node {
			return multiply(Transpose(Reverse(w, 2, 3), 0, 1), patches(withBorder(dy)))
		}},
		gradient{w, func(dy *Node) *Node {
			out, channels := w.Shape().Dimensions[0], w.Shape().Dimensions[1]
			dw := Einsum("op,cp->oc", Reshape(dy, out, -1), xPatches)
			return Transpose(Transpose(Reshape(dw, out, 3, 3, channels), 2, 3), 1, 2)
		}})
}

// patches copies to each pixel of x [channels, height+2, width+2, batch], which has its border, the
// 3 × 3 pixels around it: [9·channels, height·width·batch]. They are gathered as nine shifted images:
// nine slices side by side take XLA ten times as long to compile.
func patches(x *Node) *Node {
	channels, height, width := x.Shape().Dimensions[0], x.Shape().Dimensions[1]-2, x.Shape().Dimensions[2]-2
	corners := [][]int32{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}}
	shifted := GatherSlices(materialized(x), []int{1, 2}, Const(x.Graph(), corners), []int{height, width}, true)
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

// withBorder adds a border of one zero around each image of x [channels, height, width, batch]. It
// pads the bits, as integers: XLA sees that an unshifted slice of a padded image is the image itself
// and, to have both, would compute the image twice.
func withBorder(x *Node) *Node {
	bits := dtypes.Int32
	if x.DType() == dtypes.Float64 {
		bits = dtypes.Int64
	}
	one := PadAxis{Start: 1, End: 1}
	return Bitcast(Pad(Bitcast(x, bits), ScalarZero(x.Graph(), bits), PadAxis{}, one, one, PadAxis{}), x.DType())
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
