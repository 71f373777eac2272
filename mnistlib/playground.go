package mnistlib

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"time"

	"github.com/janpfeifer/gonb/gonbui"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// Playground shows a run's loss and accuracies below knobs for its settings: the model, one of those given, the
// optimizer, its learning rate, momentum and weight decay, the epochs and the seed. The knobs work in JupyterLab while
// the cell runs: each change trains anew and draws the new run, with the one before as a pale line behind it. The
// cell ends when the reader presses its button or stops it, and leaves the last figure. Elsewhere, and where a
// notebook is executed without a reader, it ends at once and leaves the figure of the first run.
// It returns an error if a model or the data cannot be used.
func Playground(data Data, models ...Model) error {
	if len(models) == 0 {
		return errors.New("the playground has no model; give it one or more, for example mnistlib.MLP{Hidden: 30}")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := newPlayground(data, models)
	defer p.close()
	if !gonbui.IsNotebook || os.Getenv("JPY_SESSION_NAME") == "" { // if no Jupyter server has started the kernel, there is no page
		return p.turn(ctx, p.places)
	}
	page := openPage(p.knobs, p.changes)
	defer page.close()
	if err := p.turn(ctx, p.places); err != nil {
		return err
	}
	select {
	case <-page.answers:
		return p.play(ctx)
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		fmt.Println("The page does not answer, so the knobs are gone; they need a notebook that is open in JupyterLab.")
	}
	return nil
}

// A playground trains one run after another, each with the settings that the knobs then have.
type playground struct {
	data     Data
	models   []Model
	knobs    []knob
	sessions map[int]*session // by the model's place
	places   []int            // of the knobs' values, for the run
	run      *History
	before   *History // the run before; nil: none

	changes chan []int // the places of the knobs' values, the latest only; nil: the reader has finished
	show    func(*Figure) error
}

// The places of the knobs.
const (
	modelKnob = iota
	optimizerKnob
	rateKnob
	momentumKnob
	decayKnob
	epochsKnob
	seedKnob
	numKnobs
)

func newPlayground(data Data, models []Model) *playground {
	knobs := make([]knob, numKnobs)
	knobs[modelKnob] = knob{Name: "model"}
	for _, m := range models {
		knobs[modelKnob].Values = append(knobs[modelKnob].Values, modelName(m))
	}
	knobs[optimizerKnob] = knob{Name: "optimizer", Values: []string{"SGD", "Adam"}}
	knobs[rateKnob] = knob{Name: "learning rate", Slider: true, Start: 9, Values: []string{
		"0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10"}}
	knobs[momentumKnob] = knob{Name: "momentum of SGD", Slider: true, Values: []string{"0", "0.5", "0.8", "0.9", "0.95", "0.99"}}
	knobs[decayKnob] = knob{Name: "weight decay", Slider: true, Values: []string{"0", "0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1"}}
	knobs[epochsKnob] = knob{Name: "epochs", Slider: true, Start: 2}
	for i := range 10 {
		knobs[epochsKnob].Values = append(knobs[epochsKnob].Values, fmt.Sprint(i+1))
	}
	knobs[seedKnob] = knob{Name: "seed", Slider: true}
	for i := range 20 {
		knobs[seedKnob].Values = append(knobs[seedKnob].Values, fmt.Sprint(i+1))
	}
	p := &playground{
		data: data, models: models, knobs: knobs, sessions: map[int]*session{},
		changes: make(chan []int, 1), show: showInPlace(),
	}
	for _, k := range knobs {
		p.places = append(p.places, k.Start)
	}
	return p
}

func (p *playground) close() {
	for _, s := range p.sessions {
		s.close()
	}
}

// config is what the knobs ask for.
func (p *playground) config(places []int) Config {
	number := func(knob int) float64 {
		v, err := strconv.ParseFloat(p.knobs[knob].Values[places[knob]], 64)
		if err != nil {
			panic(err) // the values are all constants
		}
		return v
	}
	rate, momentum, decay := number(rateKnob), number(momentumKnob), number(decayKnob)
	optimizer := Optimizer(SGD{LR: rate, Momentum: momentum, WeightDecay: decay})
	if places[optimizerKnob] == 1 {
		optimizer = Adam{LR: rate, WeightDecay: decay}
	}
	return Config{Optimizer: optimizer, Epochs: int(number(epochsKnob)), Seed: uint64(number(seedKnob))}
}

// session is that of a model, for both optimizers: the numbers of a knob need no other program.
func (p *playground) session(model int) (*session, error) {
	if s := p.sessions[model]; s != nil {
		return s, nil
	}
	places := slices.Clone(p.places)
	places[modelKnob] = model
	var configs []Config
	for places[optimizerKnob] = range p.knobs[optimizerKnob].Values {
		c := p.config(places)
		if err := fillDefaults(&c); err != nil {
			return nil, err
		}
		if err := checkData(p.data, c); err != nil {
			return nil, err
		}
		configs = append(configs, c)
	}
	s, err := newSession(context.Background(), p.models[model], p.data, configs)
	if err == nil {
		p.sessions[model] = s
	}
	return s, err
}

// turn makes the run that the knobs ask for and shows it, unless there is a newer change or ctx is done before.
func (p *playground) turn(ctx context.Context, places []int) error {
	c := p.config(places)
	if err := fillDefaults(&c); err != nil {
		return err
	}
	s, err := p.session(places[modelKnob])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h, err := s.run(ctx, places[optimizerKnob], c, func(*History, int) {
		if len(p.changes) > 0 {
			cancel()
		}
	})
	if err != nil || h.Interrupted {
		return err
	}
	p.before, p.run, p.places = p.run, h, places
	return p.show(p.figure())
}

// play follows the knobs until the reader has finished or ctx is done.
func (p *playground) play(ctx context.Context) error {
	for {
		select {
		case places := <-p.changes:
			if places == nil {
				return nil
			}
			if p.run != nil && slices.Equal(places, p.places) { // the page says at first where the knobs are
				continue
			}
			if err := p.turn(ctx, places); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// figure is that of the run with the one before behind it. Its axes are always the same, so that runs can be compared.
func (p *playground) figure() *Figure {
	f, groups := figureOf([]*History{p.run}), bySettings([]*History{p.run})
	loss, accuracy := historyChart(chart.Narrow, groups, batchLoss), historyChart(chart.Narrow, groups, trainAccuracy, validationAccuracy)
	if p.before != nil {
		f.note(fmt.Sprintf("pale, the run before: %s, seed %d", p.before.label(), p.before.Seed))
		drawBehind(p.before, loss, accuracy)
	}
	loss.Y = chart.NewAxis("loss (mean cross-entropy)", 0, 2.5, 5)
	if _, largest := loss.RangeY(); largest > loss.Y.Max {
		f.note(fmt.Sprintf("the axis leaves out losses, up to %.3g", largest))
	}
	accuracy.Y = accuracyAxis(0)
	loss.Height, accuracy.Height = lowHeight, lowHeight // so that the knobs can be seen with them
	f.addCharts(loss, accuracy)
	return f
}
