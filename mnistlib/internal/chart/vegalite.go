package chart

import (
	"math"
	"slices"
	"strconv"

	imagefont "golang.org/x/image/font"
)

func (ch *Chart) shape() shape {
	return shape{width: ch.Width, height: ch.Height, widest: Wide, axes: axesWith(ch.Y.titleLines(ch.Height + overEnds))}
}

// overEnds is how much longer than a y axis its title may be, in pixels.
const overEnds = 40

// A group of layers draws one kind of mark from one table. The series' place in the legend is in
// each row; its name follows from it.
func (ch *Chart) vegaLite(id int, l legend) object {
	groups := []any{}
	if len(ch.Bars) > 0 {
		groups = append(groups, ch.vegaBars())
	} else {
		groups = append(groups, ch.vegaCurves(id, l))
	}
	if len(ch.Points) > 0 {
		groups = append(groups, ch.vegaPoints(l))
	}
	if places := ch.epochs(); places != nil {
		groups = append([]any{vegaEpochs(places)}, groups...)
	}
	encoding := object{"x": ch.X.vegaLite("x", narrowPlot), "y": ch.Y.vegaLite("y", ch.Height+overEnds)}
	l.encode(encoding)
	title := any(ch.Title)
	if ch.Slider != nil {
		title = ch.Slider.title(ch.Title + ", ")
	}
	if ch.Epoch > 0 {
		encoding["x"].(object)["axis"].(object)["grid"] = false
	}
	return object{"title": title, "width": ch.Width, "height": ch.Height, "encoding": encoding, "layer": groups}
}

// encode gives each name its colour and its dash, and explains them.
func (l legend) encode(encoding object) {
	encoding["color"] = object{"value": seriesColor(0)}
	if !l.shown() {
		return
	}
	colors, dashes := make([]string, len(l.names)), make([][]float64, len(l.names))
	for i := range l.names {
		colors[i] = seriesColor(i)
		dashes[i] = append([]float64{}, seriesDash(i)...)
	}
	encoding["color"] = object{
		"field": "name", "type": "nominal", "scale": object{"domain": l.names, "range": colors},
		"legend": object{"title": "", "orient": "top", "symbolType": "stroke", "columns": l.columns},
	}
	encoding["strokeDash"] = object{"field": "name", "type": "nominal", "scale": object{"domain": l.names, "range": dashes}}
}

// vegaEpochs are upright lines.
func vegaEpochs(places []float64) object {
	rows := newTable("x")
	for _, x := range places {
		rows.add(x)
	}
	return object{
		"data": rows.data(),
		"mark": object{"type": "rule", "color": gridInk, "opacity": gridOpacity},
		"encoding": object{
			"x": object{"field": "x", "type": "quantitative"}, "y": nil, "color": nil, "strokeDash": nil,
		},
	}
}

// transform adds the series' name to each row of a table, and leaves out the rows of other frames.
func (ch *Chart) transform(l legend) []any {
	var steps []any
	if ch.Slider != nil {
		steps = append(steps, ch.Slider.filter())
	}
	return append(steps, object{"calculate": literal(append([]string{}, l.names...)) + "[datum.series]", "as": "name"})
}

