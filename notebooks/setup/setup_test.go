package setup

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// setsUp is called by each test that sets something up or uses what is: for that, Python must be there.
// go test -short leaves it out.
func setsUp(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Python, so not with -short")
	}
}

// The real set-up, in the checkout's own .setup, which all tests share.
func TestAll(t *testing.T) {
	setsUp(t)
	checkout, err := All(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkout.Missing(t.Context()); err != nil {
		t.Errorf("after the set-up: %v", err)
	}
	var out bytes.Buffer
	if err := checkout.install(t.Context(), &out, allSteps...); err != nil || out.Len() > 0 {
		t.Errorf("the second set-up did something: %v, %q", err, out.String())
	}
	if plugin, err := Plugin(t.Context(), &out); err != nil || plugin != checkout || out.Len() > 0 {
		t.Errorf("the plugin's set-up did something: %v, %q", err, out.String())
	}
	// A part that is gone is missed. (The parts that other tests use at this moment stay in place.)
	s := kernelStep
	s.fault = exists("nothing of this name")
	stamp, err := checkout.stamp(t.Context(), s)
	if err != nil || checkout.done(t.Context(), s, stamp) == nil {
		t.Errorf("a result that is not there counts as done (%v)", err)
	}
}

func TestKernelForAnotherJupyter(t *testing.T) {
	setsUp(t)
	data := t.TempDir()
	checkout, err := Here()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := Kernel(t.Context(), os.Stderr, data)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(data, "kernels", KernelName); folder != want {
		t.Errorf("the kernel is in %s, not in %s", folder, want)
	}
	content, err := os.ReadFile(filepath.Join(folder, "kernel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Argv          []string
		Language      string
		InterruptMode string `json:"interrupt_mode"`
		Env           map[string]string
	}
	if err := json.Unmarshal(content, &spec); err != nil {
		t.Fatal(err)
	}
	for _, argument := range []string{checkout.path("bin", "gonb"), "{connection_file}", "-go_work=" + string(checkout), "-raw_error=true"} {
		if !slices.Contains(spec.Argv, argument) {
			t.Errorf("the kernel is not started with %s: %q", argument, spec.Argv)
		}
	}
	if spec.Language != "go" || spec.InterruptMode != "message" {
		t.Errorf("the kernel's language is %q, its interrupt mode %q", spec.Language, spec.InterruptMode)
	}
	if !strings.HasPrefix(spec.Env["PATH"], checkout.path("bin")+":") || !strings.HasSuffix(spec.Env["PATH"], ":${PATH}") {
		t.Errorf("the kernel's PATH is %s", spec.Env["PATH"])
	}
	if _, err := os.Stat(filepath.Join(spec.Env["PJRT_PLUGIN_LIBRARY_PATH"], pluginFile)); err != nil {
		t.Error(err)
	}
}

func TestLockFilesNameNoServer(t *testing.T) {
	for name, lock := range map[string]string{"requirements.txt": jupyterLock, "plugin.txt": pluginLock} {
		if strings.Contains(lock, "://") || strings.Contains(lock, "--index-url") {
			t.Errorf("%s names a server: the reader's own settings should choose it", name)
		}
		for requirement := range strings.SplitSeq(strings.ReplaceAll(lock, "\\\n", ""), "\n") {
			if requirement == "" || strings.HasPrefix(requirement, "#") {
				continue
			}
			if !strings.Contains(requirement, "==") || !strings.Contains(requirement, "--hash=sha256:") {
				t.Errorf("%s: not locked: %s", name, requirement)
			}
		}
	}
}

// Where a package is wanted with an extra, the lock names it with that extra: from the day on which a newer version of the
// package appears, pip 23, which Python 3.11 brings, would want a hash of that version.
func TestLockNamesExtras(t *testing.T) {
	setsUp(t)
	checkout, err := All(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(checkout.Python(), "-I", "-c", `
import importlib.metadata, packaging.requirements
for package in importlib.metadata.distributions():
	for wanted in map(packaging.requirements.Requirement, package.requires or []):
		if wanted.extras and (not wanted.marker or wanted.marker.evaluate({"extra": ""})):
			print(wanted.name + "[" + ",".join(sorted(wanted.extras)) + "]==")`)
	output, err := cmd.Output()
	wanted := strings.Fields(string(output))
	if err != nil || len(wanted) == 0 {
		t.Fatalf("packages are wanted with the extras %q (%v)", wanted, err)
	}
	for _, name := range wanted {
		if !strings.Contains("\n"+jupyterLock, "\n"+name) {
			t.Errorf("requirements.txt does not lock %s", name)
		}
	}
}

// The image sets up before most of the checkout is there: what the command is built of has to be.
func TestImageHasWhatTheSetUpIsBuiltOf(t *testing.T) {
	checkout, err := Here()
	if err != nil {
		t.Fatal(err)
	}
	dockerfile, err := os.ReadFile(filepath.Join(string(checkout), "docker", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(dockerfile), "go run ./notebooks setup")
	if !found {
		t.Fatal("the image sets nothing up")
	}
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}", "./notebooks")
	cmd.Dir, cmd.Env = string(checkout), environment(t.Context())
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	folders := strings.Fields(string(output))
	if len(folders) < 2 {
		t.Errorf("the command is built of %q alone", folders)
	}
	for _, folder := range folders {
		relative, err := filepath.Rel(string(checkout), folder)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(before, "COPY "+relative+" ") && !strings.Contains(before, "COPY "+relative+"/*.go ") {
			t.Errorf("%s is not copied before the set-up", relative)
		}
	}
}

// The test of the images executes programs that it keeps in a folder whose name is known.
func TestImagesAreTestedInAFolderOfOnesOwn(t *testing.T) {
	checkout, err := Here()
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{"docker": "exit 0"} // it goes no further than to the name of the test
	for _, name := range []string{"bash", "dirname", "uname", "sed", "mkdir"} {
		programs[name] = ""
	}
	pathWith(t, programs)
	t.Setenv("TMPDIR", t.TempDir())
	work := filepath.Join(os.TempDir(), "tutorial6-images")
	expect := func(want string) {
		t.Helper()
		output, err := exec.Command(filepath.Join(string(checkout), "docker", "test"), "nothing").CombinedOutput()
		if err == nil || !strings.Contains(string(output), want) {
			t.Errorf("it says %s (%v), want %s", output, err, want)
		}
	}
	expect("there is no test nothing")
	if err := os.Rename(work, work+"-elsewhere"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(work+"-elsewhere", work); err != nil {
		t.Fatal(err)
	}
	expect("another user's, or a link: set TMPDIR")
	if os.Getuid() != 0 {
		t.Skip("the rest needs a folder of another user, which only root can make")
	}
	err = os.Remove(work)
	if err == nil {
		err = os.Mkdir(work, 0o777)
	}
	if err == nil {
		err = os.Chown(work, 65534, 65534)
	}
	if err != nil {
		t.Fatal(err)
	}
	expect("another user's, or a link: set TMPDIR")
}

// Git on Windows gives files other line ends, with which the image's scripts do not start.
func TestCloneWithWindowsLineEnds(t *testing.T) {
	checkout, err := Here()
	if err != nil {
		t.Fatal(err)
	}
	files, err := exec.Command("git", "-C", string(checkout), "ls-files", "docker", ".ci", ".gitattributes").Output()
	if err != nil {
		t.Skip("this is no clone: ", err)
	}
	clone := t.TempDir()
	args := append([]string{"-C", string(checkout), "-c", "core.autocrlf=true", "checkout-index", "--prefix=" + clone + "/", "--"}, strings.Fields(string(files))...)
	if output, err := exec.Command("git", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, file := range strings.Fields(string(files)) {
		if content, err := os.ReadFile(filepath.Join(clone, file)); err != nil || bytes.Contains(content, []byte("\r\n")) {
			t.Errorf("%s has Windows line ends (%v)", file, err)
		}
	}
}

// A reader may export a notebook as a script, which lands beside the launcher's own files.
func TestExportedScript(t *testing.T) {
	setsUp(t)
	checkout, err := All(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":  "module launcher\n\ngo 1.26\n",
		"main.go": "package main\n\nfunc main() { println(\"the launcher\") }\n",
		"tutorial.ipynb": `{"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": "go", "file_extension": ".go"}}, "cells": [
			{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Title"},
			{"cell_type": "code", "id": "b", "metadata": {}, "execution_count": null, "outputs": [], "source": "%noautoget\nimport \"strings\"\n\nfunc f() string { return strings.ToUpper(\"a\") }\n\n%%\nx := f()\nprint(x)"},
			{"cell_type": "code", "id": "c", "metadata": {}, "execution_count": null, "outputs": [], "source": "import (\n\t\"strings\"\n)\n\n%%\nx := strings.ToUpper(\"b\")\nprint(x)"}]}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = folder, environment(t.Context())
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, output)
		}
		return string(output)
	}
	run(checkout.path("venv", "bin", "jupyter"), "nbconvert", "--to", "script", "tutorial.ipynb")
	if printed := run("go", "run", "."); printed != "the launcher\n" {
		t.Errorf("beside an exported script, the launcher prints %q", printed)
	}
	if printed := run("go", "run", "tutorial.go"); printed != "AB" {
		t.Errorf("the script prints %q", printed)
	}
	names, err := filepath.Glob(filepath.Join(checkout.Notebooks(), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range names {
		if name := filepath.Base(path); !strings.HasSuffix(name, "_test.go") && !strings.Contains(jupyterSettings["etc/jupyter/jupyter_server_config.json"], strconv.Quote(name)) {
			t.Errorf("the file browser shows %s", name)
		}
	}
}
