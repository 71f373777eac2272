package mnistlib

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// A sweep trains the same model with several values of a setting, each with several seeds. The figures here take
// its runs in the order of the values: first all of the first value, then all of the second, and so on, equally
// many of each. One call of [TrainAll] makes them.

// SweepSlider draws the loss and the accuracies of the runs of one value, as [Plot] does, and a slider below
// changes the value: also in a saved notebook, without a kernel. The picture shows a few of the values, and the
// description tells of all. The runs are in the order of the values, which label names.
func SweepSlider(label string, values []float64, runs []*History) *Figure {
	sweep, err := splitSweep(len(values), runs)
	if err != nil {
		return cannotDraw("%v", err)
	}
	slider := &chart.Slider{Label: label, Start: len(values) / 2}
	var all, few []group
	for k, runs := range sweep {
		words := fmt.Sprintf("%s %.4g", label, values[k])
		all = append(all, group{words, runs})
		slider.Frames = append(slider.Frames, words+strings.ReplaceAll(failures(runs), ", ", "\n"))
	}
	const still = 4 // values
	for i := range min(still, len(all)) {
		few = append(few, all[i*(len(all)-1)/max(1, min(still, len(all))-1)])
	}

	f := &Figure{Title: fmt.Sprintf("%s: %d values from %.4g to %.4g", capital(label), len(values), slices.Min(values), slices.Max(values))}
	if len(sweep[0]) > 1 {
		f.noteMean(runs)
	}
	f.noteFailures(runs)
	loss, accuracy := &chart.Chart{Title: "loss"}, &chart.Chart{Title: "accuracy"}
	last := 0.0
	for k, g := range all {
		for _, panel := range []struct {
			ch         *chart.Chart
			quantities []quantity
		}{{loss, []quantity{batchLoss}}, {accuracy, []quantity{trainAccuracy, validationAccuracy}}} {
			one := historyChart(chart.Narrow, []group{g}, panel.quantities...)
			for _, c := range one.Curves {
				c.Frame = k
				panel.ch.Curves = append(panel.ch.Curves, c)
			}
			for _, p := range one.Points {
				p.Frame = k
				panel.ch.Points = append(panel.ch.Points, p)
			}
			last = max(last, one.X.Max)
		}
	}
	f.note(cutLosses(loss, 1.25)) // the axis is that of all values: what one of them costs flattens the others
	fitAccuracies(accuracy)
	for _, ch := range []*chart.Chart{loss, accuracy} {
		ch.Width, ch.Height, ch.Epoch, ch.Slider = chart.Narrow, narrowHeight, epochOf(all), slider
		spanIterations(ch, last)
	}
	f.addCharts(loss, accuracy)
	f.slider = slider

	picture := &Figure{}
	train, validation := accuracyChart(chart.Narrow, few, trainAccuracy), accuracyChart(chart.Narrow, few, validationAccuracy)
	train.Title, validation.Title = "training accuracy", "validation accuracy"
	train.Y, validation.Y = accuracy.Y, accuracy.Y
	picture.addCharts(train, validation)
	f.still = picture.panels
	f.Description = sweepInWords(all)
	return f
}

