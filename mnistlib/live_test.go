package mnistlib

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

func TestLivePlot(t *testing.T) {
	clock := time.Unix(1_000_000, 0)
	var sent []*protocol.DisplayData
	p := newLivePlot(310)
	p.now = func() time.Time { return clock }
	p.started = clock
	p.send = func(d *protocol.DisplayData) { sent = append(sent, d) }

	whole := madeUpRun("", 42, 100, 1)
	for i := 1; i <= 100; i++ { // an iteration takes 30 ms, so all take 3 s
		soFar := *whole
		soFar.Loss, soFar.Evaluated = whole.Loss[:i], whole.Evaluated[:i]
		soFar.TrainAccuracy, soFar.ValidationAccuracy = whole.TrainAccuracy[:i], whole.ValidationAccuracy[:i]
		p.update(&soFar)
		clock = clock.Add(30 * time.Millisecond)
	}
	if n := len(sent); n < 10 || n > 15 {
		t.Errorf("%d redraws in 3 s, want at most five a second and about as many", n)
	}
	whole.Interrupted = true
	if err := p.close(whole); err != nil {
		t.Fatal(err)
	}

	last := sent[len(sent)-1]
	for _, d := range sent {
		if d.DisplayID == "" || d.DisplayID != last.DisplayID {
			t.Errorf("a redraw goes to output %q, the last to %q", d.DisplayID, last.DisplayID)
		}
	}
	for i, d := range sent[:len(sent)-1] {
		svg, ok := d.Data[protocol.MIMEImageSVG].(string)
		if !ok || len(d.Data) != 1 {
			t.Fatalf("a redraw has %d forms, want an SVG only", len(d.Data))
		}
		checkSVG(t, svg, "MLP(30), SGD(lr=0.1, momentum=0.9), seed 42")
		if strings.Count(svg, ">300</text>") != 2 {
			t.Error("the axes of a redraw do not reach to the end of the run")
		}
		if status := fmt.Sprintf("iteration %d of 310, %.0f s, validation accuracy 0.", 1+7*i, 0.21*float64(i)); !strings.Contains(svg, status) {
			t.Errorf("redraw %d does not say %q", i+1, status)
		}
	}
	if len(last.Data) != 3 {
		t.Errorf("the final figure has %d forms, want all three", len(last.Data))
	}
	if words := last.Data[protocol.MIMETextPlain].(string); !strings.Contains(words, "interrupted after 100 iterations") {
		t.Errorf("the final figure does not say that the run was interrupted: %s", words)
	}
	if another := newLivePlot(310); another.id == p.id {
		t.Error("two runs share an output")
	}
}

func TestLiveFigure(t *testing.T) {
	checkBundle(t, liveFigure(madeUpRun("", 7, 310, 1), madeUpRun("", 42, 57, 1), 310, time.Second), true)
	checkBundle(t, liveFigure(nil, &History{}, 310, time.Second), true) // the legend's colours only
}
