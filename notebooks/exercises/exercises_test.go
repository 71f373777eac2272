package exercises_test

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"example.com/tutorial6/mnistlib"
	. "example.com/tutorial6/notebooks/exercises"
	"example.com/tutorial6/notebooks/setup"
)

// trains is called by each test that trains, which it does on XLA; go test -short leaves it out.
func trains(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("trains, so not with -short")
	}
	if _, err := setup.Plugin(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
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
	for _, wrong := range []string{ // right for the sizes of the first question
		linear(func(in, out int) int { return in*50 + out }),
		linear(func(in, out int) int { return 784*out + out }),
		conv(func(in, out int) int { return 9*in*out + 2*in }),
		conv(func(in, out int) int { return 36*out + out }),
		norm(func(c int) int { return 16 }),
		norm(func(c int) int { return c * c / 4 }),
	} {
		expect(t, wrong, "right for one size but not for others")
	}
	for _, m := range []struct { // the rules are those of the library
		model mnistlib.Model
		count int
	}{
		{mnistlib.MLP{Hidden: 200}, linearParameters(784, 200) + linearParameters(200, 10)},
		{mnistlib.CNNBN{}, convParameters(1, 4) + normParameters(4) + convParameters(4, 8) + normParameters(8) + linearParameters(392, 10)},
	} {
		if summary, err := mnistlib.Describe(m.model); err != nil || summary.NumParameters != m.count {
			t.Errorf("%s has %d parameters by the rules, %d by the library; %v", summary.Name, m.count, summary.NumParameters, err)
		}
	}
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
	}), "before its logarithm is taken")
	expect(t, CheckCrossEntropy(func(z []float64, label int) float64 {
		loss := crossEntropy(z, label)
		z[0]++
		return loss
	}), right) // what it does with its own copy is its own affair
}

// Right answers in other forms, and wrong ones that overflow or underflow somewhere.
func TestOtherFormsOfCrossEntropy(t *testing.T) {
	// shifted is the loss with a number that is subtracted from all logits first.
	shifted := func(by func(z []float64, label int) float64) func([]float64, int) float64 {
		return func(z []float64, label int) float64 {
			shift, sum := by(z, label), 0.0
			for _, v := range z {
				sum += math.Exp(v - shift)
			}
			return math.Log(sum) - (z[label] - shift)
		}
	}
	mean := func(z []float64, label int) float64 {
		sum := 0.0
		for _, v := range z {
			sum += v / float64(len(z))
		}
		return sum
	}
	for name, c := range map[string]struct {
		loss func([]float64, int) float64
		says string
	}{
		"less the largest":          {shifted(func(z []float64, label int) float64 { return slices.Max(z) }), right},
		"less max(0, largest)":      {shifted(func(z []float64, label int) float64 { return max(0, slices.Max(z)) }), "must start from one of the logits, not from 0"},
		"less the largest absolute": {shifted(func(z []float64, label int) float64 { return max(slices.Max(z), -slices.Min(z)) }), "must start from one of the logits"},
		"less the first":            {shifted(func(z []float64, label int) float64 { return z[0] }), "not the first or the mean"},
		"less the mean":             {shifted(mean), "not the first or the mean"},
		"less the label's":          {shifted(func(z []float64, label int) float64 { return z[label] }), "not the label's"},
		"less the last":             {shifted(func(z []float64, label int) float64 { return z[len(z)-1] }), "not the last"},
		"pairwise": {func(z []float64, label int) float64 { // log(exp a + exp b), one after the other
			sum := z[0]
			for _, v := range z[1:] {
				sum = max(sum, v) + math.Log1p(math.Exp(-math.Abs(sum-v)))
			}
			return sum - z[label]
		}, right},
		"subtracted in place": {func(z []float64, label int) float64 {
			largest, sum := slices.Max(z), 0.0
			for i := range z {
				z[i] -= largest
				sum += math.Exp(z[i])
			}
			return math.Log(sum) - z[label]
		}, right},
		"with a floor under the probability": {func(z []float64, label int) float64 {
			return -math.Log(math.Exp(-crossEntropy(z, label)) + 1e-12)
		}, "before its logarithm is taken"},
		"for three classes": {func(z []float64, label int) float64 { return crossEntropy(z[:3:3], label) }, "Your code stopped"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, CheckCrossEntropy(c.loss), c.says) })
	}
}

