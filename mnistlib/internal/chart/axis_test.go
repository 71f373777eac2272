package chart

import (
	"fmt"
	"math"
	"testing"
)

func TestAxis(t *testing.T) {
	for _, test := range []struct {
		low, high float64
		n         int
		want      string
		decimals  int
	}{
		{0, 2.31, 5, "[0 0.5 1 1.5 2 2.5]", 1},
		{0.113, 1, 5, "[0 0.2 0.4 0.6 0.8 1]", 1},
		{0.9, 1, 5, "[0.9 0.92 0.94 0.96 0.98 1]", 2},
		{0, 310, 11, "[0 50 100 150 200 250 300 350]", 0},
		{-3, 7, 5, "[-4 -2 0 2 4 6 8]", 0},
		{1, 1, 5, "[1 1.2 1.4 1.6 1.8 2]", 1},
		{0, math.Inf(-1), 5, "[0 0.2 0.4 0.6 0.8 1]", 1},
		{math.Inf(1), math.Inf(-1), 5, "[0 0.2 0.4 0.6 0.8 1]", 1},
		{0, 1.7e308, 5, "[0 5e+307 1e+308 1.5e+308]", -1},
	} {
		a := NewAxis("", test.low, test.high, test.n)
		ticks, decimals := a.ticks(), a.decimals()
		if fmt.Sprintf("%.4g", ticks) != test.want || decimals != test.decimals {
			t.Errorf("%v to %v has ticks %.4g with %d decimals, want %s with %d", test.low, test.high, ticks, decimals, test.want, test.decimals)
		}
	}
}

func TestTickLabels(t *testing.T) {
	for want, v := range map[string][2]float64{"0.50": {0.5, 0.02}, "310": {310, 5}, "−2.0": {-2, 0.5}, "5e+09": {5e9, 1e9}, "2e-07": {2e-7, 1e-7}} {
		a := Axis{Step: v[1]}
		if got := a.label(v[0]); got != want {
			t.Errorf("%v with steps of %v is labelled %q, want %q", v[0], v[1], got, want)
		}
	}
}
