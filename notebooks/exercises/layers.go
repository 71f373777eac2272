package exercises

import (
	"fmt"
	"math"
	"slices"
)

// CheckCount checks the numbers of parameters of three kinds of layers: linear(in, out) of a fully
// connected layer, conv(in, out) of a 3 × 3 convolution with in and out channels, and norm(c) of
// batch normalization over c channels.
func CheckCount(linear, conv func(in, out int) int, norm func(c int) int) string {
	const lesson = "With these three you can count any network here without running it: 4,266 parameters for the CNN, 159,010 for MLP(200)."
	return report(1, "counting parameters", lesson, func() string {
		l, c, n := linear(784, 50), conv(4, 8), norm(8)
		if l == 0 && c == 0 && n == 0 {
			return notSolved
		}
		switch l {
		case 784*50 + 50:
		case 784 * 50:
			return "linear(784, 50) gives 39,200: those are the weights alone. Each of the 50 units has a bias, too."
		case 784*50 + 784:
			return "linear(784, 50) counts one bias for each input; there is one for each output."
		case 784*50 + 1:
			return "linear(784, 50) counts one bias for the whole layer; there is one for each output."
		default:
			return fmt.Sprintf("linear(784, 50) gives %d; each of the 50 outputs has a weight for each of the 784 inputs, and a bias.", l)
		}
		switch c {
		case 9*4*8 + 8:
		case 9 * 4 * 8:
			return "conv(4, 8) gives 288: those are the kernels alone. Each of the 8 output channels has a bias, too."
		case 9*8 + 8, 9 * 8:
			return "conv(4, 8) has one 3 × 3 kernel for each output channel; there is one for each PAIR of an input and an output channel."
		case 3*4*8 + 8:
			return "conv(4, 8) counts 3 numbers a kernel; a 3 × 3 kernel has 9."
		default:
			return fmt.Sprintf("conv(4, 8) gives %d; there is a 3 × 3 kernel for each pair of an input and an output channel, and a bias for each output channel. The size of the image does not matter.", c)
		}
		switch n {
		case 2 * 8:
		case 8:
			return "norm(8) gives 8; each channel has two parameters, the scale γ and the shift β."
		case 4 * 8, 4*8 + 1:
			return fmt.Sprintf("norm(8) gives %d: it counts the running mean and variance. They are saved with the model, but training does not fit them to the loss, so they are no parameters.", n)
		default:
			return fmt.Sprintf("norm(8) gives %d; each channel has a scale γ and a shift β.", n)
		}
		for _, s := range []struct{ in, out int }{{1, 1}, {3, 7}, {7, 3}, {392, 10}} {
			for _, layer := range []struct {
				call      string
				got, want int
			}{
				{fmt.Sprintf("linear(%d, %d)", s.in, s.out), linear(s.in, s.out), s.in*s.out + s.out},
				{fmt.Sprintf("conv(%d, %d)", s.in, s.out), conv(s.in, s.out), 9*s.in*s.out + s.out},
				{fmt.Sprintf("norm(%d)", s.in), norm(s.in), 2 * s.in},
			} {
				if layer.got != layer.want {
					return fmt.Sprintf("Your functions are right for one size but not for others: %s gives %d; expected %d.", layer.call, layer.got, layer.want)
				}
			}
		}
		return ""
	})
}