func TestShuffling(t *testing.T) {
	trains(t)
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

// What is right for the sizes of one image must be so for others; what is done in place is right if
// what comes back is.
func TestOtherConvolutions(t *testing.T) {
	type table = [][]float64
	same := func(image table) table { // a copy, which append leaves alone
		var out table
		for _, row := range image {
			out = append(out, slices.Clone(row))
		}
		return out
	}
	for name, c := range map[string]struct {
		convolve func(image, kernel table, bias float64) table
		says     string
	}{
		"into the image": {func(image, kernel table, bias float64) table {
			for r, row := range convolve(same(image), kernel, bias) {
				copy(image[r], row)
			}
			return image
		}, right},
		"kernel changed": {func(image, kernel table, bias float64) table {
			out := convolve(image, kernel, bias)
			kernel[0][0] = 7
			return out
		}, right},
		"image changed while it is read": {func(image, kernel table, bias float64) table {
			for r := range image {
				for c := range image[r] {
					image[r][c] = convolve(same(image), kernel, bias)[r][c]
				}
			}
			return image
		}, "For a 3 × 4 image from number 5 on your answer is"},
		"rows of 4": {func(image, kernel table, bias float64) table {
			out := convolve(image, kernel, bias)
			for r := range out {
				out[r] = append(out[r], 0, 0, 0)[:4]
			}
			return out
		}, "From a 5 × 2 image you return 5 × 4"},
		"3 rows":       {func(image, kernel table, bias float64) table { return convolve(image[:3], kernel, bias) }, "From a 5 × 2 image you return 3 × 2"},
		"3 rows, more": {func(image, kernel table, bias float64) table { return convolve(image, kernel, bias)[:3] }, "From a 5 × 2 image you return 3 × 2"},
		"whole numbers": {func(image, kernel table, bias float64) table {
			for _, row := range kernel {
				for j := range row {
					row[j] = math.Trunc(row[j])
				}
			}
			return convolve(image, kernel, bias)
		}, "For a 5 × 2 image"},
		"rows of other lengths": {func(image, kernel table, bias float64) table {
			out := convolve(image, kernel, bias)
			out[1], out[2] = out[1][:3:3], append([]float64{out[1][3]}, out[2]...)
			return out
		}, "3 rows of different lengths"},
		"goes on at the opposite edge": {func(image, kernel table, bias float64) table {
			h, w := len(image), len(image[0])
			wide := table{}
			for r := -1; r <= h; r++ {
				row := image[(r+h)%h]
				wide = append(wide, append(append([]float64{row[w-1]}, row...), row[0]))
			}
			out := table{}
			for _, row := range convolve(wide, kernel, bias)[1 : h+1] {
				out = append(out, row[1:w+1])
			}
			return out
		}, "go on at the opposite one"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, CheckConvolution(c.convolve), c.says) })
	}
}

