package device

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/rogpeppe/go-internal/cache"

	"example.com/tutorial6/notebooks/setup"
)

// A program is kept, and another process, for which a second compilation stands here, loads it. That it
// does is seen by putting another program in its place.
func TestKeptPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles, so not with -short")
	}
	if _, err := setup.Plugin(context.Background(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	backend, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if programs == nil {
		t.Fatalf("no compiled program is kept by %s", backend.Description)
	}
	folder := t.TempDir()
	if programs, err = cache.Open(folder); err != nil {
		t.Fatal(err)
	}

	add := func(number float64) float32 {
		t.Helper()
		program, err := backend.Compile("sum", func(g *Graph) []*Node {
			return []*Node{AddScalar(Parameter(g, "x", shapes.Make(dtypes.Float32)), number)}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		outputs, err := program.Run(tensors.FromValue(float32(10)))
		if err != nil {
			t.Fatal(err)
		}
		defer Free(outputs)
		return tensors.ToScalar[float32](outputs[0])
	}
	keys := func() (list []cache.ActionID) {
		files, err := filepath.Glob(filepath.Join(folder, "*", "*-a"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			var key cache.ActionID
			if _, err := hex.Decode(key[:], []byte(strings.TrimSuffix(filepath.Base(file), "-a"))); err != nil {
				t.Fatal(err)
			}
			list = append(list, key)
		}
		return list
	}
	expect := func(what string, got, want float32) {
		t.Helper()
		if got != want {
			t.Errorf("%s: 10 + 1 is %g, want %g", what, got, want)
		}
	}

	expect("compiled", add(1), 11)
	first := keys()
	if len(first) != 1 {
		t.Fatalf("%d programs are kept, want 1", len(first))
	}
	expect("loaded", add(1), 11)
	kept, _, err := programs.GetBytes(first[0])
	if err != nil {
		t.Fatal(err)
	}

	if got := add(5); got != 15 {
		t.Errorf("10 + 5 is %g", got)
	}
	for _, key := range keys() {
		if key == first[0] {
			continue
		}
		other, _, err := programs.GetBytes(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := programs.PutBytes(first[0], other); err != nil {
			t.Fatal(err)
		}
	}
	expect("with the program that adds 5 in its place", add(1), 15)

	for what, bad := range map[string][]byte{"empty": {}, "cut off": kept[:len(kept)/2], "foreign": []byte("not a program")} {
		if err := programs.PutBytes(first[0], bad); err != nil {
			t.Fatal(err)
		}
		expect(what, add(1), 11)
		if again, _, err := programs.GetBytes(first[0]); err != nil || bytes.Equal(again, bad) {
			t.Errorf("%s: the program that was compiled anew is not kept (%v)", what, err)
		}
	}

	// Another processor, plugin or set of flags.
	if err := programs.PutBytes(first[0], []byte("not to be read")); err != nil {
		t.Fatal(err)
	}
	defer func(old string) { compiler = old }(compiler)
	compiler += " another"
	expect("for another processor", add(1), 11)
	if n := len(keys()); n != 3 {
		t.Errorf("%d programs are kept, want 3", n)
	}

	// Nowhere to keep it: the folder is gone.
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	expect("without a folder", add(1), 11)
}

func TestProcessor(t *testing.T) {
	if _, err := os.Stat("/proc/cpuinfo"); err != nil {
		t.Skip("this system has no /proc/cpuinfo")
	}
	got, err := processor()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := processor(); again != got {
		t.Errorf("twice the same processor: %q and %q", got, again) // the clock's speed varies, say
	}
	if !strings.Contains(got, "flags") && !strings.Contains(got, "Features") {
		t.Errorf("%q does not say which instructions there are", got)
	}
}
