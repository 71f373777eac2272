package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// A Need is a program that the machine must have before anything can be set up.
type Need struct {
	Name string
	// Find returns where the program is, or an error that says how to install it.
	Find func(ctx context.Context) (string, error)
}

// Needs are all that a machine must have.
var Needs = []Need{{"Go", findGo}, {"Python", findPython}, {"C compiler", findCompiler}}

func findGo(ctx context.Context) (string, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return "", errors.New("no Go was found on the PATH: install Go 1.26.5 or newer (https://go.dev/dl) and add its bin folder to the PATH")
	}
	// In the checkout, so that a Go that is older than go.mod asks for says so.
	cmd := exec.CommandContext(ctx, path, "env", "GOVERSION")
	cmd.Env = environment(ctx)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s does not serve this checkout (%s): install Go 1.26.5 or newer (https://go.dev/dl)", path, firstLine(output))
	}
	return path + ", " + firstLine(output), nil
}

// findPython returns a Python of at least version 3.10 that can make virtual environments.
func findPython(ctx context.Context) (string, error) {
	const install = "Debian, Ubuntu: apt install python3-venv; Fedora: dnf install python3; macOS: brew install python"
	const test = `import sys
if sys.version_info < (3, 10): sys.exit("old")
try:
    import ensurepip, venv
except ImportError: sys.exit("no venv")
print(sys.executable)`
	fault := "no Python was found on the PATH"
	for _, name := range []string{"python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, path, "-I", "-c", test)
		cmd.Env = environment(ctx)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		output, err := cmd.Output()
		if err == nil {
			return strings.TrimSpace(string(output)), nil
		}
		switch firstLine(stderr.Bytes()) {
		case "old":
			fault = path + " is older than Python 3.10"
		case "no venv":
			fault = path + " lacks the venv module"
		default:
			fault = fmt.Sprintf("%s does not run (%v)", path, err)
		}
	}
	return "", fmt.Errorf("%s: install Python 3.10 or newer with venv (%s)", fault, install)
}

// findCompiler returns the C compiler that cgo uses: go-xla calls the plugin through C.
func findCompiler(ctx context.Context) (string, error) {
	const install = "Debian, Ubuntu: apt install gcc libc6-dev; Fedora: dnf install gcc; macOS: xcode-select --install"
	cc, err := goEnv(ctx, "CC")
	if err != nil {
		return "", err
	}
	command := strings.Fields(cc) // CC may carry flags
	if len(command) == 0 {
		command = []string{"cc"}
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return "", fmt.Errorf("no C compiler was found (%s), and go-xla needs one: %sinstall it (%s)", command[0], without(ctx, "CC"), install)
	}
	cmd := exec.CommandContext(ctx, path, append(command[1:], "-E", "-x", "c", "-")...)
	cmd.Stdin = strings.NewReader("#include <stdlib.h>\n")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the C compiler %s cannot compile a program (%v) %s: %sinstall it with its headers (%s)", path, err,
			lastLine(output), without(ctx, "CC", "LD_PRELOAD", "LD_LIBRARY_PATH"), install)
	}
	return path, nil
}

// without advises to try without those of the named settings that the reader has set, and says where they are set.
func without(ctx context.Context, names ...string) string {
	var set []string
	for _, s := range Reaching(ctx) {
		if slices.Contains(names, s.Name) {
			set = append(set, fmt.Sprintf("%s=%s, set in %s", s.Name, s.Value, s.Place))
		}
	}
	if set == nil {
		return ""
	}
	return "try without " + strings.Join(set, "; ") + ", or "
}

// goEnv returns one of Go's own settings.
func goEnv(ctx context.Context, name string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", name)
	cmd.Env = environment(ctx)
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go env %s failed (%w): check the installation of Go", name, err)
	}
	return strings.TrimSpace(string(output)), nil
}

func firstLine(output []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	return line
}
