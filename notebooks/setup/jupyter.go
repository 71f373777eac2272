package setup

import (
	"context"
	_ "embed"
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
	works: func(ctx context.Context, c Checkout) bool {
		// A system's new Python does not see the packages that an older one installed.
		cmd := exec.CommandContext(ctx, c.Python(), "-I", "-c", "import jupyter_core")
		cmd.Env = environment(ctx)
		return cmd.Run() == nil
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
