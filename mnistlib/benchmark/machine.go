package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"example.com/tutorial6/mnistlib"
)

// describeMachine says in a few sentences what everything ran on. The load tells whether the machine
// was busy before the benchmark began.
func describeMachine(ctx context.Context, python string) (string, error) {
	backend, err := mnistlib.Backend()
	if err != nil {
		return "", err
	}
	const versions = `import sys, torch, jax; print(f"Python {sys.version.split()[0]}, PyTorch {torch.__version__} on {torch.get_num_threads()} threads, JAX {jax.__version__}")`
	packages, err := exec.CommandContext(ctx, python, "-c", versions).Output()
	if err != nil {
		return "", fmt.Errorf("PyTorch and JAX do not start: %w", err)
	}
	return fmt.Sprintf("%s, %d cores, %s/%s%s. %s; %s; %s.",
		processor(ctx), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, load(),
		runtime.Version(), backend, strings.TrimSpace(string(packages))), nil
}

// processor returns the name of the processor, as far as the system tells it.
func processor(ctx context.Context) string {
	if out, err := exec.CommandContext(ctx, "sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
		return strings.TrimSpace(string(out)) // macOS
	}
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	average, _, _ := strings.Cut(string(text), " ")
	return ", load " + average + " before the start"
}
