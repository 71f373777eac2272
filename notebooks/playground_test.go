package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// playgroundNotebook is one cell, with the playground of a small network.
func playgroundNotebook() notebook {
	return notebook{"nbformat": 4, "nbformat_minor": 5,
		"metadata": map[string]any{"kernelspec": map[string]any{"name": "tutorial6", "display_name": "Go (Tutorial 6)", "language": "go"}},
		"cells": []any{map[string]any{"cell_type": "code", "id": "playground", "metadata": map[string]any{}, "execution_count": nil, "outputs": []any{},
			"source": "import \"example.com/tutorial6/mnistlib\"\n\n%%\nmnistlib.Playground(mnistlib.MNIST(), mnistlib.MLP{Hidden: 30})"}}}
}

// checkPlayground turns a knob of a running cell: the figure is drawn anew, with the run before behind the new one; in
// a narrow window it fits its cell; the button ends the cell, and takes the knobs away.
func checkPlayground(t *testing.T, lab lab) {
	address := lab.page(t, "playground.ipynb")
	browser := openBrowser(t)
	ctx, cancel := context.WithTimeout(browser, 4*time.Minute)
	defer cancel()
	const figure = `document.querySelector(".jp-OutputArea .vega-embed [aria-label]")?.ariaLabel`
	const idle = `document.body.innerText.includes("Go (Tutorial 6) | Idle")`
	for _, step := range []struct {
		name    string
		actions []chromedp.Action[chromedp.Void]
	}{
		{"the notebook opens", []chromedp.Action[chromedp.Void]{
			chromedp.Navigate(address), chromedp.Click(chromedp.CSS(".jp-Notebook .jp-CodeCell .jp-InputPrompt")), until(idle)}},
		{"its cell draws a run", []chromedp.Action[chromedp.Void]{
			chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift)), until(figure + `?.includes("MLP(30), SGD(lr=0.1, momentum=0), 3 epochs, seed 1")`)}},
		{"a knob draws another, with the one before behind it", []chromedp.Action[chromedp.Void]{
			chromedp.Evaluate[chromedp.Void](`{
				const knob = document.getElementById([...document.querySelectorAll(".jp-OutputArea label")].find(l => l.innerText == "learning rate").htmlFor)
				knob.value = knob.dataset.values.split(" ").indexOf("0.5")
				knob.dispatchEvent(new Event("input"))
			}`),
			until(figure + `?.includes("SGD(lr=0.5, momentum=0)") && ` + figure + `.includes("pale, the run before: MLP(30), SGD(lr=0.1")`)}},
		{"in a narrow window it fits", []chromedp.Action[chromedp.Void]{
			chromedp.Click(chromedp.CSS(`.jp-SideBar [data-id="filebrowser"]`)), // closes the list, which may take the whole window
			chromedp.EmulateViewport(800, 900), until(`(() => {
				const outputs = [...document.querySelectorAll(".jp-OutputArea-output")], width = outputs.find(o => o.querySelector("canvas")).clientWidth
				return width > 400 && width < 700 && outputs.every(o => o.scrollWidth <= o.clientWidth)
			})()`)}},
		{"the button ends the cell", []chromedp.Action[chromedp.Void]{
			chromedp.Evaluate[chromedp.Void](`document.querySelector(".jp-OutputArea button").click()`),
			until(idle + ` && !document.querySelector(".jp-OutputArea label") && !!` + figure)}},
	} {
		err := chromedp.Do(ctx, step.actions...)
		if png, shotErr := chromedp.Run(browser, chromedp.CaptureScreenshot()); shotErr == nil {
			os.WriteFile(filepath.Join(t.ArtifactDir(), strings.ReplaceAll(step.name, " ", "-")+".png"), png, 0o644)
		}
		if err != nil {
			widths, _ := chromedp.Run(browser, chromedp.Evaluate[string](`[...document.querySelectorAll(".jp-OutputArea-output")].map(o => o.scrollWidth + " in " + o.clientWidth).join()`))
			t.Fatalf("not so: %s (%v): %s", step.name, err, widths)
		}
	}
}
