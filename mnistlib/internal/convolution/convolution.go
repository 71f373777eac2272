// Package convolution computes convolutions and pools of images whose last axis is the batch: [channels,
// height, width, batch]. The numbers are the textbook's, in forms that XLA turns into loops over the
// images that fill its vector registers.
package convolution

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Evaluate writes the convolution as a sum of shifted images, each times one weight. XLA makes
// one loop of it, together with the ReLU and the pool that follow, and keeps nothing in between: over
// thousands of images that is eight times faster than XLA's own convolution. x has its border.
func Evaluate(x, w *Node) *Node {
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

// Train writes the convolution as a product of matrices, and so its gradients: for a
// batch of 64 a step takes a third of the time of XLA's own convolution. Differentiating the shifted
// form, or letting GoMLX differentiate this one, is slower.
func Train(x, w *Node) *Node {
	height, width, batch := x.Shape().Dimensions[1], x.Shape().Dimensions[2], x.Shape().Dimensions[3]
	xPatches := patches(x)
	multiply := func(w, patches *Node) *Node {
		out := w.Shape().Dimensions[0]
		w = Reshape(Transpose(Transpose(w, 1, 2), 2, 3), out, -1) // [out, 9·channels]
		y := Reshape(Dot(w, patches).Product(), out, height, width+2, batch)
		return Slice(y, AxisRange(), AxisRange(), AxisRange(0, width), AxisRange())
	}
	return withGradients(multiply(w, xPatches),
		// Each pixel meets each weight once more, on its way back: a convolution with the flipped kernels.
		gradient{x, func(dy *Node) *Node {
			return multiply(Transpose(Reverse(w, 2, 3), 0, 1), patches(dy))
		}},
		gradient{w, func(dy *Node) *Node {
			out, channels := w.Shape().Dimensions[0], w.Shape().Dimensions[1]
			dy = Pad(dy, ScalarZero(dy.Graph(), dy.DType()), compute.PadAxis{}, compute.PadAxis{}, compute.PadAxis{End: 2}, compute.PadAxis{})
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
	bordered := materialized(Reshape(WithBorder(x, 2), channels, -1))
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
	return Reshape(Dot(ConvertDType(identity, x.DType()), Reshape(x, 2, -1)).Product(), x.Shape().Dimensions...)
}

// WithBorder adds a border of zeros around each image of x [channels, height, width, batch], of one
// pixel, or more below. It pads the bits, as integers: XLA sees that an unshifted slice of a padded
// image is the image itself and, to have both, would compute the image twice.
func WithBorder(x *Node, below int) *Node {
	bits := dtypes.Int32
	if x.DType() == dtypes.Float64 {
		bits = dtypes.Int64
	}
	return Bitcast(Pad(Bitcast(x, bits), Const(x.Graph(), shapes.CastAsDType(0, bits)), compute.PadAxis{}, compute.PadAxis{Start: 1, End: below}, compute.PadAxis{Start: 1, End: 1}, compute.PadAxis{}), x.DType())
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

// MaxPool2x2 takes the largest of each 2 × 2 pixels of x [channels, height, width, batch], as the
// maximum of four images of every second pixel: a reduction here would be many times slower. Of
// equal pixels the gradient goes to the first, as in PyTorch.
func MaxPool2x2(x *Node) *Node {
	height, width := x.Shape().Dimensions[1]/2, x.Shape().Dimensions[2]/2
	every2nd := func(i, j int) *Node {
		return Slice(x, AxisRange(), AxisRange(i, 2*height).Stride(2), AxisRange(j, 2*width).Stride(2), AxisRange())
	}
	return Max(Max(every2nd(0, 0), every2nd(0, 1)), Max(every2nd(1, 0), every2nd(1, 1)))
}
