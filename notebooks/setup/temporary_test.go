package setup

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	folder, err := NewTemporaryFolder()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(folder.Path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may enter it: %v (%v)", info, err)
	}
	if other, err := NewTemporaryFolder(); err != nil {
		t.Error(err)
	} else if other.Remove(); !there(folder.Path) {
		t.Error("a second command removes the folder of one that runs")
	}
	folder.Remove()
	if there(folder.Path) {
		t.Error("it was not removed")
	}

	// The operating system takes no long path for a socket.
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	if folder, err = NewTemporaryFolder(); err != nil || folder.Transport() != "tcp" {
		t.Errorf("in a folder with a long path, the transport is %s (%v)", folder.Transport(), err)
	}
	t.Setenv("TMPDIR", "/dev/null/nowhere")
	_, err = NewTemporaryFolder()
	says(t, err, "/dev/null/nowhere", "set TMPDIR")
	t.Setenv("TMPDIR", "/tmp")
	if folder, err = NewTemporaryFolder(); err != nil || folder.Transport() != "ipc" {
		t.Fatalf("in /tmp, the transport is %s (%v)", folder.Transport(), err)
	}
	folder.Remove()

	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", ".") // Jupyter has another working directory
	if folder, err = NewTemporaryFolder(); err != nil || !filepath.IsAbs(folder.Path) {
		t.Errorf("the folder's path is %v (%v)", folder, err)
	}
}

// Other users, too, can put what they like into the folder for temporary files.
func TestPipeAmongTheTemporaryFolders(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	if err := syscall.Mkfifo(filepath.Join(os.TempDir(), temporaryName+"1"), 0o666); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(os.TempDir(), temporaryName+"2")); err != nil {
		t.Fatal(err)
	}
	made := make(chan error, 1)
	go func() {
		folder, err := NewTemporaryFolder()
		if err == nil {
			folder.Remove()
		}
		made <- err
	}()
	select {
	case err := <-made:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits for somebody who writes to the pipe")
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 2 {
		t.Errorf("what is no folder of a command did not stay: %v (%v)", left, err)
	}
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// The test below starts this one in a process of its own, and kills it.
func TestCommandToBeKilled(t *testing.T) {
	if os.Getenv("TUTORIAL6_TEST_CHILD") == "" {
		t.Skip("only another test runs this one")
	}
	folder, err := NewTemporaryFolder()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("cat")
	child.Stdin, child.ExtraFiles = os.Stdin, []*os.File{folder.Held}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("started\n")
	select {}
}

// What a killed command could not remove, the next one does, once the Jupyter that it started has ended.
func TestFolderOfAKilledCommand(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	other := filepath.Join(os.TempDir(), "tutorial6-of-another-tool")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCommandToBeKilled$")
	cmd.Env = append(os.Environ(), "TUTORIAL6_TEST_CHILD=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), temporaryName+"*"))
	if err != nil || len(left) != 1 {
		t.Fatalf("the command has the folders %v (%v)", left, err)
	}
	cmd.Process.Kill()
	next := func() {
		t.Helper()
		folder, err := NewTemporaryFolder()
		if err != nil {
			t.Fatal(err)
		}
		folder.Remove()
	}
	if next(); !there(left[0]) {
		t.Error("the folder of a Jupyter that still runs was removed")
	}
	stdin.Close() // which ends the child
	_ = cmd.Wait()
	for range 200 {
		if next(); !there(left[0]) {
			break
		}
	}
	if there(left[0]) {
		t.Error("the folder of a killed command stays")
	}
	if !there(other) {
		t.Error("a folder of another tool was removed")
	}
}

// The test below starts this one where no program in the folder for temporary files can be run.
func TestWhereNoProgramRuns(t *testing.T) {
	if os.Getenv("TUTORIAL6_TEST_NOEXEC") == "" {
		t.Skip("only another test runs this one")
	}
	_, err := NewTemporaryFolder()
	says(t, err, "programs in "+os.TempDir()+" cannot be run", "set TMPDIR")
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}

func TestFolderWhereNoProgramRuns(t *testing.T) {
	mounted(t, "noexec", "TestWhereNoProgramRuns", "TUTORIAL6_TEST_NOEXEC=1")
}

// mounted runs one test in a process of its own, whose folder for temporary files is a file system with
// these options.
func mounted(t *testing.T, options, test string, env ...string) {
	t.Helper()
	folder := t.TempDir()
	words := []string{"--map-root-user", "--mount", "sh", "-c", `mount -t tmpfs -o "$0" tmpfs "$1" && TMPDIR=$1 exec "$2" -test.v -test.run="^$3\$"`,
		options, folder, os.Args[0], test}
	if err := exec.Command("unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", folder).Run(); err != nil {
		t.Skip("this system lets nobody but root mount a file system: ", err)
	}
	cmd := exec.Command("unshare", words...)
	cmd.Env = append(os.Environ(), env...)
	if output, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS: "+test) {
		t.Errorf("%v: %s", err, output)
	}
}

// The test below starts this one with a checkout on a disk that is read-only.
func TestInAReadOnlyCheckout(t *testing.T) {
	if os.Getenv("TUTORIAL6_TEST_READONLY") == "" {
		t.Skip("only another test runs this one")
	}
	checkout := Checkout(filepath.Join(os.TempDir(), "checkout"))
	if err := os.MkdirAll(checkout.path("jupyter"), 0o755); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("mount", "-o", "remount,ro", os.TempDir()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	log, err := checkout.JupyterLog(8888)
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	if !strings.HasPrefix(log.Name(), os.Getenv("XDG_CACHE_HOME")) {
		t.Errorf("Jupyter writes to %s", log.Name())
	}
}

// Without a home, Jupyter's folder lies in /tmp, where another user may have made it before, with settings that Jupyter executes.
func TestJupytersFolderIsNoOtherUsers(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, "")
	}
	t.Setenv("TMPDIR", t.TempDir())
	checkout := Checkout("/dev/null/checkout") // nothing can be kept there
	folder := filepath.Join(os.TempDir(), "tutorial6-"+strconv.Itoa(os.Getuid()))
	isSet := func() bool {
		return slices.Contains(checkout.JupyterEnv(t.Context()), "JUPYTER_CONFIG_DIR="+filepath.Join(folder, "config"))
	}
	log, err := checkout.JupyterLog(8888)
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	if filepath.Dir(log.Name()) != folder || !isSet() {
		t.Errorf("Jupyter's log is %s, want it in %s", log.Name(), folder)
	}
	if os.Getuid() != 0 {
		t.Skip("the rest needs a folder of another user, which only root can make")
	}
	if err := os.Chown(folder, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	_, err = checkout.JupyterLog(8888)
	says(t, err, folder, "it is another user's", "set XDG_CACHE_HOME")
	if isSet() {
		t.Error("Jupyter takes its settings from another user")
	}
}

func TestCheckoutOnAReadOnlyDisk(t *testing.T) {
	mounted(t, "size=1m", "TestInAReadOnlyCheckout", "TUTORIAL6_TEST_READONLY=1", "XDG_CACHE_HOME="+t.TempDir())
}
