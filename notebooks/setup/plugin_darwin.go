package setup

import (
	"context"
	"path/filepath"

	"github.com/gomlx/go-xla/installer"
)

// fetchPlugin leaves the work to go-xla, which downloads its own build of the plugin: no Python
// package carries one for macOS. This has not been tried on a Mac.
func fetchPlugin(_ context.Context, run *runner) (folder string, err error) {
	return filepath.Join(run.tmp, "go-xla"), installer.AutoInstall(run.tmp, false, installer.Quiet)
}
