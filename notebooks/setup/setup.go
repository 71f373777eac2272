// Package setup installs what the notebooks need, at locked versions, into the folder .setup of the
// checkout: the XLA plugin, JupyterLab, the Go kernel and its tools, and a warm build cache.
//
// Each step is skipped while what it was made from is unchanged, and begins anew when it was
// interrupted, so calling it again is cheap and always safe, from several processes at once too.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
)

// All sets up everything that the notebooks need and reports its progress on out.
func All(ctx context.Context, out io.Writer) (Checkout, error) {
	checkout, err := Here()
	if err != nil {
		return "", err
	}
	if err := checkout.install(ctx, out, allSteps...); err != nil {
		return "", err
	}
	return checkout, checkout.Compile(ctx, out)
}

var allSteps = []step{pluginStep, jupyterStep, pageStep, gonbStep, goplsStep, kernelStep}

// Missing returns an error that names the first thing that is not set up, or not any more.
func (c Checkout) Missing(ctx context.Context) error {
	for _, s := range allSteps {
		stamp, err := c.stamp(ctx, s)
		if err != nil {
			return err
		}
		switch err := c.done(ctx, s, stamp); {
		case errors.Is(err, os.ErrPermission):
			return explain(s.title, err, nil, "")
		case err != nil:
			return fmt.Errorf("%s: %v: run go run ./notebooks setup", s.title, err)
		}
	}
	return nil
}

// Plugin sets up only the XLA plugin, which is all that a program that uses mnistlib needs.
func Plugin(ctx context.Context, out io.Writer) (Checkout, error) {
	checkout, err := Here()
	if err != nil {
		return "", err
	}
	return checkout, checkout.install(ctx, out, pluginStep)
}

// Kernel adds the kernel to a Jupyter that the reader has already, whose data folder is given, and
// returns the kernel's folder there.
func Kernel(ctx context.Context, out io.Writer, dataFolder string) (string, error) {
	checkout, err := Here()
	if err != nil {
		return "", err
	}
	if err := checkout.install(ctx, out, pluginStep, gonbStep, goplsStep); err != nil {
		return "", err
	}
	if err := checkout.Compile(ctx, out); err != nil {
		return "", err
	}
	folder := filepath.Join(dataFolder, "kernels", KernelName)
	// The kernel does not read the file of go env -w, from which it needs some settings nevertheless.
	settings := goSettings(ctx)
	maps.DeleteFunc(settings, func(name, _ string) bool { return os.Getenv(name) != "" })
	return folder, checkout.writeKernel(ctx, folder, settings)
}
