package mnistlib

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
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
	ch := &chart{width: wide, height: 320}
	lowX, highX := math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		c := curve{name: l.Name, x: l.X, y: l.Y}
		ch.curves = append(ch.curves, c)
		ch.words = append(ch.words, c.describe(fmt.Sprintf("%s, %s", l.Name, yLabel), "lowest", xLabel))
		for _, x := range l.X {
			lowX, highX = min(lowX, x), max(highX, x)
		}
	}
	lowY, highY := ch.rangeY()
	ch.x, ch.y = newAxis(xLabel, lowX, highX, wide/60), newAxis(yLabel, lowY, highY, 5)
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
	const bins, columns = 40, 2
	low, high := math.Inf(1), math.Inf(-1)
	for _, sample := range samples {
		for _, v := range sample {
			if finite(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if math.IsInf(low, 1) {
		low, high = 0, 1 // there are no values
	}
	if low == high {
		low, high = low-0.5, high+0.5
	}
	f := &Figure{Title: title, columns: columns}
	var charts []*chart
	tallest := 0.0
	for i, sample := range samples {
		counts, n, sum, squares := make([]float64, bins), 0.0, 0.0, 0.0
		for _, v := range sample {
			if finite(v) {
				counts[min(bins-1, int(bins*(v-low)/(high-low)))]++
				n, sum, squares = n+1, sum+v, squares+v*v
			}
		}
		ch := &chart{title: names[i], width: narrow, height: 180}
		if left := len(sample) - int(n); left > 0 {
			ch.title += fmt.Sprintf(" (%d not finite)", left)
		}
		for b := range counts {
			share := counts[b] / max(1, n)
			tallest = max(tallest, share)
			width := (high - low) / bins
			ch.bars = append(ch.bars, bar{low + float64(b)*width, low + float64(b+1)*width, share})
		}
		words := names[i] + ": no values."
		if n > 0 {
			mean := sum / n
			words = fmt.Sprintf("%s: %.0f values, mean %.4g, standard deviation %.4g.", names[i], n, mean, math.Sqrt(max(0, squares/n-mean*mean)))
		}
		f.Description = strings.TrimPrefix(f.Description+"\n"+words, "\n")
		charts = append(charts, ch)
		f.panels = append(f.panels, ch)
	}
	for _, ch := range charts {
		ch.x, ch.y = newAxis(label, low, high, narrow/70), newAxis("share of values", 0, tallest, 4)
	}
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
		ink := &image.Gray{Pix: make([]byte, NumPixels), Stride: ImageSize, Rect: image.Rect(0, 0, ImageSize, ImageSize)}
		for k, v := range images.Pixels[i*NumPixels : (i+1)*NumPixels] {
			ink.Pix[k] = 255 - v // dark ink on white paper
		}
		tiles[i] = ink
	}
	return mosaicFigure(title, tiles, captions)
}

// HeatMaps draws matrices as pictures in a grid with a caption under each: the filters of a layer,
// or its feature maps. All share one scale of colours, which the subtitle gives: blue is negative,
// white 0 and orange positive.
func HeatMaps(title string, matrices [][][]float64, captions []string) *Figure {
	if len(captions) != len(matrices) {
		return cannotDraw("%d captions for %d matrices; give each matrix its caption", len(captions), len(matrices))
	}
	largest := 0.0
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
					largest = max(largest, math.Abs(v))
				}
			}
		}
	}
	tiles := make([]image.Image, len(matrices))
	for i, matrix := range matrices {
		tile := image.NewNRGBA(image.Rect(0, 0, len(matrix[0]), len(matrix)))
		for y, row := range matrix {
			for x, v := range row {
				strongest := parseColor(palette[1])
				if v < 0 {
					strongest = parseColor(palette[0])
				}
				tile.Set(x, y, blend(strongest, math.Abs(v)/max(largest, math.SmallestNonzeroFloat64)))
			}
		}
		tiles[i] = tile
	}
	f := mosaicFigure(title, tiles, captions)
	f.Subtitle = fmt.Sprintf("from blue, %.3g, over white, 0, to orange, %.3g", -largest, largest)
	return f
}

// blend is the colour on white paper in a strength from 0 to 1; grey if the strength is not finite.
func blend(c color.NRGBA, strength float64) color.NRGBA {
	if !finite(strength) {
		return color.NRGBA{128, 128, 128, 255}
	}
	part := func(v byte) byte { return byte(255 - strength*(255-float64(v)) + 0.5) }
	return color.NRGBA{part(c.R), part(c.G), part(c.B), 255}
}

// HeatMap draws a table of numbers, the larger the darker: values[row][column]. A confusion matrix
// is one.
func HeatMap(title, rowLabel, columnLabel string, rows, columns []string, values [][]float64) *Figure {
	if len(values) != len(rows) || len(rows) == 0 || len(columns) == 0 {
		return cannotDraw("%d rows of values have %d names and %d columns", len(values), len(rows), len(columns))
	}
	var words []string
	largest := 0.0
	for i, row := range values {
		if len(row) != len(columns) {
			return cannotDraw("row %q has %d values for %d columns", rows[i], len(row), len(columns))
		}
		var numbers []string
		for j, v := range row {
			if finite(v) {
				largest = max(largest, v)
			}
			numbers = append(numbers, columns[j]+": "+shortNumber(v))
		}
		words = append(words, fmt.Sprintf("%s %s: %s.", rowLabel, rows[i], strings.Join(numbers, ", ")))
	}
	return &Figure{
		Title: title, Description: strings.Join(words, "\n"),
		panels: []panel{&cells{
			rowLabel: rowLabel, columnLabel: columnLabel, rows: rows, columns: columns, values: values, largest: largest,
		}},
		columns: 1,
	}
}

// cannotDraw is a figure of nothing, which says why when it is shown or saved.
func cannotDraw(format string, values ...any) *Figure {
	return &Figure{err: fmt.Errorf("cannot draw the figure: "+format, values...)}
}

func shortNumber(v float64) string { return fmt.Sprintf("%.3g", v) }
