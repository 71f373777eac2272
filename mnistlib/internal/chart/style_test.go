package chart

import (
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
)

// Neighbours in the legend differ by their dashes alone, and no two lines look alike.
func TestLinesDifferWithoutColours(t *testing.T) {
	seen := map[string]bool{}
	for i := range 4 * len(Palette) {
		if slices.Equal(seriesDash(i), seriesDash(i+1)) {
			t.Errorf("lines %d and %d have the same dashes", i, i+1)
		}
		look := fmt.Sprint(seriesColor(i), seriesDash(i))
		if seen[look] {
			t.Errorf("line %d looks like one before it", i)
		}
		seen[look] = true
	}
}

// Curves are seen on white paper and on the paper of JupyterLab's dark theme, which is Vega's "dark".
func TestColoursHaveContrast(t *testing.T) {
	for _, paper := range []string{"#FFFFFF", "#333333"} {
		for _, c := range Palette {
			if contrast := contrast(ParseColor(c), ParseColor(paper)); contrast < 3 {
				t.Errorf("%s on %s has a contrast of %.2f, want 3 or more", c, paper, contrast)
			}
		}
	}
}

func TestWrapKeepsNumbersWhole(t *testing.T) {
	const s = "the loss is about ln 10 = 2.30 after 16 runs of seed 1, and 95 % of them end there, as do maps of 28 × 28"
	for width := range 60 {
		lines := wrap(s, subtitleStyle, pixels(float64(10*width)))
		for _, line := range lines {
			for _, whole := range []string{"10 = 2.30 after", "16 runs of", "seed 1,", "95 % of"} {
				if first, _, _ := strings.Cut(whole, " "); strings.HasSuffix(line, first) || strings.HasSuffix(line, "=") || strings.HasSuffix(line, "×") {
					t.Errorf("at a width of %d, %q is broken: %q", 10*width, whole, lines)
				}
			}
		}
		if got := strings.Join(lines, " "); got != s {
			t.Errorf("the lines are %q", got)
		}
	}
}

func TestTilesStandInEvenRows(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, 7: 7, 8: 8, 12: 6, 13: 8, 14: 7, 16: 8, 32: 8} {
		if got := evenColumns(n, 8); got != want {
			t.Errorf("%d tiles stand in rows of %d, want %d", n, got, want)
		}
	}
}

// A colour of their own would be black, which the dark theme's paper hides.
func TestCaptionsTakeTheThemesColour(t *testing.T) {
	tile := image.NewGray(image.Rect(0, 0, 1, 1))
	f := &Figure{Panels: []Panel{NewPictures([]image.Image{tile}, []string{"7"})}, Columns: 1}
	spec, err := f.VegaLite()
	if err != nil || !strings.Contains(literal(spec), `"filled":false,"fontSize":{"expr":"14 * childWidth / 96"},"lineHeight":{"expr":"18 * childWidth / 96"},"stroke":"transparent","style":"guide-label","type":"text"`) {
		t.Errorf("the captions are filled (%v): %s", err, literal(spec))
	}
}

func TestTwoPanelsFitANotebook(t *testing.T) {
	panel := &Chart{Width: Narrow, Height: 100}
	f := &Figure{Panels: []Panel{panel, panel}, Columns: 2}
	if width := f.width() + 2*figureMargin; width > 780 {
		t.Errorf("two panels are %v pixels wide, want at most 780", width)
	}
	changes := func(panels ...Panel) string {
		f := &Figure{Panels: panels, Columns: 2}
		spec, err := f.VegaLite()
		if err != nil {
			t.Fatal(err)
		}
		return literal(spec["usermeta"])
	}
	two, one := changes(panel, panel), changes(panel)
	for _, want := range []string{`"signal":"room \u003c 800 ? 1 : 2"`, "clamp(room - 114, 200, 660) : 300"} {
		if !strings.Contains(two, want) {
			t.Errorf("in a narrow window, two panels do not change by %s: %s", want, two)
		}
	}
	if strings.Contains(one, "/layout/columns") {
		t.Errorf("of one panel, the columns change: %s", one)
	}
	if strings.Contains(one, "childWidth") || !strings.Contains(changes(&Surface{Size: 100, Values: [][]float64{{1}}}), "childWidth * 1") {
		t.Error("a surface does not keep its shape, or a chart does")
	}
}
