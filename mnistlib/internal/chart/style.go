package chart

import (
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	imagefont "golang.org/x/image/font"
)

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

// Palette is Okabe and Ito's, whose colours the colour-blind can tell apart, without the yellow
// that is hard to see on white ("Color Universal Design", https://jfly.uni-koeln.de/color/).
var Palette = []string{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"}

// seriesColor is the colour of a name in the legend; they repeat after the seventh.
func seriesColor(i int) string { return Palette[i%len(Palette)] }

// seriesDash is the pattern of the name's line: it tells apart neighbours without their colours, and
// names of one colour.
func seriesDash(i int) []float64 {
	patterns := [][]float64{nil, {10, 4}, {3, 3}, {10, 3, 3, 3}}
	return patterns[i%len(patterns)]
}

func pixels(x float64) vg.Length { return vg.Points(0.75 * x) }

var (
	titleStyle    = textStyle(titleSize, imagefont.WeightBold, ink)
	subtitleStyle = textStyle(labelSize, imagefont.WeightNormal, paleInk)
	legendStyle   = centered(textStyle(labelSize, imagefont.WeightNormal, ink))
)

func textStyle(size float64, weight imagefont.Weight, ink string) text.Style {
	return text.Style{
		Color:   ParseColor(ink),
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
	style := draw.LineStyle{Color: ParseColor(seriesColor(i)), Width: pixels(width)}
	for _, length := range seriesDash(i) {
		style.Dashes = append(style.Dashes, pixels(length))
	}
	return style
}

// translucent is the colour of a name in the legend, seen through.
func translucent(i int, opacity float64) color.NRGBA {
	c := ParseColor(seriesColor(i))
	c.A = uint8(255*opacity + 0.5)
	return c
}

// ParseColor reads "#RRGGBB".
func ParseColor(s string) color.NRGBA {
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

// Blend is the colour on white paper in a strength from 0 to 1; grey if the strength is not finite.
func Blend(c color.NRGBA, strength float64) color.NRGBA {
	if !finite(strength) {
		return color.NRGBA{128, 128, 128, 255}
	}
	part := func(v byte) byte { return byte(255 - strength*(255-float64(v)) + 0.5) }
	return color.NRGBA{part(c.R), part(c.G), part(c.B), 255}
}

// ShortNumber writes three digits.
func ShortNumber(v float64) string { return fmt.Sprintf("%.3g", v) }
