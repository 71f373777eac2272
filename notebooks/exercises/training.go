package exercises

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"example.com/tutorial6/mnistlib"

	"gonum.org/v1/gonum/stat/distuv"
)

// Shuffling answers exercise 3, about MLP(30) trained for 10 epochs without shuffling.
type Shuffling struct {
	Period       int // after how many iterations a batch comes again
	NeverSeen    int // how many of the 2,000 training images are in no batch at all
	HardestBatch int // which batch of an epoch, counted from 1, has the largest mean loss in the last 5 epochs
}

// CheckShuffling checks answers about the curve without shuffling, by training it with 4 seeds.
func CheckShuffling(answer Shuffling) string {
	const lesson = "The teeth of the curve are the batches, each time in the same places; with shuffling, hard images meet ever new company, and none is left out for good."
	return report(3, "shuffling", lesson, func() string {
		const period, left = 31, 16
		switch answer.Period {
		case 0:
			return notSolved
		case period:
		case 32:
			return "Period: 2,000 images make 31 batches of 64 and a rest of 16. The rest is skipped, so there is no 32nd batch."
		case 10:
			return "Period: 10 is the number of epochs; asked is the number of iterations in one."
		case 64:
			return "Period: 64 is the number of images in a batch; asked is the number of batches until the first comes again."
		case 310:
			return "Period: 310 is the whole run; within it each batch comes 10 times."
		default:
			return fmt.Sprintf("Period: the first batch does not come again after %d iterations. How many batches of 64 do 2,000 images fill?", answer.Period)
		}
		switch answer.NeverSeen {
		case left:
		case 0:
			return "NeverSeen: 31 batches of 64 hold 1,984 images. Without shuffling those that are over are the same in every epoch."
		case 160:
			return "NeverSeen: in each of the 10 epochs the same images are left over; count them once."
		default:
			return fmt.Sprintf("NeverSeen: %d is not what is left of 2,000 images after 31 batches of 64.", answer.NeverSeen)
		}
		b := answer.HardestBatch
		switch {
		case b < 1:
			return "HardestBatch is missing: average the loss of each batch over the last 5 epochs."
		case b > period:
			return fmt.Sprintf("HardestBatch: an epoch has batches 1 to %d; %d is an iteration, whose batch is (iteration-1) mod %d + 1.", period, b, period)
		}
		const numSeeds = 4
		runs, err := mnistlib.TrainMany(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(),
			mnistlib.Config{NoShuffle: true, Seed: 1, Quiet: true, EvaluateEachEpoch: true}, numSeeds)
		if err != nil {
			return sentence(err)
		}
		mean := make([]float64, period)
		for _, h := range runs {
			for i := 5 * period; i < 10*period; i++ {
				mean[i%period] += h.Loss[i] / (5 * numSeeds)
			}
		}
		switch hardest := 1 + slices.Index(mean, slices.Max(mean)); b {
		case hardest:
			return ""
		case hardest - 1:
			return "HardestBatch: you seem to count from 0; batch 1 is that of iteration 1."
		default:
			return fmt.Sprintf("HardestBatch: the mean loss of batch %d over the last 5 epochs is %.3f on average over %d seeds, but there is a batch with %.3f. In a single run another may be the hardest: look at several.", b, mean[b-1], numSeeds, slices.Max(mean))
		}
	})
}

// CheckRate checks a learning rate and a momentum: with them, MLP(30) must reach a training accuracy
// above 0.92 in 3 epochs, not once but over 16 seeds, and over 48 others that the choice cannot have
// been fitted to.
func CheckRate(optimizer mnistlib.SGD) string {
	const lesson = "Rate and momentum go together: what counts is about rate/(1 - momentum)."
	return report(7, "learning rate and momentum", lesson, func() string {
		if optimizer.LR == 0 {
			return notSolved
		}
		const goal = 0.92
		reached, err := trainRate(optimizer, 1, 16)
		switch {
		case err != nil:
			return sentence(err)
		case reached.low > goal:
			others, err := trainRate(optimizer, otherSeed(optimizer), 48) // more, to be surer
			if err != nil {
				return sentence(err)
			}
			if others.low <= goal {
				return "The first 16 seeds are above 0.92, but others do not confirm it: who tries many settings on the same seeds finds one that suits just these. Look for settings that are better or vary less."
			}
			return ""
		case reached.mean > goal:
			return "The mean is above 0.92, but the interval reaches below it: other seeds might not confirm it. Look for settings that are better or vary less."
		case reached.best > goal:
			return "The best run beats 0.92, the mean does not: a single run would have been luck."
		case reached.first < 0.5:
			return "The runs have hardly begun to learn: a larger rate or more momentum gets further in 3 epochs."
		case reached.deviation > 0.03:
			return "The runs differ wildly, as steps that are too long make them: lower the rate or the momentum."
		default:
			return "No run gets there: try a larger rate, or more momentum at the same rate."
		}
	})
}

