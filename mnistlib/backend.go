package mnistlib

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/gomlx/go-xla/pkg/pjrt"
	"github.com/gomlx/gomlx/backends"
	_ "github.com/gomlx/gomlx/backends/simplego" // the pure-Go backend, "go"
	"github.com/gomlx/gomlx/backends/xla"
)

// Backend says what models are computed on: the backend, its plugin, the device and the versions.
//
// It is XLA on the CPU unless the environment variable GOMLX_BACKEND asks for another one: "xla:cuda"
// for an NVIDIA GPU, "go" for pure Go. XLA is loaded from a plugin, pjrt_c_api_cpu_plugin.so, looked
// for in the folders that PJRT_PLUGIN_LIBRARY_PATH names, then in .setup/plugin of the checkout that
// holds the working directory, then where go-xla looks by itself. Without any, the pure-Go backend
// serves and a sentence on standard error says what it lacks.
func Backend() (string, error) {
	b, err := openBackend()
	if err != nil {
		return "", err
	}
	return b.description, nil
}

type backend struct {
	backends.Backend
	description string
	isXLA       bool
}

// openBackend opens the backend once for the whole program.
var openBackend = sync.OnceValues(func() (*backend, error) {
	xla.EnableAutoInstall(false) // installing is the set-up's work
	wanted := os.Getenv(backends.ConfigEnvVar)
	if wanted == "" {
		wanted = "xla:cpu"
	}
	b, err := open(wanted)
	if err == nil {
		return b, nil
	}
	for _, other := range []string{"xla:cpu", "go"} {
		b, otherErr := open(other)
		if otherErr != nil || other == wanted {
			continue
		}
		note := "Using XLA on the CPU instead."
		if other == "go" {
			note = "Using the pure-Go backend instead: it trains an MLP about 15 times slower, and cannot train a network with convolutions. `go run ./notebooks setup` installs XLA."
		}
		fmt.Fprintf(os.Stderr, "The backend %s cannot be used: %s. %s\n", wanted, firstLine(err), note)
		return b, nil
	}
	return nil, fmt.Errorf("no backend can be used: %s", firstLine(err))
})

// open opens the backend that a GoMLX configuration such as "xla:cpu" names.
func open(config string) (*backend, error) {
	name, wanted, _ := strings.Cut(config, ":")
	if name != "xla" {
		b, err := backends.NewWithConfig(config)
		if err != nil {
			return nil, err
		}
		return &backend{Backend: b, description: "GoMLX " + moduleVersion("github.com/gomlx/gomlx") + " in pure Go, on the CPU"}, nil
	}
	if wanted == "" {
		wanted = "cpu"
	}
	plugin := wanted
	if _, set := os.LookupEnv(pjrt.PJRTPluginPathsEnv); !set && wanted == "cpu" {
		if path := checkoutPlugin(); path != "" {
			plugin = path + ",shared_buffers"
		}
	}
	var options pjrt.NamedValuesMap
	if wanted == "cpu" {
		// Otherwise XLA hands each program to a thread of its own, which costs a small step a fifth of its time.
		options = pjrt.NamedValuesMap{"asynchronous": false}
		preferWideVectors()
	}
	b, err := xla.NewWithOptions(plugin, options)
	if err != nil {
		return nil, err
	}
	path, _, _ := strings.Cut(plugin, ",")
	loaded, err := pjrt.GetPlugin(path)
	if err != nil {
		return nil, err
	}
	major, minor := loaded.Version()
	return &backend{
		Backend: b,
		isXLA:   true,
		description: fmt.Sprintf("GoMLX %s, go-xla %s, XLA plugin %s (PJRT %d.%d), device %s",
			moduleVersion("github.com/gomlx/gomlx"), moduleVersion("github.com/gomlx/go-xla"),
			pluginName(loaded.Path()), major, minor, deviceName(b)),
	}, nil
}

// preferWideVectors has XLA use vector registers of 512 bits where a processor has them, by adding to the
// flags that it reads as it is loaded. By itself it uses 256 bits, which takes a CNN's evaluation a
// quarter longer.
func preferWideVectors() {
	const name, flag = "XLA_FLAGS", "--xla_cpu_prefer_vector_width"
	if flags := os.Getenv(name); !strings.Contains(flags, flag) {
		os.Setenv(name, strings.TrimSpace(flags+" "+flag+"=512"))
	}
}

// deviceName is the device's name, without what XLA adds of processes.
func deviceName(b backends.Backend) string {
	name, _, _ := strings.Cut(b.DeviceDescription(0), " [")
	return name
}

// checkoutPlugin finds the plugin that the set-up put into the checkout around the working directory.
func checkoutPlugin() string {
	dir, err := os.Getwd()
	for err == nil {
		path := filepath.Join(dir, ".setup", "plugin", "pjrt_c_api_cpu_plugin.so")
		if _, statErr := os.Stat(path); statErr == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return ""
}

// pluginName names a plugin: the set-up keeps each in a folder with its package's name and version, and
// links to it. Another one goes by its file's name.
func pluginName(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil || target == path {
		return filepath.Base(path)
	}
	return filepath.Base(filepath.Dir(target))
}

// moduleVersion returns the version of a module that this program was built with.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == path {
				return m.Version
			}
		}
	}
	return "(version unknown)"
}
