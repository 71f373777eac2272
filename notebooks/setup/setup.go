// Package setup installs what the notebooks need, at locked versions, into the folder .setup of the
// checkout: the XLA plugin, JupyterLab, the Go kernel and its tools, and a warm build cache.
//
// Each step is skipped while what it was made from is unchanged, and begins anew when it was
// interrupted, so calling it again is cheap and always safe, from several processes at once too.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
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

// All sets up everything that the notebooks need and reports its progress on out.
func All(ctx context.Context, out io.Writer) (Checkout, error) {
	checkout, err := Here()
	if err != nil {
		return "", err
	}
	if err := checkout.install(ctx, out, allSteps...); err != nil {
		return "", err
	}
	return checkout, checkout.Compile(ctx, out)
}

var allSteps = []step{pluginStep, jupyterStep, pageStep, gonbStep, goplsStep, kernelStep}

// Missing returns an error that names the first thing that is not set up, or not any more.
func (c Checkout) Missing(ctx context.Context) error {
	for _, s := range allSteps {
		stamp, err := c.stamp(ctx, s)
		if err != nil {
			return err
		}
		if err := c.done(ctx, s, stamp); err != nil {
			return fmt.Errorf("%s: %v: run go run ./notebooks setup", s.title, err)
		}
	}
	return nil
}

// Plugin sets up only the XLA plugin, which is all that a program that uses mnistlib needs.
func Plugin(ctx context.Context, out io.Writer) (Checkout, error) {
	checkout, err := Here()
	if err != nil {
		return "", err
	}
	return checkout, checkout.install(ctx, out, pluginStep)
}

// path returns the path of a file or folder in .setup.
func (c Checkout) path(names ...string) string {
	return filepath.Join(append([]string{string(c), ".setup"}, names...)...)
}

// Notebooks returns the folder of the notebooks.
func (c Checkout) Notebooks() string { return filepath.Join(string(c), "notebooks") }

// Python returns the Python interpreter that has JupyterLab.
func (c Checkout) Python() string { return c.path("venv", "bin", "python") }

// JupyterEnv returns the environment in which to start Jupyter: the reader's own settings and kernels
// are left out.
func (c Checkout) JupyterEnv(ctx context.Context) []string {
	kept := c.jupyterFolder()
	return append(environment(ctx),
		"JUPYTER_CONFIG_DIR="+filepath.Join(kept, "config"),
		"JUPYTER_DATA_DIR="+filepath.Join(kept, "data"),
		"IPYTHONDIR="+filepath.Join(kept, "ipython"),
	)
}

// JupyterLog creates the file to which the messages of the Jupyter at this port go: there may be others.
func (c Checkout) JupyterLog(port int) (*os.File, error) {
	kept := c.jupyterFolder()
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(kept, fmt.Sprintf("jupyter-%d.log", port)))
}

// jupyterFolder is where Jupyter keeps what it keeps: in .setup, or if that is another user's or on a read-only
// disk, in this user's cache.
func (c Checkout) jupyterFolder() string {
	folder := c.path("jupyter")
	if os.MkdirAll(folder, 0o755) == nil {
		if info, err := os.Stat(folder); err == nil && info.Sys().(*syscall.Stat_t).Uid == uint32(os.Getuid()) && syscall.Access(folder, 2) == nil {
			return folder
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil { // this user has no home
		cache = os.TempDir()
	}
	return filepath.Join(cache, "tutorial6-"+strconv.Itoa(os.Getuid()))
}
