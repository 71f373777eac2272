package main

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// playgroundCell has the playground of a small network.
const playgroundCell = `import "example.com/tutorial6/mnistlib"

%%
mnistlib.Playground(mnistlib.MNIST(), mnistlib.MLP{Hidden: 30})`

// checkPlayground turns a knob of a running cell: the figure is drawn anew, with the run before behind the new one; in
// a narrow window it fits its cell; the button ends the cell, and takes the knobs away.
func checkPlayground(t *testing.T, lab lab) {
	address := lab.page(t, "playground.ipynb")
	const figure = `document.querySelector(".jp-OutputArea .vega-embed [aria-label]")?.ariaLabel`
	walk(t, openBrowser(t), 4*time.Minute,
		step{"the notebook opens", open(address, ".jp-Notebook .jp-CodeCell .jp-InputPrompt")},
		step{"its cell draws a run", []action{
			shiftEnter, until(figure + `?.includes("MLP(30), SGD(lr=0.1, momentum=0), 3 epochs, seed 1")`)}},
		step{"a knob draws another, with the one before behind it", []action{
			chromedp.Evaluate[chromedp.Void](`{
				const knob = document.getElementById([...document.querySelectorAll(".jp-OutputArea label")].find(l => l.innerText == "learning rate").htmlFor)
				knob.value = knob.dataset.values.split(" ").indexOf("0.5")
				knob.dispatchEvent(new Event("input"))
			}`),
			until(figure + `?.includes("SGD(lr=0.5, momentum=0)") && ` + figure + `.includes("pale, the run before: MLP(30), SGD(lr=0.1")`)}},
		step{"in a narrow window it fits", []action{
			chromedp.Click(chromedp.CSS(`.jp-SideBar [data-id="filebrowser"]`)), // closes the list, which may take the whole window
			chromedp.EmulateViewport(800, 900), until(`(() => {
				const outputs = [...document.querySelectorAll(".jp-OutputArea-output")], width = outputs.find(o => o.querySelector("canvas")).clientWidth
				return width > 400 && width < 700 && outputs.every(o => o.scrollWidth <= o.clientWidth)
			})()`)}},
		step{"the button ends the cell", []action{
			chromedp.Evaluate[chromedp.Void](`document.querySelector(".jp-OutputArea button").click()`),
			until(kernelIdle + ` && !document.querySelector(".jp-OutputArea label") && !!` + figure)}})
}
