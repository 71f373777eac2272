package setup

import (
	"fmt"
	"os"
)

// TemporaryFolder makes a folder that only its user can enter, to be removed after use.
func TemporaryFolder() (string, error) {
	folder, err := os.MkdirTemp("", "tutorial6-")
	if err != nil {
		return "", fmt.Errorf("no temporary folder can be made (%w): set TMPDIR to a folder that you can write to", err)
	}
	return folder, nil
}

// longestSocket is how long the path of a socket may be, on the system that allows the least.
const longestSocket = 103

// A SocketFolder is where a Jupyter and its kernels meet. Only its user can enter it, where through TCP,
// the other way, anybody on the machine can end a kernel.
type SocketFolder string

// NewSocketFolder makes one, with a short path.
func NewSocketFolder() (SocketFolder, error) {
	folder, err := TemporaryFolder()
	return SocketFolder(folder), err
}

// Transport returns how kernels are reached: "ipc", through the folder, or "tcp" where its path is too long.
func (s SocketFolder) Transport() string {
	if len(s)+len("/kernel-01234567-89ab-cdef-0123-456789abcdef-ipc-5") > longestSocket {
		return "tcp"
	}
	return "ipc"
}

// Env is the setting of Jupyter that names the folder.
func (s SocketFolder) Env() string { return "JUPYTER_RUNTIME_DIR=" + string(s) }

// Remove removes the folder.
func (s SocketFolder) Remove() { os.RemoveAll(string(s)) }
