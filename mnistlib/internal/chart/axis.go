package chart

import (
	"math"
	"strconv"
	"strings"
)

// An Axis spans Min to Max, with a tick at Min and at each step from there; a logarithmic one has its
// ticks at 1, 2 and 5 times the powers of ten, or at these alone.
type Axis struct {
	Title          string
	Min, Max, Step float64
	End            float64 // no tick stands beyond it; 0: Max
	Log            bool
}

// NewLogAxis returns a logarithmic axis that spans low to high, which must be above 0.
func NewLogAxis(title string, low, high float64) Axis {
	if !(low > 0 && finite(low)) {
		low = 1
	}
	if !(high > low && finite(high)) {
		high = 10 * low
	}
	return Axis{Title: title, Min: low, Max: high, Log: true}
}

// NewAxis returns an axis that spans low to high, widened to the next ticks; a range without width,
// or not finite, gets one. There are about n ticks, at multiples of 1, 2 or 5 times a power of ten.
func NewAxis(title string, low, high float64, n int) Axis {
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
	return Axis{Title: title, Min: step * math.Floor(low/step+1e-9), Max: min(step*math.Ceil(high/step-1e-9), math.MaxFloat64), Step: step}
}

func (a Axis) end() float64 {
	if a.End == 0 {
		return a.Max
	}
	return a.End
}

func (a Axis) ticks() []float64 {
	var values []float64
	if a.Log {
		factors := []float64{1, 2, 5}
		if a.Max/a.Min > 200 {
			factors = factors[:1]
		}
		for power := math.Floor(math.Log10(a.Min)); power <= math.Log10(a.Max); power++ {
			for _, factor := range factors {
				if v := factor * math.Pow(10, power); v >= a.Min*(1-1e-9) && v <= a.Max*(1+1e-9) {
					values = append(values, v)
				}
			}
		}
		return values
	}
	for i := range int(a.end()/a.Step-a.Min/a.Step+1e-6) + 1 {
		values = append(values, a.Min+float64(i)*a.Step)
	}
	return values
}

// decimals is how many of them tell two ticks apart; -1 where a power of ten is shorter.
func (a Axis) decimals() int {
	if a.Log || a.Step >= 1e6 || a.Step < 1e-5 {
		return -1
	}
	return max(0, int(math.Ceil(-math.Log10(a.Step)-1e-9)))
}

// label is how a tick is written.
func (a Axis) label(v float64) string {
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
func (a Axis) format() string {
	if decimals := a.decimals(); decimals >= 0 {
		return "." + strconv.Itoa(decimals) + "f"
	}
	return ".3~g"
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
