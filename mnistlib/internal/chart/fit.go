package chart

import "fmt"

// EmbedStyle is how JupyterLab's Vega shows a figure: as wide as its cell allows, with notes at the mouse that are read at the
// back of a lecture room, and the menu that saves it at its top right corner. It stands in place of vega-embed's style.
const EmbedStyle = `.vega-embed{position:relative}` +
	`.vega-embed details{position:absolute;top:0;right:0;z-index:1}` +
	`.vega-embed summary{list-style:none;cursor:pointer;opacity:.4}` +
	`.vega-embed summary svg{width:20px;fill:gray}` +
	`.vega-actions{position:absolute;right:0;display:flex;flex-direction:column;background:white;box-shadow:0 1px 6px gray}` +
	`.vega-actions a{padding:6px 14px;white-space:nowrap;color:black}` +
	`#vg-tooltip-element{font-size:20px;pointer-events:none}` +
	`#vg-tooltip-element table tr td.key,#vg-tooltip-element table tr td.value{max-width:none}`

// fit makes the figure follow the width that it finds in a page, by changes to what Vega-Lite compiles it to, since
// Vega-Lite itself has no widths that do so for several panels. Where there is no room for all, they stand in one
// column; the text is wrapped anew, and the panels shrink. The panels of a figure are of one size.
func (f *Figure) fit(plot object, l legend) []any {
	width, height := plot["width"].(float64), plot["height"].(float64)
	outer, _ := f.Panels[0].size()
	columns := min(f.Columns, len(f.Panels))
	whole := f.width() + 2*figureMargin + panelGap*float64(columns-1)
	widest := width
	if columns > 1 {
		widest = Wide
	}
	set := func(path, format string, values ...any) object {
		return object{"op": "add", "path": path, "value": object{"signal": fmt.Sprintf(format, values...)}}
	}
	signal := func(name, init, onResize string) object {
		s := object{"name": name, "init": init}
		if onResize != "" {
			s["on"] = []any{object{"events": "window:resize", "update": onResize}}
		}
		return object{"op": "add", "path": "/signals/0", "value": s}
	}
	// The first two signals of those that Vega-Lite makes are the panels' width and height.
	changes := []any{
		object{"op": "add", "path": "/signals/0/update", "value": fmt.Sprintf("room < %g ? clamp(room - %g, %d, %g) : %g", whole, outer-width+2*figureMargin+8, narrowest, widest, width)},
	}
	if keepsShape(f.Panels[0]) {
		changes = append(changes, object{"op": "add", "path": "/signals/1/update", "value": fmt.Sprintf("childWidth * %g", height/width)})
	}
	// A page does not say when its list of files opens; it says when its window changes.
	changes = append(changes,
		signal("room", "windowSize()[0] - beside", "windowSize()[0] - beside"),
		signal("beside", fmt.Sprintf("windowSize()[0] - (containerSize()[0] || windowSize()[0] - %d)", besideCell), ""))
	if columns > 1 {
		changes = append(changes, set("/layout/columns", "room < %g ? 1 : %d", whole, columns))
	}
	if l.shown() {
		changes = append(changes, set("/legends/0/columns", "room < %g ? 1 : %d", whole, l.columns), set("/legends/0/labelLimit", "room - 80"))
	}
	rewrap := func(path string, narrow, wide []string) {
		if len(narrow) > len(wide) {
			changes = append(changes, set(path, "room < %g ? %s : %s", whole, literal(narrow), literal(wide)))
		}
	}
	rewrap("/title/text", wrap(f.Title, titleStyle, pixels(narrowText)), f.wrapTitle())
	rewrap("/title/subtitle", wrap(f.Subtitle, subtitleStyle, pixels(narrowText)), f.wrapSubtitle())
	return changes
}

// narrowest is the least width of a panel and narrowText that of the titles in a narrow window, in pixels; besideCell is
// what JupyterLab shows beside a cell's output, with the list of files open: for a page that does not tell the room.
const narrowest, narrowText, besideCell = 200, 300, 450

// keepsShape says whether a panel gets lower when it gets narrower.
func keepsShape(p Panel) bool {
	switch p.(type) {
	case *Surface, *Pictures, *Film:
		return true
	}
	return false
}
