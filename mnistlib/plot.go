package mnistlib

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// Plot shows the loss and the accuracies of the runs, each in a figure: see [LossCurve] and [AccuracyCurve].
func Plot(runs ...*History) error {
	if err := LossCurve(runs...).Show(); err != nil {
		return err
	}
	return AccuracyCurve(runs...).Show()
}

// LossCurve draws the loss of each iteration's batch. Runs of one Name and the same
// settings are drawn as their mean, with a band from the smallest to the largest and a dot for each
// run's last loss. Where few losses are far above the others, the axis leaves them out, and the
// subtitle says so.
func LossCurve(runs ...*History) *Figure {
	f := figureOf(runs)
	groups := bySettings(runs)
	if len(groups) > 1 {
		f.Title = "Loss, " + f.Title
	}
	ch, note := lossChart(chart.Wide, groups)
	f.note(note)
	f.addCharts(ch)
	return f
}

// AccuracyCurve draws the accuracy on the training and on the validation images, in one panel for
// runs of one setting, and beside each other for several. Runs of one Name and the same settings are
// drawn as their mean, with a band from the smallest to the largest and a dot for each run's last accuracy.
func AccuracyCurve(runs ...*History) *Figure {
	f := figureOf(runs)
	groups := bySettings(runs)
	if len(groups) < 2 {
		f.addCharts(accuracyChart(chart.Wide, groups, trainAccuracy, validationAccuracy))
		return f
	}
	f.Title = "Accuracy, " + f.Title
	train, validation := accuracyChart(chart.Narrow, groups, trainAccuracy), accuracyChart(chart.Narrow, groups, validationAccuracy)
	train.Title, validation.Title = "on the training images", "on the validation images"
	low := min(train.Y.Min, validation.Y.Min) // the same axis, to compare them
	train.Y, validation.Y = accuracyAxis(low), accuracyAxis(low)
	f.addCharts(train, validation)
	return f
}

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

// lossChart draws the losses. If wild ones would flatten the others, the axis ends below them, and the
// note says so.
func lossChart(width float64, groups []group) (ch *chart.Chart, note string) {
	ch = historyChart(width, groups, batchLoss)
	_, largest := ch.RangeY()
	if usual := largestUsual(ch.Curves); largest > usual {
		note = fmt.Sprintf("the axis leaves out losses far above the others, up to %.3g", largest)
		largest = usual
	}
	ch.Y = chart.NewAxis("loss (mean cross-entropy)", 0, largest, 5)
	return ch, note
}

// largestUsual is the largest value that is not wild. Wild are losses and ends of bands above five times
// the median loss or, where that is more, above five times what guessing costs.
func largestUsual(curves []chart.Curve) float64 {
	var losses, drawn []float64
	for _, c := range curves {
		losses = append(losses, c.Y...)
		drawn = slices.Concat(drawn, c.Y, c.High)
	}
	losses = slices.DeleteFunc(losses, func(v float64) bool { return !finite(v) })
	limit := math.Log(NumClasses)
	if len(losses) > 0 {
		slices.Sort(losses)
		limit = max(limit, stat.Quantile(0.5, stat.Empirical, losses, nil))
	}
	largest := math.Inf(-1)
	for _, v := range drawn {
		if finite(v) && v <= 5*limit {
			largest = max(largest, v)
		}
	}
	return largest
}

func accuracyChart(width float64, groups []group, quantities ...quantity) *chart.Chart {
	ch := historyChart(width, groups, quantities...)
	smallest, _ := ch.RangeY()
	ch.Y = accuracyAxis(smallest)
	return ch
}

// accuracyAxis shows everything from the smallest accuracy up to 1; if there is none, from 0.
func accuracyAxis(smallest float64) chart.Axis {
	if math.IsInf(smallest, 1) {
		smallest = 0
	}
	return chart.NewAxis("accuracy", min(smallest, 0.9), 1, 5)
}

// historyChart draws quantities of groups of runs by iteration: several of one group, or one of several.
func historyChart(width float64, groups []group, quantities ...quantity) *chart.Chart {
	ch := &chart.Chart{Width: width, Height: 320}
	for _, g := range groups {
		for _, q := range quantities {
			name, words := q.name, q.words
			if len(groups) > 1 {
				name, words = g.label, q.words+" of "+g.label
			}
			addRuns(ch, name, words, q, g.runs)
		}
	}
	last := 0.0
	for _, c := range ch.Curves {
		if n := len(c.X); n > 0 {
			last = max(last, c.X[n-1])
		}
	}
	spanIterations(ch, last)
	for k := range ch.Points { // beside one another, to the right of the curves
		shift := last * 0.02 * float64(k+1)
		p := &ch.Points[k]
		for _, x := range p.TrueX {
			p.X = append(p.X, x+shift)
		}
		ch.X.Max = last + shift + 0.01*last
	}
	return ch
}

// spanIterations gives a chart an axis from 0 to the last iteration, or to 10 so that its ticks
// are whole iterations.
func spanIterations(ch *chart.Chart, last float64) {
	last = max(last, 10)
	ch.X = chart.NewAxis("iteration", 0, last, int(ch.Width/60))
	ch.X.Max = last
}

