package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// lecturersNote tells how long a cell takes, and what to ask.
var lecturersNote = regexp.MustCompile(`^\*For a lecturer\.\* \d s[ .][^?]*\?`)

// As slides, the tutorial shows each section on one that begins with its heading, and at most one cell's
// figures on each, beside a lecturer's note, which is on none.
func TestTutorialHasSlides(t *testing.T) {
	nb, err := readNotebook("tutorial.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	cellsWithFigures, withoutNote := 0, 0 // on this slide; the cell whose figure has no note yet
	for i, c := range nb.cells() {
		kind, _ := object(object(c["metadata"])["slideshow"])["slide_type"].(string)
		if !slices.Contains([]string{"", "slide", "subslide", "fragment", "skip", "notes"}, kind) {
			t.Errorf("cell %d has the unknown kind of slide %q", i+1, kind)
		}
		if begins := kind == "slide" || kind == "subslide"; begins {
			if cellsWithFigures = 0; withoutNote > 0 {
				t.Errorf("the figure of cell %d has no note for a lecturer", withoutNote)
			}
			withoutNote = 0
		} else if i == 0 || strings.HasPrefix(c.source(), "#") {
			t.Errorf("cell %d begins no slide: %q", i+1, firstStatement(c.source()))
		}
		if _, rest, _ := strings.Cut(c.source(), "\n## "); !c.isCode() && rest != "" {
			t.Errorf("a section begins in the middle of cell %d", i+1)
		}
		if len(c.figures()) > 0 {
			withoutNote = i + 1
			if cellsWithFigures++; cellsWithFigures > 1 {
				t.Errorf("cell %d is the second with figures on one slide", i+1)
			}
			if kind == "skip" {
				t.Errorf("the figure of cell %d is on no slide", i+1)
			}
		}
		if isNote := strings.HasPrefix(c.source(), "*For a lecturer.*"); isNote != (kind == "notes") {
			t.Errorf("cell %d has the kind %q: %s", i+1, kind, firstStatement(c.source()))
		} else if isNote && i > 2 { // the first is about all
			if withoutNote = 0; !lecturersNote.MatchString(c.source()) {
				t.Errorf("cell %d does not say how long a cell takes and what to ask: %s", i+1, c.source())
			}
		}
	}
}

// stubReveal stands in the place of reveal.js: it shows each slide at once, below the one before.
const stubReveal = `
window.RevealNotes = {}
window.Reveal = {
	handlers: {},
	on(event, handler) { this.handlers[event] = handler },
	initialize({width}) {
		for (const slide of document.querySelectorAll(".slides section > section")) {
			slide.style.width = width + "px"
			this.handlers.slidechanged({currentSlide: slide})
		}
		document.title = "shown"
	},
}`

// checkSlides looks at the slides in a browser: on each, everything is seen at once, figures large, and reveal.js comes from
// the disk where it lies beside them, else from the network.
func checkSlides(t *testing.T, path string) {
	var asked atomic.Int32
	network := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); strings.HasSuffix(r.URL.Path, ".js") {
			io.WriteString(w, stubReveal)
		}
	}))
	defer network.Close()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page = regexp.MustCompile(`https://[^"]*/reveal.js@[\d.]*`).ReplaceAll(page, []byte(network.URL))
	if err := os.WriteFile(path, page, 0o644); err != nil {
		t.Fatal(err)
	}
	patience, cancel := context.WithTimeout(openBrowser(t), 2*time.Minute)
	defer cancel()
	show := func() {
		t.Helper()
		if err := chromedp.Do(patience, chromedp.Navigate("file://"+path), until(`document.title == "shown"`)); err != nil {
			t.Fatal(err)
		}
	}
	show()
	if asked.Load() == 0 {
		t.Error("reveal.js does not come from the network")
	}
	type slide struct {
		Words         string
		Height        int
		FiguresWidths []float64
	}
	slides, err := chromedp.Run(patience, chromedp.Evaluate[[]slide](`[...document.querySelectorAll(".slides section > section")].map(slide => ({
		words: slide.innerText.slice(0, 60), height: slide.scrollHeight,
		figuresWidths: [...slide.querySelectorAll("img")].map(figure => figure.getBoundingClientRect().width),
	}))`))
	if err != nil || len(slides) < 30 {
		t.Fatalf("there are %d slides (%v)", len(slides), err)
	}
	figures := 0
	for _, s := range slides {
		if s.Height == 0 || s.Height > 1000 {
			t.Errorf("of 1000 pixels, a slide takes %d: %s", s.Height, s.Words)
		}
		for _, width := range s.FiguresWidths {
			if figures++; width < 800 {
				t.Errorf("a figure is only %.0f pixels wide: %s", width, s.Words)
			}
		}
	}
	if figures < 15 {
		t.Errorf("the slides have %d figures", figures)
	}
	for _, name := range []string{"dist/reveal.js", "plugin/notes/notes.js"} {
		local := filepath.Join(filepath.Dir(path), "node_modules", "reveal.js", name)
		if err := os.MkdirAll(filepath.Dir(local), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(local, []byte(stubReveal), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	asked.Store(0)
	if show(); asked.Load() > 0 {
		t.Error("although it lies on the disk, reveal.js comes from the network")
	}
}
