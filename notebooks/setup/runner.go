package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A runner runs the commands of one step and keeps what they print in the step's log.
type runner struct {
	log *os.File
	tmp string // an empty folder for the step, on the same disk as its result
}

func newRunner(c Checkout, name string) (*runner, error) {
	for _, dir := range []string{c.path("logs"), c.path("tmp")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	// What a killed set-up left goes, as far as it can: where its commands cannot be ended with it, one may
	// still be writing there, so this one's folder is another.
	left, err := Glob(c.path("tmp"), name+"-*")
	if err != nil {
		return nil, err
	}
	for _, folder := range left {
		_ = os.RemoveAll(folder)
	}
	tmp, err := os.MkdirTemp(c.path("tmp"), name+"-")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(c.path("logs", name+".log"))
	if err != nil {
		os.RemoveAll(tmp)
		return nil, err
	}
	return &runner{log, tmp}, nil
}

// close removes the step's temporary folder.
func (r *runner) close() {
	r.log.Close()
	os.RemoveAll(r.tmp)
}

// run runs a command, and keeps what it prints.
func (r *runner) run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	fmt.Fprintln(r.log, "$", name, strings.Join(args, " "))
	cmd := command(ctx, dir, env, name, args...)
	cmd.Stdout, cmd.Stderr = r.log, r.log
	return cmd.Run()
}

func (r *runner) path() string {
	if r == nil {
		return ""
	}
	return r.log.Name()
}

// output returns what the commands have printed.
func (r *runner) output() []byte {
	if r == nil {
		return nil
	}
	output, _ := os.ReadFile(r.log.Name())
	return output
}

// explain turns the failure of a step into one sentence: the cause and what to do about it.
func explain(title string, err error, output []byte, log string) error {
	says := func(texts ...string) bool {
		for _, text := range texts {
			if bytes.Contains(output, []byte(text)) {
				return true
			}
		}
		return false
	}
	details := ""
	if log != "" {
		details = "; details: " + log
	}
	switch {
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || says("No space left on device", "no space left on device", "Disk quota exceeded", "disk quota exceeded") || log != "" && full(filepath.Dir(log)):
		return fmt.Errorf("%s: the disk is full: free 3 GB and run the command again", title)
	case errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s: %v: make the folder .setup writable, or delete it, and run the command again; if it is another user's, clone the repository for yourself", title, err)
	case says("failed to map segment from shared object"):
		return fmt.Errorf("%s: programs on the disk of the checkout cannot be run: move the checkout to another disk, and run the command there%s", title, details)
	case says("THESE PACKAGES DO NOT MATCH THE HASHES", "SECURITY ERROR"):
		return fmt.Errorf("%s: a download differs from its locked hash, so it was refused: try another network%s", title, details)
	case says("No matching distribution found") && !says("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError"):
		return fmt.Errorf("%s: a locked package does not exist for this Python or machine: use CPython 3.10 to 3.14 on Linux x86-64, Linux arm64 or macOS arm64%s", title, details)
	case says("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ReadTimeoutError", "ProxyError", "Connection aborted",
		"dial tcp", "no such host", "i/o timeout", "TLS handshake timeout", "connection refused", "proxyconnect", "module lookup disabled by GOPROXY=off"):
		return fmt.Errorf("%s: a download failed: check the network (and the proxy, if there is one) and run the command again%s", title, details)
	case log == "" && len(output) == 0:
		return fmt.Errorf("%s failed: %w", title, err)
	case log == "":
		return fmt.Errorf("%s failed (%w): %s", title, err, firstError(output))
	}
	return fmt.Errorf("%s failed (%w: %s): the whole output is in %s", title, err, lastLine(output), filepath.Clean(log))
}

// full tells whether next to nothing can be written to the folder: not every program says that this is why it failed.
func full(folder string) bool {
	var disk syscall.Statfs_t
	return syscall.Statfs(folder, &disk) == nil && disk.Bavail*uint64(disk.Bsize) < 100<<20
}

// firstError is what a go command complains of first, behind the name of the package.
func firstError(output []byte) string {
	for line := range strings.Lines(string(output)) {
		if !strings.HasPrefix(line, "#") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
