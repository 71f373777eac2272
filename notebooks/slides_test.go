package main

import (
	"slices"
	"strings"
	"testing"
)

// As slides, the tutorial shows each section on one that begins with its heading, and at most one cell's
// figures on each; the lecturer's notes are on none.
func TestTutorialHasSlides(t *testing.T) {
	nb, err := readNotebook("tutorial.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	cellsWithFigures, notes := 0, 0
	for i, c := range nb.cells() {
		kind, _ := object(object(c["metadata"])["slideshow"])["slide_type"].(string)
		if !slices.Contains([]string{"", "slide", "subslide", "fragment", "skip", "notes"}, kind) {
			t.Errorf("cell %d has the unknown kind of slide %q", i+1, kind)
		}
		if begins := kind == "slide" || kind == "subslide"; begins {
			cellsWithFigures = 0
		} else if i == 0 || strings.HasPrefix(c.source(), "#") {
			t.Errorf("cell %d begins no slide: %q", i+1, firstStatement(c.source()))
		}
		if _, rest, _ := strings.Cut(c.source(), "\n## "); !c.isCode() && rest != "" {
			t.Errorf("a section begins in the middle of cell %d", i+1)
		}
		if len(c.figures()) > 0 {
			if cellsWithFigures++; cellsWithFigures > 1 {
				t.Errorf("cell %d is the second with figures on one slide", i+1)
			}
			if kind == "skip" {
				t.Errorf("the figure of cell %d is on no slide", i+1)
			}
		}
		if isNote := strings.HasPrefix(c.source(), "*For a lecturer.*"); isNote != (kind == "notes") {
			t.Errorf("cell %d has the kind %q: %s", i+1, kind, firstStatement(c.source()))
		} else if isNote {
			notes++
		}
	}
	if notes < 6 {
		t.Errorf("there are %d notes for a lecturer", notes)
	}
}
