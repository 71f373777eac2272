package exercises

import (
	"fmt"
	"math"
	"slices"
)

// CheckCrossEntropy checks loss(logits, label): the cross-entropy of the softmax of the logits for
// one image, in nats.
func CheckCrossEntropy(loss func(logits []float64, label int) float64) string {
	const lesson = "A network that knows nothing gives each digit 1/10, so its loss is ln 10 = 2.303: that is where the curves begin."
	return report(2, "softmax and cross-entropy", lesson, func() string {
		logits := []float64{2, -1, 0.5}
		got := loss(slices.Clone(logits), 2)
		if got == 0 {
			return notSolved
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
		few := math.Log(math.Exp(0) + math.Exp(-1)) // of two logits that differ by 1
		for _, c := range []struct {
			logits []float64
			label  int
			want   float64
			says   string
		}{
			{[]float64{1000, 999}, 0, few, "exp(1000) is too large for a float64. Softmax does not change if the same number is subtracted from all logits; subtract the largest."},
			{[]float64{-1000, -1001}, 0, few, "exp(-1000) is too small for a float64, so every exp is 0. Subtract the largest logit, here -1000: its search must start from one of the logits, not from 0."},
			{[]float64{0, 5000}, 1, 0, "The exp of a difference is too large for a float64. What you subtract from all logits must be the LARGEST of them, not the first or the mean."},
			{[]float64{5000, 0}, 0, 0, "The exp of a difference is too large for a float64. What you subtract from all logits must be the LARGEST of them, not the last."},
			{[]float64{7}, 0, 0, "A single class has the probability 1."},
			{[]float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 9, math.Ln10, "Ten equal logits give each class 1/10."},
		} {
			got := loss(slices.Clone(c.logits), c.label)
			asked := fmt.Sprintf("the logits %s and the label %d", numbers(c.logits, 5), c.label)
			if wrong := compare(asked, []float64{got}, []float64{c.want}); wrong != "" {
				return wrong + " " + c.says
			}
		}
		wrong = compare("the logits 0, 5000 and the label 0", []float64{loss([]float64{0, 5000}, 0)}, []float64{5000})
		switch {
		case wrong == "":
			return ""
		case math.IsInf(loss([]float64{0, 708, 708, 708, 708, 708, 708, 708, 708}, 0), 1): // the sum of their exp is infinite, their share is not 0
			return wrong + " The sum of exp is too large for a float64. What you subtract from all logits must be the LARGEST of them, not the label's."
		default:
			return wrong + " The label's probability, exp(-5000), is too small for a float64 and becomes 0 before its logarithm is taken. Write the logarithm out: log Σ exp(z) - z[label]."
		}
	})
}
