package setup

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// says fails the test unless the error is one sentence with all these parts.
func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, where one with %q was expected", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is more than a sentence: %v", err)
	}
}

// pathWith sets a PATH that holds only these programs: real ones by name, or scripts.
func pathWith(t *testing.T, programs map[string]string) {
	t.Helper()
	folder := t.TempDir()
	for name, script := range programs {
		path := filepath.Join(folder, name)
		var err error
		if script == "" {
			var real string
			if real, err = exec.LookPath(name); err == nil {
				// A link to go would not find its own libraries: it looks beside the link.
				err = os.WriteFile(path, []byte("#!/bin/sh\nexec '"+real+"' \"$@\"\n"), 0o755)
			}
		} else {
			err = os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", folder)
}

func TestWhatTheMachineLacks(t *testing.T) {
	for _, test := range []struct {
		name     string
		need     func(context.Context) (string, error)
		programs map[string]string
		says     []string
	}{
		{"no Go", findGo, nil, []string{"no Go was found", "https://go.dev/dl"}},
		{"a Go that is too old", findGo, map[string]string{"go": "echo 'go: go.mod requires go >= 1.26.0 (running go 1.20)' >&2; exit 1"},
			[]string{"running go 1.20", "https://go.dev/dl"}},
		{"no Python", findPython, nil, []string{"no Python was found", "apt install python3-venv", "brew install python"}},
		{"a Python that is too old", findPython, map[string]string{"python3": "echo old >&2; exit 1"},
			[]string{"older than Python 3.10", "apt install python3-venv"}},
		{"no venv module", findPython, map[string]string{"python3": "echo no venv >&2; exit 1"},
			[]string{"lacks the venv module", "apt install python3-venv"}},
		{"a Python that does not run", findPython, map[string]string{"python3": "exit 127"}, []string{"does not run", "exit status 127"}},
		{"no C compiler", findCompiler, map[string]string{"go": ""}, []string{"no C compiler", "apt install gcc libc6-dev", "xcode-select --install"}},
		{"a C compiler without headers", findCompiler, map[string]string{"go": "", "gcc": "exit 1", "cc": "exit 1", "clang": "exit 1"},
			[]string{"cannot compile", "apt install gcc libc6-dev"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pathWith(t, test.programs)
			_, err := test.need(t.Context())
			says(t, err, test.says...)
		})
	}
	t.Run("the set-up says it before it begins", func(t *testing.T) {
		pathWith(t, map[string]string{"go": ""})
		checkout := Checkout(t.TempDir())
		says(t, checkout.install(t.Context(), io.Discard, pluginStep), "no Python was found")
		if _, err := os.Stat(checkout.path()); err == nil {
			t.Error("it began nevertheless")
		}
	})
}

// The scripts above stand for Pythons that this machine does not have; this is the real test's other half.
func TestNewerPythonIsFoundBesideAnOldOne(t *testing.T) {
	setsUp(t)
	python, err := findPython(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pathWith(t, map[string]string{"python3": "echo old >&2; exit 1", "python3.12": "exec '" + python + "' \"$@\""})
	if found, err := findPython(t.Context()); err != nil || found == "" {
		t.Errorf("beside an old python3, python3.12 was not found: %v", err)
	}
}

func TestNoNetwork(t *testing.T) {
	setsUp(t)
	const nobody = "http://127.0.0.1:1" // a port at which nothing answers
	t.Run("for the plugin", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("elsewhere go-xla downloads the plugin from an address of its own")
		}
		t.Setenv("PIP_INDEX_URL", nobody)
		t.Setenv("PIP_RETRIES", "0")
		t.Setenv("PIP_NO_CACHE_DIR", "1")
		checkout := Checkout(t.TempDir())
		says(t, checkout.install(t.Context(), io.Discard, pluginStep), "XLA's CPU plugin", "check the network", "run the command again", checkout.path("logs", "plugin.log"))
		if _, err := os.Stat(checkout.path("plugin")); err == nil {
			t.Error("a plugin was left")
		}
	})
	t.Run("for GoNB", func(t *testing.T) {
		real, err := Here()
		if err != nil {
			t.Fatal(err)
		}
		checkout := Checkout(t.TempDir())
		for _, name := range []string{"go.mod", "go.sum"} {
			content, err := os.ReadFile(filepath.Join(string(real), name))
			if err == nil {
				err = os.WriteFile(filepath.Join(string(checkout), name), content, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("GOPROXY", nobody)
		t.Setenv("GOMODCACHE", t.TempDir())
		says(t, checkout.install(t.Context(), io.Discard, gonbStep), "GoNB", "check the network")
	})
}

func TestDownloadThatIsNotTheLockedOne(t *testing.T) {
	setsUp(t)
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the wheel made here is one for Linux on x86-64")
	}
	shop := t.TempDir()
	name := strings.Fields(pluginLock)[0]
	name, version, _ := strings.Cut(name, "==")
	name = strings.ReplaceAll(name, "-", "_")
	file, err := os.Create(filepath.Join(shop, name+"-"+version+"-py3-none-any.whl"))
	if err != nil {
		t.Fatal(err)
	}
	wheel := zip.NewWriter(file)
	info := name + "-" + version + ".dist-info/"
	for member, content := range map[string]string{
		info + "METADATA": "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n",
		info + "WHEEL":    "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":   "",
		"evil.so":         "not the plugin",
	} {
		w, err := wheel.Create(member)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := wheel.Close(); err != nil {
		t.Fatal(err)
	}
	file.Close()
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", shop)
	t.Setenv("PIP_NO_CACHE_DIR", "1")
	checkout := Checkout(t.TempDir())
	says(t, checkout.install(t.Context(), io.Discard, pluginStep), "differs from its locked hash")
	if _, err := os.Stat(checkout.path("plugin")); err == nil {
		t.Error("it was installed nevertheless")
	}
}

// The test below starts this one on a small disk.
func TestSetUpOnASmallDisk(t *testing.T) {
	if os.Getenv("TUTORIAL6_TEST_DISK") == "" {
		t.Skip("only another test runs this one")
	}
	s := step{
		name: "thing", title: "A thing",
		inputs: func(context.Context, Checkout) ([]string, error) { return nil, nil },
		fault:  exists("thing"),
		do: func(ctx context.Context, _ Checkout, run *runner) error {
			return run.run(ctx, run.tmp, nil, "sh", "-c", "cat /dev/zero >large 2>/dev/null") // Python's venv module says no more
		},
	}
	says(t, Checkout(t.TempDir()).install(t.Context(), io.Discard, s), "the disk is full")
}

func TestFullDiskOfWhichNothingIsSaid(t *testing.T) {
	setsUp(t)
	mounted(t, "size=3m", "TestSetUpOnASmallDisk", "TUTORIAL6_TEST_DISK=1")
}

func TestFullDisk(t *testing.T) {
	setsUp(t)
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("/dev/full stands for a full disk, and is not there")
	}
	checkout := Checkout(t.TempDir())
	s := step{
		name: "thing", title: "A thing",
		inputs: func(context.Context, Checkout) ([]string, error) { return nil, nil },
		fault:  exists("thing"),
	}
	s.do = func(context.Context, Checkout, *runner) error { return os.WriteFile("/dev/full", []byte("x"), 0o644) }
	says(t, checkout.install(t.Context(), io.Discard, s), "the disk is full", "free 3 GB")
	// A program that the set-up runs meets it.
	s.do = func(ctx context.Context, c Checkout, run *runner) error {
		return run.run(ctx, string(c), []string{"LC_ALL=C"}, "sh", "-c", "cat /dev/zero > /dev/full")
	}
	says(t, checkout.install(t.Context(), io.Discard, s), "the disk is full", "free 3 GB")
}

func TestCheckoutThatCannotBeWritten(t *testing.T) {
	for _, cause := range []error{syscall.EACCES, syscall.EROFS} {
		err := explain("A thing", &os.PathError{Op: "mkdir", Path: "/somewhere/.setup", Err: cause}, nil, "")
		says(t, err, "A thing: mkdir /somewhere/.setup", "make the folder .setup writable", "clone the repository for yourself")
	}
}

func TestFailureWithoutOutput(t *testing.T) {
	if err := explain("A thing", errors.New("it is away"), nil, ""); err.Error() != "A thing failed: it is away" {
		t.Errorf("it says %q", err)
	}
}

func TestOtherFailuresNameTheLog(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	s := step{
		name: "thing", title: "A thing",
		inputs: func(context.Context, Checkout) ([]string, error) { return nil, nil },
		fault:  exists("thing"),
		do: func(ctx context.Context, c Checkout, run *runner) error {
			return run.run(ctx, string(c), nil, "sh", "-c", "echo first; echo last; exit 3")
		},
	}
	log := checkout.path("logs", "thing.log")
	says(t, checkout.install(t.Context(), io.Discard, s), "exit status 3: last", log)
	if content, _ := os.ReadFile(log); !strings.Contains(string(content), "first\nlast\n") {
		t.Errorf("the log holds %q", content)
	}
}

func TestOutsideACheckout(t *testing.T) {
	t.Chdir("/")
	_, err := Here()
	says(t, err, "inside a clone of the repository")
}
