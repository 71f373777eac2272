package setup

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// command returns a command in the folder dir, with env added to the environment of all programs. The command
// and all that it starts end with the context, and with this process, even if that is killed.
func command(ctx context.Context, dir string, env []string, name string, args ...string) *exec.Cmd {
	words := slices.Concat(EndWithParent(ctx), []string{"sh", "-c", endGroup, "sh", name}, args)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = dir
	cmd.Env = append(environment(ctx), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// endGroup is the shell's program that runs a command and, when it is told to end, ends with it all that
// the command has started.
const endGroup = `trap 'kill -9 0' TERM; "$@" & wait $!`

// EndWithParent returns the command, if there is one (on Linux), that starts another one such that it
// ends with the process that started it.
func EndWithParent(ctx context.Context) []string {
	command := []string{"setpriv", "--pdeathsig", "TERM", "--"}
	if exec.CommandContext(ctx, command[0], append(command[1:], "true")...).Run() != nil {
		return nil
	}
	return command
}

func lastLine(output []byte) string {
	text := strings.TrimSpace(string(output))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