// SweepCurve draws the accuracy after the last iteration by the value of a setting, as the mean of the runs with a
// band from the smallest to the largest, and beside it which share of the runs failed: diverged, or ended no
// better than guessing. Those that diverged have no accuracy. The runs are in the order of the values,
// which grow; label names them. Values over two decades or more have a logarithmic axis.
func SweepCurve(label string, values []float64, runs []*History) *Figure {
	sweep, err := splitSweep(len(values), runs)
	if err == nil && !slices.IsSorted(values) {
		err = fmt.Errorf("the values of the %s do not grow: %.4g", label, values)
	}
	if err != nil {
		return cannotDraw("%v", err)
	}
	axis := chart.NewAxis(label, slices.Min(values), slices.Max(values), chart.Narrow/60)
	if values[0] > 0 && values[len(values)-1] >= 100*values[0] {
		axis = chart.NewLogAxis(label, values[0], values[len(values)-1])
	}
	accuracy := &chart.Chart{Title: "accuracy", Width: chart.Narrow, Height: narrowHeight, X: axis}
	var all []group
	for _, q := range []quantity{trainAccuracy, validationAccuracy} {
		c := chart.Curve{Name: q.name}
		for k, runs := range sweep {
			if s := spread(lastOf(q, runs)); s != (Spread{}) {
				c.X, c.Y, c.Low, c.High = append(c.X, values[k]), append(c.Y, s.Mean), append(c.Low, s.Min), append(c.High, s.Max)
			}
		}
		accuracy.Curves = append(accuracy.Curves, c)
	}
	share := chart.Curve{Name: "failed", X: values}
	for k, runs := range sweep {
		share.Y = append(share.Y, float64(failed(runs))/float64(len(runs)))
		all = append(all, group{fmt.Sprintf("%s %.4g", label, values[k]), runs})
	}
	fitAccuracies(accuracy)
	failing := &chart.Chart{
		Title: "runs that failed", Width: chart.Narrow, Height: narrowHeight, X: axis,
		Y: chart.NewAxis("share of the runs", 0, 1, 5), Curves: []chart.Curve{share},
	}
	f := &Figure{Title: fmt.Sprintf("After %s: %d values of the %s", count(longest(runs), "iteration"), len(values), label)}
	if len(sweep[0]) > 1 {
		averaged := fmt.Sprintf("%d runs", len(sweep[0]))
		if slices.ContainsFunc(runs, func(h *History) bool { return h.diverged() > 0 }) {
			averaged = "the runs that did not diverge"
		}
		f.note(fmt.Sprintf("line: mean of %s; band: smallest to largest", averaged))
	}
	f.noteFailures(runs)
	f.addCharts(accuracy, failing)
	f.Description = sweepInWords(all)
	return f
}

// SweepMap draws the validation accuracy after the last iteration for each pair of a row's and a column's value, as
// the mean of the runs, and marks pairs of which runs failed: diverged, so that the mean leaves them out, or ended no
// better than guessing. The runs are in the order of the rows, and within a row in the order of the columns; rowLabel
// and columnLabel name the values. The shades go by the logarithm of the errors, so that the best pairs differ.
func SweepMap(rowLabel string, rows []float64, columnLabel string, columns []float64, runs []*History) *Figure {
	sweep, err := splitSweep(len(rows)*len(columns), runs)
	if err != nil {
		return cannotDraw("%v", err)
	}
	table := &chart.HeatMap{RowLabel: rowLabel, ColumnLabel: columnLabel, Rows: numbersInWords(rows), Columns: numbersInWords(columns)}
	accuracies := make([]float64, len(sweep)) // NaN where all runs diverged
	var all []group
	for k, runs := range sweep {
		accuracies[k] = stat.Mean(lastOf(validationAccuracy, runs), nil)
		all = append(all, group{fmt.Sprintf("%s %s, %s %s", rowLabel, table.Rows[k/len(columns)], columnLabel, table.Columns[k%len(columns)]), runs})
	}
	shade := errorShades(accuracies)
	marks := "mean of " + count(len(sweep[0]), "run")
	if failed(runs) > 0 {
		marks += "; fail: runs that ended no better than guessing, or diverged"
	}
	if slices.ContainsFunc(runs, func(h *History) bool { return h.diverged() > 0 }) {
		marks += ", which the mean leaves out; grey: all diverged"
	}
	for i := range rows {
		var cells []chart.Cell
		for j := range columns {
			k := i*len(columns) + j
			cell := chart.Cell{Shade: shade(accuracies[k])}
			switch n := failed(sweep[k]); {
			case !finite(accuracies[k]):
				cell.Text = "all\nfail"
			case n > 0:
				cell.Text = fmt.Sprintf("%.2f\n%d fail", accuracies[k], n)
			default:
				cell.Text = fmt.Sprintf("%.3f", accuracies[k])
			}
			cells = append(cells, cell)
		}
		table.Cells = append(table.Cells, cells)
	}
	return &Figure{
		Title:       fmt.Sprintf("Validation accuracy after %s", count(longest(runs), "iteration")),
		Subtitle:    marks,
		Description: sweepInWords(all), panels: []chart.Panel{table}, columns: 1,
	}
}

