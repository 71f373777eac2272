package main

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// figuresCell has a figure of each kind that is wide or has long words.
const figuresCell = `import . "example.com/tutorial6/mnistlib"

%%
data, model := MNIST(), MLP{Hidden: 30}
var configs []Config
for _, rate := range []float64{0.1, 5} {
	for seed := range 2 {
		configs = append(configs, Config{Optimizer: SGD{LR: rate}, Epochs: 1, Seed: uint64(seed + 1), SnapshotEvery: 10, Quiet: true})
	}
}
runs := Must(TrainAll(model, data, configs))
Plot(runs[0])
Plot(runs...)
some := data.Train.Slice(0, 24)
var captions, classes []string
var counts [][]float64
for i := range 24 {
	captions = append(captions, "a 4, says 9\n100 % sure")
	if i < 10 {
		classes = append(classes, fmt.Sprintf("%.3f", 0.001*float64(i)))
		counts = append(counts, make([]float64, 10))
	}
}
x := []float64{0, 0.123, 1}
for _, f := range []*Figure{
	SweepSlider("learning rate", []float64{0.1, 5}, runs),
	WeightsSlider(runs[0], "layer1.weight"),
	LossSurface(model, some, runs[0], runs[1]),
	Gallery("The mistakes of which the network is the most sure", some, captions),
	HeatMap("Confusion matrix of the validation images", "the label of the image", "what the network says", classes, classes, counts),
	ForestPlot("What is left of the claims", "mean difference", []string{"Momentum is faster than a larger rate, validation", "b"}, []Difference{{Low: -0.1, High: 1}, {Mean: 1, High: 2}}),
	Lines("A title that is so long that it needs two lines or more", "x", "the share of the runs that reached no more",
		Line{"学习率 0.1", x, x}, Line{"معدل التعلم", x, x}, Line{"a name that is as long as those of settings, 3 epochs", x, x}),
	Histograms("Hidden values with and without batch norm", "value", []string{"norm before ReLU: into the ReLU", "b"}, [][]float64{x, x}),
} {
	if err := f.Show(); err != nil {
		fmt.Println(err)
	}
}`

// checkFiguresInLab looks at figures of every kind: each fits its cell in a usual and in a small window, also when the list of
// files opens or closes beside it; two panels are seen whole on a projector; a note at the mouse is large; sliders move
// their figures without a kernel; in a dark theme they are dark.
func checkFiguresInLab(t *testing.T, lab lab) {
	address := lab.page(t, "figures.ipynb")
	wait := func(condition string) action {
		return until(`(() => {
			const outputs = [...document.querySelectorAll(".jp-OutputArea-output")]
			const canvases = outputs.flatMap(o => [...o.querySelectorAll(".vega-embed canvas")])
			const room = canvases[0]?.closest(".jp-OutputArea-output").clientWidth
			const fit = canvases.length == 10 && outputs.every(o => o.scrollWidth <= o.clientWidth)
			return ` + condition + `
		})()`)
	}
	do := func(script string) action { return chromedp.Evaluate[chromedp.Void](script) }
	run := chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)) // the cell stays the chosen one
	list := chromedp.Click(chromedp.CSS(`.jp-SideBar [data-id="filebrowser"]`))      // opens or closes it
	walk(t, openBrowser(t), 4*time.Minute,
		step{"the notebook opens", open(address, ".jp-Notebook .jp-CodeCell .jp-InputPrompt")},
		step{"all figures fit beside the list of files", []action{chromedp.EmulateViewport(1280, 800), run, wait("fit && room > 800 && room < 900")}},
		step{"in a small window", []action{chromedp.EmulateViewport(800, 900), wait("fit && room < 400")}},
		step{"without the list", []action{list, wait("fit && room > 550 && canvases[0].clientWidth > 500")}},
		step{"with the list again", []action{list, wait("fit && room < 400")}},
		step{"on a projector at 150 %, two panels are seen whole", []action{
			list, chromedp.EmulateViewport(1280, 720, chromedp.EmulateScale(1.5)),
			wait(`fit && canvases[0].clientWidth > 700 && canvases[0].clientHeight < document.querySelector(".jp-WindowedPanel-outer").clientHeight`)}},
		step{"a note at the mouse is large", []action{
			do(`{
				const canvas = document.querySelector(".vega-embed canvas"), at = canvas.getBoundingClientRect()
				for (const type of ["pointermove", "mousemove", "pointerover", "mouseover"])
					canvas.dispatchEvent(new PointerEvent(type, {bubbles: true, clientX: at.x + at.width / 4, clientY: at.y + at.height / 2}))
			}`),
			wait(`(note => note && getComputedStyle(note).fontSize == "20px" && note.innerText.includes("iteration"))(document.querySelector("#vg-tooltip-element.visible"))`)}},
		step{"in a dark theme figures are dark", []action{
			chromedp.EmulateViewport(1280, 800),                // at 150 %, a slider would change the border of what is drawn anew, too
			do(`document.body.dataset.jpThemeLight = "false"`), // JupyterLab asks what its theme has said so of itself
			chromedp.Click(chromedp.CSS(".jp-Notebook .jp-CodeCell .jp-InputPrompt")), run,
			wait(`fit && canvases.every(c => [...c.getContext("2d").getImageData(3, 3, 1, 1).data].join() == "51,51,51,255")`)}},
		step{"sliders move their figures without a kernel", []action{
			do(`fetch("/api/sessions?token=` + lab.token + `").then(answer => answer.json()).then(sessions => Promise.all(sessions.map(s =>
				fetch("/api/sessions/" + s.id, {method: "DELETE", headers: {Authorization: "token ` + lab.token + `"}})))).then(() => { document.title = "no kernel" })`),
			wait(`document.title.includes("no kernel") && !` + kernelIdle),
			do(moveSliders), wait(`window.moved == "true,true"`)}})
}