// addRuns adds to a chart the curve of one run, or the mean and range of several.
func addRuns(ch *chart.Chart, name, words string, q quantity, histories []*History) {
	c := chart.Curve{Name: name}
	if len(histories) == 1 {
		r := q.of(histories[0])
		c.X, c.Y = r.x, r.y
	} else {
		last := chart.Points{Name: name}
		var runs []xy
		for _, h := range histories {
			r := q.of(h).measured()
			runs = append(runs, r)
			if n := len(r.x); n > 0 {
				last.TrueX, last.Y = append(last.TrueX, r.x[n-1]), append(last.Y, r.y[n-1])
			}
		}
		c.X, c.Y, c.Low, c.High = meanAndRange(runs)
		ch.Points = append(ch.Points, last)
		words += fmt.Sprintf(", mean of %d runs", len(runs))
	}
	ch.Curves = append(ch.Curves, c)
	ch.Words = append(ch.Words, curveInWords(c, words, q.best, "iteration"))
}

// curveInWords says where a curve begins and ends and what its best value is.
func curveInWords(c chart.Curve, what, best, x string) string {
	if len(c.X) == 0 {
		return what + ": nothing was measured."
	}
	value := func(i int) string {
		s := fmt.Sprintf("%.4g", c.Y[i])
		if c.Low != nil {
			s += fmt.Sprintf(" (%.4g to %.4g)", c.Low[i], c.High[i])
		}
		return s + fmt.Sprintf(" at %s %.6g", x, c.X[i])
	}
	place := -1
	for i, v := range c.Y {
		if finite(v) && (place < 0 || best == "lowest" && v < c.Y[place] || best == "highest" && v > c.Y[place]) {
			place = i
		}
	}
	s := fmt.Sprintf("%s: first %s, last %s", what, value(0), value(len(c.X)-1))
	if place >= 0 {
		s += fmt.Sprintf(", %s %s", best, value(place))
	}
	return s + "."
}

// maxValues is how many numbers a figure draws of all its curves together, where a curve with a
// band has three at a point; more are decimated. It keeps the figure in a notebook under 300 KB.
const maxValues = 6000

// addCharts puts charts beside one another.
func (f *Figure) addCharts(charts ...*chart.Chart) {
	curves := 0
	for _, ch := range charts {
		curves += len(ch.Curves)
	}
	var words []string
	for _, ch := range charts {
		for k := range ch.Curves {
			ch.Curves[k].Decimate(maxValues / curves)
		}
		words = append(words, ch.Words...)
		f.panels = append(f.panels, ch)
	}
	f.columns = len(charts)
	f.Description = strings.Join(words, "\n")
}

// A group is the runs of one name and the same settings.
type group struct {
	label string // differs from those of the other groups
	runs  []*History
}

// bySettings groups the runs, in the order in which they first appear. Where runs of other settings
// have the same name, the label tells these, too.
func bySettings(runs []*History) []group {
	var groups []group
	for _, h := range runs {
		i := slices.IndexFunc(groups, func(g group) bool {
			return g.runs[0].label() == h.label() && g.runs[0].settingsName() == h.settingsName()
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{})
		}
		groups[i].runs = append(groups[i].runs, h)
	}
	named := map[string]int{}
	for _, g := range groups {
		named[g.runs[0].label()]++
	}
	for i := range groups {
		name, settings := groups[i].runs[0].label(), groups[i].runs[0].settingsName()
		switch {
		case named[name] == 1:
			groups[i].label = name
		case strings.HasPrefix(settings, name):
			groups[i].label = settings
		default:
			groups[i].label = name + ": " + settings
		}
	}
	return groups
}

// figureOf is a figure of the runs with its titles and no panels yet.
func figureOf(runs []*History) *Figure {
	groups := bySettings(runs)
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

	if len(runs) > len(groups) {
		f.note(fmt.Sprintf("line: mean of %s; band: smallest to largest; dots at the right: each run's last value", counts(groups)))
	}
	if len(runs) == 1 {
		if h := runs[0]; h.Interrupted {
			f.note("interrupted after " + count(len(h.Loss), "iteration"))
		}
		f.note(runs[0].failure())
		return f
	}
	for _, told := range []struct {
		is    func(*History) bool
		words string
	}{
		{func(h *History) bool { return h.Interrupted }, "were interrupted"},
		{func(h *History) bool { return h.diverged() > 0 }, "diverged: their loss is not finite at some iteration"},
		{(*History).atChance, "ended no better than guessing: accuracy about 1/10, loss about ln 10"},
	} {
		n := 0
		for _, h := range runs {
			if told.is(h) {
				n++
			}
		}
		if n > 0 {
			f.note(fmt.Sprintf("%d of %d runs %s", n, len(runs), told.words))
		}
	}
	return f
}

// note adds words to the subtitle.
func (f *Figure) note(words string) {
	if f.Subtitle != "" && words != "" {
		f.Subtitle += "; "
	}
	f.Subtitle += words
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
