package chart

import "testing"

func TestHeatMapIsReadable(t *testing.T) {
	if full, none := hex(Cell{Shade: 1}.color()), hex(Cell{}.color()); full != darkest || none != "#FFFFFF" {
		t.Errorf("the strongest shade is %s and none is %s, want %s and white", full, none, darkest)
	}
	for i := range 101 {
		cell := Cell{Shade: float64(i) / 100}
		if c := contrast(cell.ink(), cell.color()); c < 4.5 {
			t.Errorf("the text on a cell of shade %v has a contrast of %.2f, want 4.5 or more", cell.Shade, c)
		}
	}
}
