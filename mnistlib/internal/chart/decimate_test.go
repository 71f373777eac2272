package chart

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestDecimateKeepsSpikes(t *testing.T) {
	const n, limit = 60_000, 1000
	y := make([]float64, n)
	for i := range y {
		y[i] = math.Sin(float64(i))
	}
	spikes := []int{0, 17, 33_333, 33_334, 59_998, 59_999}
	for k, i := range spikes {
		y[i] = 10 * float64(1-2*(k%2)) // up and down
	}
	y[40_000] = math.NaN()
	keep := decimate(n, limit, y)
	if len(keep) > limit+10 {
		t.Errorf("%d points are left, want about %d", len(keep), limit)
	}
	for i := 1; i < len(keep); i++ {
		if keep[i] <= keep[i-1] {
			t.Fatalf("point %d comes after %d", keep[i], keep[i-1])
		}
	}
	for _, i := range append(spikes, 40_000) {
		if !slices.Contains(keep, i) {
			t.Errorf("point %d is lost", i)
		}
	}
	flat := make([]float64, n)
	flat[1], flat[n-2] = 1, 1 // so that neither end is an extreme
	flat[2], flat[n-3] = -1, -1
	if keep := decimate(n, limit, flat); keep[0] != 0 || keep[len(keep)-1] != n-1 {
		t.Errorf("the first point is %d and the last %d", keep[0], keep[len(keep)-1])
	}
	if got := decimate(5, 5, y); fmt.Sprint(got) != "[0 1 2 3 4]" {
		t.Errorf("of few points %v are left", got)
	}
}
