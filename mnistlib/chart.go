package mnistlib

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	imagefont "golang.org/x/image/font"
)

// A chart is a panel of curves and points over two axes.
type chart struct {
	title         string // above the panel
	width, height float64
	x, y          axis
	curves        []curve
	points        []points
	bars          []bar
	words         []string // what each curve shows, for those who cannot see it
}

// A curve is a line, with a band about it or none. Where y is not finite, it breaks.
type curve struct {
	name      string // decides its colour; the legend says it
	x, y      []float64
	low, high []float64 // nil: no band
}

// points are dots of one colour.
type points struct {
	name  string
	x, y  []float64 // where they are drawn
	trueX []float64 // what the tooltip says
}

// A bar stands on the x axis between from and to.
type bar struct{ from, to, height float64 }

// An axis spans min to max, with a tick at min and at each step from there.
type axis struct {
	title          string
	min, max, step float64
}

// newAxis returns an axis that spans low to high, widened to the next ticks; a range without width,
// or not finite, gets one. There are about n ticks, at multiples of 1, 2 or 5 times a power of ten.
func newAxis(title string, low, high float64, n int) axis {
	if !(high > low) {
		high = low + 1
	}
	rough := (high - low) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step >= rough {
			step *= m
			break
		}
	}
	// Without the tiny amount, 1/0.1 rounds up to 11 steps.
	return axis{title, step * math.Floor(low/step+1e-9), step * math.Ceil(high/step-1e-9), step}
}

// ticks returns the ticks and how many decimals tell them apart.
func (a axis) ticks() (values []float64, decimals int) {
	for i := 0; a.min+float64(i)*a.step <= a.max+1e-6*a.step; i++ {
		values = append(values, a.min+float64(i)*a.step)
	}
	return values, max(0, int(math.Ceil(-math.Log10(a.step)-1e-9)))
}

// marginX and marginY are the room of a static panel for its axes, its title and the gap to the next.
const marginX, marginY = 76, 72

func (ch *chart) size() (width, height float64) { return ch.width + marginX, ch.height + marginY }

func (ch *chart) names() []string {
	var names []string
	for _, c := range ch.curves {
		names = append(names, c.name)
	}
	for _, p := range ch.points {
		names = append(names, p.name)
	}
	return names
}

func (ch *chart) hasBand() bool {
	return slices.ContainsFunc(ch.curves, func(c curve) bool { return c.low != nil })
}

// rangeY is the smallest and the largest finite value of the curves and their bands; infinite if
// there is none.
func (ch *chart) rangeY() (smallest, largest float64) {
	smallest, largest = math.Inf(1), math.Inf(-1)
	for _, c := range ch.curves {
		for _, values := range [][]float64{c.y, c.low, c.high} {
			for _, v := range values {
				if finite(v) {
					smallest, largest = min(smallest, v), max(largest, v)
				}
			}
		}
	}
	return smallest, largest
}

// showsDots says whether a curve is so short that its points are drawn too.
func (c *curve) showsDots() bool { return len(c.x) <= 20 }

// table is a Vega-Lite data source: rows of numbers whose first is a series' place in the legend. As
// CSV it has a third of the size of JSON's rows.
type table struct {
	csv   strings.Builder
	parse object
}

func newTable(columns ...string) *table {
	t := &table{parse: object{}}
	t.csv.WriteString(strings.Join(columns, ","))
	for _, column := range columns {
		t.parse[column] = "number"
	}
	return t
}

func (t *table) add(place int, values ...float64) {
	t.csv.WriteString("\n" + strconv.Itoa(place))
	for _, v := range values {
		t.csv.WriteByte(',')
		if finite(v) { // else the field is empty, which Vega-Lite reads as null
			t.csv.WriteString(strconv.FormatFloat(v, 'g', 6, 64))
		}
	}
}

func (t *table) data() object {
	return object{"values": t.csv.String(), "format": object{"type": "csv", "parse": t.parse}}
}

