package exercises

import (
	"fmt"
	"math"
	"slices"

	"example.com/tutorial6/mnistlib"
)

// CheckLinear checks a fully connected layer for one image, y = w·x + b, and its derivatives.
//
// linear(w, b, x) returns y; w[k][j] leads from input j to output k. backward(w, x, dy) is given the
// derivatives dy of the loss by the outputs and returns those by the weights, biases and inputs. They
// are compared with finite differences: what becomes of the loss when one number grows a little.
func CheckLinear(
	linear func(w [][]float64, b, x []float64) (y []float64),
	backward func(w [][]float64, x, dy []float64) (dw [][]float64, db, dx []float64),
) string {
	const lesson = "The input's derivatives are the output's of the layer before: that is how they pass back through a network of any depth, and why it is called backpropagation."
	return report(14, "the gradient of a layer", lesson, func() string {
		for i, c := range []struct {
			w        [][]float64
			b, x, dy []float64
		}{
			{[][]float64{{1, -2, 0.5}, {3, 0.25, -1}}, []float64{0.1, -0.2}, []float64{2, -1, 4}, []float64{0.5, -3}},
			{[][]float64{{2, 1}, {-1, 5}}, []float64{3, 4}, []float64{0.7, -0.3}, []float64{0, 1.5}},
			{[][]float64{{4}, {-2}, {0}, {1}}, []float64{0, 1, 0, 1}, []float64{-3}, []float64{1, 2, -0.5, 0.25}},
		} {
			layer := fmt.Sprintf("a layer with %d inputs and %d outputs", len(c.x), len(c.b))
			y := linear(cloned(c.w), slices.Clone(c.b), slices.Clone(c.x))
			dw, db, dx := backward(cloned(c.w), slices.Clone(c.x), slices.Clone(c.dy))
			if i == 0 && len(y) == 0 && len(dw) == 0 && len(db) == 0 && len(dx) == 0 {
				return notSolved
			}
			noBias := affine(c.w, make([]float64, len(c.b)), c.x)
			wrong := compare("the outputs of "+layer, y, affine(c.w, c.b, c.x),
				mistake{noBias, "The bias is missing: add b[k] to output k."},
				mistake{nil, "linear returns nothing yet."},
			)
			if wrong != "" {
				return wrong
			}
			// A loss whose derivatives by the outputs are dy.
			w, b, x := cloned(c.w), slices.Clone(c.b), slices.Clone(c.x)
			loss := func() float64 { return dot(c.dy, affine(w, b, x)) }
			var wantW [][]float64
			for k := range w {
				wantW = append(wantW, finiteDifferences(w[k], loss))
			}
			wantB, wantX := finiteDifferences(b, loss), finiteDifferences(x, loss)
			var onlyX, onlyDY []float64
			for k := range w {
				for j := range x {
					onlyX, onlyDY = append(onlyX, x[j]), append(onlyDY, c.dy[k])
				}
			}
			const differences = ", compared with finite differences,"
			if len(dw) == 0 {
				return "backward returns no derivatives by the weights yet."
			}
			if len(x) != len(b) && size(dw) == fmt.Sprintf("%d × %d", len(x), len(b)) {
				return "dw has its rows and columns swapped: like w, it has a row for each output and a column for each input."
			}
			wrong = compareTables("the derivatives by the weights of "+layer+differences, dw, wantW,
				mistake{onlyX, "dw holds the inputs alone. A weight changes the loss through its output: multiply by dy[k]."},
				mistake{onlyDY, "dw holds dy alone. A weight counts as much as the input that it multiplies: multiply by x[j]."},
				mistake{negated(flat(wantW)), "The sign of dw is wrong: backward returns the derivatives; it is the optimizer that steps against them."},
			)
			if wrong != "" {
				return wrong
			}
			ones := slices.Repeat([]float64{1}, len(b))
			wrong = compare("the derivatives by the biases of "+layer+differences, db, wantB,
				mistake{ones, "db is 1 everywhere: that is the derivative of an output by its bias. Asked is that of the loss: multiply by dy[k]."},
				mistake{nil, "backward returns no derivatives by the biases yet."},
			)
			if wrong != "" {
				return wrong
			}
			var unweighted []float64
			for range x {
				unweighted = append(unweighted, dot(ones, c.dy))
			}
			wrong = compare("the derivatives by the inputs of "+layer+differences, dx, wantX,
				mistake{unweighted, "dx sums dy alone. An input reaches output k through w[k][j]: multiply by it."},
				mistake{nil, "backward returns no derivatives by the inputs yet."},
			)
			if wrong != "" {
				return wrong
			}
		}
		return ""
	})
}

