package exercises

import (
	"fmt"
	"math"
)

// CheckCrossEntropy checks loss(logits, label): the cross-entropy of the softmax of the logits for
// one image, in nats.
func CheckCrossEntropy(loss func(logits []float64, label int) float64) string {
	const lesson = "A network that knows nothing gives each digit 1/10, so its loss is ln 10 = 2.303: that is where the curves begin."
	return report(2, "softmax and cross-entropy", lesson, func() string {
		logits := []float64{2, -1, 0.5}
		got := loss(logits, 2)
		if got == 0 {
			return notSolved
		}
		if logits[0] != 2 || logits[1] != -1 || logits[2] != 0.5 {
			return "Your function changes the logits that it is given; the caller may still need them."
		}
		var sum float64
		for _, z := range logits {
			sum += math.Exp(z)
		}
		right := math.Log(sum) - 0.5
		wrong := compare("the logits 2, -1, 0.5 and the label 2", []float64{got}, []float64{right},
			mistake{[]float64{-right}, "The sign is wrong: a loss falls as the label's probability grows, so take MINUS its logarithm."},
			mistake{[]float64{math.Exp(-right)}, "That is the label's probability; the loss is minus its logarithm."},
			mistake{[]float64{-logits[2]}, "That is minus the label's logit: the logits must be normalized first, by subtracting log Σ exp."},
			mistake{[]float64{right / math.Ln2}, "Your logarithm has base 2; use the natural one, math.Log."},
			mistake{[]float64{right / math.Ln10}, "Your logarithm has base 10; use the natural one, math.Log."},
			mistake{[]float64{right / 3}, "You divide by the number of classes; the loss of one image is just -log of its label's probability."},
			mistake{[]float64{math.Log(sum) - logits[0]}, "That is the loss for the label 0: use the label that is given."},
		)
		if wrong != "" {
			return wrong
		}
		if z := []float64{1000, 999, 998}; !(math.Abs(loss(z, 0)-0.4076059644443804) < 1e-9) {
			return fmt.Sprintf("For the logits 1000, 999, 998 your loss is %v instead of 0.40761: exp(1000) is too large for a float64. Softmax does not change if the same number is subtracted from all logits; subtract the largest.", loss(z, 0))
		}
		if z := []float64{0, 1000}; !(math.Abs(loss(z, 0)-1000) < 1e-9) {
			return fmt.Sprintf("For the logits 0, 1000 and the label 0 your loss is %v instead of 1000: the probability rounds to 0 before its logarithm is taken. Write the logarithm out: log Σ exp(z) - z[label].", loss(z, 0))
		}
		return ""
	})
}
