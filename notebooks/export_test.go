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

// nbconvert writes committed notebooks in another form, into a folder.
func nbconvert(t *testing.T, folder, form string, notebooks ...string) (said string, err error) {
	t.Helper()
	arguments := append([]string{"nbconvert", "--to", form, "--output-dir", folder}, notebooks...)
	cmd := exec.Command(filepath.Join(filepath.Dir(checkout(t).Python()), "jupyter"), arguments...)
	cmd.Env = checkout(t).JupyterEnv(t.Context())
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// Exported pages and slides say in words what each figure shows and load nothing from the network but reveal.js, and pages
// move their sliders; a PDF, which would need other programs, is not offered.
func TestExport(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for form, notebooks := range map[string][]string{"html": {"tutorial.ipynb", "explore.ipynb"}, "slides": {"tutorial.ipynb"}} {
		if said, err := nbconvert(t, folder, form, notebooks...); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
	}
	for _, name := range []string{"tutorial.html", "tutorial.slides.html"} {
		t.Run(name+" has words", func(t *testing.T) { checkWords(t, filepath.Join(folder, name)) })
		t.Run(name+" has code as in the notebook", func(t *testing.T) { checkCode(t, filepath.Join(folder, name)) })
		t.Run(name+" loads nothing", func(t *testing.T) { checkLoadsNothing(t, filepath.Join(folder, name)) })
	}
	t.Run("slides", func(t *testing.T) { checkSlides(t, filepath.Join(folder, "tutorial.slides.html")) })
	t.Run("sliders", func(t *testing.T) { checkSliders(t, filepath.Join(folder, "explore.html")) })
	if said, err := nbconvert(t, folder, "pdf", "tutorial.ipynb"); err == nil || !strings.Contains(said, `Exporter "pdf" disabled`) {
		t.Errorf("asked for a PDF, nbconvert says %v: %s", err, said)
	}
}

func checkWords(t *testing.T, path string) {
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`alt="[^"]*\bLoss: first [^"]* last `)
	images := regexp.MustCompile(`<img [^>]*src="data:[^>]*>`).FindAllString(string(page), -1)
	worded := 0
	for _, tag := range images {
		if words.MatchString(tag) {
			worded++
		}
		if !regexp.MustCompile(`alt="[^"]{20}`).MatchString(tag) || strings.Contains(tag, "No description") {
			t.Errorf("a figure has no words: %.80s", tag)
		}
	}
	if len(images) < 15 || worded < 5 {
		t.Errorf("there are %d figures, and %d tell of a loss", len(images), worded)
	}
}

// checkCode looks at the code of a page: it has the colours of Go, where func declares, and is indented by four.
func checkCode(t *testing.T, path string) {
	patience, cancel := context.WithTimeout(openBrowser(t), time.Minute)
	defer cancel()
	if err := chromedp.Do(patience, chromedp.Navigate("file://"+path)); err != nil {
		t.Fatal(err)
	}
	shown, err := chromedp.Run(patience, chromedp.Evaluate[string](`(code =>
		[...code.querySelectorAll(".kd")].map(word => word.innerText).join() + " " + getComputedStyle(code).tabSize
	)([...document.querySelectorAll(".jp-CodeCell pre")].find(code => code.innerText.startsWith("type MLP")))`))
	if err != nil || shown != "type,struct,func 4" {
		t.Errorf("the code has the declarations and the indentation %q (%v)", shown, err)
	}
}

// checkLoadsNothing looks for what a page has from the network, in its text and in a browser, and for formulas that the
// browser draws by itself.
func checkLoadsNothing(t *testing.T, path string) {
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range regexp.MustCompile(`<(?:script|link)[^>]* (?:src|href)="http[^"]*|(?:\bimport\s*\(|\bfrom\b|@import\b(?:\s*url\()?)\s*["']?http[^;"']*`).FindAllString(string(page), -1) {
		if !strings.Contains(path, "slides") || !strings.Contains(tag, "/reveal.js@") {
			t.Errorf("the page loads %s", tag)
		}
	}
	patience, cancel := context.WithTimeout(openBrowser(t), time.Minute)
	defer cancel()
	err = chromedp.Do(patience, chromedp.Navigate("file://"+path))
	asked := ""
	if err == nil {
		asked, err = chromedp.Run(patience, chromedp.Evaluate[string](`performance.getEntriesByType("resource").map(e => e.name).filter(n => n.startsWith("http") && !n.includes("/reveal.js@")).join()`))
	}
	if err != nil || asked != "" {
		t.Errorf("in a browser, the page asks for %q (%v)", asked, err)
	}
	formulas := strings.Count(string(page), "<math ")
	if left := strings.Contains(string(page), `\leftarrow`); formulas < 20 || left || !strings.Contains(string(page), "<mfrac>") {
		t.Errorf("%d formulas are drawn by the browser; some are left: %v", formulas, left)
	}
	if !strings.Contains(string(page), "<mi>log</mi><mspace ") {
		t.Error("there is no space between a logarithm and its argument")
	}
}

// The sliders of an exported page move its figures where there is neither a kernel nor a network.
func checkSliders(t *testing.T, path string) {
	patience, cancel := context.WithTimeout(openBrowser(t), 2*time.Minute)
	defer cancel()
	moved := ""
	err := chromedp.Do(patience, chromedp.Navigate("file://"+path),
		until(`document.querySelectorAll(".jp-RenderedImage input[type=range]").length >= 2`),
		chromedp.Evaluate[chromedp.Void](moveSliders), until("window.moved"))
	if err == nil {
		moved, err = chromedp.Run(patience, chromedp.Evaluate[string]("window.moved"))
	}
	if err != nil || moved != "true,true" {
		t.Errorf("whether the two sliders move their figures: %s (%v)", moved, err)
	}
}
