package chart

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A HeatMap is a panel that shows a table of numbers, the larger the darker.
type HeatMap struct {
	RowLabel, ColumnLabel string
	Rows, Columns         []string
	Values                [][]float64 // [row][column]
	Largest               float64     // of the finite values: the darkest
}

const cellSize = 44 // in pixels

// inside is the size of the table without its names.
func (t *HeatMap) inside() (width, height float64) {
	return float64(cellSize * len(t.Columns)), float64(cellSize * len(t.Rows))
}

func (t *HeatMap) size() (width, height float64) {
	width, height = t.inside()
	return width + marginX, height + marginY
}

func (t *HeatMap) names() []string { return nil }

func (t *HeatMap) vegaLite(int, legend) object {
	width, height := t.inside()
	values := []any{}
	for i, row := range t.Values {
		for j, v := range row {
			values = append(values, object{"row": t.Rows[i], "column": t.Columns[j], "text": ShortNumber(v), "color": hex(t.shade(v)), "ink": hex(t.textColor(v))})
		}
	}
	axis := func(field, title, orient string, names []string) object {
		return object{"field": field, "type": "ordinal", "title": title, "sort": names, "axis": object{"orient": orient, "labelAngle": 0}}
	}
	tooltip := []any{
		object{"field": "row", "type": "nominal", "title": t.RowLabel},
		object{"field": "column", "type": "nominal", "title": t.ColumnLabel},
		object{"field": "text", "type": "nominal", "title": "value"},
	}
	return object{
		"width": width, "height": height, "data": object{"values": values},
		"encoding": object{"x": axis("column", t.ColumnLabel, "bottom", t.Columns), "y": axis("row", t.RowLabel, "left", t.Rows), "tooltip": tooltip},
		"layer": []any{
			object{"mark": object{"type": "rect", "fill": object{"expr": "datum.color"}, "stroke": "white"}},
			object{"mark": object{"type": "text", "fontSize": labelSize, "color": object{"expr": "datum.ink"}}, "encoding": object{"text": object{"field": "text"}}},
		},
	}
}

// shade is the colour of a cell.
func (t *HeatMap) shade(v float64) color.NRGBA {
	return Blend(ParseColor(Palette[0]), max(0, v)/max(t.Largest, math.SmallestNonzeroFloat64))
}

func hex(c color.NRGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// textColor is what can be read on it.
func (t *HeatMap) textColor(v float64) color.NRGBA {
	if c := t.shade(v); 299*int(c.R)+587*int(c.G)+114*int(c.B) < 140_000 { // the brightness in thousandths
		return color.NRGBA{255, 255, 255, 255}
	}
	return ParseColor(ink)
}

func (t *HeatMap) draw(c draw.Canvas, _ legend) {
	width, height := t.inside()
	left, top := c.Min.X+pixels(marginX-figureMargin), c.Max.Y
	style := legendStyle
	style.XAlign = draw.XCenter
	center := func(i, j int) vg.Point {
		return vg.Point{X: left + pixels(cellSize*(float64(j)+0.5)), Y: top - pixels(cellSize*(float64(i)+0.5))}
	}
	half := pixels(cellSize/2 - 0.5)
	for i, row := range t.Values {
		for j, v := range row {
			at := center(i, j)
			c.FillPolygon(t.shade(v), []vg.Point{{X: at.X - half, Y: at.Y - half}, {X: at.X + half, Y: at.Y - half}, {X: at.X + half, Y: at.Y + half}, {X: at.X - half, Y: at.Y + half}})
			style.Color = t.textColor(v)
			c.FillText(style, at, ShortNumber(v))
		}
	}
	style.Color = ParseColor(ink)
	for j, name := range t.Columns {
		at := center(len(t.Rows), j)
		at.Y = top - pixels(height+14)
		c.FillText(style, at, name)
	}
	label := style
	label.Font.Size = pixels(axisSize)
	c.FillText(label, vg.Point{X: left + pixels(width/2), Y: top - pixels(height+40)}, t.ColumnLabel)
	style.XAlign = draw.XRight
	for i, name := range t.Rows {
		at := center(i, 0)
		at.X = left - pixels(8)
		c.FillText(style, at, name)
	}
	label.Rotation = math.Pi / 2
	c.FillText(label, vg.Point{X: c.Min.X + pixels(12), Y: top - pixels(height/2)}, t.RowLabel)
}
