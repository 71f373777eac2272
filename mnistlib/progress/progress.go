// Package progress shows how far something has come: a step of the set-up, a notebook's cells, a training run.
//
// On a terminal, and in the output of a notebook's cell, it is one line that is written over while it changes. In a log
// (a file or a pipe) each state is a line of its own, one every half minute, so that little work leaves no trace and
// long work no flood.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"golang.org/x/term"
)

const (
	liveInterval = time.Second / 5
	logInterval  = 30 * time.Second
	cellWidth    = 100 // characters of a line in a notebook's cell
	barWidth     = 20
)

// A Line is the display of one thing that is under way.
type Line struct {
	out   io.Writer
	width int // in characters; 0: a log
	label string
	total int
	unit  string

	start   time.Time
	done    atomic.Int64
	quit    chan struct{}
	drawing sync.WaitGroup
	shown   string // on the screen
}

// Start begins a line of work that has so many units ("iterations"); total 0 is not known, and only the time is shown.
func Start(out io.Writer, label string, total int, unit string) *Line {
	return start(out, liveWidth(out), label, total, unit)
}

// liveWidth is how wide the line is where it can be written over, otherwise 0.
func liveWidth(out io.Writer) int {
	file, ok := out.(*os.File)
	switch {
	case !ok:
		return 0
	case term.IsTerminal(int(file.Fd())):
		columns, _, err := term.GetSize(int(file.Fd()))
		if err != nil || columns == 0 {
			columns = 80
		}
		return columns - 1 // in its last column a terminal may begin a new line
	case file == os.Stdout && gonbui.IsNotebook:
		return cellWidth
	}
	return 0
}

func start(out io.Writer, width int, label string, total int, unit string) *Line {
	l := &Line{out: out, width: width, label: label, total: total, unit: unit, start: time.Now(), quit: make(chan struct{})}
	interval := logInterval
	if width > 0 {
		interval = liveInterval
		l.write(l.state())
	}
	l.drawing.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-l.quit:
				return
			case <-tick.C:
				l.write(l.state())
			}
		}
	})
	return l
}

// Set says how many units are done. It may be called at any rate, and by several goroutines.
func (l *Line) Set(done int) { l.done.Store(int64(done)) }

// Clear ends the line and leaves nothing of it on a screen.
func (l *Line) Clear() {
	l.stop()
	if l.width > 0 {
		l.write("")
	}
}

// End ends the line with how long it took and, unless that is empty, how it ended: "failed".
func (l *Line) End(outcome string) {
	l.stop()
	text := fmt.Sprintf("%s ... %.0f s", l.label, time.Since(l.start).Seconds())
	if outcome != "" {
		text += ", " + outcome
	}
	if l.width > 0 {
		l.write("")
	}
	fmt.Fprintln(l.out, text)
}

func (l *Line) stop() {
	close(l.quit)
	l.drawing.Wait()
}

// state is the line in words.
func (l *Line) state() string {
	seconds := time.Since(l.start).Seconds()
	if l.total == 0 {
		return fmt.Sprintf("%s ... %.0f s", l.label, seconds)
	}
	done := int(l.done.Load())
	full := barWidth * min(done, l.total) / l.total
	text := fmt.Sprintf("%s %s%s %d of %d %s, %.0f s", l.label, strings.Repeat("█", full), strings.Repeat("░", barWidth-full), done, l.total, l.unit, seconds)
	if left := seconds * float64(l.total-done) / float64(max(1, done)); done > 0 && left >= 1 {
		text += fmt.Sprintf(", about %.0f s left", left)
	}
	return text
}

// write shows a text in the place of the one before, or in a log as the next line. It erases by spaces, which a
// notebook knows, too.
func (l *Line) write(text string) {
	if l.width == 0 {
		fmt.Fprintln(l.out, text)
		return
	}
	if runes := []rune(text); len(runes) > l.width {
		text = string(runes[:l.width])
	}
	if text == l.shown {
		return
	}
	length := func(s string) int { return len([]rune(s)) }
	line := "\r" + text
	if more := length(l.shown) - length(text); more > 0 {
		line += strings.Repeat(" ", more)
	}
	if text == "" {
		line += "\r"
	}
	io.WriteString(l.out, line)
	l.shown = text
}
