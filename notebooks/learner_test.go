package main

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// learnerNotebook has what a learner does in the browser: complete a name, type into a field, train, and look at the curves
// of a run that nobody saw.
func learnerNotebook() notebook {
	var cells []any
	for i, source := range []string{
		"import \"example.com/tutorial6/mnistlib\"\n",
		"%noautoget\nimport (\n\t\"example.com/tutorial6/mnistlib\"\n\t\"github.com/janpfeifer/gonb/gonbui\"\n)\n\n" +
			"%%\ngonbui.RequestInput(\"Your name: \", false)\nvar name string\nfmt.Scanln(&name)\nfmt.Println(\"Hello\", name)",
		"%%\ntime.Sleep(2 * time.Second)\nmnistlib.Plot(mnistlib.Must(mnistlib.Train(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(), mnistlib.Config{Epochs: 1, Name: \"unseen\"})))",
		"%%\nmnistlib.Plot(mnistlib.Must(mnistlib.LastRuns())...)",
	} {
		cells = append(cells, map[string]any{"cell_type": "code", "id": string(rune('a' + i)), "metadata": map[string]any{}, "execution_count": nil, "outputs": []any{}, "source": source})
	}
	return notebook{"nbformat": 4, "nbformat_minor": 5, "cells": cells,
		"metadata": map[string]any{"kernelspec": map[string]any{"name": "tutorial6", "display_name": "Go (Tutorial 6)", "language": "go"}}}
}

// checkLearner does so. The first name is completed just after the kernel's start, when that takes the longest, and where
// it is the hardest: in a function that is still being written.
func checkLearner(t *testing.T, lab lab) {
	address := lab.page(t, "learner.ipynb")
	browser := openBrowser(t)
	says := func(text string) string { return `document.body.innerText.includes("` + text + `")` }
	click := func(cell, part string) chromedp.Action[chromedp.Void] {
		return chromedp.Click(chromedp.CSS(`.jp-Notebook [data-windowed-list-index="` + cell + `"] ` + part))
	}
	run := chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift))
	type step struct {
		name    string
		actions []chromedp.Action[chromedp.Void]
	}
	do := func(steps ...step) {
		tab, closeTab := chromedp.NewContext(browser)
		defer closeTab()
		if err := chromedp.Do(tab); err != nil { // else it would end with the patience, and nothing be read of it
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(tab, 4*time.Minute)
		defer cancel()
		for _, step := range steps {
			if err := chromedp.Do(ctx, step.actions...); err != nil {
				page, _ := chromedp.Run(tab, chromedp.Text(chromedp.CSS("body")))
				t.Fatalf("not so: %s (%v); the page reads\n%s", step.name, err, page)
			}
		}
	}
	do(step{"the notebook opens", []chromedp.Action[chromedp.Void]{
		chromedp.Navigate(address), click("0", ".jp-InputPrompt"), until(says("Go (Tutorial 6) | Idle"))}},
		step{"a name is completed", []chromedp.Action[chromedp.Void]{
			click("0", ".cm-line:last-child"), chromedp.KeyEvent("func build(nn *mnistlib.Layers, x *mnistlib.Tensor) {" + kb.Enter + "nn.Lin" + kb.Tab),
			until(`document.querySelector(".jp-Completer:not(.lm-mod-hidden)")?.innerText.includes("Linear")`)}},
		step{"what a cell asks for can be typed", []chromedp.Action[chromedp.Void]{
			chromedp.KeyEvent(kb.Escape), click("1", ".jp-InputPrompt"), run, until(`!!document.querySelector(".jp-Stdin-input")`),
			chromedp.KeyEvent("Ada" + kb.Enter), until(says("Hello Ada"))}},
		step{"a cell says at once that it is on its way", []chromedp.Action[chromedp.Void]{
			click("2", ".jp-InputPrompt"), run, until(says("[*]:") + " && " + says("Go (Tutorial 6) | Busy"))}})
	do(step{"the tab opens again", []chromedp.Action[chromedp.Void]{
		chromedp.Navigate(address), click("3", ".jp-InputPrompt"), until(says("Go (Tutorial 6) | Idle"))}},
		step{"the run that went on meanwhile is drawn", []chromedp.Action[chromedp.Void]{
			run, until(`document.querySelector(".jp-OutputArea .vega-embed [aria-label]")?.ariaLabel.includes("unseen")`)}})
}
