package mnistlib

import (
	"bytes"
	"image/png"
	"math"
	"strings"
	"testing"
)

func TestGallery(t *testing.T) {
	images := MNIST().Validation.Slice(0, 12)
	f := Gallery("Digits", images, nil)
	checkBundle(t, f, false)
	m := f.panels[0].(*mosaic)
	for _, i := range []int{0, 11} {
		for _, k := range []int{0, 14*ImageSize + 14, 9*ImageSize + 13, 20*ImageSize + 11, NumPixels - 1} {
			at := m.place(i)
			got := m.picture.NRGBAAt(at.X+3*(k%ImageSize)+1, at.Y+3*(k/ImageSize)+1) // a pixel is drawn 3 wide and high
			if want := 255 - images.Pixels[i*NumPixels+k]; got.R != want || got.G != want || got.B != want {
				t.Errorf("pixel %d of image %d is drawn as %v, want grey %d", k, i, got, want)
			}
		}
	}
	if m.captions[3] != string('0'+images.Labels[3]) {
		t.Errorf("the caption is %q for a %d", m.captions[3], images.Labels[3])
	}
	checkBundle(t, Gallery("Nothing", Images{}, nil), false)
}

func TestHeatMap(t *testing.T) {
	names := []string{"cat", "dog"}
	f := HeatMap("Confusion", "label", "prediction", names, names, [][]float64{{50, 0}, {25, math.NaN()}})
	checkBundle(t, f, true)
	table := f.panels[0].(*cells)
	if full, none := hex(table.shade(50)), hex(table.shade(0)); full != palette[0] || none != "#FFFFFF" {
		t.Errorf("the largest value is %s and 0 is %s, want %s and white", full, none, palette[0])
	}
	if table.textColor(50) != parseColor("#FFFFFF") || table.textColor(0) != parseColor(ink) {
		t.Error("the numbers cannot be read on their cells")
	}
	if want := "label dog: cat: 25, dog: NaN."; !strings.Contains(f.Description, want) {
		t.Errorf("the description %q lacks %q", f.Description, want)
	}
}

func TestHeatMaps(t *testing.T) {
	f := HeatMaps("Filters", [][][]float64{{{-2, 0}, {1, 2}}, {{0, 0, math.Inf(1)}}}, []string{"first", "second"})
	checkBundle(t, f, true)
	m := f.panels[0].(*mosaic)
	for _, test := range []struct {
		tile, x, y int
		want       string
	}{
		{0, 10, 10, palette[0]}, {0, 60, 10, "#FFFFFF"}, {0, 60, 60, palette[1]}, {0, 10, 60, "#EAAF80"}, {1, 80, 10, "#808080"},
	} {
		at := m.place(test.tile)
		if got := hex(m.picture.NRGBAAt(at.X+test.x, at.Y+test.y)); got != test.want {
			t.Errorf("tile %d is %s at (%d, %d), want %s", test.tile, got, test.x, test.y, test.want)
		}
	}
}

func TestHistograms(t *testing.T) {
	f := Histograms("Activations", "activation", []string{"layer1", "layer2"}, [][]float64{{0, 0, 0, 4}, {1, 2, math.NaN()}})
	checkBundle(t, f, true)
	first, second := f.panels[0].(*chart), f.panels[1].(*chart)
	if first.bars[0] != (bar{0, 0.1, 0.75}) || first.bars[39].height != 0.25 {
		t.Errorf("the first and last bars are %v and %v", first.bars[0], first.bars[39])
	}
	sum := 0.0
	for _, b := range second.bars {
		sum += b.height
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("the shares add up to %v", sum)
	}
	if second.title != "layer2 (1 not finite)" {
		t.Errorf("the title is %q", second.title)
	}
	if want := "layer1: 4 values, mean 1, standard deviation 1.732."; !strings.Contains(f.Description, want) {
		t.Errorf("the description %q lacks %q", f.Description, want)
	}
	checkBundle(t, Histograms("Dead", "activation", []string{"a"}, [][]float64{{0, 0}}), true)
	checkBundle(t, Histograms("Empty", "activation", []string{"a"}, [][]float64{nil}), false)
}

func TestLines(t *testing.T) {
	f := Lines("Paths", "w1", "w2", Line{"plain", []float64{3, 1, 2}, []float64{-1, 0, 1}}, Line{"momentum", []float64{0}, []float64{2}})
	checkBundle(t, f, true)
	spec, err := f.plainVegaLite()
	if err != nil {
		t.Fatal(err)
	}
	text := literal(spec)
	if !strings.Contains(text, `"order":{"field":"order","type":"quantitative"}`) {
		t.Error("Vega-Lite would connect the points from left to right")
	}
	checkBundle(t, Lines("Nothing", "x", "y"), false)
}

func TestFiguresThatCannotBeDrawn(t *testing.T) {
	for want, f := range map[string]*Figure{
		"2 images have 784 pixels":      Gallery("", Images{Pixels: make([]byte, NumPixels), Labels: make([]byte, 2)}, nil),
		"1 captions for 0 matrices":     HeatMaps("", nil, []string{"a"}),
		"matrix 0 is empty":             HeatMaps("", [][][]float64{{}}, []string{"a"}),
		"rows of 1 and of 2 values":     HeatMaps("", [][][]float64{{{1}, {1, 2}}}, []string{"a"}),
		"row \"a\" has 2 values":        HeatMap("", "", "", []string{"a"}, []string{"b"}, [][]float64{{1, 2}}),
		"0 rows of values have 1 names": HeatMap("", "", "", []string{"a"}, []string{"b"}, nil),
		"1 names for 0 samples":         Histograms("", "", []string{"a"}, nil),
		"has 1 X and 2 Y":               Lines("", "", "", Line{"a", []float64{1}, []float64{1, 2}}),
	} {
		for _, err := range []error{f.Show(), f.Save(t.TempDir() + "/figure.png")} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want one with %q", err, want)
			}
		}
	}
}

func TestFewerColors(t *testing.T) {
	// 1,000 shades, of which one fills half of the picture.
	f := HeatMaps("", [][][]float64{make([][]float64, 40)}, []string{""})
	if f.err == nil {
		t.Fatal("a matrix of empty rows is drawn")
	}
	matrix := make([][]float64, 40)
	for y := range matrix {
		matrix[y] = make([]float64, 40)
		for x := range 25 {
			matrix[y][x] = float64(25*y+x)/1000 - 0.5
		}
	}
	picture, err := HeatMaps("", [][][]float64{matrix}, []string{""}).png()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(countColors(decoded)); n > 256 || n < 100 {
		t.Errorf("%d colours are left, want nearly 256", n)
	}
}
