package mnistlib

import (
	"bytes"
	"cmp"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	imagefont "golang.org/x/image/font"
)

// A Figure is a picture to show in a notebook or to save. It is drawn twice from the same panels:
// interactively, as a Vega-Lite specification, and as a static picture for where that cannot be.
type Figure struct {
	Title       string
	Subtitle    string // what the marks mean, and what a reader must know to trust them
	Description string // the figure in words, for those who cannot see it

	panels  []panel // in rows of columns
	columns int
	err     error // why there is nothing to draw
}

// A panel is one plot of a figure.
type panel interface {
	size() (width, height float64) // of the static picture with its axes, in pixels
	names() []string               // what it needs explained in the figure's legend
	vegaLite(id int, l legend) object
	draw(c draw.Canvas, l legend)
}

// object is a JSON object.
type object = map[string]any

const vegaLiteMIME = protocol.MIMEType("application/vnd.vegalite.v5+json")

// Show displays the figure in a notebook: interactive where Jupyter can draw Vega-Lite, else as a
// picture, else in words. Outside a notebook it prints the words and says how to save the picture.
func (f *Figure) Show() error {
	if f.err != nil {
		return f.err
	}
	if !gonbui.IsNotebook {
		fmt.Printf("%s\nTo see the picture outside a notebook, save it: figure.Save(\"figure.png\").\n", f.text())
		return nil
	}
	bundle, err := f.bundle()
	if err != nil {
		return err
	}
	gonbui.SendData(bundle)
	return gonbui.Error()
}

// Save writes the figure to a file whose extension says how: .png and .svg are pictures, .json is
// the Vega-Lite specification. The file appears whole or not at all.
func (f *Figure) Save(path string) error {
	if f.err != nil {
		return f.err
	}
	var content []byte
	var err error
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
		content, err = f.png()
	case ".svg":
		content, err = f.svg()
	case ".json":
		content, err = json.Marshal(f.vegaLite())
	default:
		return fmt.Errorf("cannot save the figure as %s: its name must end in .png, .svg or .json", path)
	}
	if err == nil {
		err = writeFile(path, content)
	}
	if err != nil {
		return fmt.Errorf("cannot save the figure: %w", err)
	}
	return nil
}

// bundle is the figure in every form that a front end may choose from. There is no HTML among them,
// since Jupyter would prefer it to the interactive figure.
func (f *Figure) bundle() (*protocol.DisplayData, error) {
	spec, err := f.plainVegaLite()
	if err != nil {
		return nil, err
	}
	svg, err := f.svg()
	if err != nil {
		return nil, err
	}
	png, err := f.png()
	if err != nil {
		return nil, err
	}
	return &protocol.DisplayData{Data: map[protocol.MIMEType]any{
		vegaLiteMIME:           spec,
		protocol.MIMEImageSVG:  string(svg),
		protocol.MIMEImagePNG:  png,
		protocol.MIMETextPlain: f.text(),
	}}, nil
}

func init() {
	// The kernel is sent gob, which must know the types inside an any.
	gob.Register(map[string]any{})
	gob.Register([]any{})
}

// plainVegaLite is the specification made of nothing but maps, slices, strings, numbers and bools.
func (f *Figure) plainVegaLite() (object, error) {
	text, err := json.Marshal(f.vegaLite())
	if err != nil {
		return nil, err
	}
	var spec object
	return spec, json.Unmarshal(text, &spec)
}

