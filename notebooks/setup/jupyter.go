package setup

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

//go:embed requirements.txt
var jupyterLock string

// jupyterStep makes a Python environment that holds JupyterLab.
var jupyterStep = step{
	name:  "jupyter",
	title: "JupyterLab",
	inputs: func(_ context.Context, c Checkout) ([]string, error) {
		return []string{jupyterLock, string(c)}, nil // an environment cannot be moved
	},
	fault: func(ctx context.Context, c Checkout) error {
		// A system's new Python does not see the packages that an older one installed, and one in the home of
		// who set it up may serve nobody else.
		cmd := exec.CommandContext(ctx, c.Python(), "-I", "-c", "import jupyter_core")
		cmd.Env = environment(ctx)
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("its Python does not run (%w) %s", err, lastLine(output))
		}
		return nil
	},
	do: func(ctx context.Context, c Checkout, run *runner) error {
		python, err := findPython(ctx)
		if err != nil {
			return err
		}
		if err := run.run(ctx, run.tmp, nil, python, "-I", "-m", "venv", "--clear", c.path("venv")); err != nil {
			return err
		}
		lock := filepath.Join(run.tmp, "requirements.txt")
		if err := os.WriteFile(lock, []byte(jupyterLock), 0o644); err != nil {
			return err
		}
		if err := run.run(ctx, run.tmp, pipSettings(ctx, c.Python()), c.Python(), "-I", "-m", "pip", "install",
			"--disable-pip-version-check", "--no-input", "--retries=2", "--only-binary=:all:", "--require-hashes",
			"--requirement="+lock); err != nil {
			return err
		}
		return run.run(ctx, run.tmp, nil, c.Python(), "-I", "-c", "import jupyterlab.labapp, nbclient, nbconvert")
	},
}

// JupyterEnv returns the environment in which to start Jupyter: the reader's own settings and kernels
// are left out.
func (c Checkout) JupyterEnv(ctx context.Context) []string {
	kept, err := c.jupyterFolder()
	if err != nil {
		kept = os.DevNull // below which there is nothing
	}
	return append(environment(ctx),
		"JUPYTER_CONFIG_DIR="+filepath.Join(kept, "config"),
		"JUPYTER_DATA_DIR="+filepath.Join(kept, "data"),
		"IPYTHONDIR="+filepath.Join(kept, "ipython"),
	)
}

// JupyterLog creates the file to which the messages of the Jupyter at this port go: there may be others.
func (c Checkout) JupyterLog(port int) (*os.File, error) {
	kept, err := c.jupyterFolder()
	if err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(kept, fmt.Sprintf("jupyter-%d.log", port)))
}

// jupyterFolder is where Jupyter keeps what it keeps: in .setup, or if that is another user's or on a read-only
// disk, in this user's cache.
func (c Checkout) jupyterFolder() (string, error) {
	folder := c.path("jupyter")
	if makeOwn(folder) == nil {
		return folder, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil { // this user has no home
		cache = os.TempDir()
	}
	folder = filepath.Join(cache, "tutorial6-"+strconv.Itoa(os.Getuid()))
	if err := makeOwn(folder); err != nil {
		return "", fmt.Errorf("nothing of Jupyter's can be kept in %s (%w): set XDG_CACHE_HOME to a folder of your own", folder, err)
	}
	return folder, nil
}

// makeOwn makes the folder if it is not there, and returns an error unless it is this user's, and can be written: Jupyter
// executes settings that it finds there.
func makeOwn(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	info, err := os.Lstat(folder) // not where a link of another user's leads
	switch {
	case err != nil:
		return err
	case info.Sys().(*syscall.Stat_t).Uid != uint32(os.Getuid()):
		return errors.New("it is another user's")
	}
	return syscall.Access(folder, 2)
}
