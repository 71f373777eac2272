package chart

import (
	"bytes"
	"image/png"
	"math"
	"strings"
	"testing"
)

// What lies above or below the axis is cut off in both forms, and runs over neither the figure's title nor its numbers.
func TestAWildValueIsCutOff(t *testing.T) {
	for _, wild := range []float64{1.5, 100, math.MaxFloat64, -0.5, -100} {
		ch := &Chart{
			Width: Narrow, Height: 100, X: NewAxis("", 0, 4, 4), Y: NewAxis("", 0, 1, 4),
			Curves: []Curve{{
				X: []float64{0, 1, 2, 3, 4}, Y: []float64{0.5, 0.5, wild, 0.5, math.NaN()},
				Low: []float64{0.4, 0.4, min(0.4, wild), 0.4, 0.4}, High: []float64{0.6, 0.6, max(0.6, wild), 0.6, 0.6},
			}},
			Points: []Points{{X: []float64{3}, Y: []float64{wild}, TrueX: []float64{3}}},
		}
		f := &Figure{Panels: []Panel{ch}, Columns: 1}
		picture, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := png.Decode(bytes.NewReader(picture))
		if err != nil {
			t.Fatal(err)
		}
		bounds, inside := decoded.Bounds(), 0
		top, bottom := 42, bounds.Max.Y-60 // the axis ends 34 and 45 pixels, enlarged by half, from the edges
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			for x := bounds.Min.X; x < bounds.Max.X; x++ {
				r, _, b, _ := decoded.At(x, y).RGBA()
				if blue := b > r+0x1000; blue && (y < top || y > bottom) {
					t.Fatalf("with %v, the pixel at (%d, %d) is drawn on, beyond the axis", wild, x, y)
				} else if blue {
					inside++
				}
			}
		}
		if inside < 1000 {
			t.Errorf("with %v, only %d pixels are drawn on", wild, inside)
		}
		spec, err := f.VegaLite()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"mark":{"clip":true,"type":"line"}`, `"mark":{"clip":true,"type":"area"}`, `datum.y \u003e= 0 \u0026\u0026 datum.y \u003c= 1"`} {
			if !strings.Contains(literal(spec), want) {
				t.Errorf("with %v, the specification lacks %s", wild, want)
			}
		}
	}
}
