package mnistlib

import (
	"image"
	"math"
	"strings"
	"testing"

	"example.com/tutorial6/mnistlib/internal/chart"
)

func TestGallery(t *testing.T) {
	images := MNIST().Validation.Slice(0, 12)
	f := Gallery("Digits", images, nil)
	checkBundle(t, f, false)
	m := f.panels[0].(*chart.Pictures)
	for _, i := range []int{0, 11} {
		for _, k := range []int{0, 14*imageSize + 14, 9*imageSize + 13, 20*imageSize + 11, NumPixels - 1} {
			at := m.Place(i)
			got := m.Picture.NRGBAAt(at.X+3*(k%imageSize)+1, at.Y+3*(k/imageSize)+1) // a pixel is drawn 3 wide and high
			if want := 255 - images.Pixels[i*NumPixels+k]; got.R != want || got.G != want || got.B != want {
				t.Errorf("pixel %d of image %d is drawn as %v, want grey %d", k, i, got, want)
			}
		}
	}
	if m.Captions[3] != string('0'+images.Labels[3]) {
		t.Errorf("the caption is %q for a %d", m.Captions[3], images.Labels[3])
	}
	checkBundle(t, Gallery("Nothing", Images{}, nil), false)
}

func TestHeatMap(t *testing.T) {
	names := []string{"cat", "dog"}
	f := HeatMap("Confusion", "label", "prediction", names, names, [][]float64{{50, 0}, {25, math.NaN()}})
	checkBundle(t, f, false)
	if cells := f.panels[0].(*chart.HeatMap).Cells; cells[0][0] != (chart.Cell{Text: "50", Shade: 1}) || cells[1][0] != (chart.Cell{Text: "25", Shade: 0.5}) {
		t.Errorf("the first column is %v and %v", cells[0][0], cells[1][0])
	}
	if want := "label dog: cat: 25, dog: NaN."; !strings.Contains(f.Description, want) {
		t.Errorf("the description %q lacks %q", f.Description, want)
	}
}

func TestMatrices(t *testing.T) {
	f := Matrices("Filters", [][][]float64{{{-2, 0}, {1, 2}}, {{0, 0, math.Inf(1)}}}, []string{"first", "second"})
	checkBundle(t, f, true)
	m := f.panels[0].(*chart.Pictures)
	for _, test := range []struct {
		tile, x, y int
		want       string
	}{
		{0, 10, 10, chart.Palette[0]}, {0, 60, 10, "#FFFFFF"}, {0, 60, 60, chart.Palette[1]}, {0, 10, 60, "#EAAF80"}, {1, 80, 10, "#808080"},
	} {
		at := m.Place(test.tile)
		if got := nameColor(m.Picture.NRGBAAt(at.X+test.x, at.Y+test.y)); got != test.want {
			t.Errorf("tile %d is %s at (%d, %d), want %s", test.tile, got, test.x, test.y, test.want)
		}
	}
}

// The scale shows no colour that no value can have, as blue after a ReLU.
func TestMatricesShowTheColoursThatOccur(t *testing.T) {
	for want, values := range map[string][]float64{
		"from white, 0, to orange, 2":                {0, 2},
		"from blue, -3, over white, 0, to orange, 3": {-3, 2},
	} {
		if got := Matrices("", [][][]float64{{values}}, []string{""}).Subtitle; got != want {
			t.Errorf("the scale of %v is %q, want %q", values, got, want)
		}
	}
}