// reached tells how some runs fared: of their training accuracies after 3 epochs the mean, the standard
// deviation, where the mean's 95 % interval begins, and the best; and the mean after the first epoch.
type reached struct{ mean, deviation, low, best, first float64 }

// trainRate trains MLP(30) with numSeeds seeds, from the given one on, and prints what it reaches.
func trainRate(optimizer mnistlib.SGD, seed uint64, numSeeds int) (reached, error) {
	runs, err := mnistlib.TrainMany(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(),
		mnistlib.Config{Optimizer: optimizer, Epochs: 3, Seed: seed, Quiet: true, EvaluateEachEpoch: true}, numSeeds)
	if err != nil {
		return reached{}, err
	}
	var r reached
	var accuracy []float64
	for _, h := range runs {
		accuracy = append(accuracy, h.TrainAccuracy[2])
		r.first += h.TrainAccuracy[0] / float64(numSeeds)
	}
	r.mean, r.deviation = meanAndDeviation(accuracy)
	r.best = slices.Max(accuracy)
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(numSeeds - 1)}
	half := t.Quantile(0.975) * r.deviation / math.Sqrt(float64(numSeeds))
	r.low = r.mean - half
	fmt.Printf("Over the seeds %d to %d the mean training accuracy is %.4f (95 %% interval of the mean %.4f to %.4f, single runs %.4f to %.4f).\n",
		seed, seed+uint64(numSeeds)-1, r.mean, r.low, r.mean+half, slices.Min(accuracy), r.best)
	return r, nil
}

// otherSeed is a seed for checking an answer anew. Every answer has its own, so that none can have been
// chosen for its seeds, and the same answer is always checked alike.
func otherSeed(answer any) uint64 {
	hash := fnv.New32a()
	fmt.Fprintf(hash, "%+v", answer)
	return 1000 + uint64(hash.Sum32())
}

// CheckIgnored checks which weight of MLPBN{Hidden: 30, BeforeReLU: true} the loss does not depend on.
func CheckIgnored(name string) string {
	const lesson = "Batch norm subtracts the mean of each unit, and with it the bias that was added just before; its own β does that work."
	return report(11, "a weight that does nothing", lesson, func() string {
		if name == "" {
			return notSolved
		}
		model := mnistlib.MLPBN{Hidden: 30, BeforeReLU: true}
		weights, err := mnistlib.InitialWeights(model, 1)
		if err != nil {
			return sentence(err)
		}
		gradients, err := mnistlib.Gradients(model, weights, mnistlib.MNIST().Train.Slice(0, 64))
		if err != nil {
			return sentence(err)
		}
		var names []string
		for _, g := range gradients {
			names = append(names, g.Name)
			if g.Name != name {
				continue
			}
			largest := math.Max(slices.Max(g.Values), -slices.Min(g.Values))
			if largest < 1e-12 {
				return ""
			}
			return fmt.Sprintf("The gradient of %s reaches %.2g, so the loss does depend on it. Which number is added to a unit and taken away again at once?", name, largest)
		}
		if strings.HasPrefix(name, "bn.running") || name == "bn.num_batches_tracked" {
			return fmt.Sprintf("%s is not fitted to the loss at all, but evaluation uses it. Asked is a weight that training has a gradient for; they are %s.", name, strings.Join(names, ", "))
		}
		return fmt.Sprintf("The model has no weight %q; those with a gradient are %s.", name, strings.Join(names, ", "))
	})
}

