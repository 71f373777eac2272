package mnistlib

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// Plot shows the loss and the accuracies of the runs, each in a figure: see LossCurve and AccuracyCurve.
func Plot(runs ...*History) error {
	if err := LossCurve(runs...).Show(); err != nil {
		return err
	}
	return AccuracyCurve(runs...).Show()
}

// LossCurve draws the loss of each iteration's batch. Runs of one Name are drawn as their mean,
// with a band from the smallest to the largest and a dot for each run's last loss; each Name has
// its colour.
func LossCurve(runs ...*History) *Figure {
	f := curvesFigure(runs)
	groups := byLabel(runs)
	if len(groups) > 1 {
		f.Title = "Loss, " + f.Title
	}
	loss := func(h *History) xy {
		r := xy{y: h.Loss}
		for i := range h.Loss {
			r.x = append(r.x, float64(i+1))
		}
		return r
	}
	ch := &chart{width: 680, height: 320}
	var words []string
	for _, g := range groups {
		words = append(words, ch.addRuns(g.label, g.runs, loss, fmt.Sprintf("Loss of %s", g.label), lowest))
	}
	ch.fitX(groups)
	ch.y = newAxis("loss (mean cross-entropy)", 0, largestY(ch), 5)
	f.panels, f.columns = []panel{ch}, 1
	f.Description = strings.Join(words, "\n")
	return f
}

// AccuracyCurve draws the accuracy on the training and on the validation images, in one panel for
// runs of one Name, and beside each other for several. Runs of one Name are drawn as their mean,
// with a band from the smallest to the largest and a dot for each run's last accuracy.
func AccuracyCurve(runs ...*History) *Figure {
	f := curvesFigure(runs)
	groups := byLabel(runs)
	accuracy := func(values func(*History) []float64) func(*History) xy {
		return func(h *History) xy {
			r := xy{y: values(h)}
			for _, i := range h.Evaluated {
				r.x = append(r.x, float64(i))
			}
			return r
		}
	}
	train := accuracy(func(h *History) []float64 { return h.TrainAccuracy })
	validation := accuracy(func(h *History) []float64 { return h.ValidationAccuracy })

	var charts []*chart
	var words []string
	if len(groups) <= 1 {
		ch := &chart{width: 680, height: 320}
		charts = []*chart{ch}
		for _, g := range groups {
			words = append(words,
				ch.addRuns("training", g.runs, train, "Training accuracy", highest),
				ch.addRuns("validation", g.runs, validation, "Validation accuracy", highest))
		}
	} else {
		f.Title = "Accuracy, " + f.Title
		left := &chart{title: "on the training images", width: 350, height: 320}
		right := &chart{title: "on the validation images", width: 350, height: 320}
		charts = []*chart{left, right}
		for _, g := range groups {
			words = append(words,
				left.addRuns(g.label, g.runs, train, "Training accuracy of "+g.label, highest),
				right.addRuns(g.label, g.runs, validation, "Validation accuracy of "+g.label, highest))
		}
	}
	low := math.Inf(1)
	for _, ch := range charts {
		low = min(low, smallestY(ch))
	}
	if math.IsInf(low, 1) {
		low = 0 // nothing was measured
	}
	low = min(low, 0.9)
	for _, ch := range charts {
		ch.fitX(groups)
		ch.y = newAxis("accuracy", low, 1, 5)
		f.panels = append(f.panels, ch)
	}
	f.columns = len(charts)
	f.Description = strings.Join(words, "\n")
	return f
}

// A group is the runs of one name.
type group struct {
	label string
	runs  []*History
}

// byLabel groups the runs, in the order in which their names first appear.
func byLabel(runs []*History) []group {
	var groups []group
	for _, h := range runs {
		i := slices.IndexFunc(groups, func(g group) bool { return g.label == h.label() })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{label: h.label()})
		}
		groups[i].runs = append(groups[i].runs, h)
	}
	return groups
}