// Parameters are the weights and biases of an MLP with one hidden layer. W1[k][j] leads from pixel j
// to hidden unit k, W2[k][j] from hidden unit j to logit k. Derivatives by them have the same form.
type Parameters struct {
	W1 [][]float64
	B1 []float64
	W2 [][]float64
	B2 []float64
}

// rows are all the parameters; what is written into them changes p.
func (p Parameters) rows() [][]float64 {
	return slices.Concat(p.W1, [][]float64{p.B1}, p.W2, [][]float64{p.B2})
}

func (p Parameters) cloned() Parameters {
	return Parameters{cloned(p.W1), slices.Clone(p.B1), cloned(p.W2), slices.Clone(p.B2)}
}

// loss is the cross-entropy of one image.
func (p Parameters) loss(pixels []float64, label int) float64 {
	hidden := affine(p.W1, p.B1, pixels)
	for k := range hidden {
		hidden[k] = max(hidden[k], 0)
	}
	logits := affine(p.W2, p.B2, hidden)
	largest, sum := slices.Max(logits), 0.0
	for _, z := range logits {
		sum += math.Exp(z - largest)
	}
	return largest + math.Log(sum) - logits[label]
}

// CheckTraining trains MLP(30) with the reader's own functions and draws the loss over the library's.
//
// backpropagate(p, pixels, label) returns the loss of one image, whose pixels are from 0 to 1, and its
// derivatives by all parameters; step is one of SGD with momentum, as [CheckMomentum] asks for it. Both
// runs take the images in their own order and compute in float64, so that their losses agree.
func CheckTraining(
	backpropagate func(p Parameters, pixels []float64, label int) (loss float64, gradient Parameters),
	step func(w, v, g, lr, momentum float64) (newW, newV float64),
) string {
	const lesson = "This is the whole of it: what the library does on XLA is the same arithmetic, only faster."
	return report(15, "training without the library", lesson, func() string {
		if wrong := checkBackpropagation(backpropagate); wrong != "" {
			return wrong
		}
		const lr, momentum, batchSize, epochs = 0.1, 0.9, 64, 3
		model := mnistlib.MLP{Hidden: 30}
		weights, err := mnistlib.InitialWeights(model, 1)
		if err != nil {
			return sentence(err)
		}
		history, err := mnistlib.Train(model, mnistlib.MNIST(), mnistlib.Config{
			Optimizer: mnistlib.SGD{LR: lr, Momentum: momentum}, BatchSize: batchSize, Epochs: epochs,
			NoShuffle: true, Float64: true, Seed: 1, Weights: weights, Quiet: true, EvaluateEachEpoch: true,
		})
		if err != nil {
			return sentence(err)
		}
		p := parametersOf(weights)
		var velocities [][]float64
		for _, row := range p.rows() {
			velocities = append(velocities, make([]float64, len(row)))
		}
		images := mnistlib.MNIST().Train
		numBatches := images.Len() / batchSize
		var yours mnistlib.Line
		for i := range epochs * numBatches {
			first := i % numBatches * batchSize
			var loss float64
			gradients := make([][]float64, len(velocities)) // their means over the batch
			for k, row := range velocities {
				gradients[k] = make([]float64, len(row))
			}
			for n := first; n < first+batchSize; n++ {
				image := images.Slice(n, n+1)
				pixels := make([]float64, len(image.Pixels))
				for j, v := range image.Pixels {
					pixels[j] = float64(v) / 255
				}
				l, gradient := backpropagate(p, pixels, int(image.Labels[0]))
				loss += l / batchSize
				for k, row := range gradient.rows() {
					for j, g := range row {
						gradients[k][j] += g / batchSize
					}
				}
			}
			yours.X, yours.Y = append(yours.X, float64(i+1)), append(yours.Y, loss)
			for k, row := range p.rows() {
				for j := range row {
					row[j], velocities[k][j] = step(row[j], velocities[k][j], gradients[k][j], lr, momentum)
				}
			}
		}
		yours.Name = "yours"
		library := mnistlib.Line{Name: "the library's", X: yours.X, Y: history.Loss}
		if err := mnistlib.Lines("MLP(30), trained by your functions and by the library", "iteration", "loss (mean cross-entropy)", library, yours).Show(); err != nil {
			return sentence(err)
		}
		largest := 0.0
		for i := range yours.Y {
			difference := math.Abs(yours.Y[i] - history.Loss[i])
			if !(difference <= 1e-6) {
				wrong := compare(fmt.Sprintf("the loss of iteration %d", i+1), yours.Y[i:i+1], history.Loss[i:i+1])
				return wrong + " The loss and its derivatives are right, so it is the step: check yours with exercise 6."
			}
			largest = max(largest, difference)
		}
		fmt.Printf("In %d iterations your loss and the library's differ by at most %.1g.\n", len(yours.Y), largest)
		return ""
	})
}

