package setup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// A TemporaryFolder is for what one command keeps while it runs, among it the sockets through which its
// Jupyter and the kernels meet. Only its user can enter it, where through TCP, the other way, anybody on the
// machine can end a kernel.
type TemporaryFolder struct {
	Path string
	// Held is the folder itself, opened and locked. The lock ends with the process, and with those to which it
	// is given, however they end: a folder without it was left behind.
	Held *os.File
}

const temporaryName = "tutorial6-command-"

// NewTemporaryFolder makes one, with a short path, and removes those that killed commands left behind.
func NewTemporaryFolder() (*TemporaryFolder, error) {
	left, _ := Glob(os.TempDir(), temporaryName+"*")
	for _, path := range left {
		if folder, err := hold(path); err == nil {
			folder.Remove()
		}
	}
	for {
		path, err := os.MkdirTemp("", temporaryName)
		if err == nil {
			path, err = filepath.Abs(path) // TMPDIR may be relative
		}
		if err != nil {
			return nil, fmt.Errorf("no temporary folder can be made (%w): set TMPDIR to a folder that you can write to", err)
		}
		folder, err := hold(path)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.EWOULDBLOCK) {
			continue // in this moment, another command took it for one that was left behind
		}
		if err == nil {
			err = folder.runsPrograms()
		}
		if err != nil {
			os.RemoveAll(path)
			return nil, err
		}
		return folder, nil
	}
}

// hold opens and locks the folder, which no other process may have locked.
func hold(path string) (*TemporaryFolder, error) {
	// Anybody may put something else of this name into /tmp: to open a pipe would wait for its other end.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	if _, err := os.Lstat(path); err != nil { // removed before it was locked
		file.Close()
		return nil, err
	}
	return &TemporaryFolder{path, file}, nil
}

// runsPrograms returns an error unless a program in the folder can be run: each cell is one, beside it.
func (f *TemporaryFolder) runsPrograms() error {
	program := filepath.Join(f.Path, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		return fmt.Errorf("nothing can be written to the temporary folder (%w): make room there, or set TMPDIR to another folder", err)
	}
	defer os.Remove(program)
	if err := syscall.Access(program, 1); err != nil {
		return fmt.Errorf("programs in %s cannot be run (%w), and each cell is one: set TMPDIR to a folder where they can", filepath.Dir(f.Path), err)
	}
	return nil
}

// File returns the path of a file in the folder.
func (f *TemporaryFolder) File(name string) string { return filepath.Join(f.Path, name) }

// longestSocket is how long the path of a socket may be, on the system that allows the least.
const longestSocket = 103

// Transport returns how kernels are reached: "ipc", through the folder, or "tcp" where its path is too long.
func (f *TemporaryFolder) Transport() string {
	if len(f.File("kernel-01234567-89ab-cdef-0123-456789abcdef-ipc-5")) > longestSocket {
		return "tcp"
	}
	return "ipc"
}

// Env is the setting of Jupyter that makes it meet its kernels in the folder.
func (f *TemporaryFolder) Env() string { return "JUPYTER_RUNTIME_DIR=" + f.Path }

// Remove removes the folder.
func (f *TemporaryFolder) Remove() {
	os.RemoveAll(f.Path)
	f.Held.Close()
}
