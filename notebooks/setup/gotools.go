package setup

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"example.com/tutorial6/mnistlib/progress"
)

// gonbStep builds the kernel, and goimports, which completes the imports of each cell, at the versions
// of go.mod.
var gonbStep = step{
	name:  "gonb",
	title: "GoNB, the Go kernel",
	inputs: func(_ context.Context, c Checkout) ([]string, error) {
		return readAll(filepath.Join(string(c), "go.mod"))
	},
	fault: exists("bin/gonb", "bin/goimports"),
	do: func(ctx context.Context, c Checkout, run *runner) error {
		bin := filepath.Join(run.tmp, "bin")
		if err := run.run(ctx, string(c), nil, "go", "build", "-o", bin+string(filepath.Separator),
			"github.com/janpfeifer/gonb", "golang.org/x/tools/cmd/goimports"); err != nil {
			return err
		}
		if err := run.run(ctx, run.tmp, nil, filepath.Join(bin, "gonb"), "-version"); err != nil {
			return err
		}
		if err := run.run(ctx, run.tmp, nil, filepath.Join(bin, "goimports"), filepath.Join(string(c), "notebooks", "main.go")); err != nil {
			return err
		}
		for _, name := range []string{"gonb", "goimports"} {
			if err := replace(filepath.Join(bin, name), c.path("bin", name)); err != nil {
				return err
			}
		}
		return nil
	},
}

// goplsWrapper starts gopls, which completes and explains code, and keeps it small: by itself it takes
// 600 MB. It ends with the kernel, which may crash without ending it.
func (c Checkout) goplsWrapper(ctx context.Context) string {
	start := "exec"
	for _, word := range EndWithParent(ctx) {
		start += " " + word
	}
	return fmt.Sprintf("#!/bin/sh\nexport GOMEMLIMIT=250MiB GOGC=50 GOMAXPROCS=1\n%s %s \"$@\"\n", start, quote(c.path("gopls", "gopls")))
}

// quote makes one word of a shell's of the text.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// goplsStep builds gopls at the versions of gopls.mod: in go.mod it would meet versions that it does
// not build with.
var goplsStep = step{
	name:  "gopls",
	title: "gopls, which completes code",
	inputs: func(ctx context.Context, c Checkout) ([]string, error) {
		inputs, err := readAll(c.goplsMod(), strings.TrimSuffix(c.goplsMod(), ".mod")+".sum")
		return append(inputs, c.goplsWrapper(ctx)), err
	},
	fault: exists("gopls/gopls", "bin/gopls"),
	do: func(ctx context.Context, c Checkout, run *runner) error {
		gopls := filepath.Join(run.tmp, "gopls")
		if err := run.run(ctx, string(c), nil, "go", "build", "-modfile="+c.goplsMod(), "-o", gopls,
			"golang.org/x/tools/gopls"); err != nil {
			return err
		}
		if err := replace(gopls, c.path("gopls", "gopls")); err != nil {
			return err
		}
		wrapper := filepath.Join(run.tmp, "wrapper")
		if err := os.WriteFile(wrapper, []byte(c.goplsWrapper(ctx)), 0o755); err != nil {
			return err
		}
		if err := replace(wrapper, c.path("bin", "gopls")); err != nil {
			return err
		}
		return run.run(ctx, run.tmp, nil, c.path("bin", "gopls"), "version")
	},
}

func (c Checkout) goplsMod() string {
	return filepath.Join(string(c), "notebooks", "setup", "gopls.mod")
}

// Compile compiles mnistlib and all that it needs as a cell of a notebook does, and says so if that takes
// long, so that no first cell waits for minutes without a word. The build cache is each user's own, and Go
// clears from it what was not used for five days: so this is no step of the set-up, but done at each start,
// mostly in less than a second. It is done in a workspace like a cell's, for which Go asks for more modules than for
// the checkout alone: later there may be no network.
func (c Checkout) Compile(ctx context.Context, out io.Writer) error {
	const title = "mnistlib, compiled for the notebooks"
	tmp, err := NewTemporaryFolder()
	if err != nil {
		return err
	}
	defer tmp.Remove()
	version := strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go") // not below what go.mod asks for
	for name, text := range map[string]string{
		"go.mod":  "module cell\n\ngo 1.26\n",
		"go.work": "go " + version + "\n\nuse .\n\nuse " + strconv.Quote(string(c)) + "\n",
		// GoNB adds the first three. A package that is not main needs no linking.
		"cell.go": "package cell\n\nimport (\n\t_ \"flag\"\n\t_ \"fmt\"\n\t_ \"math\"\n\n\t_ \"example.com/tutorial6/mnistlib\"\n)\n",
	} {
		if err := os.WriteFile(tmp.File(name), []byte(text), 0o644); err != nil {
			return explain(title, err, nil, "")
		}
	}
	cmd := command(ctx, tmp.File("."), []string{"GOFLAGS=" + cellFlags, "GOWORK="}, "go", "build")
	var output []byte
	ended := make(chan error, 1)
	go func() {
		var failure error
		output, failure = cmd.CombinedOutput()
		ended <- failure
	}()
	select {
	case err = <-ended:
	case <-time.After(2 * time.Second):
		line := progress.Start(out, title, 0, "")
		err = <-ended
		line.End(map[bool]string{true: "failed"}[err != nil])
	}
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return explain(title, err, output, "")
	}
	return nil
}

// readAll returns the contents of the files, and the version of Go that compiles them.
func readAll(files ...string) ([]string, error) {
	contents := []string{runtime.Version()}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		contents = append(contents, string(content))
	}
	return contents, nil
}
