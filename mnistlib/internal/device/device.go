// Package device opens the backend that networks are computed on, compiles programs for it and runs them.
package device

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

// A Backend is what programs are compiled for and run on.
type Backend struct {
	compute.Backend
	Description string // the backend, its plugin, the device and the versions
}

// Open opens the backend once for the whole program: see mnistlib.Backend.
var Open = sync.OnceValues(func() (*Backend, error) {
	xla.EnableAutoInstall(false) // installing is the set-up's work
	wanted := os.Getenv(compute.ConfigEnvVar)
	if wanted == "" {
		wanted = "xla:cpu"
	}
	b, err := open(wanted)
	if err == nil {
		return b, nil
	}
	b, cpuErr := open("xla:cpu")
	if cpuErr != nil {
		return nil, fmt.Errorf("XLA cannot be used: %s", FirstLine(cpuErr))
	}
	fmt.Fprintf(os.Stderr, "The backend %s cannot be used: %s. Using XLA on the CPU instead.\n", wanted, FirstLine(err))
	return b, nil
})

// open opens the backend that a GoMLX configuration such as "xla:cpu" names.
func open(config string) (*Backend, error) {
	name, wanted, _ := strings.Cut(config, ":")
	if name != "xla" { // what other tools call theirs, say
		return nil, errors.New("the backends are xla:cpu and xla:cuda")
	}
	if wanted == "" {
		wanted = "cpu"
	}
	// go-xla looks for the plugin in folders of its own, too. One that has been loaded already goes by its name.
	plugin, path := wanted, ""
	var options pjrt.NamedValuesMap
	if wanted == "cpu" {
		// Otherwise XLA hands each program to a thread of its own, which costs a small step a fifth of its time.
		options = pjrt.NamedValuesMap{"asynchronous": false}
		os.Setenv("XLA_FLAGS", CPUFlags)
		var err error
		if path, err = cpuPlugin(); err != nil {
			return nil, err
		} else if path != "" {
			plugin = path + ",shared_buffers"
			setup := filepath.Dir(filepath.Dir(path))
			if filepath.Base(setup) == ".setup" && keepPrograms(wanted, path, CPUFlags, filepath.Join(setup, "programs")) == nil {
				plugin = wanted
			}
		} else if !slices.Contains(xla.GetAvailablePlugins(), plugin) {
			return nil, errors.New("no plugin of it for the CPU was found; `go run ./notebooks setup` installs it")
		}
	}
	b, err := xla.NewWithOptions(plugin, options)
	if err != nil {
		// go-xla then passes over the plugin, and would say that there is none.
		if gpus, _ := filepath.Glob("/dev/nvidia*"); wanted == "cuda" && gpus == nil {
			return nil, errors.New("no NVIDIA GPU is visible here")
		}
		if wanted == "cpu" {
			return nil, fmt.Errorf("%s; if files of the set-up were damaged, delete the folder .setup and set up again", FirstLine(err))
		}
		return nil, err
	}
	name, _, _ = strings.Cut(plugin, ",")
	loaded, err := pjrt.GetPlugin(name)
	if err != nil {
		return nil, err
	}
	if path == "" {
		path = loaded.Path()
	}
	major, minor := loaded.Version()
	return &Backend{
		Backend: b,
		Description: fmt.Sprintf("GoMLX %s, go-xla %s, XLA plugin %s (PJRT %d.%d), device %s",
			moduleVersion("github.com/gomlx/gomlx"), moduleVersion("github.com/gomlx/go-xla"),
			pluginName(path), major, minor, deviceName(b)),
	}, nil
}

// CPUFlags are all flags that XLA's plugin for the CPU reads as it is loaded. Those that a reader has set for
// other tools do not get to it: at one that it does not know, it would end the whole program.
//
// By itself XLA uses vector registers of 256 bits where a processor has 512, which takes a CNN's evaluation
// a quarter longer.
var CPUFlags = "--xla_cpu_prefer_vector_width=512"

// deviceName is the device's name, without what XLA adds of processes.
func deviceName(b compute.Backend) string {
	name, _, _ := strings.Cut(b.DeviceDescription(0), " [")
	return name
}

// cpuPlugin finds the plugin for the CPU: in the folders that PJRT_PLUGIN_LIBRARY_PATH names, or else where the set-up
// put it in the checkout around the working directory. It returns "" if there is none, and an error if that of the checkout
// is another user's: what is loaded is executed, and nobody has named it.
func cpuPlugin() (string, error) {
	const file = "pjrt_c_api_cpu_plugin.so"
	var folders []string
	list, named := os.LookupEnv(pjrt.PJRTPluginPathsEnv)
	if named {
		folders = filepath.SplitList(list)
	} else if dir := checkout(); dir != "" {
		folders = []string{filepath.Join(dir, ".setup", "plugin")}
	}
	for _, folder := range folders {
		path := filepath.Join(folder, file)
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if !named && !(ours(info, nil) && ours(os.Lstat(filepath.Dir(folder)))) {
			return "", fmt.Errorf("the plugin in %s is another user's, and used only if %s names that folder", folder, pjrt.PJRTPluginPathsEnv)
		}
		return path, nil
	}
	return "", nil
}

// checkout is the nearest folder with a go.mod file, going up from the working directory; "" if there is none. A folder above
// may be anybody's, as /tmp is.
func checkout() string {
	dir, err := os.Getwd()
	for parent := ""; err == nil && parent != dir; dir, parent = filepath.Dir(dir), dir {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	return ""
}

// ours reports whether a file is this user's or root's.
func ours(info os.FileInfo, err error) bool {
	if err != nil {
		return false
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	return owner == 0 || owner == uint32(os.Getuid())
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

// FirstLine is what an error of GoMLX says before its stack trace.
func FirstLine(v any) string {
	line, _, _ := strings.Cut(fmt.Sprint(v), "\n")
	return line
}
