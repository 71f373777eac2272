package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// export lets nbconvert write a committed notebook in another form, and returns the file.
func export(t *testing.T, notebook, form, extension string) (path, content string) {
	t.Helper()
	base := filepath.Join(t.TempDir(), "exported")
	cmd := exec.Command(filepath.Join(filepath.Dir(checkout(t).Python()), "jupyter"), "nbconvert", "--to", form, "--output", base, notebook)
	cmd.Env = checkout(t).JupyterEnv(t.Context())
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	written, err := os.ReadFile(base + extension)
	if err != nil {
		t.Fatal(err)
	}
	return base + extension, string(written)
}

// Exported pages and slides say in words what each figure shows; a PDF, which would need other programs, is not offered.
func TestExportedFiguresHaveWords(t *testing.T) {
	image := regexp.MustCompile(`<img [^>]*src="data:[^>]*>`)
	words := regexp.MustCompile(`alt="[^"]*\bLoss: first [^"]* last `)
	for form, extension := range map[string]string{"html": ".html", "slides": ".slides.html"} {
		_, page := export(t, "tutorial.ipynb", form, extension)
		images := image.FindAllString(page, -1)
		worded := 0
		for _, tag := range images {
			if words.MatchString(tag) {
				worded++
			}
			if !regexp.MustCompile(`alt="[^"]{20}`).MatchString(tag) || strings.Contains(tag, "No description") {
				t.Errorf("as %s, a figure has no words: %.80s", form, tag)
			}
		}
		if len(images) < 15 || worded < 5 {
			t.Errorf("as %s, there are %d figures, and %d tell of a loss", form, len(images), worded)
		}
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(checkout(t).Python()), "jupyter"), "nbconvert", "--to", "pdf", "tutorial.ipynb")
	cmd.Env = checkout(t).JupyterEnv(t.Context())
	if output, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(output), `Exporter "pdf" disabled`) {
		t.Errorf("asked for a PDF, nbconvert says %v: %s", err, output)
	}
}

// The sliders of an exported page move its figures where there is neither a kernel nor a network.
func TestSliderInExportedPage(t *testing.T) {
	path, _ := export(t, "explore.ipynb", "html", ".html")
	patience, cancel := context.WithTimeout(openBrowser(t), 2*time.Minute)
	defer cancel()
	// Each slider is moved to its other end: what is drawn beside it must change.
	const move = `Promise.all([...document.querySelectorAll(".jp-RenderedImage input[type=range]")].map(async slider => {
		const canvas = slider.closest(".vega-embed").querySelector("canvas")
		const before = canvas.toDataURL()
		slider.value = slider.value == slider.min ? slider.max : slider.min
		slider.dispatchEvent(new Event("input"))
		for (let i = 0; i < 100 && canvas.toDataURL() == before; i++) await new Promise(resolve => setTimeout(resolve, 50))
		return canvas.toDataURL() != before
	})).then(moved => { document.title = "moved " + moved })`
	var title string
	err := chromedp.Do(patience, chromedp.Navigate("file://"+path),
		chromedp.Poll[chromedp.Void](`document.querySelectorAll(".jp-RenderedImage input[type=range]").length >= 2`, chromedp.WithPollingTimeout(0)))
	if err == nil {
		_, err = chromedp.Run(patience, chromedp.Evaluate[string](`(`+move+`, "")`))
	}
	if err == nil {
		err = chromedp.Do(patience, chromedp.Poll[chromedp.Void](`document.title.startsWith("moved ")`, chromedp.WithPollingTimeout(0)))
	}
	if err == nil {
		title, err = chromedp.Run(patience, chromedp.Evaluate[string](`document.title`))
	}
	if err != nil || strings.Contains(title, "false") {
		t.Errorf("of the sliders, %s (%v)", title, err)
	}
}
