package chart

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Surface is a panel that shows the heights of a plane as shades, by their logarithms, and paths on it.
type Surface struct {
	Size   float64 // of each side without the axes, in pixels: a multiple of the number of values
	X, Y   Axis
	Value  string      // what the heights are
	Values [][]float64 // 0 or more, in cells that fill the axes: [row][column], the lowest row first
	Paths  []Path
}

// A Path is a line with a dot at each step, the last one larger.
type Path struct {
	Name       string // decides its colour; the legend says it
	X, Y       []float64
	Iterations []int
}

func (s *Surface) size() (width, height float64) { return s.Size + marginX, s.Size + marginY }

// A surface stays a square when it gets narrower.
func (s *Surface) shape() shape {
	return proportional(s.Size, s.Size, axesWith(s.Y.titleLines(narrowPlot+overEnds)))
}

func (s *Surface) names() []string {
	var names []string
	for _, p := range s.Paths {
		names = append(names, p.Name)
	}
	return names
}

// Range is the lowest and the highest value.
func (s *Surface) Range() (lowest, highest float64) {
	all := slices.Concat(s.Values...)
	return slices.Min(all), slices.Max(all)
}

// shade is that of a value: 0, white, for the lowest of all and 1 for the highest. There are few of
// them, whose borders are lines of equal height.
func (s *Surface) shade() func(v float64) float64 {
	const shades = 16
	lowest, highest := s.Range()
	lowest = max(lowest, 1e-9*highest) // 0 has no logarithm
	return func(v float64) float64 {
		if v <= lowest {
			return 0
		}
		return math.Round(shades*math.Log(v/lowest)/math.Log(highest/lowest)) / shades
	}
}

// cell is the part of the plane that a value stands for.
func (s *Surface) cell(row, column int) (x, y, x2, y2 float64) {
	edge := func(a Axis, i, n int) float64 { return a.Min + float64(i)/float64(n)*(a.Max-a.Min) }
	n, m := len(s.Values[0]), len(s.Values)
	return edge(s.X, column, n), edge(s.Y, row, m), edge(s.X, column+1, n), edge(s.Y, row+1, m)
}

// darkGround is the shade 1 of the ground; the paths have a white border so that they stand out from it.
const darkGround = "#303030"

const dotRadius, lastRadius, border = 4, 7, 2 // in pixels

func (s *Surface) vegaLite(_ int, l legend) object {
	ground, shade := newTable("x", "y", "x2", "y2", "value", "shade"), s.shade()
	for i, row := range s.Values {
		for j, v := range row {
			x, y, x2, y2 := s.cell(i, j)
			ground.add(x, y, x2, y2, v, shade(v))
		}
	}
	paths := newTable("series", "x", "y", "iteration", "last")
	for _, p := range s.Paths {
		for i := range p.X {
			last := 0.0
			if i == len(p.X)-1 {
				last = 1
			}
			paths.add(float64(l.place(p.Name)), p.X[i], p.Y[i], float64(p.Iterations[i]), last)
		}
	}
	encoding := object{"x": s.X.vegaLite("x", narrowPlot), "y": s.Y.vegaLite("y", narrowPlot+overEnds)}
	l.encode(encoding)
	order := object{"field": "iteration", "type": "quantitative"}
	area := func(radius float64) float64 { return 4 * radius * radius } // of the square around the dot
	return object{
		"width": s.Size, "height": s.Size, "encoding": encoding, "view": object{"fill": "white"},
		"layer": []any{
			object{
				"data": ground.data(), "mark": object{"type": "rect", "color": darkGround},
				"encoding": object{
					"x2": object{"field": "x2"}, "y2": object{"field": "y2"}, "color": nil, "strokeDash": nil,
					"fillOpacity": object{"field": "shade", "type": "quantitative", "scale": nil, "legend": nil},
					"tooltip":     []any{field("value", s.Value)},
				},
			},
			object{
				"data":      paths.data(),
				"transform": []any{object{"calculate": literal(append([]string{}, l.names...)) + "[datum.series]", "as": "name"}},
				"layer": []any{
					object{"mark": object{"type": "line", "strokeWidth": lineWidth + 2*border}, "encoding": object{
						"order": order, "detail": object{"field": "name", "type": "nominal"},
						"color": object{"value": "white"}, "strokeDash": object{"value": []any{}},
					}},
					object{"mark": object{"type": "line"}, "encoding": object{"order": order}},
					object{
						"mark": object{"type": "point", "filled": true, "opacity": 1, "stroke": "white", "strokeWidth": border},
						"encoding": object{
							"strokeDash": nil,
							"size":       object{"condition": object{"test": "datum.last == 1", "value": area(lastRadius)}, "value": area(dotRadius)},
							"tooltip":    []any{field("name", "path"), field("iteration", "iteration"), field("x", s.X.Title), field("y", s.Y.Title)},
						},
					},
				},
			},
		},
	}
}

func (s *Surface) draw(c draw.Canvas, l legend) {
	p := plot.New()
	p.BackgroundColor = nil
	s.X.style(&p.X)
	s.Y.style(&p.Y)
	p.Add(surface{s, l})
	p.Draw(draw.Crop(c, 0, -pixels(12), pixels(12), 0))
}

type surface struct {
	*Surface
	legend
}

func (s surface) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	shade := s.shade()
	for i, row := range s.Values {
		for j, v := range row {
			x, y, x2, y2 := s.cell(i, j)
			c.FillPolygon(Blend(ParseColor(darkGround), shade(v)), []vg.Point{
				{X: toX(x), Y: toY(y)}, {X: toX(x2), Y: toY(y)}, {X: toX(x2), Y: toY(y2)}, {X: toX(x), Y: toY(y2)},
			})
		}
	}
	for _, path := range s.Paths {
		var points []vg.Point
		for i := range path.X {
			points = append(points, vg.Point{X: toX(path.X[i]), Y: toY(path.Y[i])})
		}
		series := s.place(path.Name)
		c.StrokeLines(draw.LineStyle{Color: color.White, Width: pixels(lineWidth + 2*border)}, points)
		c.StrokeLines(curveStyle(series, lineWidth, 1), points)
		for i, at := range points {
			radius := pixels(dotRadius)
			if i == len(points)-1 {
				radius = pixels(lastRadius)
			}
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: color.White, Radius: radius + pixels(border), Shape: draw.CircleGlyph{}}, at)
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: translucent(series, 1), Radius: radius, Shape: draw.CircleGlyph{}}, at)
		}
	}
}
