package chart

import (
	"encoding/json"
	"fmt"

	"gonum.org/v1/plot/text"
)

// VegaLite is the figure as a specification of Vega-Lite, version 5, made of nothing but maps, slices,
// strings, numbers and bools.
func (f *Figure) VegaLite() (object, error) {
	text, err := json.Marshal(f.specification())
	if err != nil {
		return nil, err
	}
	var spec object
	return spec, json.Unmarshal(text, &spec)
}

func (f *Figure) specification() object {
	l := f.legend()
	panels := make([]any, len(f.Panels))
	for i, p := range f.Panels {
		panels[i] = p.vegaLite(i, l)
	}
	params := []any{}
	if f.Slider != nil {
		params = append(params, f.Slider.vega())
	}
	// The paper, the text and the axes have no colours of their own: JupyterLab gives them those of its theme.
	return object{
		"$schema":     "https://vega.github.io/schema/vega-lite/v5.json",
		"description": f.Text(),
		"params":      params,
		"usermeta":    object{"embedOptions": object{"patch": f.changes(l)}},
		"padding":     figureMargin,
		"autosize":    object{"type": "pad", "resize": true}, // the picture shrinks with its panels, too
		"title": object{
			"text": f.wrap(f.Title, titleStyle), "fontSize": titleSize, "fontWeight": "bold",
			"subtitle": f.wrap(f.Subtitle, subtitleStyle), "subtitleFontSize": labelSize,
			"anchor": "start", "offset": 10, "subtitlePadding": 6, "lineHeight": titleSize + 4, "subtitleLineHeight": labelSize + 4,
		},
		"concat":  panels,
		"columns": max(2, f.Columns), // of one column Vega-Lite makes other signals, which fit does not know
		"spacing": panelGap,
		"config": object{
			"font": "Liberation Sans, Arial, Helvetica, sans-serif",
			"view": object{"stroke": "transparent"},
			"axis": object{
				"labelFontSize": labelSize, "titleFontSize": axisSize, "titleFontWeight": "normal",
				"gridColor": gridInk, "gridOpacity": gridOpacity, "titlePadding": 8, "labelFlush": false, "labelSeparation": 8,
			},
			"legend": object{
				"labelFontSize": labelSize, "labelLimit": f.width(),
				"symbolStrokeWidth": 4, "symbolSize": 500, "symbolOpacity": 1, "offset": 10, "columnPadding": 28,
			},
			"title": object{"fontSize": axisSize, "fontWeight": "normal"},
			"line":  object{"strokeWidth": lineWidth, "strokeJoin": "round", "strokeCap": "round"},
		},
	}
}

// whole is the width of the interactive figure in a wide page, in pixels.
func (f *Figure) whole() float64 {
	if panel := f.Panels[0].shape(); len(f.Panels) == 1 {
		return max(f.width(), panel.width+panel.axes) + 2*figureMargin
	}
	return f.width() + 2*figureMargin + panelGap*float64(min(f.Columns, len(f.Panels))-1)
}

// changes are those to what Vega-Lite compiles the figure to, so that it follows the width of its page: Vega-Lite itself has
// no widths that do for several panels. Where there is no room for all, they stand in one column; the text is wrapped
// anew, and the panels shrink. All panels are of one shape.
func (f *Figure) changes(l legend) []any {
	panel, whole, columns := f.Panels[0].shape(), f.whole(), min(f.Columns, len(f.Panels))
	set := func(path, expression string) object {
		return object{"op": "add", "path": path, "value": object{"signal": expression}}
	}
	// Of the signals that Vega-Lite makes, the first two are the panels' width and height.
	changes := []any{object{"op": "add", "path": "/signals/0/update", "value": fmt.Sprintf("room < %g ? clamp(room - %g, %g, %g) : %g",
		whole, panel.axes+2*figureMargin, min(narrowest, panel.widest), panel.widest, panel.width)}}
	if panel.narrowHeight != "" {
		changes = append(changes, object{"op": "add", "path": "/signals/1/update", "value": panel.narrowHeight})
	}
	// A page does not say when its width changes, as when its list of files opens: so it is looked at soon after what mostly
	// changes it, and every five seconds. While the figure is hidden, it has none.
	events := []any{
		object{"source": "window", "type": "resize", "debounce": 300}, object{"source": "window", "type": "click", "debounce": 300},
		object{"type": "timer", "throttle": 5000},
	}
	changes = append(changes, object{"op": "add", "path": "/signals/0", "value": object{
		"name": "room", "init": fmt.Sprintf("containerSize()[0] || windowSize()[0] - %d", besideCell),
		"on": []any{object{"events": events, "update": "containerSize()[0] || room"}},
	}})
	if columns > 1 {
		changes = append(changes, set("/layout/columns", fmt.Sprintf("room < %g ? 1 : %d", whole, columns)))
	}
	if l.shown() {
		room := fmt.Sprintf("(min(room, %g) - %g)", whole, panel.axes+2*figureMargin)
		changes = append(changes,
			set("/legends/0/columns", fmt.Sprintf("clamp(floor(%s / %.0f), 1, %d)", room, float64(l.column/pixels(1)), l.columns)),
			set("/legends/0/labelFontSize", fmt.Sprintf("room < %g ? %d : %d", rooms[0], labelSize-2, labelSize)),
			set("/legends/0/labelLimit", room+" - 20")) // for the line beside it; at its right, there is the room of the axis's last number
	}
	rewrap := func(path, words string, style text.Style) {
		lines := literal(f.wrap(words, style))
		expression, limit := lines, whole
		for _, room := range rooms {
			if room < limit {
				expression = fmt.Sprintf("room < %g ? %s : %s", limit, literal(wrap(words, style, pixels((room-2*figureMargin)*fontRoom))), expression)
				limit = room
			}
		}
		changes = append(changes, set(path, expression))
	}
	rewrap("/title/text", f.Title, titleStyle)
	if f.Subtitle != "" { // an empty one would take room
		rewrap("/title/subtitle", f.Subtitle, subtitleStyle)
	}
	return changes
}

// rooms are the least widths for which titles are wrapped, in pixels: the last is that of a cell in a window of 800 pixels with
// JupyterLab's list of files open.
var rooms = []float64{540, narrowRoom}
