package setup

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The real set-up, in the checkout's own .setup, which all tests share.
func TestAll(t *testing.T) {
	checkout, err := All(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkout.Missing(t.Context()); err != nil {
		t.Errorf("after the set-up: %v", err)
	}
	var out bytes.Buffer
	if _, err := All(t.Context(), &out); err != nil || out.Len() > 0 {
		t.Errorf("the second set-up did something: %v, %q", err, out.String())
	}
	if plugin, err := Plugin(t.Context(), &out); err != nil || plugin != checkout || out.Len() > 0 {
		t.Errorf("the plugin's set-up did something: %v, %q", err, out.String())
	}
	// A part that is gone is missed. (The parts that other tests use at this moment stay in place.)
	s := kernelStep
	s.works = exists("nothing of this name")
	stamp, err := checkout.stamp(t.Context(), s)
	if err != nil || checkout.done(t.Context(), s, stamp) {
		t.Errorf("a result that is not there counts as done (%v)", err)
	}
}

func TestKernelForAnotherJupyter(t *testing.T) {
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
