package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSocketFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	sockets, err := NewSocketFolder()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(string(sockets)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may enter it: %v (%v)", info, err)
	}
	sockets.Remove()
	if _, err := os.Stat(string(sockets)); err == nil {
		t.Error("it was not removed")
	}
	// The operating system takes no long path for a socket.
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	if sockets, err = NewSocketFolder(); err != nil || sockets.Transport() != "tcp" {
		t.Errorf("in a folder with a long path, the transport is %s (%v)", sockets.Transport(), err)
	}
	t.Setenv("TMPDIR", "/dev/null/nowhere")
	_, err = NewSocketFolder()
	says(t, err, "/dev/null/nowhere", "set TMPDIR")
	t.Setenv("TMPDIR", "/tmp")
	if sockets, err = NewSocketFolder(); err != nil || sockets.Transport() != "ipc" {
		t.Errorf("in /tmp, the transport is %s (%v)", sockets.Transport(), err)
	}
	sockets.Remove()
}
