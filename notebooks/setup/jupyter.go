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

// jupyterSettings are files of settings, by their place in the environment.
var jupyterSettings = map[string]string{
	// Nothing is fetched from the network while a reader works.
	"jupyter_lab_config.json":    `{"LabApp": {"extension_manager": "readonly"}}`,
	"labconfig/page_config.json": `{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}`,
	// A new notebook is one in Go. A kernel's answer to the request for its name counts as a sign of
	// life: without it, JupyterLab calls this kernel's state unknown until the first cell has run.
	// The file browser shows notebooks, not the programs behind them.
	"jupyter_server_config.json": `{
  "ContentsManager": {"hide_globs": ["*.go", "execute.py", "setup", "exercises", "images", "testdata", "__pycache__", "*~"]},
  "MultiKernelManager": {"default_kernel_name": "` + KernelName + `"},
  "MappingKernelManager": {"untracked_message_types": ["comm_info_request", "comm_info_reply", "shutdown_request", "shutdown_reply"]}
}`,
}

// jupyterStep makes a Python environment that holds JupyterLab.
var jupyterStep = step{
	name:  "jupyter",
	title: "JupyterLab",
	inputs: func(_ context.Context, c Checkout) ([]string, error) {
		return []string{jupyterLock, fmt.Sprint(jupyterSettings), string(c)}, nil // an environment cannot be moved
	},
	works: func(ctx context.Context, c Checkout) bool {
		// A system's new Python does not see the packages that an older one installed.
		return exec.CommandContext(ctx, c.Python(), "-c", "import jupyter_core").Run() == nil
	},
	do: func(ctx context.Context, c Checkout, run *runner) error {
		python, err := findPython(ctx)
		if err != nil {
			return err
		}
		if err := run.run(ctx, string(c), nil, python, "-m", "venv", "--clear", c.path("venv")); err != nil {
			return err
		}
		lock := filepath.Join(run.tmp, "requirements.txt")
		if err := os.WriteFile(lock, []byte(jupyterLock), 0o644); err != nil {
			return err
		}
		if err := run.run(ctx, string(c), nil, c.Python(), "-m", "pip", "install",
			"--disable-pip-version-check", "--no-input", "--retries=2", "--only-binary=:all:", "--require-hashes",
			"--requirement="+lock); err != nil {
			return err
		}
		for name, content := range jupyterSettings {
			path := c.path("venv", "etc", "jupyter", name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				return err
			}
		}
		return nil
	},
}