func (ch *chart) vegaLite(id int, l legend) object {
	curves, dots := newTable("series", "x", "y"), make([]bool, len(l.names))
	if ch.hasBand() {
		curves = newTable("series", "x", "y", "low", "high")
	}
	for _, c := range ch.curves {
		dots[l.place(c.name)] = c.showsDots()
		for i := range c.x {
			row := []float64{c.x[i], c.y[i]}
			if c.low != nil {
				row = append(row, c.low[i], c.high[i])
			}
			curves.add(l.place(c.name), row...)
		}
	}

	opacity := func(value float64) object { return object{"value": value} }
	if l.shown() { // a click in the legend fades the others
		opacity = func(value float64) object {
			return object{"condition": object{"param": "shown", "value": value}, "value": value / 8}
		}
	}
	tooltip := []any{field("name", "curve"), field("x", ch.x.title), field("y", ch.y.title)}
	curveTooltip := tooltip
	layers := []any{object{
		// Without an order of its own, Vega-Lite connects the points from left to right.
		"transform": []any{object{"window": []any{object{"op": "row_number", "as": "order"}}}},
		"mark":      object{"type": "line"},
		"encoding":  object{"opacity": opacity(1), "order": object{"field": "order", "type": "quantitative"}},
	}}
	if ch.hasBand() {
		curveTooltip = []any{field("name", "curve"), field("x", ch.x.title), field("y", "mean "+ch.y.title), field("low", "smallest"), field("high", "largest")}
		band := object{
			"mark":     object{"type": "area"},
			"encoding": object{"y": object{"field": "low", "type": "quantitative"}, "y2": object{"field": "high"}, "opacity": opacity(bandOpacity)},
		}
		layers = []any{band, layers[0]} // the line above the band
	}
	if id == 0 && l.shown() {
		layers[0].(object)["params"] = []any{object{
			"name": "shown", "bind": "legend", "select": object{"type": "point", "fields": []any{"name"}},
		}}
	}
	// The point nearest to the mouse shows itself and its numbers.
	hover := "hover" + strconv.Itoa(id)
	layers = append(layers, object{
		"transform": []any{object{"filter": "isValid(datum.y)"}},
		"params": []any{object{"name": hover, "select": object{
			"type": "point", "nearest": true, "on": "mouseover", "clear": "mouseout",
		}}},
		"mark": object{"type": "point", "filled": true, "size": 60},
		"encoding": object{
			"opacity": object{"value": 0, "condition": []any{
				object{"param": hover, "empty": false, "value": 1},
				object{"test": literal(dots) + "[datum.series]", "value": 1},
			}},
			"tooltip": curveTooltip,
		},
	})
	named := []any{object{"calculate": literal(append([]string{}, l.names...)) + "[datum.series]", "as": "name"}}
	groups := []any{object{"data": curves.data(), "transform": named, "layer": layers}}

	if len(ch.bars) > 0 {
		bars := newTable("series", "x", "to", "y")
		for _, b := range ch.bars {
			bars.add(0, b.from, b.to, b.height)
		}
		groups = append(groups, object{
			"data": bars.data(), "mark": object{"type": "rect"},
			"encoding": object{
				"x2": object{"field": "to"}, "y2": object{"datum": 0},
				"tooltip": []any{field("x", "from"), field("to", "to"), field("y", ch.y.title)},
			},
		})
	}
	if len(ch.points) > 0 {
		dots := newTable("series", "shift", "y", "x")
		for _, p := range ch.points {
			for i := range p.x {
				dots.add(l.place(p.name), p.x[i], p.y[i], p.trueX[i])
			}
		}
		groups = append(groups, object{
			"data": dots.data(), "transform": named,
			"mark": object{"type": "point", "filled": true, "size": 50},
			"encoding": object{
				"x":       object{"field": "shift", "type": "quantitative"},
				"opacity": opacity(dotOpacity),
				"tooltip": tooltip,
			},
		})
	}

	encoding := object{
		"x":     ch.x.vegaLite("x"),
		"y":     ch.y.vegaLite("y"),
		"color": object{"value": seriesColor(0)},
	}
	if l.shown() {
		colors, dashes := make([]string, len(l.names)), make([][]float64, len(l.names))
		for i := range l.names {
			colors[i] = seriesColor(i)
			dashes[i] = append([]float64{}, seriesDash(i)...)
		}
		encoding["color"] = object{
			"field": "name", "type": "nominal", "scale": object{"domain": l.names, "range": colors},
			"legend": object{"title": "", "orient": "top", "symbolType": "stroke", "columns": l.columns},
		}
		if len(l.names) > len(palette) {
			encoding["strokeDash"] = object{"field": "name", "type": "nominal", "scale": object{"domain": l.names, "range": dashes}}
		}
	}
	return object{"title": ch.title, "width": ch.width, "height": ch.height, "encoding": encoding, "layer": groups}
}

func field(name, title string) object {
	kind := "quantitative"
	if name == "name" {
		kind = "nominal"
	}
	return object{"field": name, "type": kind, "title": title}
}

// literal is a value as an expression of Vega.
func literal(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings and bools always have one
	}
	return string(text)
}

func (a axis) vegaLite(fieldName string) object {
	values, decimals := a.ticks()
	return object{
		"field": fieldName, "type": "quantitative", "title": a.title,
		"scale": object{"domain": []any{a.min, a.max}, "nice": false, "zero": false},
		"axis":  object{"values": values, "format": "." + strconv.Itoa(decimals) + "f"},
	}
}