// CheckInitialization checks draw(fanIn, random), which returns one initial weight of a layer that
// has fanIn inputs: starting from such weights, MLP(30) must learn, and so must a deeper network.
func CheckInitialization(draw func(fanIn int, random *rand.Rand) float64) string {
	const lesson = "Two things matter: the units of a layer must differ, and their sums must be neither huge nor tiny, which is why the spread shrinks as the number of inputs grows."
	return report(12, "initialization", lesson, func() string {
		const numSeeds = 6
		for _, network := range []struct {
			name           string
			model          mnistlib.Model
			goal           float64
			usual          float64 // what PyTorch's draw reaches
			slow, slowHint string
		}{
			{"MLP(30)", mnistlib.MLP{Hidden: 30}, 0.91, 0.93, "It learns, but slowly", "Are your weights very small, or all of one sign?"},
			{"the network with four hidden layers", deep{}, 0.8, 0.86, "MLP(30) learns, but four hidden layers of 30 units hardly", "From layer to layer the signal shrinks or grows: the spread that 784 inputs need is another than the one that 30 need, and weights of one sign do not cancel."},
		} {
			var sum, loss float64
			for seed := range uint64(numSeeds) {
				weights, wrong := drawn(network.model, draw, seed)
				if wrong != "" {
					return wrong
				}
				h, err := mnistlib.Train(network.model, mnistlib.MNIST(), mnistlib.Config{
					Optimizer: mnistlib.Adam{LR: 0.005}, Epochs: 3, Seed: seed + 1, Weights: weights, Quiet: true, EvaluateEachEpoch: true,
				})
				if err != nil {
					return sentence(err)
				}
				if twins(h.Weights[0]) {
					return fmt.Sprintf("All 30 hidden units are still the same after training (accuracy %.3f): equal units get equal gradients, so they stay equal, and the network has but one unit. Let each weight be drawn anew from random.", h.TrainAccuracy[2])
				}
				sum, loss = sum+h.TrainAccuracy[2], loss+h.Loss[0]
			}
			accuracy, loss := sum/numSeeds, loss/numSeeds
			fmt.Printf("Over %d seeds %s reaches a mean training accuracy of %.4f; the mean first loss is %.2f.\n", numSeeds, network.name, accuracy, loss)
			switch {
			case accuracy >= network.goal:
			case loss > 4:
				return fmt.Sprintf("The first loss is %.1f, far above ln 10 = 2.3, that of a network that knows nothing: yours is sure of wrong answers, since its sums are too large. Make the weights smaller where there are more inputs, and let as many be below 0 as above.", loss)
			default:
				return fmt.Sprintf("%s: %.3f after 3 epochs, while PyTorch's draw from ±1/√fanIn reaches about %.2f. %s", network.slow, accuracy, network.usual, network.slowHint)
			}
		}
		return ""
	})
}

// drawn are the initial weights of a model, all of them and the biases drawn by draw; wrong says why
// they are of no use.
func drawn(model mnistlib.Model, draw func(fanIn int, random *rand.Rand) float64, seed uint64) (weights mnistlib.Weights, wrong string) {
	source := &countingSource{Source: rand.NewPCG(seed, 0)}
	random := rand.New(source)
	weights, err := mnistlib.InitialWeights(model, 1)
	if err != nil {
		return nil, sentence(err)
	}
	allZero, fanIn := true, 0
	for _, w := range weights { // each weight stands before its bias, which has as many inputs
		if len(w.Shape) == 2 {
			fanIn = w.Shape[1]
		}
		for j := range w.Values {
			v := draw(fanIn, random)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Sprintf("For %d inputs you draw %v, which is no finite number.", fanIn, v)
			}
			w.Values[j] = v
			allZero = allZero && v == 0
		}
	}
	switch {
	case allZero && source.drawn > 0:
		return nil, "All your weights are 0, although you draw random numbers. fanIn is an int, and a quotient of two ints drops its fraction: 1/fanIn and 2/fanIn are 0 in Go. Write 2/float64(fanIn)."
	case allZero:
		return nil, notSolved
	}
	return weights, ""
}