func TestOtherPooling(t *testing.T) {
	type table = [][]float64
	from := func(start float64) func(table) table {
		return func(image table) table {
			out := maxPool(image)
			for _, row := range out {
				for j := range row {
					row[j] = max(row[j], start)
				}
			}
			return out
		}
	}
	for name, c := range map[string]struct {
		pool func(table) table
		says string
	}{
		"in place": {func(image table) table {
			for r, row := range maxPool(image) {
				image[r] = append(image[r][:0], row...)
			}
			return image[:len(image)/2]
		}, right},
		"from the smallest number": {from(-math.MaxFloat64), right},
		"from Go's smallest":       {from(math.SmallestNonzeroFloat64), "must start from one of the pixels"},
		"from -1":                  {from(-1), "For the pixels"},
		"from a thousand below 0":  {from(-1000), "-1000"},
		"two rows and columns":     {func(image table) table { return table{maxPool(image)[0][:2], maxPool(image)[1][:2]} }, "Your code stopped"},
		"as wide as high": {func(image table) table {
			out := maxPool(image)
			for r := range out {
				out[r] = out[r][:len(out)]
			}
			return out
		}, "From 2 × 6 pixels you return 1 × 1"},
		"keeps the rest": {func(image table) table {
			out := maxPool(image)
			if h := len(image); h%2 == 1 {
				out = append(out, maxPool(table{image[h-1], image[h-1]})...)
			}
			return out
		}, "without a partner is dropped"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, CheckMaxPool(c.pool), c.says) })
	}
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
		"Nesterov's momentum":            func(w, v, g, lr, mu float64) (float64, float64) { v = mu*v + g; return w - lr*(g+mu*v), v },
		"and the momentum that are":      func(w, v, g, lr, mu float64) (float64, float64) { v = (1-lr)*v + g; return w - lr*v, v },
		"moves by the gradient":          func(w, v, g, lr, mu float64) (float64, float64) { return w - lr*g, mu*v + g },
		"Use the rate and the momentum ": func(w, v, g, lr, mu float64) (float64, float64) { v = 0.9*v + g; return w - 0.1*v, v },
	} {
		expect(t, CheckMomentum(step), says)
	}
}

func TestRate(t *testing.T) {
	trains(t)
	expect(t, CheckRate(mnistlib.SGD{}), unsolved)
	expect(t, CheckRate(fasterSGD), right)
	expect(t, CheckRate(mnistlib.SGD{LR: 0.05, Momentum: 0.9}), "would have been luck")
	expect(t, CheckRate(mnistlib.SGD{LR: 0.001}), "hardly begun")
	expect(t, CheckRate(mnistlib.SGD{LR: 0.1}), "No run gets there")
	expect(t, CheckRate(mnistlib.SGD{LR: 0.8, Momentum: 0.7}), "differ wildly")
	expect(t, CheckRate(mnistlib.SGD{LR: 0.178, Momentum: 0.7}), "others do not confirm it")
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

// Kingma and Ba give two forms of Adam's step, of which the second adds ε elsewhere.
func TestOtherFormsOfAdam(t *testing.T) {
	type step = func(w, m, v, g, lr float64, t int) (float64, float64, float64)
	// efficient has its ε added by root.
	efficient := func(root func(v float64) float64) step {
		return func(w, m, v, g, lr float64, t int) (float64, float64, float64) {
			m, v = m+0.1*(g-m), v+0.001*(g*g-v)
			lr *= math.Sqrt(1-math.Pow(0.999, float64(t))) / (1 - math.Pow(0.9, float64(t)))
			return w - lr*m/root(v), m, v
		}
	}
	for name, c := range map[string]struct {
		step step
		says string
	}{
		"efficient":         {efficient(func(v float64) float64 { return math.Sqrt(v) + 1e-8 }), right},
		"efficient, no ε":   {efficient(math.Sqrt), "0 is not divided by 0"},
		"efficient, inside": {efficient(func(v float64) float64 { return math.Sqrt(v + 1e-8) }), "ε is added inside the root"},
		"a guard for 0": {func(w, m, v, g, lr float64, t int) (float64, float64, float64) {
			if g == 0 && v == 0 {
				return w, m, v
			}
			return efficient(math.Sqrt)(w, m, v, g, lr, t)
		}, "ε is missing for small gradients"},
		"the root of 1e-8": {func(w, m, v, g, lr float64, t int) (float64, float64, float64) {
			m, v = 0.9*m+0.1*g, 0.999*v+0.001*g*g
			return w - lr*m/(1-math.Pow(0.9, float64(t)))/math.Sqrt(v/(1-math.Pow(0.999, float64(t)))+1e-8), m, v
		}, "ε is added inside the root"},
		"a rate of its own": {func(w, m, v, g, lr float64, t int) (float64, float64, float64) { return adamStep(w, m, v, g, 0.01, t) }, "another rate"},
		"three steps known": {func(w, m, v, g, lr float64, t int) (float64, float64, float64) {
			return adamStep(w, m, v, g, lr, min(t, 3))
		}, "step 1000"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, CheckAdam(c.step), c.says) })
	}
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