func (ch *chart) draw(c draw.Canvas, l legend) {
	p := plot.New()
	p.BackgroundColor = nil
	if ch.title != "" {
		p.Title.Text, p.Title.TextStyle, p.Title.Padding = ch.title, textStyle(axisSize, imagefont.WeightNormal, ink), pixels(6)
		p.Title.TextStyle.XAlign = draw.XCenter
	}
	ch.x.style(&p.X)
	ch.y.style(&p.Y)
	p.Add(grid{ch})
	if len(ch.bars) > 0 {
		p.Add(columns(ch.bars))
	}
	for _, cv := range ch.curves {
		if cv.low != nil {
			p.Add(band{cv, l.place(cv.name)})
		}
	}
	for _, cv := range ch.curves {
		p.Add(line{cv, l.place(cv.name)})
	}
	for _, pts := range ch.points {
		p.Add(dots{pts.x, pts.y, l.place(pts.name), dotOpacity})
	}
	p.Draw(draw.Crop(c, 0, -pixels(12), pixels(12), 0))
}

// style gives an axis of a static picture the look of the interactive one.
func (a axis) style(to *plot.Axis) {
	values, decimals := a.ticks()
	ticks := make(plot.ConstantTicks, len(values))
	for i, v := range values {
		ticks[i] = plot.Tick{Value: v, Label: strings.Replace(strconv.FormatFloat(v, 'f', decimals, 64), "-", "−", 1)}
	}
	to.Min, to.Max = a.min, a.max
	to.Padding = 0
	to.LineStyle = draw.LineStyle{Color: parseColor(paleInk), Width: pixels(1)}
	to.Tick.LineStyle = to.LineStyle
	to.Tick.Length = pixels(5)
	to.Tick.Marker = ticks
	to.Label.Text = a.title
	to.Label.Padding = pixels(4)
	to.Label.TextStyle.Color, to.Label.TextStyle.Font = parseColor(ink), textStyle(axisSize, imagefont.WeightNormal, ink).Font
	to.Tick.Label.Color, to.Tick.Label.Font = parseColor(ink), textStyle(labelSize, imagefont.WeightNormal, ink).Font
}

// The marks of a static chart.
type (
	grid    struct{ *chart }
	columns []bar
	band    struct {
		curve
		color int
	}
	line struct {
		curve
		color int
	}
	dots struct {
		x, y    []float64
		color   int
		opacity float64
	}
)

func (g grid) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	style := draw.LineStyle{Color: parseColor(gridInk), Width: pixels(1)}
	xs, _ := g.x.ticks()
	for _, x := range xs {
		c.StrokeLine2(style, toX(x), c.Min.Y, toX(x), c.Max.Y)
	}
	ys, _ := g.y.ticks()
	for _, y := range ys {
		c.StrokeLine2(style, c.Min.X, toY(y), c.Max.X, toY(y))
	}
}

func (bars columns) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for _, b := range bars {
		c.FillPolygon(parseColor(seriesColor(0)), []vg.Point{
			{X: toX(b.from), Y: toY(0)}, {X: toX(b.to), Y: toY(0)}, {X: toX(b.to), Y: toY(b.height)}, {X: toX(b.from), Y: toY(b.height)},
		})
	}
}

func (b band) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	var outline []vg.Point
	for i := range b.x {
		outline = append(outline, vg.Point{X: toX(b.x[i]), Y: toY(b.high[i])})
	}
	for i := len(b.x) - 1; i >= 0; i-- {
		outline = append(outline, vg.Point{X: toX(b.x[i]), Y: toY(b.low[i])})
	}
	c.FillPolygon(translucent(b.color, bandOpacity), outline)
}

func (l line) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	var stretch []vg.Point // between two breaks
	for i := range l.x {
		if finite(l.y[i]) {
			stretch = append(stretch, vg.Point{X: toX(l.x[i]), Y: toY(l.y[i])})
			continue
		}
		c.StrokeLines(lineStyle(l.color, lineWidth), stretch)
		stretch = nil
	}
	c.StrokeLines(lineStyle(l.color, lineWidth), stretch)
	if l.showsDots() {
		dots{l.x, l.y, l.color, 1}.Plot(c, p)
	}
}

func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for i := range d.x {
		if finite(d.y[i]) {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: translucent(d.color, d.opacity), Radius: pixels(4), Shape: draw.CircleGlyph{}},
				vg.Point{X: toX(d.x[i]), Y: toY(d.y[i])})
		}
	}
}
