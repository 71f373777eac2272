package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Measured is everything that a benchmark found.
type Measured struct {
	Machine string
	Rounds  int
	Results map[string]map[string][]Result // by work and engine, one a round
	Cell    Cell
}

func (m *Measured) add(engine string, r Result) {
	if m.Results[r.Work] == nil {
		m.Results[r.Work] = map[string][]Result{}
	}
	m.Results[r.Work][engine] = append(m.Results[r.Work][engine], r)
}

// median returns the median of a quantity over the rounds, NaN if the engine did not do the work.
func (m *Measured) median(work, engine string, quantity func(Result) float64) float64 {
	var values []float64
	for _, r := range m.Results[work][engine] {
		values = append(values, quantity(r))
	}
	return median(values)
}

// jax returns the better of JAX's two ways.
func (m *Measured) jax(work string, quantity func(Result) float64) float64 {
	loop, scan := m.median(work, jaxLoop, quantity), m.median(work, jaxScan, quantity)
	if math.IsNaN(loop) || scan < loop {
		return scan
	}
	return loop
}

func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	values = slices.Sorted(slices.Values(values))
	return (values[(n-1)/2] + values[n/2]) / 2
}

func seconds(r Result) float64  { return r.Seconds }
func compile(r Result) float64  { return r.CompileSeconds }
func maxRSS(r Result) float64   { return r.MaxRSS }
func accuracy(r Result) float64 { return r.ValidationAccuracy[0] }

// table writes the report in Markdown.
func (m *Measured) table(works []Work) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# mnistlib beside PyTorch and JAX\n\n%s\n\n", m.Machine)
	rounds := "One round"
	if m.Rounds > 1 {
		rounds = fmt.Sprintf("Medians of %d rounds", m.Rounds)
	}
	fmt.Fprintf(&b, "%s. JAX is the better of a compiled step called from Python and a whole run compiled (`lax.scan`), with the same flag for wide vectors as mnistlib. Compilation and iterations are without what comes before them, the start of the library and the move of the images.\n\n", rounds)
	m.writeGoals(&b, works)
	m.writeSections(&b, works)
	m.writeGrowth(&b, works)
	return b.String()
}

