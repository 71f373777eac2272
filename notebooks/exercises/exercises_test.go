package exercises_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"example.com/tutorial6/mnistlib"
	. "example.com/tutorial6/notebooks/exercises"
	"example.com/tutorial6/notebooks/setup"
)

// The exercises that train do so on XLA.
func TestMain(m *testing.M) {
	if _, err := setup.Plugin(context.Background(), os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// expect checks that a verdict holds what it should say.
func expect(t *testing.T, verdict, says string) {
	t.Helper()
	if !strings.Contains(verdict, says) {
		t.Errorf("the check says %q, expected %q in it", verdict, says)
	}
}

const right, unsolved = ": right. ", ": not solved yet. "

func TestCount(t *testing.T) {
	none := func(in, out int) int { return 0 }
	expect(t, CheckCount(none, none, func(int) int { return 0 }), unsolved)
	expect(t, CheckCount(linearParameters, convParameters, normParameters), right)
	linear := func(f func(in, out int) int) string { return CheckCount(f, convParameters, normParameters) }
	expect(t, linear(func(in, out int) int { return in * out }), "weights alone")
	expect(t, linear(func(in, out int) int { return in*out + in }), "one bias for each input")
	expect(t, linear(func(in, out int) int { return in*out + 1 }), "one bias for the whole layer")
	expect(t, linear(func(in, out int) int { return in + out }), "gives 834")
	expect(t, linear(func(in, out int) int { return 39_250 }), "right for one size but not for others")
	conv := func(f func(in, out int) int) string { return CheckCount(linearParameters, f, normParameters) }
	expect(t, conv(func(in, out int) int { return 9 * in * out }), "kernels alone")
	expect(t, conv(func(in, out int) int { return 9*out + out }), "each PAIR")
	expect(t, conv(func(in, out int) int { return 3*in*out + out }), "3 × 3 kernel has 9")
	expect(t, conv(func(in, out int) int { return 28 * 28 * in * out }), "size of the image does not matter")
	norm := func(f func(c int) int) string { return CheckCount(linearParameters, convParameters, f) }
	expect(t, norm(func(c int) int { return c }), "two parameters")
	expect(t, norm(func(c int) int { return 4 * c }), "running mean")
	expect(t, norm(func(c int) int { return 3 * c }), "gives 24")
}

func TestCrossEntropy(t *testing.T) {
	expect(t, CheckCrossEntropy(func([]float64, int) float64 { return 0 }), unsolved)
	expect(t, CheckCrossEntropy(crossEntropy), right)
	naive := func(z []float64, label int) float64 { // right where nothing overflows
		sum := 0.0
		for i := range z {
			sum += math.Exp(z[i])
		}
		return math.Log(sum) - z[label]
	}
	expect(t, CheckCrossEntropy(naive), "exp(1000) is too large")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 { return -naive(z, label) }), "MINUS")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 { return math.Exp(-naive(z, label)) }), "label's probability")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 { return -z[label] }), "normalized first")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 { return naive(z, label) / math.Ln2 }), "base 2")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 { return naive(z, label) / 3 }), "number of classes")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 { return naive(z, 0) }), "label 0")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 { return z[3] }), "Your code stopped: index out of range")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 { // stable softmax, but its log
		largest, sum := math.Inf(-1), 0.0
		for _, v := range z {
			largest = max(largest, v)
		}
		for _, v := range z {
			sum += math.Exp(v - largest)
		}
		return -math.Log(math.Exp(z[label]-largest) / sum)
	}), "rounds to 0")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 {
		loss := crossEntropy(z, label)
		z[0]++
		return loss
	}), "changes the logits")
}

