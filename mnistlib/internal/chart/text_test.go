package chart

import (
	"bytes"
	"image/png"
	"strings"
	"testing"
)

// Letters that the font lacks are boxes in the PNG, and stay letters in the SVG and for Vega-Lite.
func TestNamesInAnyScript(t *testing.T) {
	figure := func(name string) *Figure {
		x := []float64{0, 1}
		curves := []Curve{{Name: name, X: x, Y: x}, {Name: "b", X: x, Y: x}}
		return &Figure{Title: name, Columns: 1, Panels: []Panel{
			&Chart{Width: Wide, Height: 100, X: NewAxis(name, 0, 1, 5), Y: NewAxis("y", 0, 1, 5), Curves: curves},
		}}
	}
	picture := func(name string) []byte {
		picture, err := figure(name).PNG()
		if err != nil {
			t.Fatal(err)
		}
		return picture
	}
	for name, boxed := range map[string]string{"学习": "□□", "معدل": "□□□□", "ζ, Лосс, é": "ζ, Лосс, é"} {
		// The room of a missing letter is not that of a box, so only the amount of ink is compared: a box has 40 pixels or more.
		if got, want := darkPixels(t, picture(name)), darkPixels(t, picture(boxed)); max(got-want, want-got) > 40 {
			t.Errorf("the picture of %s has %d dark pixels, with %s it has %d", name, got, boxed, want)
		}
		if width := legendStyle.Width(name); width < legendStyle.Width("aaaa")/2 {
			t.Errorf("%s is taken to be %v wide", name, width)
		}
		svg, err := figure(name).SVG()
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(svg), ">"+name+"</text>"); n != 3 {
			t.Errorf("%s stands at %d places of the SVG, want 3", name, n)
		}
		spec, err := figure(name).VegaLite()
		if err != nil || !strings.Contains(literal(spec), name) {
			t.Errorf("the specification lacks %s (%v)", name, err)
		}
	}
}

func darkPixels(t *testing.T, picture []byte) (n int) {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	bounds := decoded.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			if r, g, b, _ := decoded.At(x, y).RGBA(); r+g+b < 3*0x8000 {
				n++
			}
		}
	}
	return n
}
