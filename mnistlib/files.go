package mnistlib

import (
	"os"
	"path/filepath"
)

// writeFile writes a file whole or not at all: it fills a temporary file beside it, which then takes
// its name. If that fails, a file that had the name already is left as it was.
func writeFile(path string, content []byte) error {
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
