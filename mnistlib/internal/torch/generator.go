// Package torch draws random numbers as PyTorch does on the CPU, so that a run here and one there
// with the same seed start from the same weights and see the images in the same order.
package torch

import (
	"math"

	"gonum.org/v1/gonum/mathext/prng"
)

// A Generator is PyTorch's for the CPU, the Mersenne twister MT19937.
type Generator struct{ twister *prng.MT19937 }

// NewGenerator does what torch.manual_seed(seed) does. As there, only the lower 32 bits of the seed
// count: 7 and 7 + 2³² give the same numbers.
func NewGenerator(seed uint64) *Generator {
	g := &Generator{prng.NewMT19937()}
	g.twister.Seed(seed)
	return g
}

// Uniform fills values with numbers from U(-bound, bound), as a float32 tensor's uniform_ does: 24
// random bits each, and float32's precision.
func (g *Generator) Uniform(values []float64, bound float32) {
	b := float64(bound)
	for i := range values {
		x := float64(g.twister.Uint32()&(1<<24-1)) / (1 << 24)
		values[i] = float64(float32(x*(2*b) - b)) // the product is exact, so the sum is rounded once
	}
}

// Bound is that of Linear's and Conv2d's initial weights and biases, 1/√fanIn, where fanIn is the
// number of inputs to each output. PyTorch computes the weights' bound as √3·√(2/(1+√5²))/√fanIn, which
// rounds to the same float32.
func Bound(fanIn int) float32 { return float32(1 / math.Sqrt(float64(fanIn))) }

// Int64 draws from the numbers from 0 to 2⁶³-1, as an int64 tensor's random_ does.
func (g *Generator) Int64() int64 {
	high := uint64(g.twister.Uint32())
	low := uint64(g.twister.Uint32())
	return int64((high<<32 | low) & math.MaxInt64)
}

// Permutation puts 0 … n-1 in a random order, as randperm(n) does for n below 2³²/20. (Above, PyTorch
// draws 64 bits at a time.)
func (g *Generator) Permutation(n int) []int32 {
	order := inOrder(n)
	for i := range n - 1 {
		j := i + int(g.twister.Uint32()%uint32(n-i))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

func inOrder(n int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	return order
}

// Epoch draws what the tutorial's program draws in an epoch, and returns the order of its n training
// images:
//
//   - A DataLoader that begins draws one number, a seed for worker processes, whether it has any or not.
//   - If it shuffles, it draws another, which seeds a generator of its own; that one makes the order.
//   - After every iteration, two more loaders begin: get_accuracy's, of the training and of the
//     validation images.
func (g *Generator) Epoch(n int, shuffle bool, iterations int) []int32 {
	g.Int64()
	order := inOrder(n)
	if shuffle {
		order = NewGenerator(uint64(g.Int64())).Permutation(n)
	}
	for range 2 * iterations {
		g.Int64()
	}
	return order
}
