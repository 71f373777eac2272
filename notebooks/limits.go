package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// limits are what a notebook that nobody has read may use.
type limits struct {
	Time   time.Duration // for each cell
	Memory int           // MiB, for each of its processes

	wrapper []string // the command that runs another one apart, or none
	class   string   // the folder of which it then sees nothing
	caches  []string // where it can then change something, beside its temporary folder
}

// apart finds out whether this system lets a process run without a network, in a space of its own, with which all
// that it started ends, without a sight of the folder of its class, and with no file to change but those of a cache
// and its own. Linux does, for root and mostly for others.
func (l *limits) apart(ctx context.Context, class string) bool {
	l.class = class
	if cache, err := os.UserCacheDir(); err == nil && os.MkdirAll(cache, 0o755) == nil {
		l.caches = append(l.caches, cache)
	}
	if cache, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output(); err == nil {
		l.caches = append(l.caches, strings.TrimSpace(string(cache)))
	}
	for _, wrapper := range [][]string{
		{"unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"},
		{"unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"},
	} {
		l.wrapper = wrapper
		words := l.words(os.TempDir(), "true")
		if exec.CommandContext(ctx, words[0], words[1:]...).Run() == nil {
			return true
		}
	}
	l.wrapper = nil
	return false
}

// apartScript makes what is mounted read-only, then the folders that are named after the class's and before -- writable
// again, hides the class's, and runs the rest as a command that has no right to undo that.
const apartScript = `class=$1
shift
while read -r _ place _; do
	case $place in /dev*|/proc*|/sys*) ;; *) mount -o remount,bind,ro "$place" ;; esac
done </proc/self/mounts 2>/dev/null
while [ "$1" != -- ]; do
	mount --bind "$1" "$1" && mount -o remount,bind,rw "$1" || exit
	shift
done
shift
mount -t tmpfs -o ro tmpfs "$class" || exit
exec setpriv --bounding-set=-all --no-new-privs -- "$@"
`

// words returns the words of a command that runs the one given within the limits, with this temporary folder.
func (l *limits) words(temporary string, command ...string) []string {
	shell := fmt.Sprintf(`ulimit -d %d; exec "$@"`, l.Memory*1024)
	command = slices.Concat([]string{"sh", "-c", shell, "sh"}, command)
	if l.wrapper == nil {
		return command
	}
	return slices.Concat(l.wrapper, []string{"sh", "-c", apartScript, "sh", l.class, temporary}, l.caches, []string{"--"}, command)
}

// holds tells whether the folder holds the other one, or is it.
func holds(folder, other string) bool {
	for _, path := range []*string{&folder, &other} {
		if real, err := filepath.EvalSymlinks(*path); err == nil {
			*path = real
		}
	}
	relative, err := filepath.Rel(folder, other)
	return err == nil && filepath.IsLocal(relative)
}