// Four differences hide what nine show, and differences may be kept in place of the accuracies.
func TestOtherStandardErrors(t *testing.T) {
	type vector = []float64
	for name, c := range map[string]struct {
		paired func(a, b vector) (float64, float64)
		says   string
	}{
		"in place": {func(a, b vector) (float64, float64) {
			for i := range a {
				a[i] -= b[i]
				b[i] = 0
			}
			return pairedDifference(a, b)
		}, right},
		"mean of squares less square of mean": {func(a, b vector) (float64, float64) {
			n, sum, squares := float64(len(a)), 0.0, 0.0
			for i := range a {
				sum, squares = sum+a[i]-b[i], squares+(a[i]-b[i])*(a[i]-b[i])
			}
			return sum / n, math.Sqrt((squares/n - sum/n*sum/n) / (n - 1))
		}, right},
		"over n/2": {func(a, b vector) (float64, float64) {
			mean, standardError := pairedDifference(a, b)
			n := float64(len(a))
			return mean, standardError * math.Sqrt(n) / (n / 2)
		}, "by n/2; divide by √n"},
		"over 2": {func(a, b vector) (float64, float64) {
			mean, standardError := pairedDifference(a, b)
			return mean, standardError * math.Sqrt(float64(len(a))) / 2
		}, "by 2, as is right for four"},
		"a variance over 3": {func(a, b vector) (float64, float64) {
			mean, standardError := pairedDifference(a, b)
			return mean, standardError * math.Sqrt(float64(len(a)-1)/3)
		}, "by 3, as is right for four"},
		"absolute differences": {func(a, b vector) (float64, float64) {
			mean, standardError := pairedDifference(a, b)
			return math.Abs(mean), standardError
		}, "The sign is wrong"},
		"the first four": {func(a, b vector) (float64, float64) { return pairedDifference(a[:4], b[:4]) }, "For the mean difference of"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, CheckPaired(c.paired), c.says) })
	}
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

