package mnistlib

import (
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/comms"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// A knob has one of several values.
type knob struct {
	Name   string
	Values []string
	Start  int  // the place of the value at first
	Slider bool // their order means something
}

func (k knob) Last() int      { return len(k.Values) - 1 }
func (k knob) Joined() string { return strings.Join(k.Values, " ") }

// A page is the knobs in an output of the notebook.
type page struct {
	id      string
	answers chan struct{} // closed when the page has answered
}

//go:embed playground.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// openPage shows the knobs in the notebook and sends the places of their values to changes, which has room for one:
// what is not read makes room for the next. It sends nil when the reader has finished.
func openPage(knobs []knob, changes chan []int) *page {
	p := &page{id: "playground-" + gonbui.UniqueId(), answers: make(chan struct{})}
	var html strings.Builder
	if err := pageTemplate.Execute(&html, map[string]any{
		"ID": p.id, "Knobs": knobs, "Kernel": os.Getenv(protocol.GONB_JUPYTER_KERNEL_ID_ENV),
	}); err != nil {
		panic(err) // the template is a constant
	}
	gonbui.UpdateHTML(p.id, html.String())
	var mutex sync.Mutex
	newest := -1
	comms.Subscribe(p.id, func(_, report string) {
		number, places, ended, err := parseReport(report, knobs)
		mutex.Lock()
		defer mutex.Unlock()
		if err != nil || number <= newest { // it is said again, and GoNB may change the order
			return
		}
		if newest < 0 {
			close(p.answers)
		}
		newest = number
		select {
		case <-changes:
		default:
		}
		if ended {
			places = nil
		}
		changes <- places
	})
	return p
}

// close takes the knobs away, and waits until the notebook has done so.
func (p *page) close() {
	gonbui.UpdateHTML(p.id, "")
	gonbui.Sync()
}

// parseReport reads what the page sends: a number that grows, whether the reader has finished, and the place of each
// knob's value.
func parseReport(report string, knobs []knob) (number int, places []int, ended bool, err error) {
	fields := strings.Fields(report)
	if len(fields) != 2+len(knobs) {
		return 0, nil, false, fmt.Errorf("%d fields for %d knobs", len(fields), len(knobs))
	}
	numbers := make([]int, len(fields))
	for i, field := range fields {
		if numbers[i], err = strconv.Atoi(field); err != nil {
			return 0, nil, false, err
		}
	}
	for i, k := range knobs {
		if place := numbers[2+i]; place < 0 || place >= len(k.Values) {
			return 0, nil, false, fmt.Errorf("place %d of %d", place, len(k.Values))
		}
	}
	return numbers[0], numbers[2:], numbers[1] == 1, nil
}

// showInPlace shows figures in one output of the notebook, each in place of the one before. Outside a notebook they
// are shown one below the other.
func showInPlace() func(*Figure) error {
	id := gonbui.UniqueId()
	return func(f *Figure) error {
		if !gonbui.IsNotebook {
			return f.Show()
		}
		bundle, err := f.bundle()
		if err != nil {
			return err
		}
		bundle.DisplayID = id
		gonbui.SendData(bundle)
		return gonbui.Error()
	}
}
