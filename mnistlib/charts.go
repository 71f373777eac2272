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

// The heights of a wide panel, of a narrow one, and of one of two rows, in pixels.
const wideHeight, narrowHeight, lowHeight = 320, 260, 190

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

// wildLosses is how many times above the others a loss is wild: see cutLosses.
const wildLosses = 5

// lossChart draws the losses; the note is cutLosses'.
func lossChart(width float64, groups []group) (ch *chart.Chart, note string) {
	ch = historyChart(width, groups, batchLoss)
	return ch, cutLosses(ch, wildLosses)
}

// cutLosses gives a chart of losses its axis. If wild ones would flatten the others, the axis ends below them, and
// the note says so. Wild are losses and ends of bands that are so many times above the median loss or, where that is
// more, above what guessing costs.
func cutLosses(ch *chart.Chart, times float64) (note string) {
	_, largest := ch.RangeY()
	if usual := largestUsual(ch.Curves, times); largest > usual {
		note = fmt.Sprintf("the axis leaves out losses far above the others, up to %.3g", largest)
		largest = usual
	}
	ch.Y = chart.NewAxis("loss (mean cross-entropy)", 0, largest, 5)
	return note
}

// largestUsual is the largest value that is not wild.
func largestUsual(curves []chart.Curve, times float64) float64 {
	var losses, drawn []float64
	for _, c := range curves {
		losses = append(losses, c.Y...)
		drawn = slices.Concat(drawn, c.Y, c.High)
	}
	losses = slices.DeleteFunc(losses, func(v float64) bool { return !finite(v) })
	limit := math.Log(numClasses)
	if len(losses) > 0 {
		slices.Sort(losses)
		limit = max(limit, stat.Quantile(0.5, stat.Empirical, losses, nil))
	}
	largest := math.Inf(-1)
	for _, v := range drawn {
		if finite(v) && v <= times*limit {
			largest = max(largest, v)
		}
	}
	return largest
}

func accuracyChart(width float64, groups []group, quantities ...quantity) *chart.Chart {
	ch := historyChart(width, groups, quantities...)
	fitAccuracies(ch)
	return ch
}

// fitAccuracies gives a chart of accuracies its axis, on which it leaves out none.
func fitAccuracies(ch *chart.Chart) {
	smallest, _ := ch.RangeY()
	ch.Y = accuracyAxis(smallest)
}

// accuracyAxis shows everything from the smallest accuracy up to 1; if there is none, from 0.
func accuracyAxis(smallest float64) chart.Axis {
	if math.IsInf(smallest, 1) {
		smallest = 0
	}
	return chart.NewAxis("accuracy", min(smallest, 0.9), 1, 5)
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

// spanIterations gives a chart an axis from 0 to the last iteration, or to 10 so that its ticks
// are whole iterations.
func spanIterations(ch *chart.Chart, last float64) {
	last = max(last, 10)
	ch.X = chart.NewAxis("iteration", 0, last, int(ch.Width/60))
	ch.X.Max = last
}

// placePoints places the dots of the runs' last values to the right of the curves: each name's in columns of their
// own, and so that none hides another, unless there are very many. Frames share their places, as one is shown at a time.
func placePoints(ch *chart.Chart) {
	if len(ch.Points) == 0 {
		return
	}
	const height, width = 9.0, 6.0 // of a dot's place, in pixels
	names := map[string]bool{}
	for _, p := range ch.Points {
		names[p.Name] = true
	}
	most := max(3, 16/len(names))
	unit := ch.X.Max * width / ch.Width
	free, end := map[int]float64{}, 0.0 // the first column that is free in each frame, and in all
	for k := range ch.Points {
		p := &ch.Points[k]
		column := max(1.5, free[p.Frame])
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
			best := 0
			for c := range columns {
				if hidden(columns[c]) < hidden(columns[best]) {
					best = c
				}
			}
			columns[best] = append(columns[best], y)
			used = max(used, best+1)
			p.X = append(p.X, x+unit*(column+float64(best)))
		}
		free[p.Frame] = column + float64(used) + 0.5
		end = max(end, free[p.Frame])
	}
	ch.X.End = ch.X.Max
	ch.X.Max += unit * end
}

// maxValues is how many numbers a figure draws of all its curves together, where a curve with a
// band has three at a point; if there are more, each curve keeps equally many points. So the figure in a notebook
// stays under 200 KB.
const maxValues = 5500

// addCharts puts charts beside one another, two in a row.
func (f *Figure) addCharts(charts ...*chart.Chart) {
	columns := 0
	for _, ch := range charts {
		for _, c := range ch.Curves {
			columns += c.Columns()
		}
	}
	var words []string
	for _, ch := range charts {
		for k := range ch.Curves {
			ch.Curves[k].Decimate(maxValues / columns)
		}
		placePoints(ch)
		words = append(words, ch.Words...)
		f.panels = append(f.panels, ch)
	}
	f.columns = 2
	f.Description = strings.Join(words, "\n")
}
