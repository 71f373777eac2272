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
	`#vg-tooltip-element table tr td.key,#vg-tooltip-element table tr td.value{max-width:none;color:inherit}`

// A shape is how large a panel's plot is. Lengths are in pixels.
type shape struct {
	width, height float64
	widest        float64 // the largest width in a narrow page
	axes          float64 // what the axes add to the width there
	narrowHeight  string  // the height by the width, childWidth, there: an expression of Vega; empty: it stays
}

// proportional is the shape of a plot that gets lower when it gets narrower.
func proportional(width, height, axes float64) shape {
	return shape{width, height, width, axes, fmt.Sprintf("childWidth * %g", height/width)}
}

// scaled is a length, an expression of Vega, that shrinks with a plot that has this width in a wide page.
func scaled(length, width float64) object {
	return object{"expr": fmt.Sprintf("%g * childWidth / %g", length, width)}
}

// narrowRoom is the width of the narrowest page that a figure fits, narrowest that of a panel there at least, and besideCell
// what JupyterLab shows beside a cell's output, with the list of files: for a page that does not tell the room. In pixels.
const narrowRoom, narrowest, besideCell = 345, 200.0, 450

// narrowPlot is the least width of a plot with axes.
const narrowPlot = narrowRoom - chartAxes - 2*figureMargin

// chartAxes is the room of the axes of an interactive panel, at its left and, for the end of a tick's number, at its right,
// where the title of the y axis has one line.
const chartAxes = 90
