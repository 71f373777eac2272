package mnistlib

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	imagefont "golang.org/x/image/font"
)

func (ch *chart) draw(c draw.Canvas, l legend) {
	p := plot.New()
	p.BackgroundColor = nil
	if ch.title != "" {
		p.Title.Text, p.Title.TextStyle, p.Title.Padding = ch.title, textStyle(axisSize, imagefont.WeightNormal, ink), pixels(6)
		p.Title.TextStyle.XAlign = draw.XCenter
	}
	ch.x.style(&p.X)
	ch.y.style(&p.Y)
	p.Add(grid{ch})
	if len(ch.bars) > 0 {
		p.Add(columns(ch.bars))
	}
	for _, cv := range ch.curves {
		if cv.low != nil {
			p.Add(band{cv, l.place(cv.name)})
		}
	}
	for _, cv := range ch.curves {
		p.Add(line{cv, l.place(cv.name)})
	}
	for _, pts := range ch.points {
		p.Add(dots{pts.x, pts.y, l.place(pts.name), dotOpacity})
	}
	p.Draw(draw.Crop(c, 0, -pixels(12), pixels(12), 0))
}

// style gives an axis of a static picture the look of the interactive one.
func (a axis) style(to *plot.Axis) {
	var ticks plot.ConstantTicks
	for _, v := range a.ticks() {
		ticks = append(ticks, plot.Tick{Value: v, Label: a.label(v)})
	}
	to.Min, to.Max = a.min, a.max
	to.Padding = 0
	to.LineStyle = draw.LineStyle{Color: parseColor(paleInk), Width: pixels(1)}
	to.Tick.LineStyle = to.LineStyle
	to.Tick.Length = pixels(5)
	to.Tick.Marker = ticks
	to.Label.Text = a.title
	to.Label.Padding = pixels(4)
	to.Label.TextStyle.Color, to.Label.TextStyle.Font = parseColor(ink), textStyle(axisSize, imagefont.WeightNormal, ink).Font
	to.Tick.Label.Color, to.Tick.Label.Font = parseColor(ink), textStyle(labelSize, imagefont.WeightNormal, ink).Font
}

// The marks of a static chart.
type (
	grid    struct{ *chart }
	columns []bar
	band    struct {
		curve
		color int
	}
	line struct {
		curve
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
	style := draw.LineStyle{Color: parseColor(gridInk), Width: pixels(1)}
	for _, x := range g.x.ticks() {
		c.StrokeLine2(style, toX(x), c.Min.Y, toX(x), c.Max.Y)
	}
	for _, y := range g.y.ticks() {
		c.StrokeLine2(style, c.Min.X, toY(y), c.Max.X, toY(y))
	}
}

func (bars columns) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for _, b := range bars {
		c.FillPolygon(parseColor(seriesColor(0)), []vg.Point{
			{X: toX(b.from), Y: toY(0)}, {X: toX(b.to), Y: toY(0)}, {X: toX(b.to), Y: toY(b.height)}, {X: toX(b.from), Y: toY(b.height)},
		})
	}
}

func (b band) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	var outline []vg.Point
	for i := range b.x {
		outline = append(outline, vg.Point{X: toX(b.x[i]), Y: toY(b.high[i])})
	}
	for i := len(b.x) - 1; i >= 0; i-- {
		outline = append(outline, vg.Point{X: toX(b.x[i]), Y: toY(b.low[i])})
	}
	c.FillPolygon(translucent(b.color, bandOpacity), outline)
}

func (l line) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	var stretch []vg.Point // between two breaks
	for i := range l.x {
		if finite(l.y[i]) {
			stretch = append(stretch, vg.Point{X: toX(l.x[i]), Y: toY(l.y[i])})
			continue
		}
		c.StrokeLines(lineStyle(l.color, lineWidth), stretch)
		stretch = nil
	}
	c.StrokeLines(lineStyle(l.color, lineWidth), stretch)
	if l.showsDots() {
		dots{l.x, l.y, l.color, 1}.Plot(c, p)
	}
}

func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for i := range d.x {
		if finite(d.y[i]) {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: translucent(d.color, d.opacity), Radius: pixels(4), Shape: draw.CircleGlyph{}},
				vg.Point{X: toX(d.x[i]), Y: toY(d.y[i])})
		}
	}
}