// splitSweep splits the runs into equal parts, one for each value.
func splitSweep(values int, runs []*History) ([][]*History, error) {
	if values == 0 || len(runs) == 0 || len(runs)%values != 0 {
		return nil, fmt.Errorf("%s for %s; there must be equally many runs of each value, one or more", count(len(runs), "run"), count(values, "value"))
	}
	sweep := slices.Collect(slices.Chunk(runs, len(runs)/values))
	for k, runs := range sweep {
		for _, h := range runs {
			if h.settingsName() != runs[0].settingsName() {
				return nil, fmt.Errorf("among the runs of value %d there are %s and %s; the runs must be in the order of the values, all seeds of one value together",
					k+1, runs[0].settingsName(), h.settingsName())
			}
		}
	}
	return sweep, nil
}

// lastOf are the last values of the runs that did not diverge.
func lastOf(q quantity, runs []*History) (values []float64) {
	for _, h := range runs {
		if y := q.of(h).y; len(y) > 0 && h.diverged() == 0 {
			values = append(values, last(y))
		}
	}
	return values
}

// longest is how many iterations the longest run has.
func longest(runs []*History) (iterations int) {
	for _, h := range runs {
		iterations = max(iterations, len(h.Loss))
	}
	return iterations
}

// failures says how many of the runs failed, after what they are; empty if none did.
func failures(runs []*History) string {
	diverged, chance := 0, 0
	for _, h := range runs {
		switch {
		case h.diverged() > 0:
			diverged++
		case h.atChance():
			chance++
		}
	}
	s := ""
	if diverged > 0 {
		s += fmt.Sprintf(", %d of %d diverged", diverged, len(runs))
	}
	if chance > 0 {
		s += fmt.Sprintf(", %d of %d no better than guessing", chance, len(runs))
	}
	return s
}

// sweepInWords tells how the runs of each value ended.
func sweepInWords(all []group) string {
	var lines []string
	for _, g := range all {
		train, validation := spread(lastOf(trainAccuracy, g.runs)), spread(lastOf(validationAccuracy, g.runs))
		ended := "no accuracy was measured"
		if train != (Spread{}) {
			ended = fmt.Sprintf("training accuracy %.4f (%.4f to %.4f), validation accuracy %.4f (%.4f to %.4f) at the end",
				train.Mean, train.Min, train.Max, validation.Mean, validation.Min, validation.Max)
		}
		lines = append(lines, g.label+failures(g.runs)+": "+ended+".")
	}
	return strings.Join(lines, "\n")
}

// errorShades is the shade of a cell with an accuracy: 0 for the lowest of all and 1 for the highest, between
// them by the logarithm of the share of errors.
func errorShades(accuracies []float64) func(accuracy float64) float64 {
	logError := func(accuracy float64) float64 { return math.Log(max(1-accuracy, 1e-4)) }
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, a := range accuracies {
		if finite(a) {
			lowest, highest = min(lowest, a), max(highest, a)
		}
	}
	return func(accuracy float64) float64 {
		if lowest == highest {
			return 0.5
		}
		return (logError(accuracy) - logError(lowest)) / (logError(highest) - logError(lowest))
	}
}

func numbersInWords(values []float64) []string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprintf("%.4g", v)
	}
	return words
}

func capital(s string) string {
	if s == "" {
		return s
	}
	first := []rune(s)[:1]
	return strings.ToUpper(string(first)) + s[len(string(first)):]
}
