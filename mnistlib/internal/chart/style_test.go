package chart

import (
	"fmt"
	"slices"
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

func TestTwoPanelsFitANotebook(t *testing.T) {
	panel := &Chart{Width: Narrow, Height: 100}
	f := &Figure{Panels: []Panel{panel, panel}, Columns: 2}
	if width := f.width() + 2*figureMargin; width > 840 {
		t.Errorf("two panels are %v pixels wide, want at most 840", width)
	}
}
