package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/tutorial6/notebooks/setup"
)

// limits are what a notebook that nobody has read may use.
type limits struct {
	Time   time.Duration // for each cell
	Memory int           // MiB, for each of its processes

	wrapper []string // the command that runs another one apart, or none
	hidden  []string // the folders of which it then sees nothing
	kept    []string // but for these, if they are within
	caches  []string // where it can then change something for itself, beside its temporary folder
}

// apart finds out whether this system lets a process run without a network, in a space of its own, with which all
// that it started ends, without a sight of the folder of its class or a socket of another program's where those
// usually are, and with no file to change but its own: what it writes to a cache is gone when it ends. Linux does, for
// root and mostly for others. The error says why not.
func (l *limits) apart(ctx context.Context, checkout setup.Checkout, class string) error {
	tmp, err := setup.NewTemporaryFolder()
	if err != nil {
		return err
	}
	defer tmp.Remove()
	if tmp.Transport() != "ipc" { // else the kernel is reached by the network that it then has not
		return fmt.Errorf("the path of the folder for temporary files, %s, is too long for the kernel's sockets: set TMPDIR to a shorter one", os.TempDir())
	}
	l.hidden = nil
	for _, folder := range []string{"/run", "/var/run", "/tmp", os.TempDir(), class} {
		if folder = realPath(folder); !slices.Contains(l.hidden, folder) {
			l.hidden = append(l.hidden, folder)
		}
	}
	l.kept = []string{realPath(string(checkout))}
	l.caches = nil
	if cache, err := os.UserCacheDir(); err == nil && os.MkdirAll(cache, 0o755) == nil {
		l.caches = append(l.caches, realPath(cache))
	}
	places, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		return err
	}
	for i, place := range strings.Split(strings.TrimSpace(string(places)), "\n") {
		place = realPath(place)
		if cache := i == 0; !isFolder(place) {
			continue
		} else if !cache {
			l.kept = append(l.kept, place)
		} else if !slices.ContainsFunc(l.caches, func(other string) bool { return holds(other, place) }) {
			l.caches = append(l.caches, place)
		}
	}
	l.kept = append(l.kept, l.caches...)

	for _, wrapper := range [][]string{ // unshare lets other signals wait
		{"setpriv", "--pdeathsig", "KILL", "--", "unshare", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"},
		{"setpriv", "--pdeathsig", "KILL", "--", "unshare", "--map-root-user", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"},
	} {
		l.wrapper = wrapper
		words := l.words(tmp.Path, checkout.Python(), "-I", "-c", "")
		output, failure := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput()
		if failure == nil {
			return nil
		}
		err = failure
		if said, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n"); said != "" { // what follows is advice for root
			err = errors.New(said)
		}
		_ = os.Remove(tmp.File("stage"))
	}
	l.wrapper = nil
	return err
}

// apartScript hides folders, makes what is mounted read-only, but for the temporary folder, and runs the rest of its
// words as a command that has no right to undo that. A cache is a layer in memory over the real one, and so is
// /dev/shm, in which all users may write. Each list is one word, a path a line. mount keeps notes in /run, but not with -n.
const apartScript = `temporary=$1 hidden=$2 kept=$3 caches=$4 stage=$1/stage
shift 4
set -f
IFS='
'
mkdir "$stage" || exit
for place in $hidden; do
	[ -d "$place" ] || continue
	mount -n -t tmpfs tmpfs "$stage" || exit
	for folder in $temporary $kept; do
		case $folder in "$place"/*)
			within=$stage${folder#"$place"}
			mkdir -p "$within" && mount -n --rbind "$folder" "$within" || exit ;;
		esac
	done
	mount -n --move "$stage" "$place" || exit
done
while IFS=' ' read -r _ place _; do
	place=$(printf %b "$place") # a space is written \040
	case $place in /proc/*) continue ;; esac # they lie below the new /proc, out of sight
	said=$(mount -n -o remount,bind,ro "$place" 2>&1) || [ ! -e "$place" ] || { echo "$said" >&2; exit 1; }
done </proc/self/mounts
mount -n -o remount,bind,rw "$temporary" || exit
for cache in $caches; do
	mount -n -t tmpfs tmpfs "$stage" && mkdir "$stage/new" "$stage/work" || exit
	mount -n -t overlay -o "lowerdir=$cache,upperdir=$stage/new,workdir=$stage/work" overlay "$cache" || exit
	umount -n "$stage" || exit
done
[ ! -d /dev/shm ] || mount -n -t tmpfs tmpfs /dev/shm || exit
unset IFS
exec setpriv --bounding-set=-all --no-new-privs -- "$@"
`

// words returns the words of a command that runs the one given within the limits, with this temporary folder.
func (l *limits) words(temporary string, command ...string) []string {
	shell := fmt.Sprintf(`ulimit -d %d; exec "$@"`, l.Memory*1024)
	command = slices.Concat([]string{"sh", "-c", shell, "sh"}, command)
	if l.wrapper == nil {
		return command
	}
	return slices.Concat(l.wrapper, []string{"sh", "-c", apartScript, "sh", realPath(temporary), strings.Join(l.hidden, "\n"),
		strings.Join(l.kept, "\n"), strings.Join(l.caches, "\n")}, command)
}

// holds tells whether the folder holds the other one, or is it.
func holds(folder, other string) bool {
	relative, err := filepath.Rel(realPath(folder), realPath(other))
	return err == nil && filepath.IsLocal(relative)
}

// realPath returns the path without links, if it is there.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return path
}