// Answers that change what they are given, that know one size, and that treat ε otherwise.
func TestOtherBatchNorms(t *testing.T) {
	type table = [][]float64
	type vector = []float64
	type training = func(x table, m, v vector) (table, vector, vector)
	type evaluation = func(x table, m, v vector) table
	// over changes the root that an answer divides by.
	over := func(root func(v float64) float64) evaluation {
		return func(x table, m, v vector) table {
			var y table
			for _, row := range x {
				var out vector
				for j := range row {
					out = append(out, (row[j]-m[j])/root(v[j]))
				}
				y = append(y, out)
			}
			return y
		}
	}
	overTraining := func(root func(v float64) float64) training {
		return func(x table, m, v vector) (table, vector, vector) {
			zero := make(vector, len(m))
			_, mean, variance := normalizeTraining(x, zero, zero)
			for j := range mean { // the batch's own, of the running ones that began at 0
				mean[j], variance[j] = 10*mean[j], 10*variance[j]*float64(len(x)-1)/float64(len(x))
			}
			_, newM, newV := normalizeTraining(x, m, v)
			return over(root)(x, mean, variance), newM, newV
		}
	}
	guarded := func(v float64) float64 {
		if v == 0 {
			return 1
		}
		return math.Sqrt(v)
	}
	outside := func(v float64) float64 { return math.Sqrt(v) + 1e-5 }
	inPlace := func(x, y table) table {
		for i := range x {
			copy(x[i], y[i])
		}
		return x
	}
	for name, c := range map[string]struct {
		train    training
		evaluate evaluation
		says     string
	}{
		"statistics in place": {func(x table, m, v vector) (table, vector, vector) {
			y, newM, newV := normalizeTraining(x, m, v)
			copy(m, newM)
			copy(v, newV)
			return y, m, v
		}, normalizeEvaluation, right},
		"images in place": {func(x table, m, v vector) (table, vector, vector) {
			y, newM, newV := normalizeTraining(x, m, v)
			return inPlace(x, y), newM, newV
		}, func(x table, m, v vector) table { return inPlace(x, normalizeEvaluation(x, m, v)) }, right},
		"mean of squares less square of mean": {func(x table, m, v vector) (table, vector, vector) {
			mean, variance, n := make(vector, len(m)), make(vector, len(m)), float64(len(x))
			for j := range m {
				for i := range x {
					mean[j] += x[i][j] / n
					variance[j] += x[i][j] * x[i][j] / n
				}
				variance[j] -= mean[j] * mean[j]
				m[j] += 0.1 * (mean[j] - m[j])
				v[j] += 0.1 * (variance[j]*n/(n-1) - v[j])
			}
			return normalizeEvaluation(x, mean, variance), m, v
		}, normalizeEvaluation, right},
		"a guard for 0 in training":     {overTraining(guarded), normalizeEvaluation, "ε is missing"},
		"a guard for 0 in evaluation":   {normalizeTraining, over(guarded), "ε is missing"},
		"no ε in evaluation":            {normalizeTraining, over(math.Sqrt), "In evaluation ε is missing"},
		"ε outside in training":         {overTraining(outside), normalizeEvaluation, "under the root"},
		"ε outside in evaluation":       {normalizeTraining, over(outside), "under the root"},
		"the variance in evaluation":    {normalizeTraining, over(func(v float64) float64 { return v + 1e-5 }), "divide by its square root"},
		"another ε":                     {normalizeTraining, over(func(v float64) float64 { return math.Sqrt(v + 1e-3) }), "in evaluation, with the running means"},
		"evaluation moves the averages": {normalizeTraining, func(x table, m, v vector) table { y := normalizeEvaluation(x, m, v); m[0]++; return y }, "only training moves them"},
		"batches of three": {func(x table, m, v vector) (table, vector, vector) {
			y, newM, newV := normalizeTraining(x, m, v)
			for j := range newV { // unbiased by 3/2, whatever the batch
				n := float64(len(x))
				newV[j] = 0.9*v[j] + (newV[j]-0.9*v[j])*(n-1)/n*3/2
			}
			return y, newM, newV
		}, normalizeEvaluation, "For the new running variance"},
		"two features": {func(x table, m, v vector) (table, vector, vector) {
			y, newM, newV := normalizeTraining(x, m, v)
			if len(m) > 2 {
				newM, newV = newM[:2], newV[:2]
			}
			return y, newM, newV
		}, normalizeEvaluation, "your answer has 2 numbers; expected 3"},
		"no single image": {normalizeTraining, func(x table, m, v vector) table {
			if len(x) == 1 {
				return table{{0, 0}}
			}
			return normalizeEvaluation(x, m, v)
		}, "a single image {3 5}"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, CheckBatchNorm(c.train, c.evaluate), c.says) })
	}
}

func TestIgnored(t *testing.T) {
	trains(t)
	expect(t, CheckIgnored(""), unsolved)
	expect(t, CheckIgnored(ignoredWeight), right)
	expect(t, CheckIgnored("bn.bias"), "The gradient of bn.bias reaches 0.")
	expect(t, CheckIgnored("layer1.weight"), "so the loss does depend on it")
	expect(t, CheckIgnored("bn.running_mean"), "evaluation uses it")
	expect(t, CheckIgnored("bias"), `no weight "bias"; those with a gradient are layer1.weight, layer1.bias, bn.weight`)
}

