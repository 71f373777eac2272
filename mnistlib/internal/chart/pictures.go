package chart

import (
	"bytes"
	"encoding/base64"
	"image"
	stddraw "image/draw"
	"image/png"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Pictures are a panel of small pictures in a grid, a caption under each.
type Pictures struct {
	Picture  *image.NRGBA // all tiles, enlarged, at their places
	tile     int          // width and height of a tile's place, in pixels
	caption  int          // height of a caption's place
	columns  int
	Captions []string
}

const tileGap = 12 // between tiles, in pixels

// NewPictures places tiles of any sizes, each enlarged by a whole factor to about 84 pixels.
func NewPictures(tiles []image.Image, captions []string) *Pictures {
	const size = 84
	m := &Pictures{tile: size, Captions: captions}
	m.columns = evenColumns(len(tiles), (2*Narrow+marginX+2*tileGap)/(size+tileGap))
	lines := 1
	for _, caption := range captions {
		lines = max(lines, 1+strings.Count(caption, "\n"))
	}
	m.caption = lines*(labelSize+4) + 4
	rows := max(1, (len(tiles)+m.columns-1)/m.columns)
	m.Picture = image.NewNRGBA(image.Rect(0, 0, m.columns*(size+tileGap), rows*(size+m.caption+tileGap)))
	for i, tile := range tiles {
		at, bounds := m.Place(i), tile.Bounds()
		scale := max(1, size/max(bounds.Dx(), bounds.Dy()))
		for y := range bounds.Dy() * scale {
			for x := range bounds.Dx() * scale {
				m.Picture.Set(at.X+x, at.Y+y, tile.At(bounds.Min.X+x/scale, bounds.Min.Y+y/scale))
			}
		}
	}
	return m
}

// evenColumns is how many of n tiles stand in a row, most at most: rows of one length, if they need not be
// shorter than half.
func evenColumns(n, most int) int {
	if n <= most {
		return max(1, n)
	}
	for columns := most; columns >= most/2; columns-- {
		if n%columns == 0 {
			return columns
		}
	}
	return most
}

// Place is where tile i has its upper left corner.
func (m *Pictures) Place(i int) image.Point {
	return image.Pt(i%m.columns*(m.tile+tileGap), i/m.columns*(m.tile+m.caption+tileGap))
}

func (m *Pictures) size() (width, height float64) {
	bounds := m.Picture.Bounds()
	return float64(bounds.Dx()), float64(bounds.Dy())
}

func (m *Pictures) shape() shape {
	const captionRoom = 8 // that of a first and a last one which are wider than their pictures
	width, height := m.size()
	return proportional(width, height, captionRoom)
}

func (m *Pictures) names() []string { return nil }

func (m *Pictures) vegaLite(int, legend) object { return vegaPictures([]*Pictures{m}, nil) }

// vegaPictures draws pictures of one size and with one list of captions, of which a slider shows one.
func vegaPictures(frames []*Pictures, slider *Slider) object {
	m := frames[0]
	width, height := m.size()
	var images []any
	for k, frame := range frames {
		var b bytes.Buffer
		encoder := png.Encoder{CompressionLevel: png.BestCompression}
		if err := encoder.Encode(&b, frame.encoded(slider)); err != nil {
			panic(err) // a Buffer takes everything
		}
		images = append(images, object{"url": "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), "x": 0, "y": 0, "frame": k + 1})
	}
	title, steps := any(""), []any{}
	if slider != nil {
		title, steps = slider.title(""), []any{slider.filter()}
	}
	captions := []any{}
	for i, caption := range m.Captions {
		at := m.Place(i)
		captions = append(captions, object{"x": at.X + m.tile/2, "y": at.Y + m.tile + 4, "text": strings.Split(caption, "\n")})
	}
	position := func(field string) object {
		return object{"field": field, "type": "quantitative", "scale": object{"domain": []any{0, map[string]float64{"x": width, "y": height}[field]}, "reverse": field == "y"},
			"axis": object{"grid": false, "labels": false, "ticks": false, "domain": false, "title": ""}}
	}
	return object{
		"title": title, "width": width, "height": height,
		"layer": []any{
			object{
				"data": object{"values": images}, "transform": steps,
				"mark": object{"type": "image", "width": object{"expr": "childWidth"}, "height": object{"expr": "childHeight"}, "align": "left", "baseline": "top"},
				"encoding": object{
					"url": object{"field": "url", "type": "nominal"}, "x": position("x"), "y": position("y"),
				},
			},
			object{
				"data": object{"values": captions},
				// Unfilled, since Vega-Lite fills text with black; the style then fills it with the theme's colour.
				"mark": object{"type": "text", "align": "center", "baseline": "top", "fontSize": scaled(labelSize, width), "lineHeight": scaled(labelSize+4, width),
					"style": "guide-label", "filled": false, "stroke": "transparent"},
				"encoding": object{"text": object{"field": "text"}, "x": position("x"), "y": position("y")},
			},
		},
	}
}

func (m *Pictures) draw(c draw.Canvas, _ legend) {
	width, height := m.size()
	c.DrawImage(vg.Rectangle{
		Min: vg.Point{X: c.Min.X, Y: c.Max.Y - pixels(height)}, Max: vg.Point{X: c.Min.X + pixels(width), Y: c.Max.Y},
	}, m.Picture)
	style := legendStyle
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	for i, caption := range m.Captions {
		at := m.Place(i)
		for k, line := range strings.Split(caption, "\n") {
			c.FillText(style, vg.Point{
				X: c.Min.X + pixels(float64(at.X+m.tile/2)), Y: c.Max.Y - pixels(float64(at.Y+m.tile+4+k*(labelSize+4))),
			}, line)
		}
	}
}

// encoded is the picture itself or, as one of many, with few colours: such a PNG is a third as large.
func (m *Pictures) encoded(slider *Slider) image.Image {
	if slider == nil {
		return m.Picture
	}
	picture := image.NewRGBA(m.Picture.Bounds())
	stddraw.Draw(picture, picture.Bounds(), m.Picture, image.Point{}, stddraw.Src)
	return fewerColors(picture)
}

// A Film is pictures under a slider.
type Film struct {
	Frames []*Pictures // of one size and with one list of captions
	Slider *Slider
}

func (f *Film) size() (width, height float64) { return f.Frames[0].size() }
func (f *Film) shape() shape                  { return f.Frames[0].shape() }
func (f *Film) names() []string               { return nil }
func (f *Film) vegaLite(int, legend) object   { return vegaPictures(f.Frames, f.Slider) }
func (f *Film) draw(c draw.Canvas, l legend)  { f.Frames[f.Slider.Start].draw(c, l) }