func TestShuffling(t *testing.T) {
	expect(t, CheckShuffling(Shuffling{}), unsolved)
	expect(t, CheckShuffling(shuffling), right)
	expect(t, CheckShuffling(Shuffling{Period: 32}), "no 32nd batch")
	expect(t, CheckShuffling(Shuffling{Period: 10}), "number of epochs")
	expect(t, CheckShuffling(Shuffling{Period: 64}), "number of images in a batch")
	expect(t, CheckShuffling(Shuffling{Period: 30}), "does not come again after 30")
	expect(t, CheckShuffling(Shuffling{Period: 31}), "the same in every epoch")
	expect(t, CheckShuffling(Shuffling{Period: 31, NeverSeen: 160}), "count them once")
	expect(t, CheckShuffling(Shuffling{Period: 31, NeverSeen: 64}), "64 is not what is left")
	expect(t, CheckShuffling(Shuffling{Period: 31, NeverSeen: 16}), "HardestBatch is missing")
	expect(t, CheckShuffling(Shuffling{Period: 31, NeverSeen: 16, HardestBatch: 21}), "count from 0")
	expect(t, CheckShuffling(Shuffling{Period: 31, NeverSeen: 16, HardestBatch: 301}), "is an iteration")
	expect(t, CheckShuffling(Shuffling{Period: 31, NeverSeen: 16, HardestBatch: 3}), "but there is a batch with")
}

func TestConvolution(t *testing.T) {
	type table = [][]float64
	expect(t, CheckConvolution(func(image, kernel table, bias float64) table { return nil }), unsolved)
	expect(t, CheckConvolution(convolve), right)
	wrong := func(f func(image, kernel table, bias float64) table) string { return CheckConvolution(f) }
	expect(t, wrong(func(image, kernel table, bias float64) table { return convolve(image, kernel, 0) }), "bias is missing")
	expect(t, wrong(func(image, kernel table, bias float64) table { return convolve(image, kernel, 9*bias) }), "once for each of the 9")
	expect(t, wrong(func(image, k table, bias float64) table {
		return convolve(image, table{{k[2][2], k[2][1], k[2][0]}, {k[1][2], k[1][1], k[1][0]}, {k[0][2], k[0][1], k[0][0]}}, bias)
	}), "turned by 180 degrees")
	expect(t, wrong(func(image, k table, bias float64) table {
		return convolve(image, table{{k[0][0], k[1][0], k[2][0]}, {k[0][1], k[1][1], k[2][1]}, {k[0][2], k[1][2], k[2][2]}}, bias)
	}), "swapped")
	expect(t, wrong(func(image, kernel table, bias float64) table {
		whole := convolve(image, kernel, bias)
		return table{whole[1][1:3]}
	}), "no border of zeros")
	expect(t, wrong(func(image, kernel table, bias float64) table { return table{{1}} }), "you return 1 × 1;")
	expect(t, wrong(func(image, kernel table, bias float64) table { return image }), "your answer is 1, 2, 3, 4, 5, 6, 7, 8, 9, …; expected ")
	expect(t, wrong(func(image, kernel table, bias float64) table { // repeats the edge
		wide := table{}
		for r := -1; r <= 3; r++ {
			row := image[min(max(r, 0), 2)]
			wide = append(wide, []float64{row[0], row[0], row[1], row[2], row[3], row[3]})
		}
		out := convolve(wide, kernel, bias)
		return table{out[1][1:5], out[2][1:5], out[3][1:5]}
	}), "repeat the nearest pixel")
}

func TestMaxPool(t *testing.T) {
	type table = [][]float64
	pool := func(size, stride int, start float64, join func(a, b float64) float64) func(table) table {
		return func(image table) table {
			var out table
			for r := 0; r+size <= len(image); r += stride {
				var row []float64
				for c := 0; c+size <= len(image[0]); c += stride {
					value := start
					for i := range size {
						for j := range size {
							value = join(value, image[r+i][c+j])
						}
					}
					row = append(row, value)
				}
				out = append(out, row)
			}
			return out
		}
	}
	largest := func(a, b float64) float64 { return max(a, b) }
	expect(t, CheckMaxPool(func(table) table { return nil }), unsolved)
	expect(t, CheckMaxPool(maxPool), right)
	expect(t, CheckMaxPool(pool(2, 2, math.Inf(-1), largest)), right)
	expect(t, CheckMaxPool(pool(2, 2, 0, largest)), "four pixels are negative")
	expect(t, CheckMaxPool(pool(2, 1, math.Inf(-1), largest)), "squares overlap")
	expect(t, CheckMaxPool(pool(2, 2, 0, func(a, b float64) float64 { return a + b/4 })), "mean of each square")
	expect(t, CheckMaxPool(pool(2, 2, math.Inf(1), func(a, b float64) float64 { return min(a, b) })), "smallest")
	expect(t, CheckMaxPool(pool(1, 2, 0, func(a, b float64) float64 { return b })), "first pixel")
	expect(t, CheckMaxPool(func(image table) table { return image }), "half as many rows")
	expect(t, CheckMaxPool(func(image table) table {
		return pool(2, 2, math.Inf(-1), largest)(append(image, make(table, len(image)%2)...))
	}), "Your code stopped")
}

