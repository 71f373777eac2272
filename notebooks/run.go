package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/tutorial6/mnistlib/progress"
	"example.com/tutorial6/notebooks/setup"
)

//go:embed execute.py
var executeScript string

// runNotebooks executes the notebooks one after another, prints what they trained, and returns an error
// if a cell of any of them failed. The executed copies go to the folder outputDir, and with inPlace they
// replace the notebooks that ran through; in both, clean.
func runNotebooks(ctx context.Context, out io.Writer, checkout setup.Checkout, paths []string, outputDir string, inPlace bool) error {
	if outputDir != "" {
		if err := ownNames(paths, outputDir); err != nil {
			return err
		}
	}
	failed := 0
	for _, path := range paths {
		start := time.Now()
		nb, err := execute(ctx, out, checkout, path)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		var results []result
		if err == nil {
			results, err = nb.results()
		}
		if nb != nil {
			nb.clean()
			if outputDir != "" {
				if err := os.MkdirAll(outputDir, 0o755); err != nil {
					return err
				}
				if err := nb.write(filepath.Join(outputDir, filepath.Base(path))); err != nil {
					return err
				}
			}
		}
		if err != nil {
			failed++
			fmt.Fprintf(out, "%s FAILED: %v\n", path, err)
			continue
		}
		if inPlace {
			if err := nb.write(path); err != nil {
				return err
			}
		}
		fmt.Fprintf(out, "%s: %d cells in %.0f s\n", path, len(nb.cells()), time.Since(start).Seconds())
		if len(results) > 0 {
			printTable(out, results)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d notebooks failed", failed, len(paths))
	}
	return nil
}

// ownNames returns an error if the copies in the folder would overwrite each other, or one of the notebooks.
func ownNames(paths []string, folder string) error {
	taken := map[string]string{}
	for _, path := range paths {
		name := filepath.Base(path)
		if other, ok := taken[name]; ok {
			return fmt.Errorf("the copies of %s and %s would overwrite each other: run them with different folders after -o", other, path)
		}
		taken[name] = path
		source, err := os.Stat(path)
		if err != nil {
			continue // executing it says so
		}
		if there, err := os.Stat(filepath.Join(folder, name)); err == nil && os.SameFile(source, there) {
			return fmt.Errorf("the copy of %s would overwrite it: name another folder after -o, or give -inplace instead", path)
		}
	}
	return nil
}

// execute executes a notebook in the kernel. With the error that says which cell failed, it returns the
// notebook as far as it came.
func execute(ctx context.Context, out io.Writer, checkout setup.Checkout, path string) (notebook, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	nb, err := readNotebook(path)
	if err != nil {
		return nil, err
	}
	return nb.execute(ctx, out, checkout, path, nil)
}

// execute executes a notebook as if it lay at the path. Within limits, if there are any, its cells run in a folder of their
// own, one that takes too long is interrupted, and the next one runs.
func (nb notebook) execute(ctx context.Context, out io.Writer, checkout setup.Checkout, path string, limits *limits) (notebook, error) {
	var content bytes.Buffer
	if err := json.NewEncoder(&content).Encode(nb); err != nil {
		return nil, err
	}
	tmp, err := setup.NewTemporaryFolder()
	if err != nil {
		return nil, err
	}
	defer tmp.Remove()
	executed := tmp.File("executed.ipynb")

	folder := filepath.Dir(path)
	if limits != nil {
		folder = tmp.Path
	}
	words := []string{checkout.Python(), "-I", "-c", executeScript, setup.KernelName, folder, executed, tmp.Transport()}
	if limits != nil {
		words = limits.words(tmp.Path, append(words, fmt.Sprint(limits.Time.Seconds()))...)
	}
	words = append(setup.EndWithParent(ctx), words...)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(checkout.JupyterEnv(ctx), tmp.Env())
	if limits != nil {
		cmd.Env = append(withoutSockets(cmd.Env), "TMPDIR="+tmp.Path)
	}
	cmd.Stdin = &content // so that no file of it lies where its cells can read it
	cmd.ExtraFiles = []*os.File{tmp.Held}
	if limits == nil || limits.wrapper == nil { // which ends all that runs in it at once, and passes on no interrupt
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it then stops its kernel
	}
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line := progress.Start(out, filepath.Base(path), len(nb.cells()), "cells")
	var event struct { // the last one tells how it went
		Cell    *int
		Failure string
	}
	events := bufio.NewScanner(stdout)
	events.Buffer(nil, 1<<20)
	for events.Scan() {
		event.Cell = nil
		if err := json.Unmarshal(events.Bytes(), &event); err != nil || event.Cell == nil {
			continue
		}
		line.Set(*event.Cell)
	}
	err = cmd.Wait()
	line.Clear()
	if err != nil {
		return nil, fmt.Errorf("it could not be executed (%v): %s", err, lastLine(stderr.String()))
	}
	if event.Failure != "" && event.Cell == nil {
		return nil, errors.New(event.Failure + kernelComplaint(stderr.String()))
	}
	result, err := readNotebook(executed)
	if err != nil {
		return nil, err
	}
	if event.Failure != "" {
		err = result.describeFailure(*event.Cell, event.Failure)
	}
	return result, err
}

// withoutSockets returns the variables but for those that tell where other programs listen.
func withoutSockets(env []string) []string {
	return slices.DeleteFunc(env, func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains([]string{"DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR"}, name)
	})
}

// fatalLog is the head of what GoNB logs before it gives up, and the line after it.
var fatalLog = regexp.MustCompile(`(?m)^F\d{4} .*\](?:\x1b\[0m)? (.*)\n(.*)`)

// kernelComplaint finds in the output of a kernel what it died of.
func kernelComplaint(stderr string) string {
	if found := fatalLog.FindStringSubmatch(stderr); found != nil {
		return ": " + found[1] + ", " + found[2]
	}
	return ""
}

// describeFailure says which cell failed, and how.
func (nb notebook) describeFailure(index int, failure string) error {
	c := nb.cells()[index]
	printed := strings.TrimSpace(c.stream("stderr")) // it ends with the failure, if the cell's program crashed
	if !strings.HasSuffix(printed, failure) {
		printed = strings.TrimSpace(printed + "\n" + failure)
	}
	return fmt.Errorf("cell %d failed, in which %q stands:\n    %s", index+1, firstStatement(c.source()),
		strings.ReplaceAll(printed, "\n", "\n    "))
}

// firstStatement returns the first line of a cell that is not a special command of GoNB's, or empty.
func firstStatement(source string) string {
	for line := range strings.Lines(source) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "%") {
			return line
		}
	}
	return strings.TrimSpace(source)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
