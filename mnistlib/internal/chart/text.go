package chart

import (
	"strings"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// boxes draws text, and a box for each letter that the font lacks, as of Chinese and Arabic: by itself, the
// drawing leaves such letters out. In an SVG they stay, since who shows it has other fonts.
type boxes struct{ text.Plain }

const box = "□"

func (b boxes) Draw(c vg.Canvas, txt string, style text.Style, at vg.Point) {
	if !isSVG(c) {
		txt, _ = b.boxed(txt, style.Font)
	}
	b.Plain.Draw(c, txt, style, at)
}

// isSVG looks through the canvases that are parts of others.
func isSVG(c vg.Canvas) bool {
	switch c := c.(type) {
	case *draw.Canvas:
		return isSVG(c.Canvas)
	case draw.Canvas:
		return isSVG(c.Canvas)
	}
	_, is := c.(*vgsvg.Canvas)
	return is
}

// Box counts a missing letter as a square, which those of most scripts fit.
func (b boxes) Box(txt string, f font.Font) (width, height, depth vg.Length) {
	boxed, missing := b.boxed(txt, f)
	width, height, depth = b.Plain.Box(strings.ReplaceAll(boxed, box, ""), f)
	return width + f.Size*vg.Length(missing), height, depth
}

// boxed puts boxes in the place of the letters that the font lacks, and counts them.
func (b boxes) boxed(txt string, f font.Font) (boxed string, missing int) {
	face := b.Fonts.Lookup(f, f.Size).Face
	var buffer sfnt.Buffer
	return strings.Map(func(r rune) rune {
		if glyph, err := face.GlyphIndex(&buffer, r); err == nil && glyph != 0 || r == '\n' {
			return r
		}
		missing++
		return []rune(box)[0]
	}, txt), missing
}