// writeGoals compares what was to be reached with what was.
func (m *Measured) writeGoals(b *strings.Builder, works []Work) {
	fmt.Fprintln(b, "| work | mnistlib | PyTorch, as the source | PyTorch, optimized | JAX | goal | reached |")
	fmt.Fprintln(b, "|---|--:|--:|--:|--:|---|---|")

	sections := group(works, "section")
	var sums [4]float64
	slowest, slowestCNN := math.Inf(1), math.Inf(1)
	var slowestName, slowestCNNName string
	for _, w := range sections {
		four := m.four(w.Name, seconds)
		for i, v := range four {
			sums[i] += v
		}
		ratio := four[1] / four[0]
		if ratio < slowest {
			slowest, slowestName = ratio, w.Name
		}
		if strings.HasPrefix(w.Model, "CNN") && ratio < slowestCNN {
			slowestCNN, slowestCNNName = ratio, w.Name
		}
	}
	if !math.IsNaN(sums[0]) && len(sections) == 14 {
		row(b, "the 14 training sections with compilation, summed", sums, "%.1f s", "3 times as fast as the source", sums[1]/sums[0], 3)
		row(b, "of these the least gain: "+slowestName, m.four(slowestName, seconds), "%.2f s", "no slower than the source", slowest, 1)
		row(b, "of the CNNs' the least gain: "+slowestCNNName, m.four(slowestCNNName, seconds), "%.2f s", "3 times as fast as the source", slowestCNN, 3)
	}
	for _, c := range []struct {
		work, what, goal string
		against          int
		factor           float64
	}{
		{"8 MLP(30)", "MLP(30)", "2.5 times as fast as JAX", 3, 2.5},
		{"MLP(200)", "MLP(200)", "3 times as fast as JAX", 3, 3},
		{"10 CNN", "the CNN", "1.5 times as fast as JAX", 3, 1.5},
		{"18 CNNBN", "the CNN with batch norm", "1.5 times as fast as JAX", 3, 1.5},
	} {
		four := m.four(c.work, Result.milliseconds)
		row(b, "an iteration of "+c.what, four, "%.2f ms", c.goal, four[c.against]/four[0], c.factor)
	}
	for _, c := range []struct {
		work, what, goal string
		factor           float64
	}{
		{"8 MLP(30)", "MLP(30)", "no slower than JAX", 1},
		{"10 CNN", "the CNN", "half of JAX's", 2},
	} {
		four := m.four(c.work, compile)
		four[1], four[2] = math.NaN(), math.NaN() // PyTorch compiles nothing
		row(b, "compiling the training of "+c.what, four, "%.2f s", c.goal, four[3]/four[0], c.factor)
	}
	for _, w := range group(works, "seeds") {
		goal, factor := "3 times as fast as JAX", 3.0
		if w.Model == "CNN" {
			goal, factor = "1.5 times as fast as JAX", 1.5
		}
		perRun := m.four(w.Name, w.secondsPerRun)
		row(b, w.Name+", a run", perRun, "%.3f s", goal, perRun[3]/perRun[0], factor)
	}
	m.writeMoved(b)
	m.writeAgain(b)

	limit := func(what string, value float64, format, goal string, limit float64) {
		row(b, what, [4]float64{value, math.NaN(), math.NaN(), math.NaN()}, format, goal, limit/value, 1)
	}
	limit("the notebook's cell of MLP(30), never run before", median(m.Cell.First), "%.2f s", "under 2.5 s", 2.5)
	limit("the same, with another learning rate", median(m.Cell.Changed), "%.2f s", "under 2.5 s", 2.5)
	limit("the same, unchanged", median(m.Cell.Unchanged), "%.2f s", "under 1.5 s", 1.5)
	for _, w := range group(works, "study") {
		limit(fmt.Sprintf("%s of %d epochs, one call", w.Name, w.Epochs), m.median(w.Name, thisLibrary, seconds), "%.2f s", "under 8 s", 8)
	}
	for _, work := range []string{"8 MLP(30)", "10 CNN", "18 CNNBN", "MLP(30), 100 epochs"} {
		limit("memory of "+work, m.median(work, thisLibrary, maxRSS), "%.0f MB", "under 300 MB", 300)
		limit("memory of "+work+" again", m.median(work, kept, maxRSS), "%.0f MB", "under 300 MB", 300)
	}
	fmt.Fprintln(b)
}

// writeMoved sets mnistlib beside JAX with the same trick, so that it can be told from the engine.
func (m *Measured) writeMoved(b *strings.Builder) {
	for _, c := range []struct {
		work, what, format string
		quantity           func(Result) float64
	}{
		{"8 MLP(30)", "an iteration of MLP(30)", "%.2f ms", Result.milliseconds},
		{"MLP(200)", "an iteration of MLP(200)", "%.2f ms", Result.milliseconds},
		{"MLP(30), 16 seeds", "MLP(30), 16 seeds, a run", "%.3f s", Work{Seeds: 16}.secondsPerRun},
	} {
		four := [4]float64{m.median(c.work, thisLibrary, c.quantity), math.NaN(), math.NaN(), m.median(c.work, jaxMoved, c.quantity)}
		row(b, c.what+", JAX with moved products, too", four, c.format, "none: tells the trick from the engine", four[3]/four[0], 0)
	}
}

// writeAgain shows what a training takes if an earlier process has compiled the same.
func (m *Measured) writeAgain(b *strings.Builder) {
	for _, work := range []string{"8 MLP(30)", "10 CNN", "18 CNNBN"} {
		four := [4]float64{m.median(work, kept, seconds), math.NaN(), math.NaN(), m.median(work, jaxKept, seconds)}
		row(b, work+" again, its programs kept from an earlier process", four, "%.2f s", "none", four[3]/four[0], 0)
	}
}

