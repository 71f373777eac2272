package mnistlib

import . "github.com/gomlx/gomlx/core/graph"

// multiplyImages computes the products W·X of some weights W [out, 784], there may be none, and images
// that are rows [images, 784]: nearly all the arithmetic of an MLP's evaluation. It is X·Wᵀ, not W·X: XLA
// divides a product of matrices among the processors by the rows of the first factor.
func multiplyImages(rows *Node, ws []*Node) (products []*Node) {
	for _, w := range ws {
		products = append(products, Transpose(Dot(rows, Transpose(w, 0, 1)).Product(), 0, 1))
	}
	return products
}

// Moved products spare the evaluation of an MLP even those. All that a linear optimizer, such as [SGD], ever adds
// to W are multiples of gradients dY·Xᵦᵀ, where Xᵦ are the images of a batch and dY is the gradient by
// their products W·Xᵦ. So the products W·X of all images can be moved along with W, as if they were
// weights, by the same optimizer with the gradient
//
//	(dY·Xᵦᵀ)·X = dY·(XᵦᵀX)
//
// XᵦᵀX are rows of the Gram matrix XᵀX, which is computed once. For a batch of 64 images this takes a
// twelfth of the multiplications. Each epoch begins with the products themselves, so that rounding errors
// do not gather.

// gramMatrix is the products of the first numTrain images with all images, which are rows.
func gramMatrix(rows *Node, numTrain int) *Node {
	return Dot(Slice(rows, AxisRange(0, numTrain)), Transpose(rows, 0, 1)).Product()
}