// vegaCurves are the bands, the lines above them, and the points that answer to the mouse.
func (ch *Chart) vegaCurves(id int, l legend) object {
	banded := ch.hasBand()
	styled := slices.ContainsFunc(ch.Curves, func(c Curve) bool { return c.Style != Strong })
	columns := []string{"series", "x", "y"}
	if banded {
		columns = append(columns, "low", "high")
	}
	if styled {
		columns = append(columns, "curve", "style")
	}
	if ch.Slider != nil {
		columns = append(columns, "frame")
	}
	rows, dots := newTable(columns...), make([]bool, len(l.names))
	for k, c := range ch.inOrder() {
		place := float64(l.place(c.Name))
		dots[l.place(c.Name)] = c.showsDots()
		for i := range c.X {
			row := []float64{place, c.X[i], c.Y[i]}
			if banded && c.Low == nil {
				row = append(row, math.NaN(), math.NaN())
			} else if banded {
				row = append(row, c.Low[i], c.High[i])
			}
			if styled {
				row = append(row, float64(k), float64(c.Style))
			}
			if ch.Slider != nil {
				row = append(row, float64(c.Frame+1))
			}
			rows.add(row...)
		}
	}

	tooltip := []any{field("name", "curve"), field("x", ch.X.Title), field("y", ch.Y.Title)}
	var layers []any
	if banded {
		tooltip = append(tooltip, field("low", ch.bandEnds()[0]), field("high", ch.bandEnds()[1]))
		layers = append(layers, object{
			"transform": []any{object{"filter": "isValid(datum.low)"}},
			"mark":      object{"type": "area", "clip": ch.clipped()},
			"encoding": object{
				"y":       object{"field": "low", "type": "quantitative"},
				"y2":      object{"field": "high"},
				"opacity": l.opacity(bandOpacity),
			},
		})
	}
	// The point nearest to the mouse shows itself and its numbers.
	hover := "hover" + strconv.Itoa(id)
	lines := object{"opacity": l.opacity(1), "order": object{"field": "order", "type": "quantitative"}}
	if styled {
		lines["detail"] = object{"field": "curve", "type": "nominal"}
		lines["strokeWidth"] = object{"condition": object{"test": "datum.style == " + literal(Thin), "value": Thin.width()}, "value": Strong.width()}
		lines["strokeOpacity"] = object{"condition": object{"test": "datum.style == " + literal(Pale), "value": Pale.opacity()}, "value": Strong.opacity()}
	}
	layers = append(layers,
		object{
			// Without an order of its own, Vega-Lite connects the points from left to right.
			"transform": []any{object{"window": []any{object{"op": "row_number", "as": "order"}}}},
			"mark":      object{"type": "line", "clip": ch.clipped()},
			"encoding":  lines,
		},
		object{
			"transform": []any{object{"filter": "isValid(datum.y) && " + ch.shows("datum.y")}},
			"params": []any{object{"name": hover, "select": object{
				"type": "point", "nearest": true, "on": "mouseover", "clear": "mouseout",
			}}},
			"mark": object{"type": "point", "filled": true, "size": 60},
			"encoding": object{
				"opacity": object{"value": 0, "condition": []any{
					object{"param": hover, "empty": false, "value": 1},
					object{"test": literal(dots) + "[datum.series]", "value": 1},
				}},
				"tooltip": tooltip,
			},
		})
	if id == 0 && l.shown() {
		layers[0].(object)["params"] = []any{object{
			"name": "shown", "bind": "legend", "select": object{"type": "point", "fields": []any{"name"}},
		}}
	}
	return object{"data": rows.data(), "transform": ch.transform(l), "layer": layers}
}

// shows is the expression of Vega that a value is not cut off.
func (ch *Chart) shows(value string) string {
	if !ch.clipped() {
		return "true"
	}
	return value + " >= " + literal(ch.Y.Min) + " && " + value + " <= " + literal(ch.Y.Max)
}

func (ch *Chart) vegaBars() object {
	rows := newTable("x", "to", "y")
	for _, b := range ch.Bars {
		rows.add(b.From, b.To, b.Height)
	}
	return object{
		"data": rows.data(), "mark": object{"type": "rect"},
		"encoding": object{
			"x2": object{"field": "to"}, "y2": object{"datum": 0},
			"tooltip": []any{field("x", "from"), field("to", "to"), field("y", ch.Y.Title)},
		},
	}
}

func (ch *Chart) vegaPoints(l legend) object {
	rows := newTable("series", "shift", "y", "x", "frame")
	for _, p := range ch.Points {
		for i := range p.X {
			rows.add(float64(l.place(p.Name)), p.X[i], p.Y[i], p.TrueX[i], float64(p.Frame+1))
		}
	}
	return object{
		"data": rows.data(), "transform": append(ch.transform(l), object{"filter": ch.shows("datum.y")}),
		"mark": object{"type": "point", "filled": true, "size": 50},
		"encoding": object{
			"x":       object{"field": "shift", "type": "quantitative"},
			"opacity": l.opacity(dotOpacity),
			"tooltip": []any{field("name", "curve"), field("x", ch.X.Title), field("y", ch.Y.Title)},
		},
	}
}

// opacity is that of a mark, which a click on another name in the legend makes faint.
func (l legend) opacity(value float64) object {
	if !l.shown() {
		return object{"value": value}
	}
	return object{"condition": object{"param": "shown", "value": value}, "value": value / 8}
}

// titleLines are the axis's title, in lines that are no longer than this, in pixels.
func (a Axis) titleLines(longest float64) []string {
	return wrap(a.Title, textStyle(axisSize, imagefont.WeightNormal, ink), pixels(longest*fontRoom))
}

// axesWith is the room of the axes of an interactive panel whose y axis has a title of some lines.
func axesWith(title []string) float64 { return chartAxes + (axisSize+2)*float64(max(1, len(title))-1) }

func (a Axis) vegaLite(fieldName string, longest float64) object {
	scale := object{"domain": []any{a.Min, a.Max}, "nice": false}
	if a.Log {
		scale["type"] = "log"
	} else {
		scale["zero"] = false
	}
	return object{
		"field": fieldName, "type": "quantitative", "title": a.titleLines(longest),
		"scale": scale,
		"axis":  object{"values": a.ticks(), "format": a.format()},
	}
}
