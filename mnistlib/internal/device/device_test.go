package device

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/go-xla/pjrt"
)

// A plugin is executed when it is loaded: it must not be that of whoever got a file into a folder above.
func TestWhosePluginIsLoaded(t *testing.T) {
	t.Setenv(pjrt.PJRTPluginPathsEnv, "")
	os.Unsetenv(pjrt.PJRTPluginPathsEnv)
	above := t.TempDir()
	checkout := filepath.Join(above, "checkout")
	inside := filepath.Join(checkout, "try")
	write := func(path string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	plugin := func(folder string) string {
		return filepath.Join(folder, ".setup", "plugin", "pjrt_c_api_cpu_plugin.so")
	}
	finds := func(want string) {
		t.Helper()
		if found, err := cpuPlugin(); err != nil || found != want {
			t.Errorf("the plugin is %q (%v), want %q", found, err, want)
		}
	}
	write(plugin(above))
	write(filepath.Join(inside, "main.go"))
	t.Chdir(inside)
	finds("") // this is no checkout
	write(filepath.Join(checkout, "go.mod"))
	finds("") // nothing is set up in this one
	write(plugin(checkout))
	finds(plugin(checkout))

	if os.Getuid() != 0 {
		t.Skip("the rest needs files of another user, which only root can make")
	}
	const another = 65534
	for _, path := range []string{plugin(checkout), filepath.Join(checkout, ".setup")} {
		if err := os.Lchown(path, another, another); err != nil {
			t.Fatal(err)
		}
		if found, err := cpuPlugin(); err == nil || !strings.Contains(err.Error(), "is another user's") {
			t.Errorf("%s is another user's, and the plugin %q (%v)", path, found, err)
		}
		t.Setenv(pjrt.PJRTPluginPathsEnv, filepath.Dir(plugin(checkout)))
		finds(plugin(checkout)) // which was named
		os.Unsetenv(pjrt.PJRTPluginPathsEnv)
		if err := os.Lchown(path, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	finds(plugin(checkout))
}
