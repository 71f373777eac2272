package setup

import (
	"archive/zip"
	"os"
	"path/filepath"
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
