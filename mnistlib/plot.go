package mnistlib

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Plot shows the loss and the accuracies of the runs, each in a figure: see [LossCurve] and [AccuracyCurve].
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
	f := figureOf(runs)
	groups := byLabel(runs)
	if len(groups) > 1 {
		f.Title = "Loss, " + f.Title
	}
	f.addCharts(lossChart(wide, groups))
	return f
}

// AccuracyCurve draws the accuracy on the training and on the validation images, in one panel for
// runs of one Name, and beside each other for several. Runs of one Name are drawn as their mean,
// with a band from the smallest to the largest and a dot for each run's last accuracy.
func AccuracyCurve(runs ...*History) *Figure {
	f := figureOf(runs)
	groups := byLabel(runs)
	if len(groups) < 2 {
		f.addCharts(accuracyChart(wide, groups, trainAccuracy, validationAccuracy))
		return f
	}
	f.Title = "Accuracy, " + f.Title
	train, validation := accuracyChart(narrow, groups, trainAccuracy), accuracyChart(narrow, groups, validationAccuracy)
	train.title, validation.title = "on the training images", "on the validation images"
	low := min(train.y.min, validation.y.min) // the same axis, to compare them
	train.y, validation.y = accuracyAxis(low), accuracyAxis(low)
	f.addCharts(train, validation)
	return f
}

// The widths of a chart that stands alone and of one that stands beside another, in pixels.
const wide, narrow = 680, 350

// A quantity is what a history has a curve of.
type quantity struct {
	words string // what it is called in a description
	name  string // and in a legend
	of    func(*History) xy
	best  string // "lowest" or "highest"
}

var (
	batchLoss          = quantity{"Loss", "training", func(h *History) xy { return xy{oneTo(len(h.Loss)), h.Loss} }, "lowest"}
	trainAccuracy      = quantity{"Training accuracy", "training", func(h *History) xy { return xy{floats(h.Evaluated), h.TrainAccuracy} }, "highest"}
	validationAccuracy = quantity{"Validation accuracy", "validation", func(h *History) xy { return xy{floats(h.Evaluated), h.ValidationAccuracy} }, "highest"}
)

// oneTo is 1, 2, …, n.
func oneTo(n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = float64(i + 1)
	}
	return s
}

func floats(ints []int) []float64 {
	s := make([]float64, len(ints))
	for i := range s {
		s[i] = float64(ints[i])
	}
	return s
}

func lossChart(width float64, groups []group) *chart {
	ch := historyChart(width, groups, batchLoss)
	_, largest := ch.rangeY()
	ch.y = newAxis("loss (mean cross-entropy)", 0, largest, 5)
	return ch
}

func accuracyChart(width float64, groups []group, quantities ...quantity) *chart {
	ch := historyChart(width, groups, quantities...)
	smallest, _ := ch.rangeY()
	ch.y = accuracyAxis(smallest)
	return ch
}

// accuracyAxis shows everything from the smallest accuracy up to 1; if there is none, from 0.
func accuracyAxis(smallest float64) axis {
	if math.IsInf(smallest, 1) {
		smallest = 0
	}
	return newAxis("accuracy", min(smallest, 0.9), 1, 5)
}

// historyChart draws quantities of groups of runs by iteration: several of one group, or one of several.
func historyChart(width float64, groups []group, quantities ...quantity) *chart {
	ch := &chart{width: width, height: 320}
	for _, g := range groups {
		for _, q := range quantities {
			name, words := q.name, q.words
			if len(groups) > 1 {
				name, words = g.label, q.words+" of "+g.label
			}
			ch.addRuns(name, words, q, g.runs)
		}
	}
	last := 0.0
	for _, c := range ch.curves {
		if n := len(c.x); n > 0 {
			last = max(last, c.x[n-1])
		}
	}
	ch.spanIterations(last)
	for k := range ch.points { // beside one another, to the right of the curves
		shift := last * 0.02 * float64(k+1)
		p := &ch.points[k]
		for _, x := range p.trueX {
			p.x = append(p.x, x+shift)
		}
		ch.x.max = last + shift + 0.01*last
	}
	return ch
}

// spanIterations gives the chart an axis from 0 to the last iteration, or to 10 so that its ticks
// are whole iterations.
func (ch *chart) spanIterations(last float64) {
	last = max(last, 10)
	ch.x = newAxis("iteration", 0, last, int(ch.width/60))
	ch.x.max = last
}

// addRuns adds the curve of one run, or the mean and range of several.
func (ch *chart) addRuns(name, words string, q quantity, histories []*History) {
	c := curve{name: name}
	if len(histories) == 1 {
		r := q.of(histories[0])
		c.x, c.y = r.x, r.y
	} else {
		last := points{name: name}
		var runs []xy
		for _, h := range histories {
			r := q.of(h).measured()
			runs = append(runs, r)
			if n := len(r.x); n > 0 {
				last.trueX, last.y = append(last.trueX, r.x[n-1]), append(last.y, r.y[n-1])
			}
		}
		c.x, c.y, c.low, c.high = meanAndRange(runs)
		ch.points = append(ch.points, last)
		words += fmt.Sprintf(", mean of %d runs", len(runs))
	}
	ch.curves = append(ch.curves, c)
	ch.words = append(ch.words, c.describe(words, q.best, "iteration"))
}

// describe says where a curve begins and ends and what its best value is.
func (c *curve) describe(what, best, x string) string {
	if len(c.x) == 0 {
		return what + ": nothing was measured."
	}
	value := func(i int) string {
		s := fmt.Sprintf("%.4g", c.y[i])
		if c.low != nil {
			s += fmt.Sprintf(" (%.4g to %.4g)", c.low[i], c.high[i])
		}
		return s + fmt.Sprintf(" at %s %.6g", x, c.x[i])
	}
	place := -1
	for i, v := range c.y {
		if finite(v) && (place < 0 || best == "lowest" && v < c.y[place] || best == "highest" && v > c.y[place]) {
			place = i
		}
	}
	s := fmt.Sprintf("%s: first %s, last %s", what, value(0), value(len(c.x)-1))
	if place >= 0 {
		s += fmt.Sprintf(", %s %s", best, value(place))
	}
	return s + "."
}

// maxValues is how many numbers a figure draws of all its curves together, where a curve with a
// band has three at a point; more are thinned. It keeps the figure in a notebook under 300 KB.
const maxValues = 6000

// addCharts puts charts beside one another.
func (f *Figure) addCharts(charts ...*chart) {
	curves := 0
	for _, ch := range charts {
		curves += len(ch.curves)
	}
	var words []string
	for _, ch := range charts {
		for k := range ch.curves {
			ch.curves[k].thin(maxValues / curves)
		}
		words = append(words, ch.words...)
		f.panels = append(f.panels, ch)
	}
	f.columns = len(charts)
	f.Description = strings.Join(words, "\n")
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

// figureOf is a figure of the runs with its titles and no panels yet.
func figureOf(runs []*History) *Figure {
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
