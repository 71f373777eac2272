package main

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// plot draws the seconds of every training section, a mark for each engine, on a logarithmic axis.
func (m *Measured) plot(works []Work, path string) error {
	sections := group(works, "section")
	slices.Reverse(sections) // the first at the top
	p := plot.New()
	p.Title.Text = "The tutorial's training sections, compilation included"
	p.X.Label.Text = "seconds (less is better)"
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = plot.LogTicks{Prec: -1}
	names := make([]string, len(sections))
	for i, w := range sections {
		names[i] = w.Name
	}
	p.NominalY(names...)
	p.Legend.Top = true
	p.Title.Padding = vg.Points(6)
	p.BackgroundColor = color.White
	p.Add(plotter.NewGrid())
	// Colours of Okabe and Ito, which the colour-blind can tell apart; the shapes differ too.
	for i, e := range []struct {
		name  string
		color color.RGBA
		shape draw.GlyphDrawer
	}{
		{thisLibrary, color.RGBA{0, 114, 178, 255}, draw.CircleGlyph{}},
		{asWritten, color.RGBA{213, 94, 0, 255}, draw.BoxGlyph{}},
		{optimized, color.RGBA{230, 159, 0, 255}, draw.TriangleGlyph{}},
		{"JAX", color.RGBA{0, 158, 115, 255}, draw.PyramidGlyph{}},
	} {
		var points plotter.XYs
		for y, w := range sections {
			if s := m.four(w.Name, seconds)[i]; !math.IsNaN(s) {
				points = append(points, plotter.XY{X: s, Y: float64(y)})
			}
		}
		scatter, err := plotter.NewScatter(points)
		if err != nil {
			return err
		}
		scatter.GlyphStyle = draw.GlyphStyle{Color: e.color, Radius: vg.Points(4), Shape: e.shape}
		p.Add(scatter)
		p.Legend.Add(e.name, scatter)
	}
	p.Y.Max = float64(len(sections)) + 2 // room for the legend
	return p.Save(22*vg.Centimeter, 14*vg.Centimeter, path)
}
