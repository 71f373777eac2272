package main

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/tutorial6/notebooks/setup"
)

// learnerCells are for what a learner does in the browser: complete a name, type into a field, train, look at the curves
// of a run that nobody saw, and train again.
var learnerCells = []string{
	`import "example.com/tutorial6/mnistlib"
`,
	`%noautoget
import (
	"example.com/tutorial6/mnistlib"
	"github.com/janpfeifer/gonb/gonbui"
)

%%
gonbui.RequestInput("Your name: ", false)
var name string
fmt.Scanln(&name)
fmt.Println("Hello", name)`,
	`%%
time.Sleep(2 * time.Second)
mnistlib.Plot(mnistlib.Must(mnistlib.Train(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(), mnistlib.Config{Epochs: 1, Name: "unseen"})))`,
	`%%
mnistlib.Plot(mnistlib.Must(mnistlib.LastRuns())...)`,
}

// checkLearner does so. The first name is completed just after the kernel's start, when that takes the longest, and where
// it is the hardest: in a function that is still being written.
func checkLearner(t *testing.T, lab lab) {
	address := lab.page(t, "learner.ipynb")
	browser := openBrowser(t)
	says := func(text string) string { return `document.body.innerText.includes("` + text + `")` }
	cell := func(index, part string) string {
		return `.jp-Notebook [data-windowed-list-index="` + index + `"] ` + part
	}
	click := func(part string) action { return chromedp.Click(chromedp.CSS(part)) }
	inTab := func(steps ...step) {
		tab, closeTab := chromedp.NewContext(browser)
		defer closeTab()
		if err := chromedp.Do(tab); err != nil { // else it would end with the patience for its first step
			t.Fatal(err)
		}
		walk(t, tab, 4*time.Minute, steps...)
	}
	inTab(step{"the notebook opens", open(address, cell("0", ".jp-InputPrompt"))},
		step{"a name is completed", []action{
			click(cell("0", ".cm-line:last-child")), chromedp.KeyEvent("func build(nn *mnistlib.Layers, x *mnistlib.Tensor) {" + kb.Enter + "nn.Lin" + kb.Tab),
			until(`document.querySelector(".jp-Completer:not(.lm-mod-hidden)")?.innerText.includes("Linear")`)}},
		step{"code is indented by a tab", []action{until(`[...document.querySelectorAll(".cm-line")].some(line => line.textContent.startsWith("\tnn.Lin"))`)}},
		step{"what a cell asks for can be typed", []action{
			chromedp.KeyEvent(kb.Escape), click(cell("1", ".jp-InputPrompt")), shiftEnter, until(`!!document.querySelector(".jp-Stdin-input")`),
			chromedp.KeyEvent("Ada" + kb.Enter), until(says("Hello Ada"))}},
		step{"a cell says at once that it is on its way", []action{
			click(cell("2", ".jp-InputPrompt")), shiftEnter, until(says("[*]:") + " && " + says(setup.KernelTitle+" | Busy"))}})
	inTab(step{"the tab opens again", open(address, cell("3", ".jp-InputPrompt"))},
		step{"the run that went on meanwhile is drawn", []action{
			shiftEnter, until(`document.querySelector(".jp-OutputArea .vega-embed [aria-label]")?.ariaLabel.includes("unseen")`)}},
		step{"when its cell runs again, it stays as pale lines", []action{
			click(cell("2", ".jp-InputPrompt")), shiftEnter,
			until(`[...document.querySelectorAll(".jp-OutputArea .vega-embed [aria-label]")].some(f => f.ariaLabel.includes("pale: another run"))`)}})
}
