package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"

	"example.com/tutorial6/notebooks/setup"
)

// A Cell holds the seconds that a training cell takes in the notebook, from Run to its figure.
type Cell struct {
	First     []float64 // nothing of it is compiled
	Changed   []float64 // its Go program is built anew; its network has been compiled before
	Unchanged []float64
}

// timeCell runs a training cell of MLP(30), 10 epochs, in the notebook's kernel.
func timeCell(ctx context.Context, checkout setup.Checkout, rounds int) (Cell, error) {
	script := filepath.Join(string(checkout), "mnistlib", "benchmark", "cell.py")
	cmd := exec.CommandContext(ctx, checkout.Python(), "-B", script, setup.KernelName, strconv.Itoa(rounds),
		filepath.Join(string(checkout), ".setup", "programs"))
	cmd.Dir = checkout.Notebooks()
	cmd.Env = checkout.JupyterEnv(ctx)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			return Cell{}, fmt.Errorf("timing the notebook's cell failed: %s", exit.Stderr)
		}
		return Cell{}, err
	}
	var cell Cell
	return cell, json.Unmarshal(out, &cell)
}