func TestInitialization(t *testing.T) {
	trains(t)
	expect(t, CheckInitialization(func(fanIn int, random *rand.Rand) float64 { return 0 }), unsolved)
	expect(t, CheckInitialization(drawWeight), right)
	expect(t, CheckInitialization(func(fanIn int, random *rand.Rand) float64 {
		return (2*random.Float64() - 1) / math.Sqrt(float64(fanIn)) // PyTorch's
	}), right)
	expect(t, CheckInitialization(func(fanIn int, random *rand.Rand) float64 { return 0.01 }), "All 30 hidden units are still the same")
	expect(t, CheckInitialization(func(fanIn int, random *rand.Rand) float64 { return random.NormFloat64() }), "far above ln 10")
	for _, c := range []struct {
		draw func(fanIn int, random *rand.Rand) float64
		says string
	}{
		{func(fanIn int, random *rand.Rand) float64 { return random.NormFloat64() / math.Sqrt(float64(fanIn)) }, right}, // LeCun's
		{func(fanIn int, random *rand.Rand) float64 { // He's with its uniform distribution
			return (2*random.Float64() - 1) * math.Sqrt(6/float64(fanIn))
		}, right},
		{func(fanIn int, random *rand.Rand) float64 { return 0.01 * random.Float64() }, "four hidden layers of 30 units hardly"},
		{func(fanIn int, random *rand.Rand) float64 { return 0.05 * random.NormFloat64() }, "four hidden layers of 30 units hardly"},
		{func(fanIn int, random *rand.Rand) float64 { return random.Float64() / math.Sqrt(float64(fanIn)) }, "as many be below 0 as above"},
		{func(fanIn int, random *rand.Rand) float64 { return random.NormFloat64() * math.Sqrt(float64(2/fanIn)) }, "2/fanIn are 0 in Go"},
		{func(fanIn int, random *rand.Rand) float64 { return math.Sqrt(-random.Float64()) }, "you draw NaN, which is no finite number"},
		{func(fanIn int, random *rand.Rand) float64 { return 1 / float64(random.IntN(2)) }, "you draw +Inf"},
	} {
		expect(t, CheckInitialization(c.draw), c.says)
	}
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

// That the solution, MyCNN, is right, takes 32 trainings: TestExercisesInTheKernel sees it.
func TestCNN(t *testing.T) {
	trains(t)
	expect(t, CheckCNN(small{4, 8}), unsolved)
	expect(t, CheckCNN(small{8, 16}), "Most of them, 7850, are in fc")
	expect(t, CheckCNN(small{1, 1}), "not better")
	expect(t, CheckCNN(mnistlib.MLP{Hidden: 5}), "no convolution")
	expect(t, CheckCNN(unflattened{}), `Linear layer "fc" takes a vector, but its input has the shape [2 28 28]; call Flatten first.`)
}

func TestLinear(t *testing.T) {
	type table = [][]float64
	type vector = []float64
	nothing := func(w table, x, dy vector) (table, vector, vector) { return nil, nil, nil }
	expect(t, CheckLinear(func(w table, b, x vector) vector { return nil }, nothing), unsolved)
	expect(t, CheckLinear(linear, linearBackward), right)
	expect(t, CheckLinear(linear, nothing), "no derivatives by the weights")
	expect(t, CheckLinear(func(w table, b, x vector) vector { return nil }, linearBackward), "linear returns nothing")
	expect(t, CheckLinear(func(w table, b, x vector) vector { return linear(w, make(vector, len(b)), x) }, linearBackward), "bias is missing")
	// In place, as a right answer may be.
	expect(t, CheckLinear(func(w table, b, x vector) vector {
		y := linear(w, b, x)
		copy(b, y)
		return b
	}, func(w table, x, dy vector) (table, vector, vector) {
		dw, db, dx := linearBackward(w, x, dy)
		copy(x, dx)
		for k := range w {
			copy(w[k], dw[k])
		}
		return w, db, x
	}), right)
	backward := func(f func(w table, x, dy, db, dx vector, dw table) (table, vector, vector)) string {
		return CheckLinear(linear, func(w table, x, dy vector) (table, vector, vector) {
			dw, db, dx := linearBackward(w, x, dy)
			return f(w, x, dy, db, dx, dw)
		})
	}
	of := func(w table, number func(k, j int) float64) table {
		var out table
		for k := range w {
			var row vector
			for j := range w[k] {
				row = append(row, number(k, j))
			}
			out = append(out, row)
		}
		return out
	}
	expect(t, backward(func(w table, x, dy, db, dx vector, dw table) (table, vector, vector) {
		return of(w, func(k, j int) float64 { return x[j] }), db, dx
	}), "inputs alone")
	expect(t, backward(func(w table, x, dy, db, dx vector, dw table) (table, vector, vector) {
		return of(w, func(k, j int) float64 { return dy[k] }), db, dx
	}), "dy alone")
	expect(t, backward(func(w table, x, dy, db, dx vector, dw table) (table, vector, vector) {
		return of(w, func(k, j int) float64 { return -dw[k][j] }), db, dx
	}), "sign of dw")
	expect(t, backward(func(w table, x, dy, db, dx vector, dw table) (table, vector, vector) {
		turned := make(table, len(x))
		for j := range turned {
			for k := range dw {
				turned[j] = append(turned[j], dw[k][j])
			}
		}
		return turned, db, dx
	}), "rows and columns swapped")
	expect(t, backward(func(w table, x, dy, db, dx vector, dw table) (table, vector, vector) {
		return dw, vector{1, 1}, dx
	}), "db is 1 everywhere")
	expect(t, backward(func(w table, x, dy, db, dx vector, dw table) (table, vector, vector) { return dw, nil, dx }), "no derivatives by the biases")
	expect(t, backward(func(w table, x, dy, db, dx vector, dw table) (table, vector, vector) { return dw, db, nil }), "no derivatives by the inputs")
	expect(t, backward(func(w table, x, dy, db, dx vector, dw table) (table, vector, vector) {
		sum := 0.0
		for _, d := range dy {
			sum += d
		}
		return dw, db, vector{sum, sum, sum}
	}), "dx sums dy alone")
	expect(t, backward(func(w table, x, dy, db, dx vector, dw table) (table, vector, vector) { // the sizes of the first test
		return dw, db, vector{dx[0], dx[1], dx[len(dx)-1]}
	}), "your answer has 3 numbers; expected 2")
}

func TestTraining(t *testing.T) {
	trains(t)
	expect(t, CheckTraining(func(Parameters, []float64, int) (loss float64, gradient Parameters) { return }, nil), unsolved)
	expect(t, CheckTraining(backpropagate, momentumStep), right)
	expect(t, CheckTraining(backpropagate, func(w, v, g, lr, momentum float64) (float64, float64) { return w - lr*g, 0 }), "so it is the step")
	expect(t, CheckTraining(backpropagate, func(w, v, g, lr, momentum float64) (float64, float64) { return math.NaN(), 0 }), "your answer is NaN")
	with := func(change func(p, gradient Parameters, pixels []float64, loss float64) (float64, Parameters)) string {
		return CheckTraining(func(p Parameters, pixels []float64, label int) (float64, Parameters) {
			loss, gradient := backpropagate(p, pixels, label)
			return change(p, gradient, pixels, loss)
		}, momentumStep)
	}
	expect(t, with(func(p, gradient Parameters, pixels []float64, loss float64) (float64, Parameters) {
		return -loss, gradient
	}), "The loss is the cross-entropy")
	expect(t, with(func(p, gradient Parameters, pixels []float64, loss float64) (float64, Parameters) {
		p.B1[0]++
		return loss, gradient
	}), "changes the parameters")
	expect(t, with(func(p, gradient Parameters, pixels []float64, loss float64) (float64, Parameters) {
		gradient.B2[len(gradient.B2)-1]++ // the label's 1 in another place
		return loss, gradient
	}), "less 1 at the label")
	expect(t, with(func(p, gradient Parameters, pixels []float64, loss float64) (float64, Parameters) {
		gradient.W2 = nil
		return loss, gradient
	}), "you return 0 × 0 numbers")
	expect(t, with(func(p, gradient Parameters, pixels []float64, loss float64) (float64, Parameters) {
		gradient.B1[1] = 0.5 // of a dead unit
		return loss, gradient
	}), "nothing passes")
}
