package mnistlib

import (
	"fmt"
	"slices"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// Plot shows the loss and the accuracies of the runs in one figure: see [LossCurve] and [AccuracyCurve]. Behind those of
// a single run it draws, as pale lines, the last other run of its Name and settings that [Train] has made in this
// notebook: what changes when a cell is run again is seen at once. Of several settings it compares the validation
// accuracies in a panel of their own, if all have runs of the same two or more seeds: the differences from the first
// setting, paired by seed, as their mean and the 95 % interval that [Compare] computes, after each iteration.
func Plot(runs ...*History) error { return runsFigure(runs...).Show() }

func runsFigure(runs ...*History) *Figure {
	if len(runs) == 1 {
		return figureWithBefore(runBefore(runs[0]), runs[0])
	}
	return figureWithBefore(nil, runs...)
}

// figureWithBefore is the figure of runs, with another one as pale lines behind a single one; nil: none.
func figureWithBefore(before *History, runs ...*History) *Figure {
	f, groups := figureOf(runs), bySettings(runs)
	if len(groups) < 2 {
		loss, accuracy := historyChart(chart.Narrow, groups, batchLoss), historyChart(chart.Narrow, groups, trainAccuracy, validationAccuracy)
		if before != nil {
			f.note(fmt.Sprintf("pale: another run of these settings, seed %d", before.Seed))
			drawBehind(before, loss, accuracy)
		}
		f.note(cutLosses(loss, wildLosses))
		fitAccuracies(accuracy)
		f.addCharts(loss, accuracy)
		return f
	}
	loss, note := lossChart(chart.Narrow, groups)
	f.note(note)
	train, validation, note := accuracyCharts(groups)
	f.note(note)
	loss.Title = "loss"
	charts := []*chart.Chart{train, validation, loss}
	if differences, note := differenceChart(groups); differences != nil {
		charts = append(charts, differences)
		f.note(note)
	}
	for _, ch := range charts {
		ch.Height = lowHeight
	}
	f.addCharts(charts...)
	return f
}

// drawBehind draws the curves of another run as pale lines behind those of a run.
func drawBehind(h *History, loss, accuracy *chart.Chart) {
	for _, behind := range []struct {
		ch *chart.Chart
		q  quantity
	}{{loss, batchLoss}, {accuracy, trainAccuracy}, {accuracy, validationAccuracy}} {
		r := behind.q.of(h)
		behind.ch.Curves = append(behind.ch.Curves, chart.Curve{Name: behind.q.name, X: r.x, Y: r.y, Style: chart.Pale})
		if last := float64(len(h.Loss)); last > behind.ch.X.Max {
			spanIterations(behind.ch, last)
		}
	}
}

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
		note = fmt.Sprintf("the axis leaves out accuracies below %.3g, which occur only in the first third of the iterations", axis.Min)
	}
	train.Y, validation.Y = axis, axis
	return train, validation, note
}

// differenceChart draws by how much the validation accuracy of each setting is above the first one's, if all have
// runs of the same two or more seeds; otherwise it returns nil.
func differenceChart(groups []group) (ch *chart.Chart, note string) {
	ch = &chart.Chart{
		Title: "validation accuracy: difference", Width: chart.Narrow, Epoch: epochOf(groups),
		BandEnds: []string{"low end of the 95 % interval", "high end"},
	}
	first := groups[0]
	seeds, lastIteration := 0, 0.0
	for _, g := range groups[1:] {
		pairs := pairBySeed(g.runs, first.runs)
		if len(pairs) < 2 {
			return nil, ""
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
	note = fmt.Sprintf("differences: from the first setting, mean over %d seeds and its 95 %% interval", seeds)
	if low, high = ch.RangeY(); low < ch.Y.Min || high > ch.Y.Max {
		note += fmt.Sprintf("; their axis leaves out differences from %.2g to %.2g in the first third of the iterations", low, high)
	}
	return ch, note
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
		f.noteMean(runs)
	}
	f.noteFailures(runs)
	return f
}

// noteMean says what stands for several runs of each setting, and how many are in the mean: those that failed are not.
func (f *Figure) noteMean(runs []*History) {
	learned := slices.DeleteFunc(slices.Clone(runs), func(h *History) bool { return h.failure() != "" })
	if len(learned) > 0 {
		f.note(fmt.Sprintf("line: mean of %s; band: smallest to largest", counts(bySettings(learned))))
	}
	if len(learned) < len(runs) {
		f.note("thin lines: runs that failed")
	}
	f.note("dots at the right: each run's last value")
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