func TestMomentum(t *testing.T) {
	expect(t, CheckMomentum(func(w, v, g, lr, momentum float64) (float64, float64) { return 0, 0 }), unsolved)
	expect(t, CheckMomentum(momentumStep), right)
	for says, step := range map[string]func(w, v, g, lr, momentum float64) (float64, float64){
		"up the gradient":                func(w, v, g, lr, mu float64) (float64, float64) { v = mu*v + g; return w + lr*v, v },
		"by the whole velocity":          func(w, v, g, lr, mu float64) (float64, float64) { v = mu*v + g; return w - v, v },
		"takes only 1 - 0.9":             func(w, v, g, lr, mu float64) (float64, float64) { v = mu*v + (1-mu)*g; return w - lr*v, v },
		"holds the learning rate":        func(w, v, g, lr, mu float64) (float64, float64) { v = mu*v + lr*g; return w - v, v },
		"OLD velocity":                   func(w, v, g, lr, mu float64) (float64, float64) { return w - lr*v, mu*v + g },
		"does not include the old":       func(w, v, g, lr, mu float64) (float64, float64) { return w - lr*g, g },
		"never forgets":                  func(w, v, g, lr, mu float64) (float64, float64) { v += g; return w - lr*v, v },
		"moves by the gradient":          func(w, v, g, lr, mu float64) (float64, float64) { return w - lr*g, mu*v + g },
		"Use the rate and the momentum ": func(w, v, g, lr, mu float64) (float64, float64) { v = 0.9*v + g; return w - 0.1*v, v },
	} {
		expect(t, CheckMomentum(step), says)
	}
}

func TestRate(t *testing.T) {
	expect(t, CheckRate(mnistlib.SGD{}), unsolved)
	expect(t, CheckRate(fasterSGD), right)
	expect(t, CheckRate(mnistlib.SGD{LR: 0.05, Momentum: 0.9}), "would have been luck")
	expect(t, CheckRate(mnistlib.SGD{LR: 0.001}), "hardly begun")
	expect(t, CheckRate(mnistlib.SGD{LR: 0.1}), "No run gets there")
	expect(t, CheckRate(mnistlib.SGD{LR: 0.4, Momentum: 0.9}), "differ wildly")
	expect(t, CheckRate(mnistlib.SGD{LR: 0.1, Momentum: 1}), "Momentum is 1; it must be at least 0 and below 1.")
}

func TestAdam(t *testing.T) {
	expect(t, CheckAdam(func(w, m, v, g, lr float64, t int) (float64, float64, float64) { return 0, 0, 0 }), unsolved)
	expect(t, CheckAdam(adamStep), right)
	// adam is a step with its parts as they are asked for.
	adam := func(correctM, correctV func(t float64) float64, move func(m, v float64) float64) func(w, m, v, g, lr float64, t int) (float64, float64, float64) {
		return func(w, m, v, g, lr float64, t int) (float64, float64, float64) {
			m, v = 0.9*m+0.1*g, 0.999*v+0.001*g*g
			return w - lr*move(m/correctM(float64(t)), v/correctV(float64(t))), m, v
		}
	}
	one := func(float64) float64 { return 1 }
	first := func(t float64) float64 { return 1 - math.Pow(0.9, t) }
	second := func(t float64) float64 { return 1 - math.Pow(0.999, t) }
	move := func(m, v float64) float64 { return m / (math.Sqrt(v) + 1e-8) }
	expect(t, CheckAdam(adam(one, one, move)), "bias correction is missing")
	expect(t, CheckAdam(adam(first, one, move)), "correct m, but not v")
	expect(t, CheckAdam(adam(one, second, move)), "correct v, but not m")
	expect(t, CheckAdam(adam(func(float64) float64 { return 1 - 0.9 }, func(float64) float64 { return 1 - 0.999 }, move)), "first step in all of them")
	expect(t, CheckAdam(adam(func(t float64) float64 { return first(t + 1) }, func(t float64) float64 { return second(t + 1) }, move)), "counted from 1 already")
	expect(t, CheckAdam(adam(first, second, func(m, v float64) float64 { return m / (v + 1e-8) })), "divide by its square root")
	expect(t, CheckAdam(adam(first, second, func(m, v float64) float64 { return -move(m, v) })), "up the gradient")
	expect(t, CheckAdam(adam(first, second, func(m, v float64) float64 { return m / math.Sqrt(v) })), "0 is not divided by 0")
	expect(t, CheckAdam(adam(first, second, func(m, v float64) float64 { return m / math.Sqrt(v+1e-16) })), "inside the root")
	expect(t, CheckAdam(func(w, m, v, g, lr float64, t int) (float64, float64, float64) {
		w, m, v = adamStep(w, m, v, g, lr, t)
		return w, m / first(float64(t)), v / second(float64(t))
	}), "corrected averages")
	expect(t, CheckAdam(func(w, m, v, g, lr float64, t int) (float64, float64, float64) {
		return w - lr*g, 0.9*m + 0.1*g, 0.999*v + 0.001*g
	}), "averages its square")
}