// A countingSource counts the random numbers that are drawn from it.
type countingSource struct {
	rand.Source
	drawn int
}

func (s *countingSource) Uint64() uint64 {
	s.drawn++
	return s.Source.Uint64()
}

// deep has four hidden layers of 30 units. What an initialization does wrong, each of them does again.
type deep struct{}

func (deep) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	x = nn.Flatten(x)
	for i := range 4 {
		x = nn.ReLU(nn.Linear(fmt.Sprintf("layer%d", i+1), x, 30))
	}
	return nn.Linear("layer5", x, 10)
}

// twins is true if all rows of a matrix are the same.
func twins(w mnistlib.Weight) bool {
	in := w.Shape[1]
	for i := in; i < len(w.Values); i++ {
		if w.Values[i] != w.Values[i%in] {
			return false
		}
	}
	return true
}

// CheckCNN checks a convolutional network of the reader's own: with fewer parameters than the
// tutorial's, it must be better on the validation images, over 8 seeds and over 8 others.
func CheckCNN(model mnistlib.Model) string {
	const lesson = "Parameters are not what a network is good for; where they stand is."
	return report(13, "a network of your own", lesson, func() string {
		reference, err := mnistlib.Describe(mnistlib.CNN{})
		if err != nil {
			return sentence(err)
		}
		summary, err := mnistlib.Describe(model)
		if err != nil {
			return sentence(err)
		}
		if reflect.DeepEqual(summary.Layers, reference.Layers) {
			return notSolved
		}
		if summary.NumParameters >= reference.NumParameters {
			most := slices.MaxFunc(summary.Layers, func(a, b mnistlib.Layer) int { return a.NumParameters - b.NumParameters })
			return fmt.Sprintf("It has %d parameters; the tutorial's CNN has %d, and yours needs fewer. Most of them, %d, are in %s.",
				summary.NumParameters, reference.NumParameters, most.NumParameters, most.Name)
		}
		if !slices.ContainsFunc(summary.Layers, func(l mnistlib.Layer) bool { return l.Kind == "Conv2d" }) {
			return "It has no convolution at all; this exercise is about a convolutional network."
		}
		const numSeeds = 8
		// measure trains both networks from a seed on and compares their validation accuracies.
		measure := func(seed uint64) (mnistlib.Difference, error) {
			config := mnistlib.Config{Optimizer: mnistlib.Adam{LR: 0.005}, Epochs: 3, Seed: seed, Quiet: true, EvaluateEachEpoch: true}
			var runs [2][]*mnistlib.History
			for i, m := range []mnistlib.Model{model, mnistlib.CNN{}} {
				if runs[i], err = mnistlib.TrainMany(m, mnistlib.MNIST(), config, numSeeds); err != nil {
					return mnistlib.Difference{}, err
				}
			}
			_, yours := mnistlib.FinalAccuracies(runs[0])
			_, its := mnistlib.FinalAccuracies(runs[1])
			comparison, err := mnistlib.Compare(runs[0], runs[1])
			if err != nil {
				return mnistlib.Difference{}, err
			}
			d := comparison.Validation
			fmt.Printf("Yours has %d parameters and a validation accuracy of %.4f, the tutorial's %d and %.4f; the mean difference is %+.4f (95 %% interval %+.4f to %+.4f, seeds %d to %d).\n",
				summary.NumParameters, yours.Mean, reference.NumParameters, its.Mean, d.Mean, d.Low, d.High, seed, seed+numSeeds-1)
			return d, nil
		}
		d, err := measure(1)
		switch {
		case err != nil:
			return sentence(err)
		case d.Low > 0:
			if d, err = measure(otherSeed(summary)); err != nil {
				return sentence(err)
			}
			if d.Low <= 0 {
				return "It is better with the first 8 seeds, but others do not confirm it: who tries many networks on the same seeds finds one that suits just these. Look for a larger difference."
			}
			return ""
		case d.Mean > 0:
			return "It is better on average, but the interval holds 0: that may be luck. Look for a larger difference."
		default:
			return "It is small enough, but not better. A third round of pooling frees most of the last layer's parameters for more channels, and there is batch normalization."
		}
	})
}