// CheckConvolution checks convolve(image, kernel, bias): the 3 × 3 convolution with a border of
// zeros of one image, given by its rows.
func CheckConvolution(convolve func(image, kernel [][]float64, bias float64) [][]float64) string {
	const lesson = "This loop, for every pair of channels, is all that Conv2d does."
	return report(4, "convolution", lesson, func() string {
		const bias = 0.5
		for i, c := range []struct{ image, kernel [][]float64 }{
			{[][]float64{{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 13}}, [][]float64{{1, -2, 3}, {0, 4, -5}, {7, 0, 2}}},
			{[][]float64{{0.25, -1.5}, {3, 0.125}, {-2, 7.75}, {1, 1e9}, {-0.5, 4}}, [][]float64{{0.5, 1.25, -3}, {2, -0.75, 1}, {-1, 6, 0.1}}},
			{[][]float64{{2.5}}, [][]float64{{9, 8, 7}, {6, -1.5, 5}, {4, 3, 2}}},
			{[][]float64{{-3, 0.5, 2, 1}}, [][]float64{{9, 8, 7}, {6, -1.5, 5}, {4, 3, 2}}},
		} {
			image, kernel := c.image, c.kernel
			height, width := len(image), len(image[0])
			result := convolve(cloned(image), cloned(kernel), bias)
			if i == 0 && len(flat(result)) == 0 {
				return notSolved
			}
			if len(result) == height-2 && len(result[0]) == width-2 {
				return fmt.Sprintf("From a %d × %d image you return a %s image: there is no border of zeros, so the kernel never stands at the edge. The size must stay.", height, width, size(result))
			}
			if size(result) != size(image) {
				return fmt.Sprintf("From a %d × %d image you return %s; the size must stay.", height, width, size(result))
			}
			// pixel and weight say what stands in a row and column, which may be beyond the edge.
			sum := func(bias float64, pixel, weight func(r, c int) float64) []float64 {
				var out []float64
				for r := range height {
					for c := range width {
						s := bias
						for i := range 3 {
							for j := range 3 {
								s += weight(i, j) * pixel(r+i-1, c+j-1)
							}
						}
						out = append(out, s)
					}
				}
				return out
			}
			inside := func(r, c int) float64 {
				if r < 0 || r >= height || c < 0 || c >= width {
					return 0
				}
				return image[r][c]
			}
			nearest := func(r, c int) float64 { return image[min(max(r, 0), height-1)][min(max(c, 0), width-1)] }
			opposite := func(r, c int) float64 { return image[(r+height)%height][(c+width)%width] }
			weight := func(i, j int) float64 { return kernel[i][j] }
			wrong := compare(fmt.Sprintf("a %d × %d image", height, width), flat(result), sum(bias, inside, weight),
				mistake{sum(0, inside, weight), "The bias is missing: add it to every output pixel."},
				mistake{sum(9*bias, inside, weight), "The bias is added once for each of the 9 weights; it belongs once to each output pixel."},
				mistake{sum(bias, inside, func(i, j int) float64 { return kernel[2-i][2-j] }), "Your kernel is turned by 180 degrees. That is the convolution of mathematics; the one of neural networks does not turn it: output (r, c) takes kernel[i][j] times pixel (r+i-1, c+j-1)."},
				mistake{sum(bias, inside, func(i, j int) float64 { return kernel[j][i] }), "Rows and columns of the kernel are swapped: i of kernel[i][j] goes with the row."},
				mistake{sum(bias, nearest, weight), "Beyond the edge you repeat the nearest pixel; the border is of zeros."},
				mistake{sum(bias, opposite, weight), "Beyond the edge you go on at the opposite one; the border is of zeros."},
			)
			if wrong != "" {
				return wrong
			}
		}
		return ""
	})
}

// CheckMaxPool checks pool(image): the largest of each 2 × 2 pixels of an image, given by its rows.
func CheckMaxPool(pool func(image [][]float64) [][]float64) string {
	const lesson = "Two such layers take 28 × 28 pixels to 7 × 7: that is where the 8·7·7 = 392 inputs of the CNN's last layer come from."
	return report(5, "max-pooling", lesson, func() string {
		for i, image := range [][][]float64{
			{{1, 5, -7, -3}, {2, 3, -4, -9}, {6, 0, 1, 2}, {4, 8, 3, 11}},
			{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}},
			{{-1e300, -2e300, 0.5, 0.25, 3, -1}, {-4e300, -3e300, 0.75, 0, 2, 4}},
			{{0.1, 7}, {-2, 3}, {5, 1}, {9, 6}, {8, 8}},
		} {
			height, width := len(image), len(image[0])
			result := pool(cloned(image))
			if i == 0 && len(flat(result)) == 0 {
				return notSolved
			}
			// squares joins the four pixels of each square.
			squares := func(join func(a, b, c, d float64) float64) [][]float64 {
				var out [][]float64
				for r := range height / 2 {
					var row []float64
					for c := range width / 2 {
						top, bottom := image[2*r], image[2*r+1]
						row = append(row, join(top[2*c], top[2*c+1], bottom[2*c], bottom[2*c+1]))
					}
					out = append(out, row)
				}
				return out
			}
			want := squares(func(a, b, c, d float64) float64 { return max(a, b, c, d) })
			switch {
			case size(result) == size(want):
			case height%2+width%2 > 0 && len(result) == (height+1)/2:
				return fmt.Sprintf("From %d × %d pixels you return %s: a last row or column without a partner is dropped.", height, width, size(result))
			case len(result) == height-1:
				return fmt.Sprintf("From %d × %d pixels you return %s: your squares overlap. They must stand side by side, every second row and column.", height, width, size(result))
			default:
				return fmt.Sprintf("From %d × %d pixels you return %s; the result has half as many rows and columns.", height, width, size(result))
			}
			wrong := compare(fmt.Sprintf("the pixels %s in %d rows", numbers(flat(image), 5), height), flat(result), flat(want),
				mistake{flat(squares(func(a, b, c, d float64) float64 { return max(0, a, b, c, d) })), "Where all four pixels are negative you return 0: the maximum must start from one of the pixels, not from 0."},
				mistake{flat(squares(func(a, b, c, d float64) float64 { return (a + b + c + d) / 4 })), "That is the mean of each square; take the largest."},
				mistake{flat(squares(func(a, b, c, d float64) float64 { return min(a, b, c, d) })), "That is the smallest of each square; take the largest."},
				mistake{flat(squares(func(a, b, c, d float64) float64 { return a })), "You take the first pixel of each square; take the largest."},
			)
			if wrong != "" {
				return wrong
			}
		}
		return ""
	})
}

