package mnistlib

import (
	"math"
	"slices"
	"strings"
	"testing"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// madeUpPath is a run of MLP(2) whose snapshots lie in a plane: at the places along two orthogonal directions of length
// 1, which are those of two single weights.
func madeUpPath(t *testing.T, name string, places [][2]float64) *History {
	t.Helper()
	weights := initialWeights(t, MLP{Hidden: 2}, 3)
	h := madeUpRun(name, 3, len(places)-1, 1)
	h.Model = "MLP(2)"
	for i, place := range places {
		moved := slices.Clone(weights)
		for k, weight := range []int{2, 3} { // layer2.weight, layer2.bias
			moved[weight].Values = slices.Clone(moved[weight].Values)
			moved[weight].Values[1] += place[k]
		}
		h.keepWeights(i, moved)
		h.Weights = moved
	}
	return h
}

// A path that leaves the start by 4 and by 1 along two directions: these are the principal components, with shares of
// the variance of 16/17 and 1/17.
func TestPlaneFindsTheDirections(t *testing.T) {
	h := madeUpPath(t, "a", [][2]float64{{4, 0}, {0, 1}, {-4, 0}, {0, -1}})
	var points []Weights
	for _, s := range h.Snapshots {
		points = append(points, s.Weights)
	}
	p, ok := newPlane(points)
	if !ok {
		t.Fatal("there is no plane")
	}
	for k, want := range []float64{16.0 / 17, 1.0 / 17} {
		if math.Abs(p.share[k]-want) > 1e-9 {
			t.Errorf("direction %d has %v of the variance, want %v", k+1, p.share[k], want)
		}
		center, moved := p.at(0, 0), p.at(float64(1-k), float64(k))
		for i := range moved {
			for j := range moved[i].Values {
				want := 0.0
				if i == 2+k && j == 1 {
					want = 1
				}
				if got := math.Abs(moved[i].Values[j] - center[i].Values[j]); math.Abs(got-want) > 1e-9 {
					t.Errorf("direction %d moves %s[%d] by %v, want %v", k+1, moved[i].Name, j, got, want)
				}
			}
		}
	}
	for i, w := range points {
		at := p.place(w)
		for j, again := range p.at(at[0], at[1]) {
			for k, v := range again.Values {
				if math.Abs(v-w[j].Values[k]) > 1e-9 {
					t.Fatalf("point %d comes back with %s[%d] = %v, want %v", i, w[j].Name, k, v, w[j].Values[k])
				}
			}
		}
	}
	if _, ok := newPlane(points[:2]); ok {
		t.Error("two points span a plane")
	}
}

// Each cell shows the loss of the weights at its center, as what Predict says of the images has it.
func TestLossSurface(t *testing.T) {
	trains(t)
	images := MNIST().Train.Slice(0, 40)
	a := madeUpPath(t, "a", [][2]float64{{4, 0}, {2, 1}, {0, 0}})
	b := madeUpPath(t, "b", [][2]float64{{4, 0}, {-4, 0}, {0, -1}})
	f := LossSurface(MLP{Hidden: 2}, images, a, b)
	checkBundle(t, f, true)
	s := f.panels[0].(*chart.Surface)
	if len(s.Values) != 25 || len(s.Values[0]) != 25 || len(s.Paths) != 2 || s.Paths[1].Name != "b" {
		t.Fatalf("the surface has %d rows and %d paths", len(s.Values), len(s.Paths))
	}
	if got := legendNames(t, f); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the legend explains %q", got)
	}
	var points []Weights
	for _, h := range []*History{a, b} {
		for _, s := range h.Snapshots {
			points = append(points, s.Weights)
		}
	}
	p, _ := newPlane(points)
	for _, cell := range [][2]int{{0, 0}, {3, 20}, {24, 7}} {
		x := s.X.Min + (float64(cell[1])+0.5)/25*(s.X.Max-s.X.Min)
		y := s.Y.Min + (float64(cell[0])+0.5)/25*(s.Y.Max-s.Y.Min)
		if got, want := s.Values[cell[0]][cell[1]], lossByPredict(t, p.at(x, y), images); math.Abs(got-want) > 1e-4*want {
			t.Errorf("cell %d shows a loss of %v, Predict says %v", cell, got, want)
		}
	}
	// These paths lie in the plane: their last weights have the loss of their places.
	words := strings.Split(f.Description, "\n")
	for k, h := range []*History{a, b} {
		loss := chart.ShortNumber(lossByPredict(t, h.Weights, images))
		if want := "loss of the last weights " + loss + ", at their place in the plane " + loss + "."; !strings.HasSuffix(words[k+1], want) {
			t.Errorf("the words of run %d are %q, want %q", k+1, words[k+1], want)
		}
	}
}

// lossByPredict is the mean of -log of the probability that Predict gives to the label.
func lossByPredict(t *testing.T, weights Weights, images Images) (loss float64) {
	t.Helper()
	probabilities, err := Predict(MLP{Hidden: 2}, weights, images)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range probabilities {
		loss -= math.Log(p[images.Labels[i]]) / float64(len(probabilities))
	}
	return loss
}

func TestSurfacesThatCannotBeDrawn(t *testing.T) {
	trains(t)
	path := [][2]float64{{4, 0}, {2, 1}, {0, 0}}
	diverged := madeUpPath(t, "a", path)
	diverged.Loss[1] = math.NaN()
	images := MNIST().Train.Slice(0, 10)
	for want, f := range map[string]*Figure{
		"there are no runs":      LossSurface(MLP{Hidden: 2}, images),
		"a has no snapshots":     LossSurface(MLP{Hidden: 2}, images, madeUpRun("a", 1, 3, 1)),
		"a diverged":             LossSurface(MLP{Hidden: 2}, images, diverged),
		"do not span a plane":    LossSurface(MLP{Hidden: 2}, images, madeUpPath(t, "a", [][2]float64{{4, 0}, {2, 0}, {0, 0}})),
		"layer1.weight":          LossSurface(MLP{Hidden: 3}, images, madeUpPath(t, "a", path)),
		"there are no images to": LossSurface(MLP{Hidden: 2}, Images{}, madeUpPath(t, "a", path)),
	} {
		if err := f.Show(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
}
