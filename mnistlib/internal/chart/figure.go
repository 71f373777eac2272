package chart

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"
	"strings"

	"gonum.org/v1/plot/text"
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
	shape() shape                  // of the interactive one
	names() []string               // what it needs explained in the figure's legend
	vegaLite(id int, l legend) object
	draw(c draw.Canvas, l legend)
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
	column  vg.Length // the room of each
}

// legendSymbol is the room of a line in the legend and the gaps about it, in pixels.
const legendSymbol = 60

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
				l.column = max(l.column, legendStyle.Width(name)/fontRoom+pixels(legendSymbol))
			}
		}
	}
	if l.shown() {
		l.columns = max(1, min(len(l.names), int(pixels(f.width())/l.column)))
	}
	return l
}

// panelGap is the room between two panels, in pixels.
const panelGap = 24.0

// leastWidth is that of a picture, so that its titles are not a word a line.
const leastWidth = 400.0

// width is the picture's, in pixels, without its margin.
func (f *Figure) width() float64 {
	width := leastWidth
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
const fontRoom = 0.82

func (f *Figure) wrap(words string, style text.Style) []string {
	return wrap(words, style, pixels(f.width()*fontRoom))
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
	l.title, l.subtitle = f.wrap(f.Title, titleStyle), f.wrap(f.Subtitle, subtitleStyle)
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

// fewerColors leaves out each colour of a picture that is like a more frequent one, by 8 parts in 255 or less, and gives its
// pixels the nearest of those that stay, 256 at most: the eye misses nothing, and the PNG has a third of the size.
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
	for _, c := range all {
		if len(kept) < 256 && !slices.ContainsFunc(kept, func(k color.Color) bool { return alike(k.(color.RGBA), c) }) {
			kept = append(kept, c)
		}
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

func alike(a, b color.RGBA) bool {
	near := func(x, y uint8) bool { return max(x, y)-min(x, y) <= 8 }
	return near(a.R, b.R) && near(a.G, b.G) && near(a.B, b.B)
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
