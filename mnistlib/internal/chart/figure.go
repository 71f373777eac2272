package chart

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Figure is panels under a title. It is drawn twice from the same panels: interactively, as a
// Vega-Lite specification, and as a static picture for where that cannot be.
type Figure struct {
	Title       string
	Subtitle    string
	Description string // the figure in words, for those who cannot see it

	Panels  []Panel // in rows of Columns
	Columns int

	Slider *Slider // of the panels; nil: they do not move
	Still  []Panel // the static picture's panels, if they are others
}

// A Panel is one plot of a figure.
type Panel interface {
	size() (width, height float64) // of the static picture with its axes, in pixels
	names() []string               // what it needs explained in the figure's legend
	vegaLite(id int, l legend) object
	draw(c draw.Canvas, l legend)
}

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

// Text is the figure in words.
func (f *Figure) Text() string {
	lines := []string{f.Title}
	for _, line := range []string{f.Subtitle, f.Description} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// A legend explains the colours of a figure's panels: a name's place decides its colour.
type legend struct {
	names   []string
	columns int
	column  vg.Length // the width of each
}

// shown says whether there is anything to explain.
func (l legend) shown() bool { return len(l.names) > 1 }

func (l legend) rows() int {
	if !l.shown() {
		return 0
	}
	return (len(l.names) + l.columns - 1) / l.columns
}

func (l legend) place(name string) int { return slices.Index(l.names, name) }

// legend lists the names that the panels need explained, each once.
func (f *Figure) legend() legend {
	var l legend
	for _, p := range f.Panels {
		for _, name := range p.names() {
			if l.place(name) < 0 {
				l.names = append(l.names, name)
				l.column = max(l.column, legendStyle.Width(name)+pixels(60))
			}
		}
	}
	if l.shown() {
		l.columns = max(1, min(len(l.names), int(pixels(f.width())/l.column)))
	}
	return l
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
		"usermeta":    object{"embedOptions": object{"patch": f.fitting(panels[0].(object), l).changes()}},
		"padding":     figureMargin,
		"autosize":    object{"type": "pad", "resize": true}, // the picture shrinks with its panels, too
		"title": object{
			"text": f.wrapTitle(), "fontSize": titleSize, "fontWeight": "bold",
			"subtitle": f.wrapSubtitle(), "subtitleFontSize": labelSize,
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
				"gridColor": gridInk, "gridOpacity": gridOpacity, "titlePadding": 8, "labelFlush": false,
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

// fitting is what the figure needs to follow the width of its page; plot is its first panel in Vega-Lite.
func (f *Figure) fitting(plot object, l legend) fitting {
	columns := min(f.Columns, len(f.Panels))
	withAxes, _ := f.Panels[0].size()
	_, shaped := f.Panels[0].(interface{ keepsShape() })
	fit := fitting{
		whole: f.width() + 2*figureMargin + panelGap*float64(columns-1), columns: columns,
		panelWidth: plot["width"].(float64), panelHeight: plot["height"].(float64), panelWithAxes: withAxes, keepsShape: shaped,
		title: f.wrapTitle(), subtitle: f.wrapSubtitle(),
		narrowTitle: wrap(f.Title, titleStyle, pixels(narrowText)), narrowSubtitle: wrap(f.Subtitle, subtitleStyle, pixels(narrowText)),
	}
	if l.shown() {
		fit.legendColumns = l.columns
	}
	return fit
}

// panelGap is the room between two panels, in pixels.
const panelGap = 24.0

// width is the picture's, in pixels, without its margin.
func (f *Figure) width() float64 {
	width := 0.0
	for row := 0; row < len(f.Panels); row += f.Columns {
		w := 0.0
		for _, p := range f.Panels[row:min(row+f.Columns, len(f.Panels))] {
			panelWidth, _ := p.size()
			w += panelWidth
		}
		width = max(width, w)
	}
	return width
}

// fontRoom is how much of its width a line of text takes: other systems have wider fonts.
const fontRoom = 0.86

func (f *Figure) wrapTitle() []string { return wrap(f.Title, titleStyle, pixels(f.width()*fontRoom)) }
func (f *Figure) wrapSubtitle() []string {
	return wrap(f.Subtitle, subtitleStyle, pixels(f.width()*fontRoom))
}

// static is the figure that stands still.
func (f *Figure) static() *Figure {
	still := *f
	if f.Still != nil {
		still.Panels = f.Still
	}
	return &still
}

// A layout is where the parts of the static picture go, in points.
type layout struct {
	width, height   vg.Length
	title, subtitle []string // wrapped
	legend          legend
	rows            []vg.Length // the height of each row of panels
}

// The static picture's lines of text, and the gaps between its parts, in pixels.
const titleLine, subtitleLine, legendLine, gap = titleSize + 6, labelSize + 5, labelSize + 10, 10

func (f *Figure) layout() layout {
	l := layout{width: pixels(f.width() + 2*figureMargin)}
	l.title, l.subtitle = f.wrapTitle(), f.wrapSubtitle()
	l.legend = f.legend()
	l.height = pixels(2*figureMargin+gap) + pixels(titleLine)*vg.Length(len(l.title)) +
		pixels(subtitleLine)*vg.Length(len(l.subtitle)) + pixels(legendLine)*vg.Length(l.legend.rows())
	if l.legend.shown() {
		l.height += pixels(gap)
	}
	for row := 0; row < len(f.Panels); row += f.Columns {
		height := 0.0
		for _, p := range f.Panels[row:min(row+f.Columns, len(f.Panels))] {
			_, h := p.size()
			height = max(height, h)
		}
		l.rows = append(l.rows, pixels(height))
		l.height += pixels(height)
	}
	return l
}

// draw draws the static picture.
func (f *Figure) draw(c draw.Canvas, l layout) {
	c.FillPolygon(color.White, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
	left, top := c.Min.X+pixels(figureMargin), c.Max.Y-pixels(figureMargin)
	for _, line := range l.title {
		c.FillText(titleStyle, vg.Point{X: left, Y: top}, line)
		top -= pixels(titleLine)
	}
	for _, line := range l.subtitle {
		c.FillText(subtitleStyle, vg.Point{X: left, Y: top}, line)
		top -= pixels(subtitleLine)
	}
	top -= pixels(gap)

	if l.legend.shown() {
		for i, name := range l.legend.names {
			x := left + l.legend.column*vg.Length(i%l.legend.columns)
			y := top - pixels(legendLine)*(vg.Length(i/l.legend.columns)+0.5)
			c.StrokeLine2(lineStyle(i), x, y, x+pixels(24), y)
			c.FillText(legendStyle, vg.Point{X: x + pixels(32), Y: y}, name)
		}
		top -= pixels(legendLine)*vg.Length(l.legend.rows()) + pixels(gap)
	}

	for row, height := range l.rows {
		x := left
		for _, p := range f.Panels[row*f.Columns : min((row+1)*f.Columns, len(f.Panels))] {
			w, _ := p.size()
			width := pixels(w)
			p.draw(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: x, Y: top - height}, Max: vg.Point{X: x + width, Y: top},
			}}, l.legend)
			x += width
		}
		top -= height
	}
}

// Size is the width and the height of the static picture, in pixels.
func (f *Figure) Size() (width, height float64) {
	l := f.static().layout()
	return float64(l.width / pixels(1)), float64(l.height / pixels(1))
}

// PNG is the static picture as a PNG, of 1.5 times its size so that it is sharp on fine screens.
func (f *Figure) PNG() ([]byte, error) {
	f = f.static()
	l := f.layout()
	c := vgimg.NewWith(vgimg.UseWH(l.width, l.height), vgimg.UseDPI(96*3/2))
	f.draw(draw.New(c), l)
	var b bytes.Buffer
	err := png.Encode(&b, fewerColors(c.Image()))
	return b.Bytes(), err
}

// fewerColors keeps the 256 most frequent colours of a picture and gives each other pixel the
// nearest of them: the eye misses nothing, and the PNG has half the size.
func fewerColors(picture image.Image) *image.Paletted {
	bounds := picture.Bounds()
	count := map[color.RGBA]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[picture.At(x, y).(color.RGBA)]++
		}
	}
	all := slices.Collect(maps.Keys(count))
	slices.SortFunc(all, func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var kept color.Palette
	for _, c := range all[:min(256, len(all))] {
		kept = append(kept, c)
	}
	place := map[color.RGBA]uint8{}
	for _, c := range all {
		place[c] = uint8(kept.Index(c))
	}
	reduced := image.NewPaletted(bounds, kept)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			reduced.SetColorIndex(x, y, place[picture.At(x, y).(color.RGBA)])
		}
	}
	return reduced
}

// SVG is the static picture as an SVG, with the words for a screen reader.
func (f *Figure) SVG() ([]byte, error) {
	f = f.static()
	l := f.layout()
	c := vgsvg.New(l.width, l.height)
	f.draw(draw.New(c), l)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	// Machines without the Liberation fonts have others of the same widths. The title and the
	// description are what a screen reader says.
	svg := strings.ReplaceAll(b.String(), "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
	head := strings.Index(svg, ">\n<g")
	if head < 0 {
		return nil, fmt.Errorf("the SVG does not begin as expected")
	}
	return []byte(svg[:head] + ` role="img"><title>` + escape(f.Title) + "</title><desc>" + escape(f.Text()) + "</desc>" + svg[head+1:]), nil
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // writing to a Builder does not fail
	return b.String()
}
