package chart

import (
	"math"
	"slices"
)

// A Chart is a panel of curves, points or bars over two axes. What lies above the y axis is cut off.
type Chart struct {
	Title         string // above the panel
	Width, Height float64
	X, Y          Axis
	Curves        []Curve
	Points        []Points
	Bars          []Bar
	Words         []string // what each curve shows, for those who cannot see it
}

// Wide and Narrow are the widths of a chart that stands alone and of one that stands beside another, in
// pixels, without the room of its axis. Two narrow ones fit beside each other in the 840 pixels that a
// notebook has on a small screen.
const Wide, Narrow = 680, 320

// A Curve is a line, with a band about it or none. Where Y is not finite, it breaks.
type Curve struct {
	Name      string // decides its colour; the legend says it
	X, Y      []float64
	Low, High []float64 // nil: no band
}

// Points are dots of one colour.
type Points struct {
	Name  string
	X, Y  []float64 // where they are drawn
	TrueX []float64 // what the tooltip says
}

// A Bar stands on the x axis between From and To.
type Bar struct{ From, To, Height float64 }

// marginX and marginY are the room of a static panel for its axes, its title and the gap to the next.
const marginX, marginY = 76, 72

func (ch *Chart) size() (width, height float64) { return ch.Width + marginX, ch.Height + marginY }

func (ch *Chart) names() []string {
	var names []string
	for _, c := range ch.Curves {
		names = append(names, c.Name)
	}
	for _, p := range ch.Points {
		names = append(names, p.Name)
	}
	return names
}

func (ch *Chart) hasBand() bool {
	return slices.ContainsFunc(ch.Curves, func(c Curve) bool { return c.Low != nil })
}

// RangeY is the smallest and the largest finite value of the curves and their bands; infinite if
// there is none.
func (ch *Chart) RangeY() (smallest, largest float64) {
	smallest, largest = math.Inf(1), math.Inf(-1)
	for _, c := range ch.Curves {
		for _, values := range [][]float64{c.Y, c.Low, c.High} {
			for _, v := range values {
				if finite(v) {
					smallest, largest = min(smallest, v), max(largest, v)
				}
			}
		}
	}
	return smallest, largest
}

// clipped says whether a curve leaves the chart at the top, because its axis was chosen so.
func (ch *Chart) clipped() bool {
	_, largest := ch.RangeY()
	return largest > ch.Y.Max
}

// showsDots says whether a curve is so short that its points are drawn too.
func (c *Curve) showsDots() bool { return len(c.X) <= 20 }