func TestHistograms(t *testing.T) {
	f := Histograms("Activations", "activation", []string{"layer1", "layer2"}, [][]float64{{0, 0, 0, 4}, {1, 2, math.NaN()}})
	checkBundle(t, f, true)
	first, second := f.panels[0].(*chart.Chart), f.panels[1].(*chart.Chart)
	if first.Bars[0] != (chart.Bar{From: 0, To: 0.1, Height: 0.75}) || first.Bars[39].Height != 0.25 {
		t.Errorf("the first and last bars are %v and %v", first.Bars[0], first.Bars[39])
	}
	sum := 0.0
	for _, b := range second.Bars {
		sum += b.Height
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("the shares add up to %v", sum)
	}
	if second.Title != "layer2 (1 not finite)" {
		t.Errorf("the title is %q", second.Title)
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
	text := vegaLiteText(t, f)
	if !strings.Contains(text, `"order":{"field":"order","type":"quantitative"}`) {
		t.Error("Vega-Lite would connect the points from left to right")
	}
	checkBundle(t, Lines("Nothing", "x", "y"), false)
}

func TestForestPlot(t *testing.T) {
	f := ForestPlot("Claims", "difference", []string{"faster", "a <longer> name"}, []Difference{
		{Mean: 0.02, Low: 0.01, High: 0.03, ImagesLow: -0.01, ImagesHigh: 0.05},
		{Mean: -0.1, Low: -0.12, High: -0.08, ImagesLow: math.NaN(), ImagesHigh: math.NaN()},
	})
	checkBundle(t, f, true)
	panel := f.panels[0].(*chart.Forest)
	if panel.X.Min > -0.12 || panel.X.Max < 0.05 {
		t.Errorf("the axis from %v to %v cuts off an interval", panel.X.Min, panel.X.Max)
	}
	for _, want := range []string{
		"faster: +0.0200, with other seeds +0.0100 to +0.0300, with other images too -0.0100 to +0.0500: higher on these images; on others it may not be.",
		"a <longer> name: -0.1000, with other seeds -0.1200 to -0.0800: lower.",
	} {
		if !strings.Contains(f.Description, want) {
			t.Errorf("the description %q lacks %q", f.Description, want)
		}
	}
	decoded := pngOf(t, f)
	// The second row's thick line, with its dot, spans 0.04 of the axis's 0.2, which has about 400 pixels, drawn 1.5 times as large.
	bounds, found := decoded.Bounds(), false
	for y := range bounds.Dy() {
		colors := countColors(decoded.(*image.Paletted).SubImage(image.Rect(0, y, bounds.Dx(), y+1)))
		found = found || math.Abs(float64(colors[chart.Palette[0]]+colors[chart.Palette[1]])-0.04/0.2*400*1.5) < 5
	}
	if !found {
		t.Error("no line has the length of the second row's interval")
	}
	checkBundle(t, ForestPlot("One", "difference", []string{"same"}, []Difference{{ImagesLow: math.NaN(), ImagesHigh: math.NaN()}}), false)
}

func TestFiguresThatCannotBeDrawn(t *testing.T) {
	for want, f := range map[string]*Figure{
		"2 images have 784 pixels":      Gallery("", Images{Pixels: make([]byte, NumPixels), Labels: make([]byte, 2)}, nil),
		"1 captions for 0 matrices":     Matrices("", nil, []string{"a"}),
		"matrix 0 is empty":             Matrices("", [][][]float64{{}}, []string{"a"}),
		"rows of 1 and of 2 values":     Matrices("", [][][]float64{{{1}, {1, 2}}}, []string{"a"}),
		"row \"a\" has 2 values":        HeatMap("", "", "", []string{"a"}, []string{"b"}, [][]float64{{1, 2}}),
		"0 rows of values have 1 names": HeatMap("", "", "", []string{"a"}, []string{"b"}, nil),
		"1 names for 0 samples":         Histograms("", "", []string{"a"}, nil),
		"1 names for 0 differences":     ForestPlot("", "", []string{"a"}, nil),
		"from NaN to NaN":               ForestPlot("", "", []string{"a"}, []Difference{{Low: math.NaN(), High: math.NaN()}}),
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
	f := Matrices("", [][][]float64{make([][]float64, 40)}, []string{""})
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
	f = Matrices("", [][][]float64{matrix}, []string{""})
	left := countColors(pngOf(t, f))
	if n := len(left); n > 60 || n < 30 {
		t.Errorf("%d colours are left, want 30 to 60", n)
	}
	for name := range countColors(f.panels[0].(*chart.Pictures).Picture) {
		if name == "#000000" { // the gaps, which are transparent
			continue
		}
		exact, nearest := chart.ParseColor(name), 255
		for name := range left {
			c := chart.ParseColor(name)
			far := 0
			for _, parts := range [][2]uint8{{c.R, exact.R}, {c.G, exact.G}, {c.B, exact.B}} {
				far = max(far, int(parts[0])-int(parts[1]), int(parts[1])-int(parts[0]))
			}
			nearest = min(nearest, far)
		}
		if nearest > 8 {
			t.Errorf("of %s, the nearest colour that is left differs by %d", name, nearest)
		}
	}
}