func TestPaired(t *testing.T) {
	expect(t, CheckPaired(func(a, b []float64) (float64, float64) { return 0, 0 }), unsolved)
	expect(t, CheckPaired(pairedDifference), right)
	changed := func(change func(mean, standardError, n float64) (float64, float64)) string {
		return CheckPaired(func(a, b []float64) (float64, float64) {
			mean, standardError := pairedDifference(a, b)
			return change(mean, standardError, float64(len(a)))
		})
	}
	expect(t, changed(func(m, s, n float64) (float64, float64) { return -m, s }), "sign is wrong")
	expect(t, changed(func(m, s, n float64) (float64, float64) { return m * n, s }), "sum of the differences")
	expect(t, changed(func(m, s, n float64) (float64, float64) { return m, s * math.Sqrt(n) }), "of one difference")
	expect(t, changed(func(m, s, n float64) (float64, float64) { return m, s / math.Sqrt(n) }), "divide by √n")
	expect(t, changed(func(m, s, n float64) (float64, float64) { return m, s * s }), "take its square root")
	expect(t, changed(func(m, s, n float64) (float64, float64) { return m, s * math.Sqrt((n-1)/n) }), "divide by n-1")
	expect(t, CheckPaired(func(a, b []float64) (float64, float64) {
		zero := make([]float64, len(a))
		mean, _ := pairedDifference(a, b)
		_, errorA := pairedDifference(a, zero)
		_, errorB := pairedDifference(b, zero)
		return mean, math.Hypot(errorA, errorB)
	}), "as if they were independent")
}

