package setup

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// The reader's own settings of Go, Python, pip and Jupyter serve other work, and must not change what is
// built and started here, wherever they are set: in variables, in the file of go env -w, in pip.conf, in
// a go.work above the checkout. What says how to reach the network, where the caches lie and which
// compiler there is stays.

// goKept are the settings of Go that stay.
var goKept = []string{"GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS",
	"GOPATH", "GOMODCACHE", "GOCACHE", "GOTMPDIR", "CC", "CXX"}

// goLeftOut are those that do not.
var goLeftOut = []string{"GOENV", "GOFLAGS", "GOWORK", "GO111MODULE", "GOROOT", "GOOS", "GOARCH", "GOAMD64", "GOARM64",
	"GOEXPERIMENT", "GODEBUG", "GOBIN", "GOCACHEPROG", "GOFIPS140", "GO_EXTLINK_ENABLED", "CGO_ENABLED",
	"CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS"}

// pipKept are the settings of pip that stay: all others would install something else, or elsewhere.
var pipKept = []string{"index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "client-cert",
	"proxy", "timeout", "default-timeout", "retries", "cache-dir", "no-cache-dir", "keyring-provider"}

// environment returns the variables of every program that is started here.
func environment(ctx context.Context) []string {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		for _, prefix := range []string{"PYTHON", "PIP_", "JUPYTER", "IPYTHON", "__PYVENV"} {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return slices.Contains(goLeftOut, name) || name == "GOTOOLCHAIN" && value != "local"
	})
	// The program that runs is of one Go, and its Go is the first on the PATH.
	env = append(env, "GOENV=off", "GOWORK=off", "GOFLAGS=-buildvcs=false") // a checkout may be another user's
	for name, value := range goSettings(ctx) {
		env = append(env, name+"="+value)
	}
	return env
}

// goSettings returns those of the reader's settings of Go that stay and differ from Go's own.
func goSettings(ctx context.Context) map[string]string {
	cmd := exec.CommandContext(ctx, "go", append([]string{"env", "-changed", "-json"}, goKept...)...)
	cmd.Dir = "/" // the files of no module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=local", "GO111MODULE=on")
	var settings map[string]string
	if output, err := cmd.Output(); err == nil {
		_ = json.Unmarshal(output, &settings) // without Go there are none
	}
	return settings
}

// pipSettings returns, as variables, those of the reader's settings of pip that stay, from the variables
// and files in which this pip finds them.
func pipSettings(ctx context.Context, python string) []string {
	env := append(environment(ctx), "PIP_CONFIG_FILE="+os.DevNull)
	cmd := exec.CommandContext(ctx, python, "-I", "-m", "pip", "config", "list")
	cmd.Env = environment(ctx)
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "PIP_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	// These would choose which of the files are listed.
	cmd.Env = append(cmd.Env, "PIP_USER=0", "PIP_GLOBAL=0", "PIP_SITE=0", "PIP_REQUIRE_VIRTUALENV=0")
	output, _ := cmd.Output() // if pip cannot even read its settings, it goes without
	listed := strings.Split(string(output), "\n")
	for _, section := range []string{"global", "install", "download", ":env:"} { // later ones win
		for _, line := range listed {
			key, value, _ := strings.Cut(line, "=")
			name, ok := strings.CutPrefix(key, section+".")
			if !ok || !slices.Contains(pipKept, name) || len(value) <= 2 { // or empty
				continue
			}
			value = strings.NewReplacer(`\n`, " ", `\\`, `\`).Replace(value[1 : len(value)-1]) // as Python quotes it
			env = append(env, "PIP_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+value)
		}
	}
	return env
}

// A Setting is one of the reader's that does reach the kernel.
type Setting struct{ Name, Value, Place string }

// Reaching returns the reader's settings that reach the kernel, with the places where they are set: if a
// kernel does not work, one of them may be why.
func Reaching(ctx context.Context) []Setting {
	var settings []Setting
	for _, name := range []string{"GOMLX_BACKEND", "LD_PRELOAD", "LD_LIBRARY_PATH", "TMPDIR", "XDG_CACHE_HOME"} {
		if value := os.Getenv(name); value != "" {
			settings = append(settings, Setting{name, value, "your shell"})
		}
	}
	home := os.Getenv("HOME") // where Go keeps its caches
	if info, err := os.Stat(home); err != nil || !info.IsDir() || syscall.Access(home, 2) != nil {
		settings = append(settings, Setting{"HOME", home, "your shell"})
	}
	file := "the file of go env -w"
	if output, err := exec.CommandContext(ctx, "go", "env", "GOENV").Output(); err == nil {
		file = "the file " + strings.TrimSpace(string(output))
	}
	values := goSettings(ctx)
	for _, name := range goKept {
		if value := os.Getenv(name); value != "" {
			settings = append(settings, Setting{name, value, "your shell"})
		} else if values[name] != "" {
			settings = append(settings, Setting{name, values[name], file})
		}
	}
	return settings
}
