package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/tutorial6/notebooks/setup"
)

// untilTraining returns the cells of the tutorial up to the first one that trains, without outputs; of those with code only
// what that one needs, as each takes the linker a second.
func untilTraining(nb notebook) []any {
	var cells []any
	for _, c := range nb.cells() {
		if !c.isCode() {
			cells = append(cells, map[string]any(c))
			continue
		}
		trains := object(c["metadata"])["tutorial"] != nil
		if trains || slices.ContainsFunc([]string{"import ", "var data ", "type MLP "}, func(needed string) bool { return strings.Contains(c.source(), needed) }) {
			c["outputs"], c["execution_count"] = []any{}, nil
			cells = append(cells, map[string]any(c))
		}
		if trains {
			break
		}
	}
	return cells
}

// findBrowser returns the program with which to look at the figures; without one, the test is skipped.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no Chromium, and in CI this test may not be skipped")
	}
	t.Skip("skipped: there is no Chromium, with which to look at the figures")
	return ""
}

// openBrowser opens a browser that reaches no other machine; it ends with the test.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(findBrowser(t)),
		chromedp.NoSandbox, chromedp.WindowSize(1400, 1300), // the sandbox does not start in containers
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // it starts here, so that it ends with the test and not with somebody's patience
		t.Fatal(err)
	}
	return ctx
}

// until waits for a condition on the page. It asks five times a second: by itself chromedp would ask before each frame, and
// the browser lay out the whole page for each question about its text.
func until(condition string) chromedp.Action[chromedp.Void] {
	return chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingInterval(200*time.Millisecond), chromedp.WithPollingTimeout(0))
}

// kernelIdle holds when JupyterLab's status bar says that the kernel waits for a cell.
const kernelIdle = `document.body.innerText.includes("` + setup.KernelTitle + ` | Idle")`

// shiftEnter runs the chosen cell and chooses the next one.
var shiftEnter = chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift))

// open opens a notebook, and clicks on a part of it once its kernel is named, before which JupyterLab may draw the cells anew.
// What has the focus is what JupyterLab acts on, and whose kernel its status bar is about.
func open(address, part string) []action {
	named := `document.querySelector(".jp-Toolbar-kernelName")?.innerText == "` + setup.KernelTitle + `"`
	return []action{chromedp.Navigate(address), until(named), chromedp.Click(chromedp.CSS(part)), until(kernelIdle)}
}

// A step is what somebody does on a page, and what is waited for then. Its name says what holds afterwards.
type step struct {
	name    string
	actions []action
}

type action = chromedp.Action[chromedp.Void]

// walk takes the steps on a page one by one, each with so much patience. With go test -artifacts -outputdir DIR, a picture
// after each stays there.
func walk(t *testing.T, page context.Context, patience time.Duration, steps ...step) {
	t.Helper()
	for _, step := range steps {
		ctx, cancel := context.WithTimeout(page, patience)
		err := chromedp.Do(ctx, step.actions...)
		cancel()
		ctx, cancel = context.WithTimeout(page, time.Minute) // a page that hangs does not tell why either
		defer cancel()
		picture, pictureErr := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if pictureErr == nil {
			pictureErr = os.WriteFile(filepath.Join(t.ArtifactDir(), strings.ReplaceAll(step.name, " ", "-")+".png"), picture, 0o644)
		}
		if pictureErr != nil {
			t.Error(pictureErr)
		}
		if err != nil {
			widths, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.querySelectorAll(".jp-OutputArea-output")].map(o => o.scrollWidth + " in " + o.clientWidth).join()`))
			words, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 5000)`))
			t.Fatalf("not so: %s (%v); the outputs take pixels: %s; the page reads\n%s", step.name, err, widths, words)
		}
	}
}

// moveSliders is a script that moves each slider of a page to its other end, and sets moved to whether each has changed what is
// drawn beside it, in the lower half without the titles. Pictures that are being drawn are waited for.
const moveSliders = `window.moved = undefined; void Promise.all([...document.querySelectorAll(".vega-embed input[type=range]")].map(async slider => {
	const canvas = slider.closest(".vega-embed").querySelector("canvas")
	const drawn = async () => {
		for (let last;;) {
			await new Promise(resolve => setTimeout(resolve, 300))
			const now = canvas.getContext("2d").getImageData(0, canvas.height / 2, canvas.width, canvas.height / 2).data.join()
			if (now == last) return now
			last = now
		}
	}
	const before = await drawn()
	slider.value = slider.value == slider.min ? slider.max : slider.min
	slider.dispatchEvent(new Event("input"))
	for (let i = 0; i < 20; i++) if (await drawn() != before) return true
	return false
})).then(moved => { window.moved = moved.join() })`

// page returns the address of a notebook in a workspace of its own: JupyterLab would open what another browser had open
// before, in place of it or beside it. The reader's own workspace is left as it is.
// It is deleted at the end of the test, after a browser that is opened later has closed.
func (l lab) page(t *testing.T, notebook string) string {
	t.Helper()
	workspace := "test-" + strings.TrimSuffix(notebook, ".ipynb")
	t.Cleanup(func() {
		if status, answer := l.ask(t, "DELETE", "/lab/api/workspaces/"+workspace, l.token, ""); status != http.StatusNoContent && status != http.StatusNotFound {
			t.Errorf("deleting the workspace answers %d: %s", status, answer)
		}
	})
	address := *l.address
	address.Path = "/lab/workspaces/" + workspace + "/tree/" + notebook
	return address.String()
}

// floodedTutorial is the tutorial up to its first training cell, and a cell that prints more than a browser can take.
func floodedTutorial(t *testing.T) notebook {
	t.Helper()
	nb, err := readNotebook("tutorial.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	flood := newNotebook("%%\nfor i := range 300_000 {\n\tfmt.Println(\"line\", i)\n}").cells()[0]
	nb["cells"] = append(untilTraining(nb), map[string]any(flood))
	return nb
}

// checkBrowser runs this tutorial in a browser, and looks at the figures of its training, and at the page after the many lines.
func checkBrowser(t *testing.T, lab lab, numCells int) {
	address := lab.page(t, "tutorial.ipynb")
	// drawn counts the figures in which something is drawn: whose pixels have more than one colour.
	const drawn = `[...document.querySelectorAll(".jp-OutputArea .vega-embed canvas")].filter(canvas => {
		const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)
		return new Set(pixels).size > 2
	}).length >= 2`
	walk(t, openBrowser(t), 4*time.Minute,
		step{"the tutorial opens", open(address, ".jp-Notebook .jp-MarkdownCell")},
		step{"its training draws figures", append(slices.Repeat([]action{shiftEnter}, numCells), until(drawn))},
		step{"the final accuracies are there", []action{until(`document.querySelector(".jp-Notebook").innerText.includes("Final training accuracy")`)}},
		step{"of three million characters, the page shows less than one", []action{
			until(`document.body.innerText.includes("IOPub data rate exceeded")`), until(`document.body.innerText.length < 1_000_000`)}})
}
