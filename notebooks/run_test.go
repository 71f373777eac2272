package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/tutorial6/notebooks/setup"
)

// setUp sets everything up, once for all tests.
var setUp = sync.OnceValues(func() (setup.Checkout, error) {
	return setup.All(context.Background(), os.Stderr)
})

// checkout is asked for by each test that needs the kernel or JupyterLab; go test -short leaves it out.
func checkout(t *testing.T) setup.Checkout {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the set-up, so not with -short")
	}
	checkout, err := setUp()
	if err != nil {
		t.Fatal(err)
	}
	return checkout
}

// long leaves a test that takes half a minute or more to the checks of each change: README's command shall answer soon, on any
// machine.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("LONG_TESTS") == "" {
		t.Skip("takes half a minute or more: runs with LONG_TESTS=1, as in .ci/run")
	}
}

// writeNotebook writes a notebook with these cells: Markdown where one begins with #, else code.
func writeNotebook(t *testing.T, cells ...string) string {
	t.Helper()
	nb := newNotebook(cells...)
	for _, c := range nb.cells() {
		if strings.HasPrefix(c.source(), "#") {
			c["cell_type"] = "markdown"
			delete(c, "execution_count")
			delete(c, "outputs")
		}
	}
	path := filepath.Join(t.TempDir(), "test.ipynb")
	if err := nb.write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOutputOfACellEndsWithTheSummary(t *testing.T) {
	t.Parallel()
	checkout := checkout(t)
	nb, err := execute(t.Context(), io.Discard, checkout, writeNotebook(t, "%noautoget", trainingCell))
	if err != nil {
		t.Fatal(err)
	}
	c := nb.cells()[1]
	if shown := c.stream("stdout"); strings.Contains(shown, " of 31 iterations") || !strings.HasPrefix(shown, "MLP(30), SGD") {
		t.Errorf("the cell shows\n%s", shown)
	}
	raw := ""
	for _, o := range list(c["outputs"]) {
		raw += text(object(o)["text"])
	}
	if compiling, trains := strings.Index(raw, "\rcompiling MLP(30) "), strings.Index(raw, "\rMLP(30) "); compiling < 0 || trains < compiling {
		t.Errorf("meanwhile it was not said that it compiles and then trains: %q", raw)
	}
}

// What a cell prints and draws appears in the order of its calls.
func TestOutputsAreInOrder(t *testing.T) {
	t.Parallel()
	const n = 10
	cells := executeCells(t, false, "%noautoget", fmt.Sprintf(`import "example.com/tutorial6/mnistlib"

%%%%
for i := range %d {
	fmt.Println("before figure", i)
	mnistlib.Lines(fmt.Sprint("figure ", i), "x", "y", mnistlib.Line{X: []float64{0, 1}, Y: []float64{0, 1}}).Show()
}`, n))
	var shown []string
	for _, o := range list(cells[1]["outputs"]) {
		said, _, _ := strings.Cut(text(object(o)["text"])+text(object(object(o)["data"])["text/plain"]), "\n")
		shown = append(shown, said)
	}
	for i := range n {
		if want := []string{fmt.Sprint("before figure ", i), fmt.Sprint("figure ", i)}; len(shown) != 2*n || !slices.Equal(shown[2*i:][:2], want) {
			t.Fatalf("the cell shows %q", shown)
		}
	}
}

const trainingCell = `import . "example.com/tutorial6/mnistlib"

%%
history := Must(Train(MLP{Hidden: 30}, MNIST(), Config{Epochs: 1, Seed: 1}))
Plot(history)
`

// healthyCell prints a crash's words.
const healthyCell = `%%
fmt.Fprint(os.Stderr, "a tool ended with\nexit status 1\nand was started again\n")
fmt.Print("exit status 2\n")
`

func TestRunPrintsWhatTheNotebookTrained(t *testing.T) {
	t.Parallel()
	checkout := checkout(t)
	path := writeNotebook(t, "# A title", "%noautoget", healthyCell, "## A first curve", trainingCell)
	output := t.TempDir()
	var out strings.Builder
	if err := runNotebooks(t.Context(), &out, checkout, []string{path}, output, true); err != nil {
		t.Fatal(err, out.String())
	}
	if strings.Contains(out.String(), "\r") {
		t.Errorf("the log has lines that are written over:\n%q", out.String())
	}
	if !strings.Contains(out.String(), "train   validation") || !strings.Contains(out.String(), "A first curve  0.") {
		t.Errorf("it printed no table:\n%s", out.String())
	}
	copied, err := os.ReadFile(filepath.Join(output, "test.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	inPlace, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(copied) != string(inPlace) {
		t.Error("the copy and the notebook in its place differ")
	}
	for _, want := range []string{"Final training accuracy", "application/vnd.vegalite.v5+json", "image/png"} {
		if !strings.Contains(string(inPlace), want) {
			t.Errorf("the executed notebook lacks %s", want)
		}
	}
	if strings.Contains(string(inPlace), `\r`) || strings.Contains(string(inPlace), "iopub") {
		t.Error("the executed notebook is not clean")
	}
}

func TestRunFailsWhenACellFails(t *testing.T) {
	t.Parallel()
	checkout := checkout(t)
	for _, test := range []struct {
		name, cell string
		says       []string
	}{
		{"compile error", "%%\nfmt.Println(1)\nundefinedThing()", []string{"cell 3", `"fmt.Println(1)"`, "undefined: undefinedThing"}},
		{"dead kernel", "%%\nsyscall.Kill(os.Getppid(), syscall.SIGKILL)\ntime.Sleep(time.Second)", []string{"cell 3", "the kernel died"}},
		{"exit", "%%\nos.Exit(1)", []string{"cell 3", "exit status 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := writeNotebook(t, "%noautoget", "# Heading", test.cell, "%%\nfmt.Println(\"not reached\")")
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			output := t.TempDir()
			var out strings.Builder
			err = runNotebooks(t.Context(), &out, checkout, []string{path}, output, true)
			if err == nil || err.Error() != "1 of 1 notebooks failed" {
				t.Errorf("the error is %v", err)
			}
			for _, part := range test.says {
				if !strings.Contains(out.String(), part) {
					t.Errorf("the report lacks %q:\n%s", part, out.String())
				}
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("a notebook that failed was replaced")
			}
			copied, err := os.ReadFile(filepath.Join(output, "test.ipynb"))
			if err != nil || strings.Contains(string(copied), `"not reached\n"`) {
				t.Errorf("there is no copy of what failed, or it went on after the failure (%v)", err)
			}
		})
	}
}

// However a cell fails, it says why; and if it may, the next one runs.
func TestCellsThatMayFail(t *testing.T) {
	t.Parallel()
	failures := []struct {
		cell string
		says []string
	}{
		{"%%\nundefinedThing()", []string{"undefined: undefinedThing"}},
		{"%%\npanic(\"the reason\")", []string{"panic: the reason", "exit status 2"}},
		{"%%\nlog.Fatal(\"the reason\")", []string{"the reason", "exit status 1"}},
		{"%%\nsyscall.Kill(os.Getpid(), syscall.SIGKILL)\ntime.Sleep(time.Minute)", []string{"signal: killed"}},
		{"import \"example.com/tutorial6/mnistlib\"\n\n%%\nmnistlib.Must(mnistlib.LoadMNIST(\"nowhere\"))", []string{"nowhere", "exit status 1"}},
	}
	sources := []string{"%noautoget"}
	for _, f := range failures {
		sources = append(sources, f.cell)
	}
	cells := executeCells(t, true, append(sources, "%%\nfmt.Println(\"rea\" + \"ched\")")...)
	for i, f := range failures {
		for _, part := range f.says {
			if said := cells[i+1].failure(); !strings.Contains(said, part) {
				t.Errorf("%s\nsays %q, which lacks %q", f.cell, said, part)
			}
		}
	}
	if printed := cells[len(cells)-1].stream("stdout"); printed != "reached\n" {
		t.Errorf("after cells that may fail, the last one printed %q", printed)
	}
}

func TestRunGoesOnWithTheNextNotebook(t *testing.T) {
	t.Parallel()
	checkout := checkout(t)
	bad, good := writeNotebook(t, "%noautoget", "%%\nos.Exit(1)"), writeNotebook(t, "%noautoget")
	var out strings.Builder
	err := runNotebooks(t.Context(), &out, checkout, []string{bad, "no-such-file.ipynb", good}, "", false)
	if err == nil || err.Error() != "2 of 3 notebooks failed" {
		t.Errorf("the error is %v", err)
	}
	if !strings.Contains(out.String(), good+": 1 cells in") {
		t.Errorf("the good notebook was not run:\n%s", out.String())
	}
}

func TestInterruptedRunLeavesNoProcess(t *testing.T) {
	t.Parallel()
	checkout := checkout(t)
	started := filepath.Join(t.TempDir(), "started")
	path := writeNotebook(t, "%noautoget", `%%
os.WriteFile("`+started+`.new", fmt.Append(nil, os.Getpid(), os.Getppid()), 0o644)
os.Rename("`+started+`.new", "`+started+`")
for { time.Sleep(time.Second) }`)
	ctx, interrupt := context.WithCancel(t.Context())
	var cell, kernel int
	connection := "" // the file that tells how to reach the kernel
	go func() {
		defer interrupt()
		for ctx.Err() == nil {
			if content, err := os.ReadFile(started); err == nil {
				fmt.Sscan(string(content), &cell, &kernel)
				args, _ := exec.Command("ps", "-wwo", "args=", "-p", strconv.Itoa(kernel)).Output()
				if found := regexp.MustCompile(`-kernel (\S+)`).FindSubmatch(args); found != nil {
					connection = string(found[1])
					checkReachedByItsUserOnly(t, string(args))
				}
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	var out strings.Builder
	// On a system where a kernel does not end with its parent, only Python, which is interrupted, ends it.
	_, err := execute(ctx, &out, checkout, path)
	if err == nil || strings.Contains(err.Error(), "signal: killed") {
		t.Fatalf("an interrupted notebook returned %v: %s", err, out.String())
	}
	if err := runNotebooks(ctx, &out, checkout, []string{path}, "", false); err == nil || err.Error() != "interrupted" {
		t.Errorf("an interrupted run returned %v: %s", err, out.String())
	}
	if connection == "" {
		t.Fatal("the cell did not start, or not in a kernel")
	}
	// Python removes it when it is interrupted, and does not get to it when it is killed.
	if _, err := os.Stat(connection); err == nil {
		t.Errorf("the kernel's file %s, with its key, was left behind", connection)
	}
	for range 200 {
		if syscall.Kill(cell, 0) != nil && syscall.Kill(kernel, 0) != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("of the cell's process %d and its kernel %d, one was left behind", cell, kernel)
}

func TestKernelThatDoesNotStart(t *testing.T) {
	checkout := checkout(t)
	t.Setenv("GOPATH", "nonsense") // the kernel runs go at its start
	_, err := execute(t.Context(), io.Discard, checkout, "mistakes.ipynb")
	if err == nil || !strings.Contains(err.Error(), "the kernel did not start") || !strings.Contains(err.Error(), "go mod init") {
		t.Errorf("a kernel that does not start gives %v", err)
	}
	// Whoever tries it first sees whether mnistlib compiles.
	_, err = tryKernel(t.Context(), os.Stderr, checkout)
	if err == nil || !strings.Contains(err.Error(), "GOPATH entry is relative") ||
		!strings.Contains(err.Error(), "try without") || !strings.Contains(err.Error(), "GOPATH=nonsense, set in your shell") {
		t.Errorf("with a setting that stops Go, the check of the kernel says %v", err)
	}
}

func TestCheck(t *testing.T) {
	checkout(t)
	var out strings.Builder
	if err := check(t.Context(), &out); err != nil || strings.Contains(out.String(), "WRONG") || strings.Count(out.String(), " OK ") != 6 {
		t.Errorf("on a machine that is set up, check returns %v and prints\n%s", err, out.String())
	}
	out.Reset()
	t.Setenv("GOMLX_BACKEND", "go")
	if err := check(t.Context(), &out); err != nil || !strings.Contains(out.String(), "The backend go cannot be used: ") {
		t.Errorf("with a backend that there is not, check returns %v and prints\n%s", err, out.String())
	}
	out.Reset()
	t.Setenv("PATH", t.TempDir())
	if err := check(t.Context(), &out); err == nil || strings.Count(out.String(), "WRONG") != 4 {
		t.Errorf("on an empty PATH, check returns %v and prints\n%s", err, out.String())
	}
}

// committedNotebooks are those of this folder, by their names.
func committedNotebooks(t *testing.T) map[string]notebook {
	t.Helper()
	paths, err := filepath.Glob("*.ipynb")
	if err != nil || len(paths) < 4 {
		t.Fatalf("there are the notebooks %v (%v)", paths, err)
	}
	all := map[string]notebook{}
	for _, path := range paths {
		if all[path], err = readNotebook(path); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// The notebooks' kernel names must be the one that the set-up installs.
func TestNotebooksNameTheKernel(t *testing.T) {
	for path, nb := range committedNotebooks(t) {
		if name := object(object(nb["metadata"])["kernelspec"])["name"]; name != setup.KernelName {
			t.Errorf("%s names the kernel %v, not %s", path, name, setup.KernelName)
		}
		clean, err := readNotebook(path)
		if err != nil {
			t.Fatal(err)
		}
		clean.clean()
		before, _ := json.Marshal(nb)
		after, _ := json.Marshal(clean)
		if string(before) != string(after) {
			t.Errorf("%s is not clean: go run ./notebooks run -inplace notebooks/%s", path, path)
		}
	}
}

// The folder for temporary files is one for all users of a machine.
func TestNotebooksShareNoFileBetweenUsers(t *testing.T) {
	for path, nb := range committedNotebooks(t) {
		for i, c := range nb.cells() {
			if strings.Contains(c.source(), "os.TempDir()") && !strings.Contains(c.source(), "os.Getuid()") {
				t.Errorf("%s: cell %d writes a file that another user may have there", path, i+1)
			}
		}
	}
}

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"-help"}, "flag: help requested"},
		{[]string{"help"}, "flag: help requested"},
		{[]string{"run", "-h"}, "flag: help requested"},
		{[]string{"start"}, `there is no command "start"`},
		{[]string{"-prot", "1"}, "-help lists the flags"},
		{[]string{"setup", "now"}, "one argument too many"},
		{[]string{"check", "now"}, `"now" is one argument too many`},
		{[]string{"progress", "a", "b"}, `"b" is one argument too many`},
		{[]string{"grade"}, "the folder is missing"},
		{[]string{"grade", "-time", "0", "a"}, "a limit must be above 0"},
		{[]string{"grade", "a", "b"}, `"b" is one argument too many`},
		{[]string{"kernel"}, "give either -user or -prefix"},
		{[]string{"kernel", "-user", "-prefix", "x"}, "give either -user or -prefix"},
	} {
		if err := command(t.Context(), &strings.Builder{}, test.args); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q returns %v, which lacks %q", test.args, err, test.says)
		}
	}
}

func TestAllNotebooksAreFound(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "Uni [2026]")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if paths, err := allNotebooks(folder); err == nil || !strings.Contains(err.Error(), "there is no notebook in "+folder) {
		t.Errorf("in an empty folder the notebooks %q are found (%v)", paths, err)
	}
	path := filepath.Join(folder, "a.ipynb")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if paths, err := allNotebooks(folder); err != nil || !slices.Equal(paths, []string{path}) {
		t.Errorf("the notebooks %q are found (%v), want %s", paths, err, path)
	}
}

func TestCopiesOverwriteNothing(t *testing.T) {
	one, other := writeNotebook(t, "%noautoget"), writeNotebook(t, "%noautoget")
	var out strings.Builder
	err := runNotebooks(t.Context(), &out, "", []string{one, other}, t.TempDir(), false)
	if err == nil || !strings.Contains(err.Error(), "overwrite each other") {
		t.Errorf("two notebooks of one name give %v", err)
	}
	err = runNotebooks(t.Context(), &out, "", []string{one}, filepath.Dir(one), false)
	if err == nil || !strings.Contains(err.Error(), "-inplace") {
		t.Errorf("a copy in the place of its notebook gives %v", err)
	}
}
