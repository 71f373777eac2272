package mnistlib

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"gonum.org/v1/gonum/stat"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// Plot shows the loss and the accuracies of the runs in one figure: see [LossCurve] and [AccuracyCurve]. Of several
// settings it compares the validation accuracies in a panel of their own, if all have runs of the same two or
// more seeds: the differences from the first setting, paired by seed, as their mean and the 95 % interval that
// [Compare] computes, after each iteration.
func Plot(runs ...*History) error { return runsFigure(runs...).Show() }

func runsFigure(runs ...*History) *Figure {
	f, groups := figureOf(runs), bySettings(runs)
	loss, note := lossChart(chart.Narrow, groups)
	f.note(note)
	if len(groups) < 2 {
		f.addCharts(loss, accuracyChart(chart.Narrow, groups, trainAccuracy, validationAccuracy))
		return f
	}
	train, validation, note := accuracyCharts(groups)
	f.note(note)
	loss.Title = "loss"
	charts := []*chart.Chart{train, validation, loss}
	if differences, seeds := differenceChart(groups); differences != nil {
		charts = append(charts, differences)
		f.note(fmt.Sprintf("differences: mean over %d seeds and its 95 %% interval", seeds))
	}
	for _, ch := range charts {
		ch.Height = lowHeight
	}
	f.addCharts(charts...)
	return f
}

// The heights of a wide panel, of a narrow one, and of one of two rows, in pixels.
const wideHeight, narrowHeight, lowHeight = 320, 260, 190

