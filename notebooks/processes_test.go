package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/tutorial6/notebooks/setup"
)

// killable is the command with these arguments, as a process of its own that a test is going to kill.
func killable(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("this system has no setpriv, with which processes end with their parent")
	}
	cmd := exec.Command(os.Args[0], arguments...)
	cmd.Dir, cmd.Env = string(checkout(t)), append(os.Environ(), asCommand+"=1")
	return cmd
}

// asCommand is set where the tests' program is to be the command.
const asCommand = "TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestKilledRunLeavesNoProcess(t *testing.T) {
	t.Parallel()
	endless := "os.WriteFile(filepath.Join(os.Getenv(\"JUPYTER_RUNTIME_DIR\"), \"started\"), nil, 0o644)\nfor { time.Sleep(time.Second) }"
	for name, cell := range map[string]string{
		"run":   "%noautoget\n%%\n" + endless,
		"grade": strings.Replace(countSolved, "return in*out + out", endless, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temporary, err := os.MkdirTemp("", "killed") // t.TempDir's path is too long for a socket
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(temporary)
			class := t.TempDir()
			argument := handIn(t, class, "ann/exercises.ipynb", cell)
			if name == "grade" {
				argument = class
			}
			cmd := killable(t, name, "-o", t.TempDir(), argument)
			cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var started []string
			for range 2400 { // two minutes, for a busy machine
				if started, _ = filepath.Glob(filepath.Join(temporary, "*", "started")); started != nil {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if started == nil {
				t.Error("the cell did not start")
			}
			cmd.Process.Kill()
			_ = cmd.Wait()
			waitForNoProcess(t, temporary)
		})
	}
}

// So that they end when JupyterLab itself is killed.
func TestKernelsEndWithTheirJupyter(t *testing.T) {
	spec, err := os.ReadFile(filepath.Join(string(checkout(t)), ".setup", "venv", "share", "jupyter", "kernels", setup.KernelName, "kernel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kernel struct{ Argv []string }
	if err := json.Unmarshal(spec, &kernel); err != nil {
		t.Fatal(err)
	}
	if ending := setup.EndWithParent(t.Context()); len(kernel.Argv) < len(ending) || !slices.Equal(kernel.Argv[:len(ending)], ending) {
		t.Errorf("a kernel does not end with its parent: %q", kernel.Argv)
	}
}

// checkReachedByItsUserOnly looks at how the kernel with this command line is reached. A port would be open
// to all users of the machine, and what they send there can end the kernel.
func checkReachedByItsUserOnly(t *testing.T, kernel string) {
	t.Helper()
	found := regexp.MustCompile(`-kernel (\S+)`).FindStringSubmatch(kernel)
	if found == nil {
		t.Fatalf("this is no kernel: %s", kernel)
	}
	var connection struct{ Transport, IP string }
	if content, err := os.ReadFile(found[1]); err != nil {
		t.Error(err)
	} else if err := json.Unmarshal(content, &connection); err != nil {
		t.Error(err)
	}
	if connection.Transport != "ipc" {
		t.Errorf("the kernel is reached by %s", connection.Transport)
	} else if info, err := os.Stat(filepath.Dir(connection.IP)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its sockets lie in a folder that others may enter: %v (%v)", info, err)
	}
}

// waitForNoProcess waits until no process has all these texts in its command line.
func waitForNoProcess(t *testing.T, texts ...string) {
	t.Helper()
	var left []string
	for range 200 {
		if left = processes(t, texts...); left == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("these processes were left behind:\n%s", strings.Join(left, ""))
}

// processes returns the command lines of the processes that have all these texts in them.
func processes(t *testing.T, texts ...string) []string {
	t.Helper()
	output, err := exec.Command("ps", "-Awwo", "args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(output)) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}
