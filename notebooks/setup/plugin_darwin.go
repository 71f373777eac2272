package setup

import (
	"context"
	"path/filepath"

	"github.com/gomlx/go-xla/installer"
)

// installPlugin leaves the work to go-xla, which downloads its own build of the plugin: no Python
// package carries one for macOS. This has not been tried on a Mac.
func installPlugin(_ context.Context, c Checkout, run *runner) error {
	if err := installer.AutoInstall(run.tmp, false, installer.Quiet); err != nil {
		return err
	}
	return replace(filepath.Join(run.tmp, "go-xla"), c.path("plugin"))
}
