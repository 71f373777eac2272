package exercises

import (
	"fmt"
	"math"
)

// CheckMomentum checks step(w, v, g, lr, momentum): the weight and the velocity after a step of SGD
// with momentum, from the weight w, the velocity v and the gradient g.
func CheckMomentum(step func(w, v, g, lr, momentum float64) (newW, newV float64)) string {
	const lesson = "With a steady gradient the velocity grows to 1/(1-0.9) = 10 times the gradient: a momentum of 0.9 lets 0.05 go as far as 0.5 without it."
	return report(6, "momentum", lesson, func() string {
		const lr, momentum = 0.1, 0.9
		w1, v1 := step(5, 0, 2, lr, momentum)
		if w1 == 0 && v1 == 0 {
			return notSolved
		}
		// The first step starts from rest: what is wrong here is not the memory.
		wrong := compare("the first step, from w = 5, v = 0 with g = 2 and rate 0.1, (w, v)", []float64{w1, v1}, []float64{4.8, 2},
			mistake{[]float64{5.2, 2}, "Your weight moves up the gradient, so the loss grows: subtract the step."},
			mistake{[]float64{3, 2}, "Your weight moves by the whole velocity: multiply it by the learning rate."},
			mistake{[]float64{4.98, 0.2}, "Your v takes only 1 - 0.9 of the gradient, as a running mean would (and as Adam does). In PyTorch's SGD it takes the whole gradient: v ← 0.9·v + g."},
			mistake{[]float64{4.8, 0.2}, "Your v holds the learning rate already. That is another textbook's momentum; in PyTorch's, v is a sum of gradients, and the rate comes in where the weight moves."},
			mistake{[]float64{4.62, 2}, "That is Nesterov's momentum, which looks a step ahead; the plain one moves the weight by the new velocity alone: w ← w - rate·v."},
			mistake{[]float64{5, 2}, "Your weight moves by the OLD velocity, so the first step is lost: use the new v."},
		)
		if wrong != "" {
			return wrong
		}
		w2, v2 := step(w1, v1, 1, lr, momentum)
		wrong = compare("a second step, from w = 4.8, v = 2 with g = 1, (w, v)", []float64{w2, v2}, []float64{4.52, 2.8},
			mistake{[]float64{4.7, 1}, "Your v does not include the old velocity: after two steps with the gradients 2 and 1 it should be 0.9·2 + 1 = 2.8, but is 1."},
			mistake{[]float64{4.5, 3}, "Your v never forgets: multiply the old velocity by the momentum, 0.9·2 + 1 = 2.8."},
			mistake{[]float64{4.53, 2.7}, "You multiply the gradient by the momentum; it belongs to the old velocity: 0.9·2 + 1 = 2.8."},
			mistake{[]float64{4.53, 2.8}, "Your v is right, but the weight moves by another number: w ← w - rate·v."},
			mistake{[]float64{4.7, 2.8}, "Your v is right, but the weight moves by the gradient: w ← w - rate·v."},
		)
		if wrong != "" {
			return wrong
		}
		// A momentum that is not 1 - rate.
		w, v := step(1, 3, -2, 0.5, 0.25)
		if wrong := compare("another rate and momentum, 0.5 and 0.25, a step from w = 1, v = 3 with g = -2, (w, v)", []float64{w, v}, []float64{1.625, -1.25}); wrong != "" {
			return wrong + " Use the rate and the momentum that are given."
		}
		return ""
	})
}

