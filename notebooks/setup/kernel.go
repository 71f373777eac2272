package setup

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// cellFlags are the flags with which a cell is built: most of the time goes to linking, and a program
// without symbols, linked by Go's own linker, takes a third of it. That linker does not serve cgo on
// macOS.
var cellFlags = map[bool]string{
	true:  "-buildvcs=false '-ldflags=-s -w -linkmode=internal'",
	false: "-buildvcs=false '-ldflags=-s -w'",
}[runtime.GOOS == "linux"]

//go:embed script.j2
var scriptTemplate string

// A notebook's script is Go that the go command passes over: it lands beside the launcher's own files.
const exportScript = `"ScriptExporter": {"template_name": "` + KernelName + `"}`

// jupyterSettings are files of settings, by their place in Jupyter's environment.
var jupyterSettings = map[string]string{
	// Nothing is fetched from the network while a reader works.
	"etc/jupyter/jupyter_lab_config.json":    `{"LabApp": {"extension_manager": "readonly"}}`,
	"etc/jupyter/labconfig/page_config.json": `{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}`,
	// On a busy machine the kernel takes seconds to complete a name, and in its first twelve seconds GoNB waits for gopls
	// until they are over; JupyterLab by itself drops what comes after one. Cells are indented by tabs, as gofmt does, and
	// their braces close: where code is indented by spaces and a brace is open, GoNB may complete nothing.
	// While a cell compiles, it has nothing to show yet; the status bar says that it runs, and for how long.
	"etc/jupyter/labconfig/default_setting_overrides.json": `{"@jupyterlab/completer-extension:manager": {"providerTimeout": 30000},
  "@jupyterlab/notebook-extension:tracker": {"kernelStatus": {"showOnStatusBar": true, "showProgress": true},
    "codeCellConfig": {"lineNumbers": false, "lineWrap": false, "indentUnit": "Tab", "autoClosingBrackets": true}}}`,
	// A new notebook is one in Go. A kernel's answer to the request for its name counts as a sign of
	// life: without it, JupyterLab calls this kernel's state unknown until the first cell has run.
	// A cell that prints without end is cut short, in bytes of text a second (figures do not count): a hundred
	// thousand lines freeze the browser.
	// The file browser shows notebooks and a reader's own files, not the programs behind the notebooks.
	"etc/jupyter/jupyter_server_config.json": `{
  ` + exportScript + `,
  ` + exportPages + `,
  "ContentsManager": {"hide_globs": ["assignment.go", "check.go", "grade.go", "grade.html", "lab.go", "limits.go", "main.go", "notebook.go", "run.go", "table.go", "*_test.go", "execute.py", "lab.py", "setup", "exercises", "images", "testdata", "__pycache__", "*~"]},
  "ZMQChannelsWebsocketConnection": {"iopub_data_rate_limit": 100000},
  "MultiKernelManager": {"default_kernel_name": "` + KernelName + `"},
  "MappingKernelManager": {"untracked_message_types": ["comm_info_request", "comm_info_reply", "shutdown_request", "shutdown_reply"]}
}`,
	"etc/jupyter/jupyter_nbconvert_config.json": "{" + exportScript + `,
  ` + exportPages + `
}`,
	"share/jupyter/nbconvert/templates/" + KernelName + "/conf.json": `{"base_template": "base", "mimetypes": {"text/plain": true}}`,
	"share/jupyter/nbconvert/templates/" + KernelName + "/script.j2": scriptTemplate,
}

// kernelStep tells Jupyter how to start the kernel, and its settings.
var kernelStep = step{
	name:  "kernel",
	title: "The kernel's entry in Jupyter",
	inputs: func(ctx context.Context, c Checkout) ([]string, error) {
		spec, err := c.kernelSpec(ctx, nil)
		return []string{string(spec), fmt.Sprint(jupyterSettings)}, err
	},
	fault: exists("venv/share/jupyter/kernels/" + KernelName + "/kernel.json"),
	do: func(ctx context.Context, c Checkout, _ *runner) error {
		files := map[string]string{}
		for name, content := range jupyterSettings {
			files[c.path("venv", name)] = content
		}
		if err := writeFiles(files); err != nil {
			return err
		}
		return c.writeKernel(ctx, c.path("venv", "share", "jupyter", "kernels", KernelName), nil)
	},
}

// UserDataFolder returns the folder in which this user's Jupyter looks for kernels.
func UserDataFolder() (string, error) {
	if folder := os.Getenv("JUPYTER_DATA_DIR"); folder != "" {
		return folder, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if data := os.Getenv("XDG_DATA_HOME"); data != "" {
		return filepath.Join(data, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

func (c Checkout) writeKernel(ctx context.Context, folder string, settings map[string]string) error {
	spec, err := c.kernelSpec(ctx, settings)
	if err != nil {
		return err
	}
	return writeFiles(map[string]string{filepath.Join(folder, "kernel.json"): string(spec)})
}

// kernelSpec returns the kernel's description for Jupyter, with these settings of Go.
func (c Checkout) kernelSpec(ctx context.Context, settings map[string]string) ([]byte, error) {
	goProgram, err := exec.LookPath("go")
	if err != nil {
		_, err = findGo(ctx)
		return nil, err
	}
	argv := append(EndWithParent(ctx), // else a killed Jupyter leaves its kernels behind
		c.path("bin", "gonb"), "-kernel", "{connection_file}",
		"-go_work="+string(c), // cells import the packages of this checkout, and its versions of all others
		"-raw_error=true",     // compile errors as text, with the cell's line
		// GoNB logs a line that looks like an error at each healthy start.
		"-logtostderr=false", "-log_file=/dev/null", "-stderrthreshold=FATAL")
	env := map[string]string{}
	for name, value := range settings {
		env[name] = literal(value)
	}
	for _, name := range goLeftOut {
		env[name] = "" // which is Go's own value
	}
	maps.Copy(env, map[string]string{
		"GOENV":                    "off",
		"PATH":                     fmt.Sprintf("%s:%s:${PATH}", literal(c.path("bin")), literal(filepath.Dir(goProgram))),
		"GOFLAGS":                  cellFlags,
		"PJRT_PLUGIN_LIBRARY_PATH": literal(c.path("plugin")),
		"GOMLX_NO_AUTO_INSTALL":    "1",
	})
	spec := map[string]any{
		"argv":           argv,
		"display_name":   KernelTitle,
		"language":       "go",
		"interrupt_mode": "message",
		"env":            env,
	}
	return json.MarshalIndent(spec, "", "  ")
}

// literal protects the text from Jupyter, which puts variables in the place of $NAME.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }
