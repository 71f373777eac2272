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

// A fitting is what is to be known of a figure so that it can follow the width that it finds in a page. Lengths are
// in pixels.
type fitting struct {
	whole                       float64 // the figure's width, with all its columns
	columns                     int
	panelWidth, panelHeight     float64 // of a panel, all of which are of one size
	panelWithAxes               float64 // its width with its axes
	keepsShape                  bool    // a panel gets lower when it gets narrower
	legendColumns               int     // 0 without a legend
	title, subtitle             []string
	narrowTitle, narrowSubtitle []string // wrapped for a narrow window
}

// changes are those to what Vega-Lite compiles the figure to, since Vega-Lite itself has no widths that follow the page's for
// several panels. Where there is no room for all, they stand in one column; the text is wrapped anew, and the panels shrink.
func (f fitting) changes() []any {
	widest := f.panelWidth
	if f.columns > 1 {
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
		object{"op": "add", "path": "/signals/0/update", "value": fmt.Sprintf("room < %g ? clamp(room - %g, %d, %g) : %g",
			f.whole, f.panelWithAxes-f.panelWidth+2*figureMargin+8, narrowest, widest, f.panelWidth)},
	}
	if f.keepsShape {
		changes = append(changes, object{"op": "add", "path": "/signals/1/update", "value": fmt.Sprintf("childWidth * %g", f.panelHeight/f.panelWidth)})
	}
	// A page does not say when its list of files opens; it says when its window changes.
	changes = append(changes,
		signal("room", "windowSize()[0] - beside", "windowSize()[0] - beside"),
		signal("beside", fmt.Sprintf("windowSize()[0] - (containerSize()[0] || windowSize()[0] - %d)", besideCell), ""))
	if f.columns > 1 {
		changes = append(changes, set("/layout/columns", "room < %g ? 1 : %d", f.whole, f.columns))
	}
	if f.legendColumns > 0 {
		changes = append(changes, set("/legends/0/columns", "room < %g ? 1 : %d", f.whole, f.legendColumns), set("/legends/0/labelLimit", "room - 80"))
	}
	rewrap := func(path string, narrow, wide []string) {
		if len(narrow) > len(wide) {
			changes = append(changes, set(path, "room < %g ? %s : %s", f.whole, literal(narrow), literal(wide)))
		}
	}
	rewrap("/title/text", f.narrowTitle, f.title)
	rewrap("/title/subtitle", f.narrowSubtitle, f.subtitle)
	return changes
}

// narrowest is the least width of a panel and narrowText that of the titles in a narrow window, in pixels; besideCell is
// what JupyterLab shows beside a cell's output, with the list of files open: for a page that does not tell the room.
const narrowest, narrowText, besideCell = 200, 300, 450
