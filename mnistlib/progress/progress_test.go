package progress

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// onScreen is what stands on a screen after a text with carriage returns.
func onScreen(text string) string {
	var rows []string
	for row := range strings.SplitSeq(text, "\n") {
		var shown []rune
		for part := range strings.SplitSeq(row, "\r") {
			runes := []rune(part)
			shown = append(runes, shown[min(len(runes), len(shown)):]...)
		}
		rows = append(rows, strings.TrimRight(string(shown), " "))
	}
	return strings.Join(rows, "\n")
}

func TestScreenIsWrittenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose seconds pass at once
		var out bytes.Buffer
		l := start(&out, 100, "MLP(30)", 310, "iterations")
		screen := func(want string) {
			t.Helper()
			synctest.Wait()
			if got := onScreen(out.String()); got != want {
				t.Errorf("the screen shows %q, expected %q", got, want)
			}
		}
		screen("MLP(30) ░░░░░░░░░░░░░░░░░░░░ 0 of 310 iterations, 0 s")
		l.Set(155)
		time.Sleep(2100 * time.Millisecond)
		screen("MLP(30) ██████████░░░░░░░░░░ 155 of 310 iterations, 2 s, about 2 s left")
		l.Set(310)
		time.Sleep(time.Second)
		screen("MLP(30) ████████████████████ 310 of 310 iterations, 3 s") // nothing of a longer line is left
		before := out.Len()
		time.Sleep(150 * time.Millisecond)
		l.Clear()
		screen("")
		if strings.Contains(out.String(), "\n") || !strings.HasSuffix(out.String(), "\r") {
			t.Errorf("what follows does not take the line's place: %q", out.String()[before:])
		}
	})
}

func TestScreenIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := start(&out, 100, "MLP(30)", 1_000_000, "iterations")
		for i := range 10_000 {
			l.Set(i)
			time.Sleep(time.Millisecond)
		}
		l.Clear()
		if n := strings.Count(out.String(), "\r"); n > 55 {
			t.Errorf("10 s wrote the line %d times", n)
		}
		out.Reset()
		l = start(&out, 100, "a step", 0, "")
		time.Sleep(10 * time.Second)
		l.End("")
		if n := strings.Count(out.String(), "\r"); n > 13 {
			t.Errorf("10 s without anything new but the seconds wrote the line %d times", n)
		}
	})
}

func TestLineFitsItsScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := start(&out, 20, "a name that is longer than the screen is wide", 10, "units")
		time.Sleep(time.Second)
		l.Clear()
		for part := range strings.SplitSeq(out.String(), "\r") {
			if n := len([]rune(part)); n > 20 {
				t.Errorf("a line of %d characters on a screen of 20: %q", n, part)
			}
		}
	})
}

func TestLogHasWholeLinesFarApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := Start(&out, "MLP(30)", 310, "iterations") // a buffer is no terminal
		l.Set(31)
		time.Sleep(70 * time.Second)
		l.Clear()
		want := "MLP(30) ██░░░░░░░░░░░░░░░░░░ 31 of 310 iterations, 30 s, about 270 s left\n" +
			"MLP(30) ██░░░░░░░░░░░░░░░░░░ 31 of 310 iterations, 60 s, about 540 s left\n"
		if got := out.String(); got != want {
			t.Errorf("the log has\n%s, expected\n%s", got, want)
		}
	})
}

func TestEndStays(t *testing.T) {
	for _, width := range []int{0, 100} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			l := start(&out, width, "[1/7] JupyterLab", 0, "")
			time.Sleep(12 * time.Second)
			l.End("failed")
			if got, want := onScreen(out.String()), "[1/7] JupyterLab ... 12 s, failed\n"; got != want {
				t.Errorf("at width %d there stands %q, expected %q", width, got, want)
			}
		})
	}
}
