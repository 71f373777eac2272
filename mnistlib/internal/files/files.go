// Package files opens files with care, and writes them whole or not at all.
package files

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Open opens a file of at most maxBytes to read it. What is no file with an end (a folder, a pipe that
// nobody writes into, a device) is an error at once, which names the path, as every error does here.
func Open(path string, maxBytes int64) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // to open a pipe would wait otherwise
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a folder, expected a file", path)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is a pipe or a device, expected a file", path)
	case info.Size() > maxBytes:
		err = fmt.Errorf("%s has %d bytes, expected at most %d", path, info.Size(), maxBytes)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// Write writes a file whole or not at all: it fills a temporary file beside it, which then takes
// its name. If that fails, a file that had the name already is left as it was.
func Write(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // has nothing to remove once renamed
	_, err = temporary.Write(content)
	if err == nil {
		err = temporary.Chmod(0o644) // CreateTemp's files are private
	}
	if err == nil {
		err = temporary.Sync() // or a power cut could leave the new name without its content
	}
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
