package mnistlib

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// A chart is a panel of curves and points over two axes.
type chart struct {
	title         string // above the panel
	width, height float64
	x, y          axis
	curves        []curve
	points        []points
	bars          []bar
	words         []string // what each curve shows, for those who cannot see it
}

// A curve is a line, with a band about it or none. Where y is not finite, it breaks.
type curve struct {
	name      string // decides its colour; the legend says it
	x, y      []float64
	low, high []float64 // nil: no band
}

// points are dots of one colour.
type points struct {
	name  string
	x, y  []float64 // where they are drawn
	trueX []float64 // what the tooltip says
}

// A bar stands on the x axis between from and to.
type bar struct{ from, to, height float64 }

// An axis spans min to max, with a tick at min and at each step from there.
type axis struct {
	title          string
	min, max, step float64
}

// newAxis returns an axis that spans low to high, widened to the next ticks; a range without width,
// or not finite, gets one. There are about n ticks, at multiples of 1, 2 or 5 times a power of ten.
func newAxis(title string, low, high float64, n int) axis {
	if !finite(low) {
		low = 0
	}
	if !(high > low) {
		high = low + 1
	}
	rough := high/float64(n) - low/float64(n)
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step >= rough*(1-1e-9) {
			step *= m
			break
		}
	}
	// Without the tiny amount, 1/0.1 rounds up to 11 steps.
	return axis{title, step * math.Floor(low/step+1e-9), min(step*math.Ceil(high/step-1e-9), math.MaxFloat64), step}
}

func (a axis) ticks() []float64 {
	var values []float64
	for i := range int(a.max/a.step-a.min/a.step+1e-6) + 1 {
		values = append(values, a.min+float64(i)*a.step)
	}
	return values
}

// decimals is how many of them tell two ticks apart; -1 where a power of ten is shorter.
func (a axis) decimals() int {
	if a.step >= 1e6 || a.step < 1e-5 {
		return -1
	}
	return max(0, int(math.Ceil(-math.Log10(a.step)-1e-9)))
}

// label is how a tick is written.
func (a axis) label(v float64) string {
	text := strconv.FormatFloat(v, 'g', 3, 64)
	if decimals := a.decimals(); decimals >= 0 {
		text = strconv.FormatFloat(v, 'f', decimals, 64)
	}
	if strings.HasPrefix(text, "-") {
		text = "−" + text[1:]
	}
	return text
}

// format is how a tick is written, for Vega-Lite.
func (a axis) format() string {
	if decimals := a.decimals(); decimals >= 0 {
		return "." + strconv.Itoa(decimals) + "f"
	}
	return ".3~g"
}

// marginX and marginY are the room of a static panel for its axes, its title and the gap to the next.
const marginX, marginY = 76, 72

func (ch *chart) size() (width, height float64) { return ch.width + marginX, ch.height + marginY }

func (ch *chart) names() []string {
	var names []string
	for _, c := range ch.curves {
		names = append(names, c.name)
	}
	for _, p := range ch.points {
		names = append(names, p.name)
	}
	return names
}

func (ch *chart) hasBand() bool {
	return slices.ContainsFunc(ch.curves, func(c curve) bool { return c.low != nil })
}

// rangeY is the smallest and the largest finite value of the curves and their bands; infinite if
// there is none.
func (ch *chart) rangeY() (smallest, largest float64) {
	smallest, largest = math.Inf(1), math.Inf(-1)
	for _, c := range ch.curves {
		for _, values := range [][]float64{c.y, c.low, c.high} {
			for _, v := range values {
				if finite(v) {
					smallest, largest = min(smallest, v), max(largest, v)
				}
			}
		}
	}
	return smallest, largest
}

// showsDots says whether a curve is so short that its points are drawn too.
func (c *curve) showsDots() bool { return len(c.x) <= 20 }
