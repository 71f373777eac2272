package torch

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// What real PyTorch draws, written by testdata/draws.py.
type draws struct {
	Generator []struct {
		Seed    uint64
		Uniform []struct {
			numbers
			Then int64
		}
		Permutations []numbers
	}
	Layers []struct {
		Seed   uint64
		Layers []struct {
			FanIn        int `json:"fan_in"`
			Weight, Bias numbers
		}
	}
	Epochs []struct {
		Seed    uint64
		N       int
		Shuffle bool
		Orders  []numbers
		Then    int64
	}
}

// numbers holds how many there are, the first ones and the SHA-256 of all, as float32 or int32.
type numbers struct {
	N      int
	First  []float64
	SHA256 string
}

func loadDraws(t *testing.T) draws {
	t.Helper()
	text, err := os.ReadFile("testdata/draws.json")
	if err != nil {
		t.Fatal(err)
	}
	var d draws
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Generator) == 0 || len(d.Layers) == 0 || len(d.Epochs) == 0 {
		t.Fatal("draws.json is empty")
	}
	return d
}

func (want numbers) checkUniform(t *testing.T, g *Generator, bound float32) {
	t.Helper()
	got := make([]float64, want.N)
	g.Uniform(got, bound)
	narrow := make([]float32, len(got))
	for i, v := range got {
		if narrow[i] = float32(v); float64(narrow[i]) != v {
			t.Fatalf("%v is no float32", v)
		}
	}
	want.check(t, got[:min(len(got), len(want.First))], narrow)
}

func (want numbers) checkOrder(t *testing.T, got []int32) {
	t.Helper()
	var first []float64
	for _, v := range got[:min(len(got), len(want.First))] {
		first = append(first, float64(v))
	}
	if len(got) != want.N {
		t.Fatalf("%d numbers, in PyTorch %d", len(got), want.N)
	}
	want.check(t, first, got)
}

func (want numbers) check(t *testing.T, first []float64, all any) {
	t.Helper()
	for i, v := range first {
		if v != want.First[i] {
			t.Fatalf("number %d of %d is %v, in PyTorch %v", i+1, want.N, v, want.First[i])
		}
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, all); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(b.Bytes()); hex.EncodeToString(sum[:]) != want.SHA256 {
		t.Fatalf("the first of %d numbers are PyTorch's, later ones are not", want.N)
	}
}

func TestGenerator(t *testing.T) {
	for _, want := range loadDraws(t).Generator {
		g := NewGenerator(want.Seed)
		for _, u := range want.Uniform {
			u.checkUniform(t, g, 0.25)
			if got := g.Int64(); got != u.Then {
				t.Fatalf("seed %d: after %d numbers comes %d, in PyTorch %d", want.Seed, u.N, got, u.Then)
			}
		}
		for _, p := range want.Permutations {
			p.checkOrder(t, g.Permutation(p.N))
		}
	}
}

func TestLayers(t *testing.T) {
	for _, want := range loadDraws(t).Layers {
		g := NewGenerator(want.Seed)
		for _, layer := range want.Layers {
			layer.Weight.checkUniform(t, g, Bound(layer.FanIn))
			layer.Bias.checkUniform(t, g, Bound(layer.FanIn))
		}
	}
}

func TestEpoch(t *testing.T) {
	for _, want := range loadDraws(t).Epochs {
		g := NewGenerator(want.Seed)
		for _, order := range want.Orders {
			order.checkOrder(t, g.Epoch(want.N, want.Shuffle, want.N/64))
		}
		if got := g.Int64(); got != want.Then {
			t.Errorf("seed %d, %d images, shuffle %v: after three epochs comes %d, in PyTorch %d", want.Seed, want.N, want.Shuffle, got, want.Then)
		}
	}
}

// PyTorch computes the bound of the weights and that of the biases by two formulas.
func TestBothBoundsRoundToTheSame(t *testing.T) {
	root5 := math.Sqrt(5)
	gain := math.Sqrt(2 / (1 + root5*root5))
	root3 := math.Sqrt(3)
	for fanIn := 1; fanIn <= 1<<22; fanIn++ {
		std := gain / math.Sqrt(float64(fanIn))
		if weights := float32(root3 * std); weights != Bound(fanIn) {
			t.Errorf("%d inputs: the bound is %v, that of PyTorch's weights %v", fanIn, Bound(fanIn), weights)
		}
	}
}
