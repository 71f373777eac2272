package chart

import "testing"

func TestHeatMapIsReadable(t *testing.T) {
	table := &HeatMap{Largest: 50}
	if full, none := hex(table.shade(50)), hex(table.shade(0)); full != Palette[0] || none != "#FFFFFF" {
		t.Errorf("the largest value is %s and 0 is %s, want %s and white", full, none, Palette[0])
	}
	if table.textColor(50) != ParseColor("#FFFFFF") || table.textColor(0) != ParseColor(ink) {
		t.Error("the numbers cannot be read on their cells")
	}
}
