package chart

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	imagefont "golang.org/x/image/font"
)

func (ch *Chart) draw(c draw.Canvas, l legend) {
	p := plot.New()
	p.BackgroundColor = nil
	if ch.Title != "" {
		p.Title.Text, p.Title.TextStyle, p.Title.Padding = ch.Title, textStyle(axisSize, imagefont.WeightNormal, ink), pixels(6)
		p.Title.TextStyle.XAlign = draw.XCenter
	}
	ch.X.style(&p.X)
	ch.Y.style(&p.Y)
	p.Add(grid{ch})
	if len(ch.Bars) > 0 {
		p.Add(columns(ch.Bars))
	}
	for _, cv := range ch.inOrder() {
		if cv.Low != nil {
			p.Add(band{cv, l.place(cv.Name)})
		}
	}
	for _, cv := range ch.inOrder() {
		p.Add(line{cv, l.place(cv.Name)})
	}
	for _, pts := range ch.Points {
		p.Add(dots{pts.X, pts.Y, l.place(pts.Name), dotOpacity})
	}
	p.Draw(draw.Crop(c, 0, -pixels(12), pixels(12), 0))
}

// style gives an axis of a static picture the look of the interactive one.
func (a Axis) style(to *plot.Axis) {
	var ticks plot.ConstantTicks
	for _, v := range a.ticks() {
		ticks = append(ticks, plot.Tick{Value: v, Label: a.label(v)})
	}
	to.Min, to.Max = a.Min, a.Max
	to.Padding = 0
	if a.Log {
		to.Scale = plot.LogScale{}
	}
	to.LineStyle = draw.LineStyle{Color: ParseColor(paleInk), Width: pixels(1)}
	to.Tick.LineStyle = to.LineStyle
	to.Tick.Length = pixels(5)
	to.Tick.Marker = ticks
	to.Label.Text = a.Title
	to.Label.Padding = pixels(4)
	label := textStyle(axisSize, imagefont.WeightNormal, ink)
	to.Label.TextStyle.Color, to.Label.TextStyle.Font, to.Label.TextStyle.Handler = label.Color, label.Font, label.Handler
	to.Tick.Label.Color, to.Tick.Label.Font = ParseColor(ink), textStyle(labelSize, imagefont.WeightNormal, ink).Font
}

// The marks of a static chart.
type (
	grid    struct{ *Chart }
	columns []Bar
	band    struct {
		Curve
		color int
	}
	line struct {
		Curve
		color int
	}
	dots struct {
		x, y    []float64
		color   int
		opacity float64
	}
)

func (g grid) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	style := draw.LineStyle{Color: faint(ParseColor(gridInk), gridOpacity), Width: pixels(1)}
	upright := g.X.ticks()
	if g.Epoch > 0 {
		upright = g.epochs()
	}
	for _, x := range upright {
		c.StrokeLine2(style, toX(x), c.Min.Y, toX(x), c.Max.Y)
	}
	for _, y := range g.Y.ticks() {
		c.StrokeLine2(style, c.Min.X, toY(y), c.Max.X, toY(y))
	}
}

func (bars columns) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for _, b := range bars {
		c.FillPolygon(ParseColor(seriesColor(0)), []vg.Point{
			{X: toX(b.From), Y: toY(0)}, {X: toX(b.To), Y: toY(0)}, {X: toX(b.To), Y: toY(b.Height)}, {X: toX(b.From), Y: toY(b.Height)},
		})
	}
}

func (b band) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	var outline []vg.Point
	low, high := drawnHeights(p, b.Low), drawnHeights(p, b.High)
	for i := range b.X {
		outline = append(outline, vg.Point{X: toX(b.X[i]), Y: toY(high[i])})
	}
	for i := len(b.X) - 1; i >= 0; i-- {
		outline = append(outline, vg.Point{X: toX(b.X[i]), Y: toY(low[i])})
	}
	if leaves(p, b.Low) || leaves(p, b.High) {
		outline = c.ClipPolygonXY(outline)
	}
	c.FillPolygon(translucent(b.color, bandOpacity), outline)
}

func (l line) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	stretches := [][]vg.Point{nil} // between two breaks
	for i, y := range drawnHeights(p, l.Y) {
		if finite(y) {
			last := &stretches[len(stretches)-1]
			*last = append(*last, vg.Point{X: toX(l.X[i]), Y: toY(y)})
		} else {
			stretches = append(stretches, nil)
		}
	}
	if leaves(p, l.Y) {
		stretches = c.ClipLinesXY(stretches...)
	}
	c.StrokeLines(curveStyle(l.color, l.Style.width(), l.Style.opacity()), stretches...)
	if l.showsDots() {
		dots{l.X, l.Y, l.color, l.Style.opacity()}.Plot(c, p)
	}
}

// leaves says whether a value lies beyond the y axis.
func leaves(p *plot.Plot, values []float64) bool {
	return slices.ContainsFunc(values, func(v float64) bool { return finite(v) && (v < p.Y.Min || v > p.Y.Max) })
}

// drawnHeights brings values far beyond the y axis, which is where they are cut off, so near that
// their places on the paper are finite.
func drawnHeights(p *plot.Plot, values []float64) []float64 {
	lowest, highest := p.Y.Min-100*(p.Y.Max-p.Y.Min), p.Y.Max+100*(p.Y.Max-p.Y.Min)
	if _, logarithmic := p.Y.Scale.(plot.LogScale); logarithmic {
		lowest = p.Y.Min / 1e9
	}
	heights := slices.Clone(values)
	for i, v := range heights {
		if finite(v) {
			heights[i] = max(lowest, min(v, highest))
		}
	}
	return heights
}

// inOrder are the curves from the palest on, so that none hides a stronger one.
func (ch *Chart) inOrder() []Curve {
	curves := slices.Clone(ch.Curves)
	slices.SortStableFunc(curves, func(a, b Curve) int { return int(b.Style) - int(a.Style) })
	return curves
}

func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for i := range d.x {
		if finite(d.y[i]) && d.y[i] >= p.Y.Min && d.y[i] <= p.Y.Max {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: translucent(d.color, d.opacity), Radius: pixels(4), Shape: draw.CircleGlyph{}},
				vg.Point{X: toX(d.x[i]), Y: toY(d.y[i])})
		}
	}
}
