package exercises

import (
	"fmt"
	"math"

	"example.com/tutorial6/mnistlib"
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
		for _, m := range []struct {
			model mnistlib.Model
			count int
		}{
			{mnistlib.MLP{Hidden: 200}, linear(784, 200) + linear(200, 10)},
			{mnistlib.CNNBN{}, conv(1, 4) + norm(4) + conv(4, 8) + norm(8) + linear(392, 10)},
		} {
			summary, err := mnistlib.Describe(m.model)
			if err != nil {
				return sentence(err)
			}
			if m.count != summary.NumParameters {
				return fmt.Sprintf("Your functions are right for one size but not for others: together they give %d parameters for %s, which has %d.", m.count, summary.Name, summary.NumParameters)
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
		image := [][]float64{{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 13}}
		kernel := [][]float64{{1, -2, 3}, {0, 4, -5}, {7, 0, 2}}
		const bias = 0.5
		result := convolve(image, kernel, bias)
		got := flat(result)
		if len(got) == 0 {
			return notSolved
		}
		sum := func(flip, transpose bool, bias, edge float64) []float64 {
			var out []float64
			for r := range 3 {
				for c := range 4 {
					s := bias
					for i := range 3 {
						for j := range 3 {
							k := kernel[i][j]
							if flip {
								k = kernel[2-i][2-j]
							}
							if transpose {
								k = kernel[j][i]
							}
							y, x := r+i-1, c+j-1
							if y < 0 || y >= 3 || x < 0 || x >= 4 {
								y, x = min(max(y, 0), 2), min(max(x, 0), 3)
								s += edge * k * image[y][x]
							} else {
								s += k * image[y][x]
							}
						}
					}
					out = append(out, s)
				}
			}
			return out
		}
		want := sum(false, false, bias, 0)
		if len(result) == 1 && len(result[0]) == 2 {
			return "From a 3 × 4 image you return a 1 × 2 image: there is no border of zeros, so the kernel never stands at the edge. The size must stay."
		}
		if len(result) != 3 || len(result[0]) != 4 {
			return fmt.Sprintf("From a 3 × 4 image you return %d × %d; the size must stay.", len(result), len(result[0]))
		}
		return compare("a 3 × 4 image", got, want,
			mistake{sum(false, false, 0, 0), "The bias is missing: add it to every output pixel."},
			mistake{sum(false, false, 9*bias, 0), "The bias is added once for each of the 9 weights; it belongs once to each output pixel."},
			mistake{sum(true, false, bias, 0), "Your kernel is turned by 180 degrees. That is the convolution of mathematics; the one of neural networks does not turn it: output (r, c) takes kernel[i][j] times pixel (r+i-1, c+j-1)."},
			mistake{sum(false, true, bias, 0), "Rows and columns of the kernel are swapped: i of kernel[i][j] goes with the row."},
			mistake{sum(false, false, bias, 1), "Beyond the edge you repeat the nearest pixel; the border is of zeros."},
		)
	})
}