// four returns a quantity in the order of the table's columns.
func (m *Measured) four(work string, quantity func(Result) float64) [4]float64 {
	return [4]float64{
		m.median(work, thisLibrary, quantity), m.median(work, asWritten, quantity),
		m.median(work, optimized, quantity), m.jax(work, quantity),
	}
}

// row writes a line, unless the library did not do the work. The goal is reached if the ratio is at
// least needed.
func row(b *strings.Builder, what string, four [4]float64, format, goal string, ratio, needed float64) {
	if math.IsNaN(four[0]) {
		return
	}
	var reached string
	switch {
	case math.IsNaN(ratio):
		reached = "not measured"
	case needed == 0: // no goal
		reached = fmt.Sprintf("%.2f times", ratio)
	case ratio >= needed:
		reached = fmt.Sprintf("yes: %.1f times", ratio)
	default:
		reached = fmt.Sprintf("no: %.2f times", ratio)
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", what, strings.Join(cells(format, four[:]...), " | "), goal, reached)
}

func cells(format string, values ...float64) []string {
	cells := make([]string, len(values))
	for i, v := range values {
		if !math.IsNaN(v) {
			cells[i] = fmt.Sprintf(format, v)
		}
	}
	return cells
}

// writeSections shows the time of each training section and the accuracies that it ends with.
func (m *Measured) writeSections(b *strings.Builder, works []Work) {
	fmt.Fprint(b, "Seconds of each training section, compilation included, and the validation accuracy at its end:\n\n")
	fmt.Fprintln(b, "| section | mnistlib | PyTorch, as the source | PyTorch, optimized | JAX | gain on the source | accuracy of mnistlib | of the source's program |")
	fmt.Fprintln(b, "|---|--:|--:|--:|--:|--:|--:|--:|")
	for _, w := range group(works, "section") {
		four := m.four(w.Name, seconds)
		accuracies := cells("%.3f", m.median(w.Name, thisLibrary, accuracy), m.median(w.Name, asWritten, accuracy))
		line := slices.Concat([]string{w.Name}, cells("%.2f", four[:]...), cells("%.1f", four[1]/four[0]), accuracies)
		fmt.Fprintf(b, "| %s |\n", strings.Join(line, " | "))
	}
	fmt.Fprintln(b)
}

// writeGrowth shows how the time of an iteration grows with the images and with the parameters.
func (m *Measured) writeGrowth(b *strings.Builder, works []Work) {
	images, parameters, whole := group(works, "images"), group(works, "parameters"), group(works, "whole")
	if len(images) == 0 {
		return
	}
	fmt.Fprint(b, "An iteration of mnistlib as the images grow that it evaluates, and as the parameters grow (2,500 images):\n\n")
	fmt.Fprintln(b, "| work | an iteration | per 1,000 images |\n|---|--:|--:|")
	for _, w := range append(images, parameters...) {
		ms := m.median(w.Name, thisLibrary, Result.milliseconds)
		fmt.Fprintf(b, "| %s | %.2f ms | %.2f ms |\n", w.Name, ms, ms*1000/float64(max(w.Images, 2500)))
	}
	fmt.Fprintln(b)
	for _, w := range whole {
		fmt.Fprintf(b, "%s, 60,000 images to train on and 10,000 to validate, %d epoch, evaluated once: %.1f s, compilation included; validation accuracy %.4f.\n",
			w.Name, w.Epochs, m.median(w.Name, thisLibrary, seconds), m.median(w.Name, thisLibrary, accuracy))
	}
}

func group(works []Work, name string) []Work {
	var group []Work
	for _, w := range works {
		if w.Group == name {
			group = append(group, w)
		}
	}
	return group
}
