// The solutions of exercises.ipynb. Try for yourself first: the checks tell you what is wrong.

package exercises_test

import (
	"math"
	"math/rand/v2"

	"example.com/tutorial6/mnistlib"
	"example.com/tutorial6/notebooks/exercises"
)

// Exercise 1. One weight for each pair of input and output, one bias for each output.
func linearParameters(in, out int) int { return in*out + out }

func convParameters(in, out int) int { return 9*in*out + out }

// The running mean and variance are not fitted to the loss.
func normParameters(channels int) int { return 2 * channels }

// Exercise 2. -log(exp(z[label]) / Σ exp(z)) = log Σ exp(z) - z[label]; without the largest logit
// taken out, exp overflows.
func crossEntropy(logits []float64, label int) float64 {
	largest := logits[0]
	for _, z := range logits {
		largest = max(largest, z)
	}
	sum := 0.0
	for _, z := range logits {
		sum += math.Exp(z - largest)
	}
	return largest + math.Log(sum) - logits[label]
}

// Exercise 3. 2,000 images fill 31 batches of 64 and leave 16 over, in every epoch the same ones. So
// the loss of iteration i is that of batch (i-1) mod 31 + 1, easy or hard, and the curve repeats
// itself every 31 iterations.
var shuffling = exercises.Shuffling{Period: 31, NeverSeen: 16, HardestBatch: 22}

// Exercise 4.
func convolve(image, kernel [][]float64, bias float64) [][]float64 {
	height, width := len(image), len(image[0])
	output := make([][]float64, height)
	for r := range height {
		output[r] = make([]float64, width)
		for c := range width {
			output[r][c] = bias
			for i := range 3 {
				for j := range 3 {
					y, x := r+i-1, c+j-1
					if y >= 0 && y < height && x >= 0 && x < width {
						output[r][c] += kernel[i][j] * image[y][x]
					}
				}
			}
		}
	}
	return output
}

// Exercise 5.
func maxPool(image [][]float64) [][]float64 {
	output := make([][]float64, len(image)/2)
	for r := range output {
		output[r] = make([]float64, len(image[0])/2)
		for c := range output[r] {
			top, bottom := image[2*r], image[2*r+1]
			output[r][c] = max(top[2*c], top[2*c+1], bottom[2*c], bottom[2*c+1])
		}
	}
	return output
}

// Exercise 6.
func momentumStep(w, v, g, lr, momentum float64) (newW, newV float64) {
	newV = momentum*v + g
	newW = w - lr*newV
	return newW, newV
}

// Exercise 7. Others do as well. Much more momentum, or a larger rate, and the runs begin to differ
// wildly.
var fasterSGD = mnistlib.SGD{LR: 0.4, Momentum: 0.6}

// Exercise 8.
func adamStep(w, m, v, g, lr float64, t int) (newW, newM, newV float64) {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	newM = beta1*m + (1-beta1)*g
	newV = beta2*v + (1-beta2)*g*g
	corrected := newM / (1 - math.Pow(beta1, float64(t)))
	square := newV / (1 - math.Pow(beta2, float64(t)))
	newW = w - lr*corrected/(math.Sqrt(square)+epsilon)
	return newW, newM, newV
}

// Exercise 9.
func pairedDifference(a, b []float64) (mean, standardError float64) {
	n := float64(len(a))
	for i := range a {
		mean += (a[i] - b[i]) / n
	}
	variance := 0.0
	for i := range a {
		deviation := a[i] - b[i] - mean
		variance += deviation * deviation / (n - 1)
	}
	return mean, math.Sqrt(variance / n)
}

// Exercise 10.
func normalizeTraining(x [][]float64, mean, variance []float64) (y [][]float64, newMean, newVariance []float64) {
	n, features := float64(len(x)), len(x[0])
	batchMean, batchVariance := make([]float64, features), make([]float64, features)
	for j := range features {
		for i := range x {
			batchMean[j] += x[i][j] / n
		}
		for i := range x {
			batchVariance[j] += (x[i][j] - batchMean[j]) * (x[i][j] - batchMean[j]) / n
		}
	}
	for j := range features {
		newMean = append(newMean, 0.9*mean[j]+0.1*batchMean[j])
		newVariance = append(newVariance, 0.9*variance[j]+0.1*batchVariance[j]*n/(n-1))
	}
	return normalizeEvaluation(x, batchMean, batchVariance), newMean, newVariance
}

func normalizeEvaluation(x [][]float64, mean, variance []float64) [][]float64 {
	y := make([][]float64, len(x))
	for i := range x {
		for j := range x[i] {
			y[i] = append(y[i], (x[i][j]-mean[j])/math.Sqrt(variance[j]+1e-5))
		}
	}
	return y
}

// Exercise 11. Batch norm subtracts each unit's mean, and with it the bias.
var ignoredWeight = "layer1.bias"

// Exercise 12. He's choice for ReLU; PyTorch's is uniform between ±1/√fanIn.
func drawWeight(fanIn int, random *rand.Rand) float64 {
	return random.NormFloat64() * math.Sqrt(2/float64(fanIn))
}

// Exercise 13. A third convolution with its pooling leaves 3 × 3 pixels, so that the last layer needs 1,450 parameters
// instead of 3,930. That pays for the convolution, 1,168 of them, and for batch norm, which needs 56 and does the rest.
type MyCNN struct{}

func (MyCNN) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	x = nn.MaxPool2d(nn.ReLU(nn.BatchNorm("bn1", nn.Conv2d("conv1", x, 4))))
	x = nn.MaxPool2d(nn.ReLU(nn.BatchNorm("bn2", nn.Conv2d("conv2", x, 8))))
	x = nn.MaxPool2d(nn.ReLU(nn.BatchNorm("bn3", nn.Conv2d("conv3", x, 16))))
	return nn.Linear("fc", nn.Flatten(x), 10)
}

// Exercise 14.
func linear(w [][]float64, b, x []float64) []float64 {
	y := make([]float64, len(b))
	for k := range w {
		y[k] = b[k]
		for j := range x {
			y[k] += w[k][j] * x[j]
		}
	}
	return y
}

func linearBackward(w [][]float64, x, dy []float64) (dw [][]float64, db, dx []float64) {
	dx = make([]float64, len(x))
	for k := range w {
		row := make([]float64, len(x))
		for j := range x {
			row[j] = dy[k] * x[j]
			dx[j] += dy[k] * w[k][j]
		}
		dw = append(dw, row)
	}
	return dw, dy, dx
}

// Exercise 15. Forward layer by layer, keeping what each gave, then back in the opposite order. Softmax
// is exp(z - log Σ exp(z)), that is exp(-loss) for each class as the label.
func backpropagate(p exercises.Parameters, pixels []float64, label int) (loss float64, gradient exercises.Parameters) {
	hidden := linear(p.W1, p.B1, pixels)
	active := make([]float64, len(hidden))
	for k, h := range hidden {
		active[k] = max(h, 0)
	}
	logits := linear(p.W2, p.B2, active)
	loss = crossEntropy(logits, label)

	dLogits := make([]float64, len(logits))
	for k := range logits {
		dLogits[k] = math.Exp(-crossEntropy(logits, k))
	}
	dLogits[label]--
	var dHidden []float64
	gradient.W2, gradient.B2, dHidden = linearBackward(p.W2, active, dLogits)
	for k, h := range hidden {
		if h <= 0 {
			dHidden[k] = 0
		}
	}
	gradient.W1, gradient.B1, _ = linearBackward(p.W1, pixels, dHidden)
	return loss, gradient
}