// CheckBatchNorm checks batch normalization of a batch x, one row for each image and one column for
// each feature, with γ = 1 and β = 0.
//
// train(x, mean, variance) normalizes with the batch's own statistics and returns the running ones
// after it; evaluate(x, mean, variance) normalizes with the running ones.
func CheckBatchNorm(
	train func(x [][]float64, mean, variance []float64) (y [][]float64, newMean, newVariance []float64),
	evaluate func(x [][]float64, mean, variance []float64) [][]float64,
) string {
	const lesson = "The two modes differ, which is why a network must be told whether it is training or being evaluated."
	return report(10, "batch normalization", lesson, func() string {
		const epsilon = 1e-5
		root := func(v float64) float64 { return math.Sqrt(v + epsilon) }
		withoutEpsilon := math.Sqrt
		epsilonOutside := func(v float64) float64 { return math.Sqrt(v) + epsilon }
		const (
			sayEpsilon = "ε is missing: add 1e-5 to the variance before the root, and always, not only where the variance is 0."
			sayOutside = "You add 1e-5 to the root; it belongs to the variance, under the root."
			sayFinite  = "A result is not a finite number. Add 1e-5 to the variance before the root, so that nothing is divided by 0."
		)
		for i, c := range []struct {
			name           string
			x              [][]float64
			mean, variance []float64 // the running ones
		}{
			{"the batch {1 10} {2 30} {6 20}", [][]float64{{1, 10}, {2, 30}, {6, 20}}, []float64{0.5, -1}, []float64{2, 3}},
			{"a feature that is 4 in every image", [][]float64{{4}, {4}}, []float64{4}, []float64{0}},
			{"a feature with a small variance, {0} {0.002},", [][]float64{{0}, {0.002}}, []float64{0.001}, []float64{1e-6}},
			{"the batch {1 -2 0.5} {3 8 4} {-1 5 0.25} {0 0 7} {2 1 -6}", [][]float64{{1, -2, 0.5}, {3, 8, 4}, {-1, 5, 0.25}, {0, 0, 7}, {2, 1, -6}}, []float64{0, 2, -3}, []float64{1, 0.5, 9}},
		} {
			x, mean, variance := c.x, c.mean, c.variance
			// What they are given they may change in place, as PyTorch does with the running statistics.
			y, newMean, newVariance := train(cloned(x), slices.Clone(mean), slices.Clone(variance))
			testMean, testVariance := slices.Clone(mean), slices.Clone(variance)
			tested := evaluate(cloned(x), testMean, testVariance)
			if i == 0 && len(y) == 0 && len(tested) == 0 {
				return notSolved
			}
			normalize := func(m, v []float64, root func(v float64) float64) [][]float64 {
				out := cloned(x)
				for _, row := range out {
					for j := range row {
						row[j] = (row[j] - m[j]) / root(v[j])
					}
				}
				return out
			}
			mu, biased, unbiased := columnStatistics(x)
			var perImage []float64
			for _, row := range x {
				m, deviation := meanAndDeviation(row)
				n := float64(len(row))
				for j := range row {
					perImage = append(perImage, (row[j]-m)/root(deviation*deviation*(n-1)/n))
				}
			}
			one := func(float64) float64 { return 1 }
			itself := func(v float64) float64 { return v + epsilon }
			if slices.ContainsFunc(append(flat(y), flat(tested)...), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
				return fmt.Sprintf("For %s: %s", c.name, sayFinite)
			}
			wrong := compareTables(c.name+" in training", y, normalize(mu, biased, root),
				mistake{flat(normalize(mu, biased, withoutEpsilon)), sayEpsilon},
				mistake{flat(normalize(mu, biased, epsilonOutside)), sayOutside},
				mistake{flat(normalize(mu, unbiased, root)), "You divide by the variance with n-1 in it; the batch itself is normalized with the biased one, the mean of the squared deviations."},
				mistake{flat(normalize(mu, biased, itself)), "You divide by the variance; divide by its square root."},
				mistake{flat(normalize(mean, variance, root)), "In training you normalize with the running statistics; take the batch's own."},
				mistake{perImage, "You normalize each image over its features; batch norm takes each feature over the images of the batch."},
				mistake{flat(normalize(mu, biased, one)), "You subtract the mean, but do not divide by the standard deviation."},
			)
			if wrong != "" {
				return wrong
			}
			moved := func(old, batch []float64, share float64) []float64 {
				var out []float64
				for j := range old {
					out = append(out, (1-share)*old[j]+share*batch[j])
				}
				return out
			}
			wrong = compare(fmt.Sprintf("the new running mean, from %s and a batch with the means %s,", numbers(mean, 5), numbers(mu, 5)), newMean, moved(mean, mu, 0.1),
				mistake{moved(mean, mu, 0.9), "The running mean takes 0.9 of the batch's mean; it keeps 0.9 of itself and takes 0.1 of the batch's."},
				mistake{mu, "The running mean forgets its past: it keeps 0.9 of itself and takes 0.1 of the batch's."},
				mistake{mean, "The running mean does not move: it keeps 0.9 of itself and takes 0.1 of the batch's."},
				mistake{nil, "Return the new running mean, too: it keeps 0.9 of itself and takes 0.1 of the batch's."},
			)
			if wrong != "" {
				return wrong
			}
			wrong = compare(fmt.Sprintf("the new running variance, from %s and a batch with the unbiased variances %s,", numbers(variance, 5), numbers(unbiased, 5)), newVariance, moved(variance, unbiased, 0.1),
				mistake{moved(variance, biased, 0.1), "The running variance takes the biased variance of the batch; PyTorch gives it the unbiased one, with n-1, since the batch is only a sample."},
				mistake{moved(variance, unbiased, 0.9), "The running variance takes 0.9 of the batch's; it keeps 0.9 of itself and takes 0.1 of the batch's."},
				mistake{variance, "The running variance does not move: it keeps 0.9 of itself and takes 0.1 of the batch's."},
			)
			if wrong != "" {
				return wrong
			}
			if len(tested) == 0 {
				return "evaluate returns nothing yet: normalize with the running mean and variance."
			}
			wrong = compareTables(fmt.Sprintf("%s in evaluation, with the running means %s and variances %s,", c.name, numbers(mean, 5), numbers(variance, 5)), tested, normalize(mean, variance, root),
				mistake{flat(normalize(mu, biased, root)), "In evaluation you normalize with the batch's own statistics. Then the answer for an image would depend on the other images, and a single image would always give 0: use the running ones."},
				mistake{flat(normalize(mean, variance, withoutEpsilon)), "In evaluation " + sayEpsilon},
				mistake{flat(normalize(mean, variance, epsilonOutside)), sayOutside},
				mistake{flat(normalize(mean, variance, itself)), "In evaluation you divide by the running variance; divide by its square root."},
			)
			if wrong != "" {
				return wrong
			}
			if !slices.Equal(testMean, mean) || !slices.Equal(testVariance, variance) {
				return "evaluate changes the running statistics that it is given; only training moves them, or the next image would be normalized by others."
			}
		}
		alone := evaluate([][]float64{{3, 5}}, []float64{1, 1}, []float64{4, 16})
		return compareTables("a single image {3 5} in evaluation, with the running means 1, 1 and variances 4, 16,", alone, [][]float64{{2 / root(4), 4 / root(16)}})
	})
}

// columnStatistics returns the mean of each column, and its variance with n and with n-1.
func columnStatistics(x [][]float64) (mean, biased, unbiased []float64) {
	n := float64(len(x))
	for j := range x[0] {
		var column []float64
		for _, row := range x {
			column = append(column, row[j])
		}
		m, deviation := meanAndDeviation(column)
		mean = append(mean, m)
		unbiased = append(unbiased, deviation*deviation)
		biased = append(biased, deviation*deviation*(n-1)/n)
	}
	return mean, biased, unbiased
}
