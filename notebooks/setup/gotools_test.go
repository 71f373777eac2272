package setup

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A kernel that crashes does not end gopls itself.
func TestGoplsEndsWithItsKernel(t *testing.T) {
	setsUp(t)
	if EndWithParent(t.Context()) == nil {
		t.Skip("this system has no setpriv, with which processes end with their parent")
	}
	checkout := Checkout(t.TempDir())
	for path, script := range map[string]string{
		checkout.path("gopls", "gopls"): "#!/bin/sh\necho $$ >" + quote(pidFile(checkout)+".new") + "; mv " + quote(pidFile(checkout)+".new") + " " + quote(pidFile(checkout)) + "\nexec sleep 600\n",
		checkout.path("bin", "gopls"):   checkout.goplsWrapper(t.Context()),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	kernel := exec.Command("sh", "-c", `"$0" & wait`, checkout.path("bin", "gopls"))
	if err := kernel.Start(); err != nil {
		t.Fatal(err)
	}
	pid := startedPid(t, checkout)
	kernel.Process.Kill()
	_ = kernel.Wait()
	waitForEnd(t, pid)
}