// CheckAdam checks step(w, m, v, g, lr, t): the weight and both averages after step t of Adam,
// counted from 1, with β₁ = 0.9, β₂ = 0.999 and ε = 1e-8.
func CheckAdam(step func(w, m, v, g, lr float64, t int) (newW, newM, newV float64)) string {
	const lesson = "Adam's first step has the size of the learning rate whatever the gradient's: that is why its rate is chosen so much smaller than that of SGD."
	return report(8, "Adam", lesson, func() string {
		const lr, g = 0.01, 4.0
		w1, m1, v1 := step(1, 0, 0, g, lr, 1)
		if w1 == 0 && m1 == 0 && v1 == 0 {
			return notSolved
		}
		wrong := compare("the averages (m, v) after the first step, with g = 4,", []float64{m1, v1}, []float64{0.4, 0.016},
			mistake{[]float64{4, 16}, "You return the corrected averages; keep m and v as they are and correct only what moves the weight, or the correction is applied again and again."},
			mistake{[]float64{0.4, 0.004}, "Your v averages the gradient; it averages its square."},
			mistake{[]float64{3.6, 15.984}, "The shares are swapped: m keeps 0.9 of itself and takes 0.1 of the gradient, v keeps 0.999 and takes 0.001."},
			mistake{[]float64{4, 0.016}, "Your m takes the whole gradient, as SGD's velocity does; Adam's is an average and takes 0.1 of it."},
		)
		if wrong != "" {
			return wrong
		}
		wrong = compare("the first step from w = 1 with g = 4 and rate 0.01, w", []float64{w1}, []float64{0.99},
			mistake{[]float64{1 - lr*0.4/(math.Sqrt(0.016)+1e-8)}, "The bias correction is missing. Both averages start at 0 and are too small at first: divide m by 1 - 0.9ᵗ and v by 1 - 0.999ᵗ."},
			mistake{[]float64{1 - lr*4/(math.Sqrt(0.016)+1e-8)}, "You correct m, but not v: divide v by 1 - 0.999ᵗ before the root."},
			mistake{[]float64{1 - lr*0.4/(4+1e-8)}, "You correct v, but not m: divide m by 1 - 0.9ᵗ."},
			mistake{[]float64{1 - lr*4/(16+1e-8)}, "You divide by v; divide by its square root."},
			mistake{[]float64{1.01}, "Your weight moves up the gradient, so the loss grows: subtract the step."},
			mistake{[]float64{1 - lr*(0.4/(1-0.81))/(math.Sqrt(0.016/(1-0.998001))+1e-8)}, "Your correction is that of step 2 in step 1: t is counted from 1 already."},
		)
		if wrong != "" {
			return wrong
		}
		w, m, v := 1.0, 0.0, 0.0
		wantW, wantM, wantV := 1.0, 0.0, 0.0
		firstW := 1.0 // of a learner who corrects as if every step were the first
		for i, g := range []float64{4, -1, 2} {
			w, m, v = step(w, m, v, g, lr, i+1)
			wantW, wantM, wantV = adam(wantW, wantM, wantV, g, lr, i+1)
			firstW -= lr * wantM / 0.1 / (math.Sqrt(wantV/0.001) + 1e-8)
		}
		wrong = compare("three steps with the gradients 4, -1, 2, (w, m, v)", []float64{w, m, v}, []float64{wantW, wantM, wantV},
			mistake{[]float64{firstW, wantM, wantV}, "Your correction is that of the first step in all of them: raise β to the power t."},
		)
		if wrong != "" {
			return wrong
		}
		w, m, v = step(-2, 0.5, 0.3, -1, 0.1, 1000)
		wantW, wantM, wantV = adam(-2, 0.5, 0.3, -1, 0.1, 1000)
		wrong = compare("another rate, 0.1, step 1000 from w = -2, m = 0.5, v = 0.3 with g = -1, (w, m, v)", []float64{w, m, v}, []float64{wantW, wantM, wantV})
		if wrong != "" {
			return wrong
		}
		if w, _, _ := step(1, 0, 0, 0, lr, 1); w != 1 {
			return fmt.Sprintf("With a gradient of 0 the weight becomes %v; it should stay 1. Add ε = 1e-8 to the root, so that 0 is not divided by 0.", w)
		}
		// For a gradient as small as ε it shows where ε stands. Kingma and Ba's efficient form adds it
		// to the root of the v that is not corrected, and is as right.
		w, m, v = step(1, 0, 0, 1e-8, lr, 1)
		efficient := 1 - lr*math.Sqrt(0.001)/0.1*m/(math.Sqrt(v)+1e-8)
		if equal([]float64{w}, []float64{efficient}) {
			return ""
		}
		const inside = "ε is added inside the root; add it to the root itself: √v + ε. For tiny gradients the two differ."
		return compare("the first step from w = 1 with g = 1e-8, w", []float64{w}, []float64{0.995},
			mistake{[]float64{1 - lr}, "ε is missing for small gradients: add 1e-8 to the root always, not only where the root is 0."},
			mistake{[]float64{1 - lr*1e-8/math.Sqrt(1e-16+1e-8)}, inside},
			mistake{[]float64{1 - lr*1e-8/math.Sqrt(1e-16+1e-16)}, inside},
		)
	})
}

// adam is a step as its authors write it: Kingma and Ba, "Adam: a method for stochastic
// optimization", 2015, algorithm 1.
func adam(w, m, v, g, lr float64, t int) (newW, newM, newV float64) {
	m, v = 0.9*m+0.1*g, 0.999*v+0.001*g*g
	first, second := 1-math.Pow(0.9, float64(t)), 1-math.Pow(0.999, float64(t))
	return w - lr*m/first/(math.Sqrt(v/second)+1e-8), m, v
}