func TestBatchNorm(t *testing.T) {
	type table = [][]float64
	type vector = []float64
	none := func(x table, m, v vector) (table, vector, vector) { return nil, nil, nil }
	expect(t, CheckBatchNorm(none, func(x table, m, v vector) table { return nil }), unsolved)
	expect(t, CheckBatchNorm(normalizeTraining, normalizeEvaluation), right)
	expect(t, CheckBatchNorm(normalizeTraining, func(x table, m, v vector) table { return nil }), "evaluate returns nothing")
	expect(t, CheckBatchNorm(normalizeTraining, func(x table, m, v vector) table {
		y, _, _ := normalizeTraining(x, m, v)
		return y
	}), "a single image would always give 0")
	// with changes what normalizeTraining returns.
	with := func(change func(x, y table, m, v, newM, newV vector) (table, vector, vector)) string {
		return CheckBatchNorm(func(x table, m, v vector) (table, vector, vector) {
			y, newM, newV := normalizeTraining(x, m, v)
			return change(x, y, m, v, newM, newV)
		}, normalizeEvaluation)
	}
	scaled := func(y table, factor float64) table {
		var out table
		for _, row := range y {
			out = append(out, vector{row[0] * factor, row[len(row)-1] * factor})
		}
		return out
	}
	expect(t, with(func(x, y table, m, v, newM, newV vector) (table, vector, vector) {
		return scaled(y, math.Sqrt(2./3)), newM, newV
	}), "biased one")
	expect(t, with(func(x, y table, m, v, newM, newV vector) (table, vector, vector) {
		return normalizeEvaluation(x, m, v), newM, newV
	}), "take the batch's own")
	expect(t, with(func(x, y table, m, v, newM, newV vector) (table, vector, vector) {
		var turned table // normalizes each image
		for _, row := range x {
			n, _, _ := normalizeTraining(table{{row[0]}, {row[1]}}, vector{0}, vector{1})
			turned = append(turned, vector{n[0][0], n[1][0]})
		}
		return turned, newM, newV
	}), "each image over its features")
	expect(t, with(func(x, y table, m, v, newM, newV vector) (table, vector, vector) {
		if len(m) == 1 { // the dead feature, without epsilon
			return table{{math.NaN()}, {math.NaN()}}, newM, newV
		}
		return y, newM, newV
	}), "nothing is divided by 0")
	expect(t, with(func(x, y table, m, v, newM, newV vector) (table, vector, vector) { return y, m, newV }), "mean does not move")
	expect(t, with(func(x, y table, m, v, newM, newV vector) (table, vector, vector) { return y, vector{3, 20}, newV }), "forgets its past")
	expect(t, with(func(x, y table, m, v, newM, newV vector) (table, vector, vector) {
		return y, vector{0.1*m[0] + 0.9*3, 0.1*m[len(m)-1] + 0.9*20}, newV
	}), "takes 0.9 of the batch's mean")
	expect(t, with(func(x, y table, m, v, newM, newV vector) (table, vector, vector) { return y, newM, v }), "variance does not move")
	expect(t, with(func(x, y table, m, v, newM, newV vector) (table, vector, vector) {
		return y, newM, vector{0.9*v[0] + 0.1*14/3, 0.9*v[len(v)-1] + 0.1*200/3}
	}), "only a sample")
}

func TestIgnored(t *testing.T) {
	expect(t, CheckIgnored(""), unsolved)
	expect(t, CheckIgnored(ignoredWeight), right)
	expect(t, CheckIgnored("bn.bias"), "The gradient of bn.bias reaches 0.")
	expect(t, CheckIgnored("layer1.weight"), "so the loss does depend on it")
	expect(t, CheckIgnored("bn.running_mean"), "evaluation uses it")
	expect(t, CheckIgnored("bias"), `no weight "bias"; those with a gradient are layer1.weight, layer1.bias, bn.weight`)
}

func TestInitialization(t *testing.T) {
	expect(t, CheckInitialization(func(fanIn int, random *rand.Rand) float64 { return 0 }), unsolved)
	expect(t, CheckInitialization(drawWeight), right)
	expect(t, CheckInitialization(func(fanIn int, random *rand.Rand) float64 {
		return (2*random.Float64() - 1) / math.Sqrt(float64(fanIn)) // PyTorch's
	}), right)
	expect(t, CheckInitialization(func(fanIn int, random *rand.Rand) float64 { return 0.01 }), "All 30 hidden units are still the same")
	expect(t, CheckInitialization(func(fanIn int, random *rand.Rand) float64 { return random.NormFloat64() }), "far above ln 10")
	expect(t, CheckInitialization(func(fanIn int, random *rand.Rand) float64 { return 1e-8 * random.NormFloat64() }), "very small")
}

// small is the tutorial's CNN with another number of channels.
type small struct{ first, second int }

func (m small) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	x = nn.MaxPool2d(nn.ReLU(nn.Conv2d("conv1", x, m.first)))
	x = nn.MaxPool2d(nn.ReLU(nn.Conv2d("conv2", x, m.second)))
	return nn.Linear("fc", nn.Flatten(x), 10)
}

type unflattened struct{}

func (unflattened) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	return nn.Linear("fc", nn.Conv2d("conv1", x, 2), 10)
}

func TestCNN(t *testing.T) {
	expect(t, CheckCNN(small{4, 8}), unsolved)
	expect(t, CheckCNN(MyCNN{}), right)
	expect(t, CheckCNN(small{8, 16}), "Most of them, 7850, are in fc")
	expect(t, CheckCNN(small{1, 1}), "not better")
	expect(t, CheckCNN(mnistlib.MLP{Hidden: 5}), "no convolution")
	expect(t, CheckCNN(unflattened{}), `Linear layer "fc" takes a vector, but its input has the shape [2 28 28]; call Flatten first.`)
}
