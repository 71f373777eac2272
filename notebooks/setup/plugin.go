package setup

import (
	"context"
	_ "embed"
	"runtime"
)

// pluginLock says which package carries the plugin on which machine. It is the one place to change it.
//
//go:embed plugin.txt
var pluginLock string

const pluginFile = "pjrt_c_api_cpu_plugin.so" // the name that go-xla looks for

// pluginStep installs XLA's plugin for the CPU: the compiler and runtime that go-xla loads.
var pluginStep = step{
	name:  "plugin",
	title: "XLA's CPU plugin",
	inputs: func(context.Context, Checkout) ([]string, error) {
		return []string{pluginLock, runtime.GOOS, runtime.GOARCH}, nil
	},
	fault: exists("plugin/" + pluginFile),
	do: func(ctx context.Context, c Checkout, run *runner) error {
		folder, err := fetchPlugin(ctx, run)
		if err != nil {
			return err
		}
		return replace(folder, c.path("plugin"))
	},
}