// checkBackpropagation compares a loss and its derivatives with finite differences, for small networks.
func checkBackpropagation(backpropagate func(p Parameters, pixels []float64, label int) (float64, Parameters)) string {
	for i, c := range []struct {
		p      Parameters
		pixels []float64
		label  int
	}{
		{Parameters{
			W1: [][]float64{{1, -2, 0.5}, {0.3, 0.4, -0.9}}, B1: []float64{0.1, 0.2}, // the second unit is dead
			W2: [][]float64{{0.5, 1}, {-1, 2}, {0.25, -0.75}, {0, 1}}, B2: []float64{0, 0.1, -0.1, 0.3},
		}, []float64{1, 0.25, 0.9}, 2},
		{Parameters{
			W1: [][]float64{{1}, {-1}, {2}}, B1: []float64{0.5, 0.25, -0.5},
			W2: [][]float64{{1, 2, -1}, {0.5, 0, 1}}, B2: []float64{0.2, -0.2},
		}, []float64{0.75}, 0},
	} {
		network := fmt.Sprintf("a small network with %d inputs, %d hidden units and %d classes", len(c.pixels), len(c.p.B1), len(c.p.B2))
		given, givenPixels := c.p.cloned(), slices.Clone(c.pixels)
		got, gradient := backpropagate(given, givenPixels, c.label)
		if i == 0 && got == 0 && len(flat(gradient.rows())) == 0 {
			return notSolved
		}
		if wrong := compare("the loss of "+network, []float64{got}, []float64{c.p.loss(c.pixels, c.label)}); wrong != "" {
			return wrong + " The loss is the cross-entropy of the logits: W1 and B1, ReLU, W2 and B2."
		}
		if !slices.Equal(flat(given.rows()), flat(c.p.rows())) {
			return "backpropagate changes the parameters; that is the step's task, after the whole batch."
		}
		loss := func() float64 { return c.p.loss(c.pixels, c.label) }
		differences := func(table [][]float64) [][]float64 {
			var all [][]float64
			for _, row := range table {
				all = append(all, finiteDifferences(row, loss))
			}
			return all
		}
		const (
			logits = "Begin at the end: the derivatives by the logits are softmax(z), less 1 at the label."
			relu   = "What comes back to a hidden unit passes its ReLU: where the unit's sum is below 0, nothing passes."
		)
		for _, part := range []struct {
			name      string
			got, want [][]float64
			says      string
		}{
			{"B2", [][]float64{gradient.B2}, differences([][]float64{c.p.B2}), logits},
			{"W2", gradient.W2, differences(c.p.W2), logits},
			{"B1", [][]float64{gradient.B1}, differences([][]float64{c.p.B1}), relu},
			{"W1", gradient.W1, differences(c.p.W1), relu},
		} {
			asked := fmt.Sprintf("the derivatives by %s of %s, compared with finite differences,", part.name, network)
			if wrong := compareTables(asked, part.got, part.want); wrong != "" {
				return wrong + " " + part.says
			}
		}
	}
	return ""
}

// parametersOf copies the weights of an MLP.
func parametersOf(weights mnistlib.Weights) Parameters {
	values := func(name string) ([]float64, []int) {
		w, _ := weights.Get(name)
		return slices.Clone(w.Values), w.Shape
	}
	table := func(name string) [][]float64 {
		flat, shape := values(name)
		return slices.Collect(slices.Chunk(flat, shape[1]))
	}
	b1, _ := values("layer1.bias")
	b2, _ := values("layer2.bias")
	return Parameters{table("layer1.weight"), b1, table("layer2.weight"), b2}
}

// affine is w·x + b.
func affine(w [][]float64, b, x []float64) []float64 {
	y := slices.Clone(b)
	for k := range w {
		y[k] += dot(w[k], x)
	}
	return y
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func negated(values []float64) []float64 {
	var opposite []float64
	for _, v := range values {
		opposite = append(opposite, -v)
	}
	return opposite
}

// finiteDifferences returns the derivative of the loss by each of the values that it depends on, found
// by changing each a little, up and down. Of two widths the second takes out the error of the first.
func finiteDifferences(values []float64, loss func() float64) []float64 {
	const h = 1e-3
	var derivatives []float64
	for i, v := range values {
		slope := func(h float64) float64 {
			values[i] = v + h
			above := loss()
			values[i] = v - h
			below := loss()
			values[i] = v
			return (above - below) / (2 * h)
		}
		derivatives = append(derivatives, (4*slope(h)-slope(2*h))/3)
	}
	return derivatives
}