// curvesFigure is a figure of the runs with its titles and no panels.
func curvesFigure(runs []*History) *Figure {
	groups := byLabel(runs)
	f := &Figure{}
	switch {
	case len(runs) == 0:
		f.Title = "No runs"
	case len(runs) == 1:
		f.Title = fmt.Sprintf("%s, seed %d", runs[0].label(), runs[0].Seed)
	case len(groups) == 1:
		f.Title = fmt.Sprintf("%s, %d runs", groups[0].label, len(runs))
	default:
		f.Title = fmt.Sprintf("%d settings compared", len(groups))
	}

	var notes []string
	if len(runs) > len(groups) {
		notes = append(notes, fmt.Sprintf("line: mean of %s; band: smallest to largest; dots at the right: each run's last value", counts(groups)))
	}
	interrupted, diverged := 0, 0
	for _, h := range runs {
		if h.Interrupted {
			interrupted++
		}
		if slices.ContainsFunc(h.Loss, func(v float64) bool { return !finite(v) }) {
			diverged++
		}
	}
	if len(runs) == 1 {
		h := runs[0]
		if interrupted > 0 {
			notes = append(notes, "interrupted after "+count(len(h.Loss), "iteration"))
		}
		if diverged > 0 {
			i := slices.IndexFunc(h.Loss, func(v float64) bool { return !finite(v) })
			notes = append(notes, fmt.Sprintf("diverged: the loss is not finite at iteration %d", i+1))
		}
	} else {
		if interrupted > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d runs were interrupted", interrupted, len(runs)))
		}
		if diverged > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d runs diverged: their loss is not finite at some iteration", diverged, len(runs)))
		}
	}
	f.Subtitle = strings.Join(notes, "; ")
	return f
}

// count says "1 run" or "2 runs".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// counts says how many runs the groups have: "16 runs", or "5 to 16 runs".
func counts(groups []group) string {
	fewest, most := len(groups[0].runs), len(groups[0].runs)
	for _, g := range groups {
		fewest, most = min(fewest, len(g.runs)), max(most, len(g.runs))
	}
	if fewest == most {
		return fmt.Sprintf("%d runs", most)
	}
	return fmt.Sprintf("%d to %d runs", fewest, most)
}

// xy is the points of one curve of one run, by growing x.
type xy struct{ x, y []float64 }

// maxPoints is how many points a figure draws of all its curves together; longer ones are thinned.
// It keeps the figure in a notebook under 300 KB.
const maxPoints = 6000

// addRuns adds the runs' curves as one, and says in words what it shows.
func (ch *chart) addRuns(name string, histories []*History, of func(*History) xy, what string, best func([]float64) (string, int)) string {
	var runs []xy
	last := points{name: name}
	for _, h := range histories {
		r := of(h).measured()
		if len(histories) == 1 {
			r = of(h) // with its breaks
		}
		runs = append(runs, r)
		if n := len(r.x); n > 0 {
			last.x, last.y = append(last.x, r.x[n-1]), append(last.y, r.y[n-1])
		}
	}
	c := curve{name: name}
	if len(runs) == 1 {
		c.x, c.y = runs[0].x, runs[0].y
	} else {
		c.x, c.y, c.low, c.high = meanAndRange(runs)
		last.trueX = last.x
		ch.points = append(ch.points, last)
	}
	ch.curves = append(ch.curves, c)
	return c.words(what, len(runs), best)
}

// words describes a curve.
func (c *curve) words(what string, runs int, best func([]float64) (string, int)) string {
	if len(c.x) == 0 {
		return what + ": nothing was measured."
	}
	if runs > 1 {
		what += fmt.Sprintf(", mean of %d runs", runs)
	}
	value := func(i int) string {
		if c.low == nil {
			return fmt.Sprintf("%.4g", c.y[i])
		}
		return fmt.Sprintf("%.4g (%.4g to %.4g)", c.y[i], c.low[i], c.high[i])
	}
	end := len(c.x) - 1
	words := fmt.Sprintf("%s: %s at iteration %.0f, %s at iteration %.0f", what, value(0), c.x[0], value(end), c.x[end])
	if word, i := best(c.y); i >= 0 {
		words += fmt.Sprintf(", %s %s at iteration %.0f", word, value(i), c.x[i])
	}
	return words + "."
}

