package setup

import (
	"archive/zip"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// By these files, lists of what is installed know XLA, and a reader its licence.
func TestPluginKeepsWhatItsPackageSaysOfItself(t *testing.T) {
	pack := func(names ...string) string {
		file, err := os.Create(filepath.Join(t.TempDir(), "xla-1.whl"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		wheel := zip.NewWriter(file)
		for _, name := range names {
			if w, err := wheel.Create(name); err != nil {
				t.Fatal(err)
			} else if _, err := w.Write([]byte(name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := wheel.Close(); err != nil {
			t.Fatal(err)
		}
		return file.Name()
	}
	folder := t.TempDir()
	if err := extract(pack("xla/__init__.py", "xla/plugin.so", "xla-1.dist-info/METADATA", "xla-1.dist-info/licenses/LICENSE"), folder, pluginFile); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{pluginFile: "xla/plugin.so", "xla-1.dist-info/METADATA": "xla-1.dist-info/METADATA",
		"xla-1.dist-info/licenses/LICENSE": "xla-1.dist-info/licenses/LICENSE"} {
		if content, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(content) != want {
			t.Errorf("%s holds %q (%v)", name, content, err)
		}
	}
	if names, _ := os.ReadDir(folder); len(names) != 2 {
		t.Errorf("there is more than that: %v", names)
	}
	says(t, extract(pack("xla/__init__.py"), t.TempDir(), pluginFile), "holds 0 shared libraries")
}

// Who sets up with a umask of 077 closes the folder to all others. Another set-up would not open it to them.
func TestSetUpThatIsClosedToTheReader(t *testing.T) {
	checkout := Checkout(t.TempDir())
	if err := os.Mkdir(checkout.path(), 0o000); err != nil {
		t.Fatal(err)
	}
	missing := make(chan error)
	go func() {
		if os.Getuid() == 0 { // for root, nothing is closed
			runtime.LockOSThread() // which ends with this goroutine
			if err := syscall.Setfsuid(65534); err != nil {
				t.Error(err)
			}
		}
		missing <- checkout.Missing(t.Context())
	}()
	says(t, <-missing, "permission denied: make the folder .setup writable, or delete it", "if it is another user's, clone the repository for yourself")
}