// CheckMaxPool checks pool(image): the largest of each 2 × 2 pixels of an image, given by its rows.
func CheckMaxPool(pool func(image [][]float64) [][]float64) string {
	const lesson = "Two such layers take 28 × 28 pixels to 7 × 7: that is where the 8·7·7 = 392 inputs of the CNN's last layer come from."
	return report(5, "max-pooling", lesson, func() string {
		image := [][]float64{{1, 5, -7, -3}, {2, 3, -4, -9}, {6, 0, 1, 2}, {4, 8, 3, 11}}
		result := pool(image)
		got := flat(result)
		if len(got) == 0 {
			return notSolved
		}
		if len(result) == 3 {
			return "From 4 × 4 pixels you return 3 × 3: your squares overlap. They must stand side by side, every second row and column."
		}
		if len(result) == 4 {
			return "From 4 × 4 pixels you return as many; the result has half as many rows and columns."
		}
		wrong := compare("the image 1 5 -7 -3 / 2 3 -4 -9 / 6 0 1 2 / 4 8 3 11", got, []float64{5, -3, 8, 11},
			mistake{[]float64{5, 0, 8, 11}, "Where all four pixels are negative you return 0: the maximum must start from one of the pixels, not from 0."},
			mistake{[]float64{2.75, -5.75, 4.5, 4.25}, "That is the mean of each square; take the largest."},
			mistake{[]float64{1, -9, 0, 1}, "That is the smallest of each square; take the largest."},
			mistake{[]float64{1, -7, 6, 1}, "You take the first pixel of each square; take the largest."},
		)
		if wrong != "" {
			return wrong
		}
		if odd := pool([][]float64{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}); !equal(flat(odd), []float64{5}) {
			return fmt.Sprintf("Of 3 × 3 pixels there is one whole square, so the answer is 5; yours is %s.", numbers(flat(odd)))
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
		x := [][]float64{{1, 10}, {2, 30}, {6, 20}}
		mean, variance := []float64{0.5, -1}, []float64{2, 3}
		y, newMean, newVariance := train(x, mean, variance)
		tested := evaluate(x, mean, variance)
		if len(y) == 0 && len(tested) == 0 {
			return notSolved
		}
		const epsilon = 1e-5
		normalize := func(m, v []float64, epsilon float64) []float64 {
			var out []float64
			for _, row := range x {
				for j := range row {
					out = append(out, (row[j]-m[j])/math.Sqrt(v[j]+epsilon))
				}
			}
			return out
		}
		mu, biased, unbiased := []float64{3, 20}, []float64{14. / 3, 200. / 3}, []float64{7, 100}
		var perImage, undivided []float64
		for _, row := range x {
			m := (row[0] + row[1]) / 2
			v := (row[0] - m) * (row[0] - m)
			for j := range row {
				perImage = append(perImage, (row[j]-m)/math.Sqrt(v+epsilon))
				undivided = append(undivided, row[j]-mu[j])
			}
		}
		wrong := compare("the batch {1 10} {2 30} {6 20} in training", flat(y), normalize(mu, biased, epsilon),
			mistake{normalize(mu, unbiased, epsilon), "You divide by the variance with n-1 in it; the batch itself is normalized with the biased one, the mean of the squared deviations."},
			mistake{normalize(mu, []float64{biased[0] * biased[0], biased[1] * biased[1]}, 0), "You divide by the variance; divide by its square root."},
			mistake{normalize(mean, variance, epsilon), "In training you normalize with the running statistics; take the batch's own."},
			mistake{perImage, "You normalize each image over its features; batch norm takes each feature over the images of the batch."},
			mistake{undivided, "You subtract the mean, but do not divide by the standard deviation."},
		)
		if wrong != "" {
			return wrong
		}
		// The running variance 0 of a dead feature is where epsilon matters.
		if dead, _, _ := train([][]float64{{4}, {4}}, []float64{0}, []float64{1}); !equal(flat(dead), []float64{0, 0}) {
			return fmt.Sprintf("For a feature that is 4 in every image you return %s; expected 0, 0. Add 1e-5 to the variance before the root, so that nothing is divided by 0.", numbers(flat(dead)))
		}
		moved := func(old, batch []float64, share float64) []float64 {
			return []float64{(1-share)*old[0] + share*batch[0], (1-share)*old[1] + share*batch[1]}
		}
		wrong = compare("the new running mean, from 0.5, -1 and a batch with the means 3, 20,", newMean, moved(mean, mu, 0.1),
			mistake{moved(mean, mu, 0.9), "The running mean takes 0.9 of the batch's mean; it keeps 0.9 of itself and takes 0.1 of the batch's."},
			mistake{mu, "The running mean forgets its past: it keeps 0.9 of itself and takes 0.1 of the batch's."},
			mistake{mean, "The running mean does not move: it keeps 0.9 of itself and takes 0.1 of the batch's."},
			mistake{nil, "Return the new running mean, too: it keeps 0.9 of itself and takes 0.1 of the batch's."},
		)
		if wrong != "" {
			return wrong
		}
		wrong = compare("the new running variance, from 2, 3 and a batch with the unbiased variances 7, 100,", newVariance, moved(variance, unbiased, 0.1),
			mistake{moved(variance, biased, 0.1), "The running variance takes the biased variance of the batch; PyTorch gives it the unbiased one, with n-1, since the batch is only a sample."},
			mistake{moved(variance, unbiased, 0.9), "The running variance takes 0.9 of the batch's; it keeps 0.9 of itself and takes 0.1 of the batch's."},
			mistake{variance, "The running variance does not move: it keeps 0.9 of itself and takes 0.1 of the batch's."},
		)
		if wrong != "" {
			return wrong
		}
		return compare("the batch {1 10} {2 30} {6 20} in evaluation, with the running means 0.5, -1 and variances 2, 3,", flat(tested), normalize(mean, variance, epsilon),
			mistake{normalize(mu, biased, epsilon), "In evaluation you normalize with the batch's own statistics. Then the answer for an image would depend on the other images, and a single image would always give 0: use the running ones."},
			mistake{nil, "evaluate returns nothing yet: normalize with the running mean and variance."},
		)
	})
}