// text is the figure in words.
func (f *Figure) text() string {
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
	for _, p := range f.panels {
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

// The look. Lengths are in pixels, as a browser means them; large enough to read at the back of a
// lecture room.
const (
	titleSize    = 18
	axisSize     = 16
	labelSize    = 14
	lineWidth    = 2.5
	figureMargin = 12
	ink          = "#222222"
	paleInk      = "#555555"
	gridInk      = "#DDDDDD"
	bandOpacity  = 0.22
	dotOpacity   = 0.6
)

// palette is Okabe and Ito's, whose colours the colour-blind can tell apart, without the yellow
// that is hard to see on white ("Color Universal Design", https://jfly.uni-koeln.de/color/).
var palette = []string{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"}

// seriesColor is the colour of a name in the legend; they repeat after the seventh.
func seriesColor(i int) string { return palette[i%len(palette)] }

// seriesDash is the pattern of the name's line: it tells apart names of one colour.
func seriesDash(i int) []float64 {
	return [][]float64{nil, {8, 4}, {2, 3}}[i/len(palette)%3]
}

// vegaLite is the figure as a specification of Vega-Lite, version 5.
func (f *Figure) vegaLite() object {
	l := f.legend()
	panels := make([]any, len(f.panels))
	for i, p := range f.panels {
		panels[i] = p.vegaLite(i, l)
	}
	return object{
		"$schema":     "https://vega.github.io/schema/vega-lite/v5.json",
		"description": f.text(),
		"background":  "white", // also in a dark theme
		"padding":     figureMargin,
		"title": object{
			"text": wrap(f.Title, titleStyle, pixels(f.width())), "fontSize": titleSize, "fontWeight": "bold", "color": ink,
			"subtitle": wrap(f.Subtitle, subtitleStyle, pixels(f.width())), "subtitleFontSize": labelSize, "subtitleColor": paleInk,
			"anchor": "start", "offset": 10, "subtitlePadding": 6, "lineHeight": titleSize + 4, "subtitleLineHeight": labelSize + 4,
		},
		"concat":  panels,
		"columns": f.columns,
		"spacing": 24,
		"config": object{
			"font": "Liberation Sans, Arial, Helvetica, sans-serif",
			"view": object{"stroke": "transparent"},
			"axis": object{
				"labelFontSize": labelSize, "titleFontSize": axisSize, "titleFontWeight": "normal",
				"labelColor": ink, "titleColor": ink, "gridColor": gridInk, "domainColor": paleInk, "tickColor": paleInk,
				"titlePadding": 8, "labelFlush": false,
			},
			"legend": object{
				"labelFontSize": labelSize, "labelColor": ink, "labelLimit": f.width(),
				"symbolStrokeWidth": 4, "symbolSize": 500, "symbolOpacity": 1, "offset": 10, "columnPadding": 28,
			},
			"title": object{"fontSize": axisSize, "color": ink, "fontWeight": "normal"},
			"line":  object{"strokeWidth": lineWidth, "strokeJoin": "round", "strokeCap": "round"},
		},
	}
}

// width is the picture's, in pixels, without its margin.
func (f *Figure) width() float64 {
	width := 0.0
	for row := 0; row < len(f.panels); row += f.columns {
		w := 0.0
		for _, p := range f.panels[row:min(row+f.columns, len(f.panels))] {
			panelWidth, _ := p.size()
			w += panelWidth
		}
		width = max(width, w)
	}
	return width
}

// A layout is where the parts of the static picture go, in points.
type layout struct {
	width, height   vg.Length
	title, subtitle []string // wrapped
	legend          legend
	rows            []vg.Length // the height of each row of panels
}

func pixels(x float64) vg.Length { return vg.Points(0.75 * x) }

// The static picture's lines of text, and the gaps between its parts, in pixels.
const titleLine, subtitleLine, legendLine, gap = titleSize + 6, labelSize + 5, labelSize + 10, 10

func (f *Figure) layout() layout {
	l := layout{width: pixels(f.width() + 2*figureMargin)}
	l.title = wrap(f.Title, titleStyle, pixels(f.width()))
	l.subtitle = wrap(f.Subtitle, subtitleStyle, pixels(f.width()))
	l.legend = f.legend()
	l.height = pixels(2*figureMargin+gap) + pixels(titleLine)*vg.Length(len(l.title)) +
		pixels(subtitleLine)*vg.Length(len(l.subtitle)) + pixels(legendLine)*vg.Length(l.legend.rows())
	if l.legend.shown() {
		l.height += pixels(gap)
	}
	for row := 0; row < len(f.panels); row += f.columns {
		height := 0.0
		for _, p := range f.panels[row:min(row+f.columns, len(f.panels))] {
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
			c.StrokeLine2(lineStyle(i, 4), x, y, x+pixels(24), y)
			c.FillText(legendStyle, vg.Point{X: x + pixels(32), Y: y}, name)
		}
		top -= pixels(legendLine)*vg.Length(l.legend.rows()) + pixels(gap)
	}

	for row, height := range l.rows {
		x := left
		for _, p := range f.panels[row*f.columns : min((row+1)*f.columns, len(f.panels))] {
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

func (f *Figure) png() ([]byte, error) {
	l := f.layout()
	c := vgimg.NewWith(vgimg.UseWH(l.width, l.height), vgimg.UseDPI(96*3/2)) // sharp on fine screens, yet small
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

func (f *Figure) svg() ([]byte, error) {
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
	return []byte(svg[:head] + ` role="img"><title>` + escape(f.Title) + "</title><desc>" + escape(f.text()) + "</desc>" + svg[head+1:]), nil
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // writing to a Builder does not fail
	return b.String()
}

var (
	titleStyle    = textStyle(titleSize, imagefont.WeightBold, ink)
	subtitleStyle = textStyle(labelSize, imagefont.WeightNormal, paleInk)
	legendStyle   = centered(textStyle(labelSize, imagefont.WeightNormal, ink))
)

func textStyle(size float64, weight imagefont.Weight, ink string) text.Style {
	return text.Style{
		Color:   parseColor(ink),
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight, Size: pixels(size)},
		YAlign:  draw.YTop,
		Handler: text.Plain{Fonts: font.DefaultCache},
	}
}

func centered(s text.Style) text.Style {
	s.YAlign = draw.YCenter
	return s
}

func lineStyle(i int, width float64) draw.LineStyle {
	style := draw.LineStyle{Color: parseColor(seriesColor(i)), Width: pixels(width)}
	for _, length := range seriesDash(i) {
		style.Dashes = append(style.Dashes, pixels(length))
	}
	return style
}

// translucent is the colour of a name in the legend, seen through.
func translucent(i int, opacity float64) color.NRGBA {
	c := parseColor(seriesColor(i))
	c.A = uint8(255*opacity + 0.5)
	return c
}

// parseColor reads "#RRGGBB".
func parseColor(s string) color.NRGBA {
	var c color.NRGBA
	c.A = 255
	if _, err := fmt.Sscanf(s, "#%02x%02x%02x", &c.R, &c.G, &c.B); err != nil {
		panic(err) // the colours are all constants
	}
	return c
}

// wrap breaks a text between words so that no line is wider than the width, if words allow.
func wrap(s string, style text.Style, width vg.Length) []string {
	lines := []string{}
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case style.Width(line+" "+word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
