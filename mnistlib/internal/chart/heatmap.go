package chart

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A HeatMap is a panel that shows a table, each cell in a shade of its own.
type HeatMap struct {
	RowLabel, ColumnLabel string
	Rows, Columns         []string
	Cells                 [][]Cell // [row][column]
}

// A Cell is a place of a heat map.
type Cell struct {
	Text  string  // in one line or more
	Shade float64 // from 0, white, to 1, the darkest; not finite: grey
}

const cellSize = 46 // in pixels

// inside is the size of the table without its names.
func (t *HeatMap) inside() (width, height float64) {
	return float64(cellSize * len(t.Columns)), float64(cellSize * len(t.Rows))
}

func (t *HeatMap) size() (width, height float64) {
	width, height = t.inside()
	return width + marginX, height + marginY
}

func (t *HeatMap) shape() shape {
	width, height := t.inside()
	return proportional(width, height, chartAxes)
}

func (t *HeatMap) names() []string { return nil }

func (t *HeatMap) vegaLite(int, legend) object {
	width, height := t.inside()
	values := []any{}
	for i, row := range t.Cells {
		for j, cell := range row {
			values = append(values, object{"row": t.Rows[i], "column": t.Columns[j], "text": cell.Text, "color": hex(cell.color()), "ink": hex(cell.ink())})
		}
	}
	axis := func(field, title, orient string, names []string) object {
		return object{"field": field, "type": "ordinal", "title": title, "sort": names, "axis": object{"orient": orient, "labelAngle": 0, "labelFontSize": scaled(labelSize, width)}}
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
			object{
				"mark": object{"type": "text", "fontSize": scaled(labelSize, width), "lineBreak": "\n", "lineHeight": scaled(labelSize+2, width), "baseline": "middle",
					"dy": object{"expr": scaled(-(labelSize+2)/2, width)["expr"].(string) + " * (split(datum.text, '\\n').length - 1)"}, "color": object{"expr": "datum.ink"}},
				"encoding": object{"text": object{"field": "text"}},
			},
		},
	}
}

// darkest is the shade 1.
const darkest = "#0B4F7D"

func (c Cell) color() color.NRGBA { return Blend(ParseColor(darkest), c.Shade) }

func hex(c color.NRGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// ink is what can be read on the cell's colour.
func (c Cell) ink() color.NRGBA {
	white, black := color.NRGBA{255, 255, 255, 255}, color.NRGBA{0, 0, 0, 255}
	if contrast(white, c.color()) > contrast(black, c.color()) {
		return white
	}
	return black
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
	for i, row := range t.Cells {
		for j, cell := range row {
			at := center(i, j)
			c.FillPolygon(cell.color(), []vg.Point{{X: at.X - half, Y: at.Y - half}, {X: at.X + half, Y: at.Y - half}, {X: at.X + half, Y: at.Y + half}, {X: at.X - half, Y: at.Y + half}})
			style.Color = cell.ink()
			lines := strings.Split(cell.Text, "\n")
			at.Y += pixels(float64((labelSize+2)*(len(lines)-1)) / 2)
			for _, line := range lines {
				c.FillText(style, at, line)
				at.Y -= pixels(labelSize + 2)
			}
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
