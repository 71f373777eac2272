package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// limits are what a notebook that nobody has read may use.
type limits struct {
	Time   time.Duration // for each cell
	Memory int           // MiB, for each of its processes

	wrapper []string // the command that runs another one apart, or none
}

// apart finds out whether this system lets a process run without a network, and in a space of its own, with
// which all that it started ends. Linux does, for root and mostly for others.
func (l *limits) apart(ctx context.Context) bool {
	for _, wrapper := range [][]string{
		{"unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"},
		{"unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"},
	} {
		if exec.CommandContext(ctx, wrapper[0], append(wrapper[1:], "true")...).Run() == nil {
			l.wrapper = wrapper
			return true
		}
	}
	return false
}

// words returns the words of a command that runs the one given within the limits.
func (l *limits) words(command []string) []string {
	shell := fmt.Sprintf(`ulimit -d %d; exec "$@"`, l.Memory*1024)
	return slices.Concat(l.wrapper, []string{"sh", "-c", shell, "sh"}, command)
}
