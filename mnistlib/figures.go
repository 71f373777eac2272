package mnistlib

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// A Line is a curve for [Lines]: Y[i] over X[i]. A Y that is not finite breaks it.
type Line struct {
	Name string
	X, Y []float64
}

// Lines draws curves, each with its colour, over two axes that just hold them all.
func Lines(title, xLabel, yLabel string, lines ...Line) *Figure {
	for _, l := range lines {
		if len(l.X) != len(l.Y) {
			return cannotDraw("the line %q has %d X and %d Y", l.Name, len(l.X), len(l.Y))
		}
	}
	ch := &chart.Chart{Width: chart.Wide, Height: 320}
	lowX, highX := math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		c := chart.Curve{Name: l.Name, X: l.X, Y: l.Y}
		ch.Curves = append(ch.Curves, c)
		ch.Words = append(ch.Words, curveInWords(c, fmt.Sprintf("%s, %s", l.Name, yLabel), "lowest", xLabel))
		for _, x := range l.X {
			lowX, highX = min(lowX, x), max(highX, x)
		}
	}
	lowY, highY := ch.RangeY()
	ch.X, ch.Y = chart.NewAxis(xLabel, lowX, highX, chart.Wide/60), chart.NewAxis(yLabel, lowY, highY, 5)
	f := &Figure{Title: title}
	f.addCharts(ch)
	return f
}

// Histograms draws how each of the samples is distributed, in a panel for each, over the same bins
// so that they can be compared. Bars are shares of the sample's values. Values that are not finite
// are left out, and the panel's title says how many.
func Histograms(title, label string, names []string, samples [][]float64) *Figure {
	if len(names) != len(samples) || len(samples) == 0 {
		return cannotDraw("%d names for %d samples; give each sample its name", len(names), len(samples))
	}
	const bins = 40
	measured := make([][]float64, len(samples)) // what is finite of them
	for i, sample := range samples {
		measured[i] = slices.DeleteFunc(slices.Clone(sample), func(v float64) bool { return !finite(v) })
	}
	low, high := 0.0, 1.0 // for want of values
	if all := slices.Concat(measured...); len(all) > 0 {
		low, high = slices.Min(all), slices.Max(all)
	}
	if low == high {
		low, high = low-0.5, high+0.5
	}
	f := &Figure{Title: title, columns: 2}
	var charts []*chart.Chart
	var words []string
	tallest := 0.0
	for i, sample := range measured {
		ch := &chart.Chart{Title: names[i], Width: chart.Narrow, Height: 180}
		if left := len(samples[i]) - len(sample); left > 0 {
			ch.Title += fmt.Sprintf(" (%d not finite)", left)
		}
		counts := make([]float64, bins)
		for _, v := range sample {
			counts[min(bins-1, int(bins*(v-low)/(high-low)))]++
		}
		for b := range counts {
			share := counts[b] / float64(max(1, len(sample)))
			tallest = max(tallest, share)
			width := (high - low) / bins
			ch.Bars = append(ch.Bars, chart.Bar{From: low + float64(b)*width, To: low + float64(b+1)*width, Height: share})
		}
		if len(sample) > 0 {
			mean, deviation := stat.PopMeanStdDev(sample, nil)
			words = append(words, fmt.Sprintf("%s: %d values, mean %.4g, standard deviation %.4g.", names[i], len(sample), mean, deviation))
		} else {
			words = append(words, names[i]+": no values.")
		}
		charts = append(charts, ch)
		f.panels = append(f.panels, ch)
	}
	for _, ch := range charts {
		ch.X, ch.Y = chart.NewAxis(label, low, high, chart.Narrow/70), chart.NewAxis("share of values", 0, tallest, 4)
	}
	f.Description = strings.Join(words, "\n")
	return f
}

// Gallery draws images in a grid with a caption under each, which may have several lines; if
// captions is nil, their labels.
func Gallery(title string, images Images, captions []string) *Figure {
	if captions == nil {
		for _, label := range images.Labels {
			captions = append(captions, fmt.Sprint(label))
		}
	}
	if len(captions) != images.Len() || len(images.Pixels) != NumPixels*images.Len() {
		return cannotDraw("%d images have %d pixels and %d captions, expected %d and as many as images",
			images.Len(), len(images.Pixels), len(captions), NumPixels*images.Len())
	}
	tiles := make([]image.Image, images.Len())
	for i := range tiles {
		ink := &image.Gray{Pix: make([]byte, NumPixels), Stride: imageSize, Rect: image.Rect(0, 0, imageSize, imageSize)}
		for k, v := range images.Pixels[i*NumPixels : (i+1)*NumPixels] {
			ink.Pix[k] = 255 - v // dark ink on white paper
		}
		tiles[i] = ink
	}
	return pictures(title, tiles, captions)
}

// Matrices draws matrices as pictures in a grid with a caption under each: the filters of a layer,
// or its feature maps. All share one scale of colours, which the subtitle gives: blue is negative,
// white 0 and orange positive. It names blue only if a value is negative: none is after a ReLU.
func Matrices(title string, matrices [][][]float64, captions []string) *Figure {
	if len(captions) != len(matrices) {
		return cannotDraw("%d captions for %d matrices; give each matrix its caption", len(captions), len(matrices))
	}
	largest, negative := 0.0, false
	for i, matrix := range matrices {
		if len(matrix) == 0 || len(matrix[0]) == 0 {
			return cannotDraw("matrix %d is empty", i)
		}
		for _, row := range matrix {
			if len(row) != len(matrix[0]) {
				return cannotDraw("matrix %d has rows of %d and of %d values", i, len(matrix[0]), len(row))
			}
			for _, v := range row {
				if finite(v) {
					largest, negative = max(largest, math.Abs(v)), negative || v < 0
				}
			}
		}
	}
	f := pictures(title, matrixTiles(matrices, largest), captions)
	f.Subtitle = matrixColors(largest, negative)
	return f
}

