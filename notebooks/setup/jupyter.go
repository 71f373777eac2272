package setup

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
