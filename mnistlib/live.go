package mnistlib

import (
	"fmt"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// A livePlot draws the curves of one run while it trains, in one output of the notebook, which the
// final figure takes over.
type livePlot struct {
	iterations int    // of the whole run: how far the curves have to grow
	id         string // of the output
	started    time.Time
	drawn      time.Time
	before     *History // the run behind the one that trains; nil: none

	now  func() time.Time
	send func(*protocol.DisplayData)
}

// newLivePlot is for a notebook only: see gonbui.IsNotebook.
func newLivePlot(iterations int) *livePlot {
	return &livePlot{iterations: iterations, id: gonbui.UniqueId(), started: time.Now(), now: time.Now, send: gonbui.SendData}
}

// say writes a text where the curves will be.
func (p *livePlot) say(text string) {
	p.send(&protocol.DisplayData{DisplayID: p.id, Data: map[protocol.MIMEType]any{protocol.MIMETextPlain: text}})
}

// redrawInterval keeps the browser, which shares the processor with the training, from being busy
// with drawing.
const redrawInterval = time.Second / 5

// update draws the curves so far, unless they were drawn a moment ago. What goes wrong shows again
// when close draws.
func (p *livePlot) update(h *History) {
	now := p.now()
	if now.Sub(p.drawn) < redrawInterval {
		return
	}
	if p.drawn.IsZero() {
		p.before = runBefore(h)
	}
	p.drawn = now
	if svg, err := liveFigure(p.before, h, p.iterations, now.Sub(p.started)).drawing().SVG(); err == nil {
		p.send(&protocol.DisplayData{DisplayID: p.id, Data: map[protocol.MIMEType]any{protocol.MIMEImageSVG: string(svg)}})
	}
}

// close draws the final figure, in every form, and waits until the notebook has it.
func (p *livePlot) close(h *History) error {
	bundle, err := runsFigure(h).bundle()
	if err != nil {
		return err
	}
	bundle.DisplayID = p.id
	p.send(bundle)
	gonbui.Sync()
	return gonbui.Error()
}

// liveFigure is the figure of a run that grows, over all its iterations, and says how far it has come.
func liveFigure(before, h *History, iterations int, elapsed time.Duration) *Figure {
	f := figureWithBefore(before, h)
	status := fmt.Sprintf("iteration %d of %d, %.0f s", len(h.Loss), iterations, elapsed.Seconds())
	if n := len(h.ValidationAccuracy); n > 0 {
		status += fmt.Sprintf(", validation accuracy %.3f", h.ValidationAccuracy[n-1])
	}
	f.note(status)
	for _, panel := range f.panels {
		spanIterations(panel.(*chart.Chart), float64(iterations))
	}
	return f
}