func highest(y []float64) (string, int) {
	return "highest", extreme(y, func(a, b float64) bool { return a > b })
}
func lowest(y []float64) (string, int) {
	return "lowest", extreme(y, func(a, b float64) bool { return a < b })
}

// extreme is the first place of the value that beats all others; -1 if none is finite.
func extreme(y []float64, beats func(a, b float64) bool) int {
	place := -1
	for i, v := range y {
		if finite(v) && (place < 0 || beats(v, y[place])) {
			place = i
		}
	}
	return place
}

// measured is the curve without what is not finite.
func (r xy) measured() xy {
	var m xy
	for i := range r.x {
		if finite(r.y[i]) {
			m.x, m.y = append(m.x, r.x[i]), append(m.y, r.y[i])
		}
	}
	return m
}

// at is the curve's height at x, between its points on the straight line; ok is false before its
// first and after its last.
func (r xy) at(x float64) (y float64, ok bool) {
	i := sort.SearchFloat64s(r.x, x)
	switch {
	case i == len(r.x), i == 0 && r.x[0] > x:
		return 0, false
	case r.x[i] == x:
		return r.y[i], true
	}
	t := (x - r.x[i-1]) / (r.x[i] - r.x[i-1])
	return r.y[i-1] + t*(r.y[i]-r.y[i-1]), true
}

// meanAndRange returns, wherever one of the runs was measured, the mean, the smallest and the
// largest of those that reach there.
func meanAndRange(runs []xy) (x, mean, low, high []float64) {
	for _, r := range runs {
		x = append(x, r.x...)
	}
	slices.Sort(x)
	x = slices.Compact(x)
	for _, x := range x {
		sum, n, smallest, largest := 0.0, 0.0, math.Inf(1), math.Inf(-1)
		for _, r := range runs {
			if y, ok := r.at(x); ok {
				sum, n, smallest, largest = sum+y, n+1, min(smallest, y), max(largest, y)
			}
		}
		mean, low, high = append(mean, sum/n), append(low, smallest), append(high, largest)
	}
	return x, mean, low, high
}

// fitX gives the chart its iterations, thins the curves and sets the last values of each group apart.
func (ch *chart) fitX(groups []group) {
	last := 10.0
	for _, c := range ch.curves {
		if n := len(c.x); n > 0 {
			last = max(last, c.x[n-1])
		}
	}
	ch.x = newAxis("iteration", 0, last, int(ch.width/60))
	ch.x.max = last
	for k := range ch.points {
		p := &ch.points[k]
		shift := last * 0.02 * float64(k+1)
		p.x = slices.Clone(p.trueX)
		for i := range p.x {
			p.x[i] += shift
		}
		ch.x.max = last + shift + 0.01*last
	}

	panels := 1
	if len(groups) > 1 {
		panels = 2
	}
	limit := maxPoints / (panels * max(1, len(ch.curves)))
	for k := range ch.curves {
		c := &ch.curves[k]
		columns := [][]float64{c.y}
		if c.low != nil {
			columns = append(columns, c.low, c.high)
		}
		keep := thin(len(c.x), limit, columns...)
		c.x, c.y, c.low, c.high = pick(c.x, keep), pick(c.y, keep), pick(c.low, keep), pick(c.high, keep)
	}
}

func largestY(ch *chart) float64  { _, largest := ch.rangeY(); return largest }
func smallestY(ch *chart) float64 { smallest, _ := ch.rangeY(); return smallest }

// rangeY is the smallest and the largest finite value in the chart.
func (ch *chart) rangeY() (smallest, largest float64) {
	smallest, largest = math.Inf(1), math.Inf(-1)
	for _, c := range ch.curves {
		for _, values := range [][]float64{c.y, c.low, c.high} {
			for _, v := range values {
				if finite(v) {
					smallest, largest = min(smallest, v), max(largest, v)
				}
			}
		}
	}
	return smallest, largest
}
