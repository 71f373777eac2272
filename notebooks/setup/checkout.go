package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// KernelName is what Jupyter and the notebooks call the project's kernel, and KernelTitle what readers see of it.
const (
	KernelName  = "tutorial6"
	KernelTitle = "Go (Tutorial 6)"
)

// A Checkout is the folder of a clone of the repository.
type Checkout string

// Here returns the checkout that holds the working directory: the nearest folder, going up, with a
// go.mod file. It goes by its real path, so that one checkout is set up once, whatever leads to it.
func Here() (Checkout, error) {
	dir, err := os.Getwd()
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", fmt.Errorf("the working directory cannot be told (%w): change to a clone of the repository", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return Checkout(dir), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod file was found in this folder or above it: run the command inside a clone of the repository")
		}
		dir = parent
	}
}

// path returns the path of a file or folder in .setup.
func (c Checkout) path(names ...string) string {
	return filepath.Join(append([]string{string(c), ".setup"}, names...)...)
}

// Notebooks returns the folder of the notebooks.
func (c Checkout) Notebooks() string { return filepath.Join(string(c), "notebooks") }

// Glob returns the paths of what in a folder fits the pattern. The folder's own path is no pattern: a reader may have called
// it "Uni [2026]".
func Glob(folder, pattern string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(folder), pattern)
	for i, name := range names {
		names[i] = filepath.Join(folder, name)
	}
	return names, err
}

// Python returns the Python interpreter that has JupyterLab.
func (c Checkout) Python() string { return c.path("venv", "bin", "python") }
