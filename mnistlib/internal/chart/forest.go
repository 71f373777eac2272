package chart

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Forest is a panel of intervals, one below the other, about a line at 0.
type Forest struct {
	X    Axis
	Rows []ForestRow
}

// A ForestRow is a dot with a thick interval, and a thin one about it or none.
type ForestRow struct {
	Name                         string
	Mean                         float64
	Low, High, WideLow, WideHigh float64 // the thin one is not finite: none
}

// rowHeight is that of a row, narrowRowHeight that of one with its name above, and forestWidth the width of the axis, in pixels.
const rowHeight, narrowRowHeight, forestWidth = 28, 46, 420

// nameWidth is the room that the names take, in pixels.
func (f *Forest) nameWidth() float64 {
	widest := vg.Length(0)
	for _, row := range f.Rows {
		widest = max(widest, legendStyle.Width(row.Name))
	}
	return float64(widest/pixels(1))/fontRoom + 16
}

func (f *Forest) height() float64 { return rowHeight * float64(len(f.Rows)) }

func (f *Forest) size() (width, height float64) {
	return f.nameWidth() + forestWidth + figureMargin, f.height() + marginY
}

// In a narrow page the names stand above their rows. Its width tells: it is less than that in a wide one.
func (f *Forest) shape() shape {
	const axes = 36 // for the ends of the ticks' numbers
	return shape{forestWidth, f.height(), forestWidth - 1, axes, ifNarrow(narrowRowHeight*len(f.Rows), f.height())["expr"].(string)}
}

// ifNarrow is one value in a narrow page and another in a wide one.
func ifNarrow(narrow, wide any) object {
	return object{"expr": fmt.Sprintf("childWidth < %d ? %s : %s", forestWidth, literal(narrow), literal(wide))}
}

func (f *Forest) names() []string { return nil }

func (f *Forest) vegaLite(int, legend) object {
	values, names := []any{}, []string{}
	for _, row := range f.Rows {
		names = append(names, row.Name)
		value := object{"name": row.Name}
		for column, v := range map[string]float64{"mean": row.Mean, "low": row.Low, "high": row.High, "wideLow": row.WideLow, "wideHigh": row.WideHigh} {
			if finite(v) {
				value[column] = v
			}
		}
		values = append(values, value)
	}
	span := func(low, high string, width float64) object {
		return object{
			"transform": []any{object{"filter": "isValid(datum." + low + ")"}},
			"mark":      object{"type": "rule", "strokeWidth": width, "color": seriesColor(0)},
			"encoding":  object{"x": object{"field": low, "type": "quantitative"}, "x2": object{"field": high}},
		}
	}
	return object{
		"width": float64(forestWidth), "height": f.height(), "data": object{"values": values},
		"encoding": object{
			"y": object{"field": "name", "type": "nominal", "title": nil, "sort": names, "axis": object{
				"labelLimit": ifNarrow(narrowPlot+chartAxes, f.nameWidth()), "labelFontSize": ifNarrow(labelSize-3, labelSize),
				"labelAlign": ifNarrow("left", "right"), "labelPadding": ifNarrow(-4, 4), "labelOffset": ifNarrow(-18, 0),
				"grid": false, "ticks": false, "domain": false,
			}},
			"x": f.X.vegaLite("mean", narrowPlot),
			"tooltip": []any{field("name", "comparison"), field("mean", "mean"), field("low", "low"), field("high", "high"),
				field("wideLow", "low, other images too"), field("wideHigh", "high, other images too")},
		},
		"layer": []any{
			object{"mark": object{"type": "rule", "color": gridInk, "strokeWidth": 2}, "encoding": object{"x": object{"datum": 0}, "y": nil, "tooltip": nil}},
			span("wideLow", "wideHigh", thinWidth), span("low", "high", thickWidth),
			object{"mark": object{"type": "point", "filled": true, "size": 20, "color": seriesColor(1), "opacity": 1}},
		},
	}
}

const thinWidth, thickWidth = 1.5, 8.0

func (f *Forest) draw(c draw.Canvas, _ legend) {
	p := plot.New()
	p.BackgroundColor = nil
	f.X.style(&p.X)
	p.HideY()
	p.Y.Min, p.Y.Max = 0, float64(len(f.Rows))
	p.Add(forest{f})
	left := pixels(f.nameWidth())
	p.Draw(draw.Crop(c, left, -pixels(figureMargin), pixels(figureMargin), 0))
}

type forest struct{ *Forest }

func (f forest) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	upright := func(x float64, ink color.Color, width float64) {
		c.StrokeLine2(draw.LineStyle{Color: ink, Width: pixels(width)}, toX(x), c.Min.Y, toX(x), c.Max.Y)
	}
	for _, x := range f.X.ticks() {
		upright(x, faint(ParseColor(gridInk), gridOpacity), 1)
	}
	upright(0, ParseColor(gridInk), 2)
	style := legendStyle
	style.XAlign = draw.XRight
	for i, row := range f.Rows {
		y := toY(float64(len(f.Rows)-i) - 0.5)
		c.FillText(style, vg.Point{X: c.Min.X - pixels(10), Y: y}, row.Name)
		span := func(low, high, width float64) {
			if finite(low) && finite(high) {
				c.StrokeLine2(draw.LineStyle{Color: translucent(0, 1), Width: pixels(width)}, toX(low), y, toX(high), y)
			}
		}
		span(row.WideLow, row.WideHigh, thinWidth)
		span(row.Low, row.High, thickWidth)
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: translucent(1, 1), Radius: pixels(3.5), Shape: draw.CircleGlyph{}}, vg.Point{X: toX(row.Mean), Y: y})
	}
}