// LossCurve draws the loss of each iteration's batch. Runs of one Name and the same
// settings are drawn as their mean, with a band from the smallest to the largest and a dot for each
// run's last loss; those that failed are drawn one by one as thin lines. Where few losses are far above
// the others, the axis leaves them out, and the subtitle says so.
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
// drawn as their mean, with a band from the smallest to the largest and a dot for each run's last accuracy; those
// that failed are drawn one by one as thin lines. Of several settings the axis shows what was reached
// after a third of the iterations, and the subtitle says what it leaves out.
func AccuracyCurve(runs ...*History) *Figure {
	f := figureOf(runs)
	groups := bySettings(runs)
	if len(groups) < 2 {
		f.addCharts(accuracyChart(chart.Wide, groups, trainAccuracy, validationAccuracy))
		return f
	}
	f.Title = "Accuracy, " + f.Title
	train, validation, note := accuracyCharts(groups)
	f.note(note)
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

// lossChart draws the losses; the note is cutLosses'.
func lossChart(width float64, groups []group) (ch *chart.Chart, note string) {
	ch = historyChart(width, groups, batchLoss)
	return ch, cutLosses(ch)
}

// cutLosses gives a chart of losses its axis. If wild ones would flatten the others, the axis ends below them, and
// the note says so.
func cutLosses(ch *chart.Chart) (note string) {
	_, largest := ch.RangeY()
	if usual := largestUsual(ch.Curves); largest > usual {
		note = fmt.Sprintf("the axis leaves out losses far above the others, up to %.3g", largest)
		largest = usual
	}
	ch.Y = chart.NewAxis("loss (mean cross-entropy)", 0, largest, 5)
	return note
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

// accuracyCharts are those of several settings, with one axis to compare them. It shows what they reached after a
// third of the iterations; if it leaves out others, the note says so.
func accuracyCharts(groups []group) (train, validation *chart.Chart, note string) {
	train, validation = accuracyChart(chart.Narrow, groups, trainAccuracy), accuracyChart(chart.Narrow, groups, validationAccuracy)
	train.Title, validation.Title = "training accuracy", "validation accuracy"
	smallest, late := 1.0, 1.0
	for _, ch := range []*chart.Chart{train, validation} {
		low, _ := ch.RangeY()
		lowLate, _ := rangeAfter(ch, ch.X.Max/3)
		smallest, late = min(smallest, low), min(late, lowLate)
	}
	axis := accuracyAxis(late)
	if smallest < axis.Min {
		note = fmt.Sprintf("the axis leaves out accuracies below %.3g, which are all of the first third of the iterations", axis.Min)
	}
	train.Y, validation.Y = axis, axis
	return train, validation, note
}

// rangeAfter is the range of the curves and their bands from some x on; infinite if there is none.
func rangeAfter(ch *chart.Chart, x float64) (smallest, largest float64) {
	after := &chart.Chart{}
	for _, c := range ch.Curves {
		from := sort.SearchFloat64s(c.X, x)
		c.Y = c.Y[from:]
		if c.Low != nil {
			c.Low, c.High = c.Low[from:], c.High[from:]
		}
		after.Curves = append(after.Curves, c)
	}
	return after.RangeY()
}

// differenceChart draws by how much the validation accuracy of each setting is above the first one's, if all have
// runs of the same two or more seeds; otherwise it returns nil.
func differenceChart(groups []group) (ch *chart.Chart, seeds int) {
	ch = &chart.Chart{
		Title: "validation accuracy, less the first setting's", Width: chart.Narrow, Epoch: epochOf(groups),
		BandEnds: []string{"low end of the 95 % interval", "high end"},
	}
	first := groups[0]
	lastIteration := 0.0
	for _, g := range groups[1:] {
		pairs := pairBySeed(g.runs, first.runs)
		if len(pairs) < 2 {
			return nil, 0
		}
		seeds = len(pairs)
		c := chart.Curve{Name: g.label}
		for _, x := range validationAccuracy.of(pairs[0][0]).x {
			var these, those []float64
			for _, pair := range pairs {
				a, measuredA := validationAccuracy.of(pair[0]).at(x)
				b, measuredB := validationAccuracy.of(pair[1]).at(x)
				if measuredA && measuredB {
					these, those = append(these, a), append(those, b)
				}
			}
			if len(these) < len(pairs) {
				continue
			}
			d := paired(these, those)
			c.X, c.Y, c.Low, c.High = append(c.X, x), append(c.Y, d.Mean), append(c.Low, d.Low), append(c.High, d.High)
			lastIteration = max(lastIteration, x)
		}
		ch.Curves = append(ch.Curves, c)
		words := fmt.Sprintf("Validation accuracy of %s less that of %s, mean over %d seeds (95 %% interval)", g.label, first.label, seeds)
		ch.Words = append(ch.Words, curveInWords(c, words, "highest", "iteration"))
	}
	spanIterations(ch, lastIteration)
	low, high := rangeAfter(ch, lastIteration/3)
	ch.Y = chart.NewAxis("difference", min(0, low), max(0, high), 4)
	return ch, seeds
}

// pairBySeed pairs the runs of two settings by their seeds; nil if these are not the same, each once.
func pairBySeed(a, b []*History) (pairs [][2]*History) {
	bySeed := map[uint64]*History{}
	for _, h := range b {
		bySeed[h.Seed] = h
	}
	if len(bySeed) != len(b) || len(a) != len(b) {
		return nil
	}
	for _, h := range a {
		other := bySeed[h.Seed]
		if other == nil {
			return nil
		}
		delete(bySeed, h.Seed)
		pairs = append(pairs, [2]*History{h, other})
	}
	return pairs
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
	ch := &chart.Chart{Width: width, Height: wideHeight, Epoch: epochOf(groups)}
	if width < chart.Wide {
		ch.Height = narrowHeight
	}
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
	return ch
}

// epochOf is how many iterations an epoch has; 0 if the runs differ or do not say.
func epochOf(groups []group) float64 {
	iterations := 0
	for _, g := range groups {
		for _, h := range g.runs {
			if h.BatchSize == 0 || iterations != 0 && h.TrainImages/h.BatchSize != iterations {
				return 0
			}
			iterations = h.TrainImages / h.BatchSize
		}
	}
	return float64(iterations)
}

// placePoints places the dots of the runs' last values to the right of the curves: each name's in columns of their
// own, and so that none hides another, unless there are very many.
func placePoints(ch *chart.Chart) {
	if len(ch.Points) == 0 {
		return
	}
	const height, width = 9.0, 6.0 // of a dot's place, in pixels
	most := max(3, 16/len(ch.Points))
	unit := ch.X.Max * width / ch.Width
	column := 1.5 // the first that is free
	for k := range ch.Points {
		p := &ch.Points[k]
		columns := make([][]float64, most) // the heights of the dots in each
		used := 0
		for i, x := range p.TrueX {
			y := (p.Y[i] - ch.Y.Min) / (ch.Y.Max - ch.Y.Min) * ch.Height
			hidden := func(column []float64) (n int) {
				for _, other := range column {
					if math.Abs(other-y) < height {
						n++
					}
				}
				return n
			}
			free := 0
			for c := range columns {
				if hidden(columns[c]) < hidden(columns[free]) {
					free = c
				}
			}
			columns[free] = append(columns[free], y)
			used = max(used, free+1)
			p.X = append(p.X, x+unit*(column+float64(free)))
		}
		column += float64(used) + 0.5
	}
	ch.X.End = ch.X.Max
	ch.X.Max += unit * column
}

// spanIterations gives a chart an axis from 0 to the last iteration, or to 10 so that its ticks
// are whole iterations.
func spanIterations(ch *chart.Chart, last float64) {
	last = max(last, 10)
	ch.X = chart.NewAxis("iteration", 0, last, int(ch.Width/60))
	ch.X.Max = last
}

// addRuns adds to a chart the curve of one run, or the mean and range of several. Those that failed would make
// the band as high as the panel: each is a line of its own.
func addRuns(ch *chart.Chart, name, words string, q quantity, histories []*History) {
	if len(histories) == 1 {
		r := q.of(histories[0])
		c := chart.Curve{Name: name, X: r.x, Y: r.y}
		ch.Curves = append(ch.Curves, c)
		ch.Words = append(ch.Words, curveInWords(c, words, q.best, "iteration"))
		return
	}
	last := chart.Points{Name: name}
	var learned, failed []xy
	for _, h := range histories {
		r := q.of(h).measured()
		if n := len(r.x); n > 0 {
			last.TrueX, last.Y = append(last.TrueX, r.x[n-1]), append(last.Y, r.y[n-1])
		}
		if h.failure() == "" {
			learned = append(learned, r)
		} else {
			failed = append(failed, r)
		}
	}
	ch.Points = append(ch.Points, last)
	if len(learned) > 0 {
		c := chart.Curve{Name: name}
		c.X, c.Y, c.Low, c.High = meanAndRange(learned)
		ch.Curves = append(ch.Curves, c)
		ch.Words = append(ch.Words, curveInWords(c, fmt.Sprintf("%s, mean of %s", words, count(len(learned), "run")), q.best, "iteration"))
	}
	for _, r := range failed {
		c := chart.Curve{Name: name, X: r.x, Y: r.y, Style: chart.Thin}
		ch.Curves = append(ch.Curves, c)
		ch.Words = append(ch.Words, curveInWords(c, words+", a run that failed", q.best, "iteration"))
	}
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
// band has three at a point; more are decimated. It keeps the figure in a notebook under 200 KB.
const maxValues = 4500

// addCharts puts charts beside one another, two in a row.
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
		placePoints(ch)
		words = append(words, ch.Words...)
		f.panels = append(f.panels, ch)
	}
	f.columns = 2
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

	if len(runs) == 1 {
		if h := runs[0]; h.Interrupted {
			f.note("interrupted after " + count(len(h.Loss), "iteration"))
		}
		f.note(runs[0].failure())
		return f
	}
	if len(runs) > len(groups) {
		f.note(fmt.Sprintf("line: mean of %s; band: smallest to largest; dots at the right: each run's last value", counts(groups)))
		if slices.ContainsFunc(runs, func(h *History) bool { return h.failure() != "" }) {
			f.note("thin lines: failed runs, which mean and band leave out")
		}
	}
	f.noteFailures(runs)
	return f
}

// noteFailures says how many of the runs failed, and how.
func (f *Figure) noteFailures(runs []*History) {
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