// matrixTiles draws matrices as pictures whose strongest colours are the largest value and its negative.
func matrixTiles(matrices [][][]float64, largest float64) []image.Image {
	tiles := make([]image.Image, len(matrices))
	for i, matrix := range matrices {
		tile := image.NewNRGBA(image.Rect(0, 0, len(matrix[0]), len(matrix)))
		for y, row := range matrix {
			for x, v := range row {
				strongest := chart.ParseColor(chart.Palette[1])
				if v < 0 {
					strongest = chart.ParseColor(chart.Palette[0])
				}
				tile.Set(x, y, chart.Blend(strongest, math.Abs(v)/max(largest, math.SmallestNonzeroFloat64)))
			}
		}
		tiles[i] = tile
	}
	return tiles
}

func matrixColors(largest float64, negative bool) string {
	if !negative {
		return fmt.Sprintf("from white, 0, to orange, %.3g", largest)
	}
	return fmt.Sprintf("from blue, %.3g, over white, 0, to orange, %.3g", -largest, largest)
}

// HeatMap draws a table of numbers, the larger the darker: values[row][column]. A confusion matrix
// is one.
func HeatMap(title, rowLabel, columnLabel string, rows, columns []string, values [][]float64) *Figure {
	if len(values) != len(rows) || len(rows) == 0 || len(columns) == 0 {
		return cannotDraw("%d rows of values have %d names and %d columns", len(values), len(rows), len(columns))
	}
	var words []string
	largest := math.SmallestNonzeroFloat64
	for i, row := range values {
		if len(row) != len(columns) {
			return cannotDraw("row %q has %d values for %d columns", rows[i], len(row), len(columns))
		}
		var numbers []string
		for j, v := range row {
			if finite(v) {
				largest = max(largest, v)
			}
			numbers = append(numbers, columns[j]+": "+chart.ShortNumber(v))
		}
		words = append(words, fmt.Sprintf("%s %s: %s.", rowLabel, rows[i], strings.Join(numbers, ", ")))
	}
	table := &chart.HeatMap{RowLabel: rowLabel, ColumnLabel: columnLabel, Rows: rows, Columns: columns}
	for _, row := range values {
		var cells []chart.Cell
		for _, v := range row {
			cells = append(cells, chart.Cell{Text: chart.ShortNumber(v), Shade: max(0, v) / largest})
		}
		table.Cells = append(table.Cells, cells)
	}
	return &Figure{Title: title, Description: strings.Join(words, "\n"), panels: []chart.Panel{table}, columns: 1}
}

// ForestPlot draws differences, each by the name of what is compared: a dot at the mean, a thick line over the 95 %
// interval with other seeds, and a thin one over that with other seeds and other images, where it is known.
func ForestPlot(title, label string, names []string, differences []Difference) *Figure {
	if len(names) != len(differences) || len(names) == 0 {
		return cannotDraw("%d names for %d differences; give each difference its name", len(names), len(differences))
	}
	panel := &chart.Forest{}
	low, high := 0.0, 0.0 // the line at 0 is always there
	var words []string
	for i, d := range differences {
		if !finite(d.Mean) || !finite(d.Low) || !finite(d.High) {
			return cannotDraw("the difference %q is %v, from %v to %v", names[i], d.Mean, d.Low, d.High)
		}
		panel.Rows = append(panel.Rows, chart.ForestRow{Name: names[i], Mean: d.Mean, Low: d.Low, High: d.High, WideLow: d.ImagesLow, WideHigh: d.ImagesHigh})
		low, high = min(low, d.Low), max(high, d.High)
		line := fmt.Sprintf("%s: %+.4f, with other seeds %s", names[i], d.Mean, interval(d.Low, d.High))
		if finite(d.ImagesLow) {
			low, high = min(low, d.ImagesLow), max(high, d.ImagesHigh)
			line += ", with other images too " + interval(d.ImagesLow, d.ImagesHigh)
		}
		words = append(words, line+": "+d.Verdict()+".")
	}
	panel.X = chart.NewAxis(label, low, high, 6)
	return &Figure{
		Title: title, Subtitle: "dot: mean difference; thick: 95 % interval with other seeds; thin: with other seeds and other images",
		Description: strings.Join(words, "\n"), panels: []chart.Panel{panel}, columns: 1,
	}
}

// pictures draws tiles in a grid, each with its caption.
func pictures(title string, tiles []image.Image, captions []string) *Figure {
	words := "No pictures."
	if len(tiles) > 0 {
		words = "Pictures, row by row: " + strings.ReplaceAll(strings.Join(captions, "; "), "\n", ", ") + "."
	}
	return &Figure{Title: title, Description: words, panels: []chart.Panel{chart.NewPictures(tiles, captions)}, columns: 1}
}

// cannotDraw is a figure of nothing, which says why when it is shown or saved.
func cannotDraw(format string, values ...any) *Figure {
	return &Figure{err: fmt.Errorf("cannot draw the figure: "+format, values...)}
}
