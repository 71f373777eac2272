package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A cell with a learner's mistake ends with one sentence that names the layer, the shapes or the
// setting, and with no frames of Go.
func TestMistakesOfLearnersInTheKernel(t *testing.T) {
	t.Parallel()
	mistakes := []struct{ declaration, statement, says string }{
		{`type NoFlatten struct{}

func (NoFlatten) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	return nn.Linear("fc", nn.ReLU(nn.Conv2d("conv1", x, 4)), 10)
}`,
			`mnistlib.Must(mnistlib.Train(NoFlatten{}, data, mnistlib.Config{}))`,
			`the model NoFlatten: Linear layer "fc" takes a vector, but its input has the shape [4 28 28]; call Flatten first`},
		{`type Flat struct{}

func (Flat) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	return nn.Linear("fc", nn.Flatten(nn.Conv2d("conv1", nn.Flatten(x), 4)), 10)
}`,
			`mnistlib.Must(mnistlib.Train(Flat{}, data, mnistlib.Config{}))`,
			`the model Flat: Conv2d layer "conv1" takes an image [channels, height, width], but its input has the shape [784]`},
		{`type NoName struct{}

func (NoName) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	return nn.Linear("", nn.Flatten(x), 10)
}`,
			`mnistlib.Must(mnistlib.Train(NoName{}, data, mnistlib.Config{}))`,
			`the model NoName: a Linear layer has no name; its weights are saved under it: nn.Linear("name", …)`},
		{`type Careless struct{ Hidden []int }

func (m Careless) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	return nn.Linear("fc", nn.Flatten(x), m.Hidden[3])
}`,
			`mnistlib.Must(mnistlib.Describe(Careless{}))`,
			`the model Careless([]): its Forward method failed: runtime error: index out of range [3] with length 0`},
		{"",
			`mnistlib.Must(mnistlib.Train(mnistlib.MLP{Hidden: -3}, data, mnistlib.Config{}))`,
			`the model MLP(-3): Linear layer "layer1" needs at least 1 output, not -3`},
		{"",
			`mnistlib.Must(mnistlib.Train(mnistlib.MLP{Hidden: 30}, data, mnistlib.Config{Optimizer: mnistlib.Adam{}}))`,
			`Config.Optimizer: Adam's LR, the learning rate, is 0; it must be above 0 (the tutorial uses 0.005)`},
		{"",
			`mnistlib.Must(mnistlib.LoadWeights("nowhere.safetensors"))`,
			`open nowhere.safetensors: no such file or directory`},
	}
	// One program has all mistakes, and its argument says which one it makes: the linker takes a second for each
	// program.
	declarations, statements := "", ""
	for i, m := range mistakes {
		declarations += m.declaration + "\n"
		statements += fmt.Sprintf("case \"%d\":\n%s\n", i, m.statement)
	}
	sources := []string{"%noautoget\nimport \"example.com/tutorial6/mnistlib\"\n\nvar data = mnistlib.MNIST()\n\n" + declarations}
	for i := range mistakes {
		sources = append(sources, fmt.Sprintf("%%%% %d\nswitch flag.Arg(0) {\n%s}", i, statements))
	}
	cells := executeCells(t, true, sources...)
	for i, m := range mistakes {
		printed := strings.TrimSpace(cells[i+1].stream("stderr"))
		if !strings.Contains(printed, m.says) || strings.Contains(printed, "goroutine") || strings.Count(printed, "\n") > 1 {
			t.Errorf("%s\nprints %q, expected the one sentence %q", m.statement, printed, m.says)
		}
	}
}

// checkMistakes checks that each cell that is wrong on purpose ends with the words that the text above it quotes.
func checkMistakes(t *testing.T, nb notebook) {
	t.Helper()
	cells, wrong := nb.cells(), 0
	for i, c := range cells {
		if !slices.Contains(list(object(c["metadata"])["tags"]), "raises-exception") {
			continue
		}
		wrong++
		_, quoted, _ := strings.Cut(cells[i-1].source(), "says `")
		quoted, _, found := strings.Cut(quoted, "`")
		if said := c.failure(); !found || !strings.Contains(said, quoted) {
			t.Errorf("cell %d says %q, and the text above it quotes %q", i+1, said, quoted)
		}
	}
	if wrong != 7 {
		t.Errorf("%d cells are wrong on purpose", wrong)
	}
}

// Two of the mistakes wait or run without end, and so stand in the text: they show nothing until they are stopped, and then that
// they were.
func TestMistakesWithoutEnd(t *testing.T) {
	t.Parallel()
	checkout := checkout(t)
	mistakes, err := readNotebook("mistakes.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	sources := []string{"%noautoget"}
	for _, c := range mistakes.cells() {
		if id := c["id"]; id == "m-8-cell" || id == "m-9-cell" {
			sources = append(sources, strings.Trim(c.source(), "`go\n"))
		}
	}
	if len(sources) != 3 {
		t.Fatalf("there are %d such cells", len(sources)-1)
	}
	executed, err := newNotebook(sources...).mayFail().execute(t.Context(), os.Stderr, checkout, "endless.ipynb", &limits{Time: 6 * time.Second, Memory: 4096})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range executed.cells()[1:] {
		if said := c.failure(); c.stream("stdout") != "" || !strings.Contains(said, "signal: interrupt") {
			t.Errorf("%s\nshows %q and, when it is stopped, %q", c.source(), c.stream("stdout"), said)
		}
	}
}

// executeCells executes code cells in the kernel and returns them with their outputs. A cell that
// fails ends the test, unless mayFail is set.
func executeCells(t *testing.T, mayFail bool, sources ...string) []cell {
	t.Helper()
	checkout := checkout(t)
	nb := newNotebook(sources...)
	if mayFail {
		nb.mayFail()
	}
	executed, err := nb.execute(context.Background(), os.Stderr, checkout, filepath.Join(t.TempDir(), "test.ipynb"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return executed.cells()
}
