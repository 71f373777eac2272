package chart

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

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
	ink          = "#222222" // of the static picture, as is the next
	paleInk      = "#555555"
	gridInk      = "#808080"
	gridOpacity  = 0.25
	bandOpacity  = 0.22
	dotOpacity   = 0.75
)

// Palette begins with colours of Okabe and Ito, which the colour-blind can tell apart ("Color Universal
// Design", https://jfly.uni-koeln.de/color/). Each has a contrast of 3 to 1 or more both with white paper
// and with the dark grey on which JupyterLab's dark theme draws figures.
var Palette = []string{"#1F83C4", "#D55E00", "#009E73", "#CC79A7", "#A87B00", "#8A72D8", "#808080"}

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
		Handler: boxes{text.Plain{Fonts: font.DefaultCache}},
	}
}

func centered(s text.Style) text.Style {
	s.YAlign = draw.YCenter
	return s
}

// lineStyle is that of a name's line in the legend.
func lineStyle(i int) draw.LineStyle { return curveStyle(i, 4, 1) }

func curveStyle(i int, width, opacity float64) draw.LineStyle {
	style := draw.LineStyle{Color: translucent(i, opacity), Width: pixels(width)}
	for _, length := range seriesDash(i) {
		style.Dashes = append(style.Dashes, pixels(length))
	}
	return style
}

// translucent is the colour of a name in the legend, seen through.
func translucent(i int, opacity float64) color.NRGBA {
	return faint(ParseColor(seriesColor(i)), opacity)
}

func faint(c color.NRGBA, opacity float64) color.NRGBA {
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

// contrast is that of the Web Content Accessibility Guidelines 2.1, from 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	luminance := func(c color.NRGBA) float64 {
		linear := func(v uint8) float64 {
			s := float64(v) / 255
			if s <= 0.03928 {
				return s / 12.92
			}
			return math.Pow((s+0.055)/1.055, 2.4)
		}
		return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// wrap breaks a text between words so that no line is wider than the width, if words allow. Around a sign, and
// between a number and the words beside it, it does not break.
func wrap(s string, style text.Style, width vg.Length) []string {
	var words []string
	for _, word := range strings.Fields(s) {
		if n := len(words); n > 0 && (!strings.ContainsFunc(word, isWordly) || endsInNumber(words[n-1]) || isNumberOf(word, words[n-1])) {
			words[n-1] += " " + word
		} else {
			words = append(words, word)
		}
	}
	lines := []string{}
	line := ""
	for _, word := range words {
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

func isWordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// isNumberOf says whether a word is a number that the words before it announce, as in "seed 1".
func isNumberOf(word, before string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	return unicode.IsDigit(rune(word[0])) && isWordly(last)
}

// endsInNumber says whether a text ends in a number, or in a sign that a number follows.
func endsInNumber(s string) bool {
	last, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsDigit(last) || strings.ContainsRune("=±+−×/<>", last)
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
