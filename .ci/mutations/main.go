// Command mutations breaks the code on purpose, one line at a time, and runs the test that keeps the
// promise which that line keeps: the test must fail.
//
//	go run ./.ci/mutations [WORD]
//
// runs all mutations, or those whose promise, file or test has the word. No file of the checkout changes:
// the go command, also the one that builds cells, is told to read another one in its place. Set-ups of
// changed code go to .setup, though, so that a last one puts it right.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A mutation is a change that a test has to see.
type mutation struct {
	promise    string // which the change breaks
	file       string
	old, new   string
	tests, pkg string // the test that has to fail; of the hub, the part of docker/test hub
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	word := ""
	if len(os.Args) > 1 {
		word = os.Args[1]
	}
	done, unseen, changed := 0, 0, false // the set-up
	for _, m := range mutations {
		if !strings.Contains(m.promise+m.file+m.tests, word) {
			continue
		}
		done++
		changed = changed || m.pkg != hub
		start := time.Now()
		err := m.seen(ctx)
		if ctx.Err() != nil {
			fmt.Println("interrupted: go run ./notebooks setup puts .setup right")
			os.Exit(1)
		}
		if err != nil {
			unseen++
			fmt.Printf("NOT SEEN  %s (%s): %v\n", m.promise, m.file, err)
			continue
		}
		fmt.Printf("seen      %s, by %s in %.0f s\n", m.promise, m.tests, time.Since(start).Seconds())
	}
	if changed {
		setUp := exec.CommandContext(ctx, "go", "run", "./notebooks", "setup")
		if output, err := setUp.CombinedOutput(); err != nil {
			fmt.Printf("the set-up could not be put right (%v): %s\n", err, output)
			os.Exit(1)
		}
	}
	fmt.Printf("%d mutations, %d not seen\n", done, unseen)
	if done == 0 || unseen > 0 {
		os.Exit(1)
	}
}

// seen returns an error unless the mutation's test fails because of it.
func (m mutation) seen(ctx context.Context) error {
	content, err := os.ReadFile(m.file)
	if err != nil {
		return err
	}
	if n := strings.Count(string(content), m.old); n != 1 {
		return fmt.Errorf("the text to change stands there %d times: bring the list of mutations up to date", n)
	}
	folder, err := os.MkdirTemp("", "m") // short, for the sockets in it
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	mutated := strings.Replace(string(content), m.old, m.new, 1)
	if m.pkg == hub {
		return m.seenByHub(ctx, folder, mutated)
	}
	list := filepath.Join(folder, "overlay.json")
	changes := map[string]string{m.file: mutated}
	if m.pkg == command && strings.HasPrefix(m.file, "mnistlib/") { // cells are built with settings of their own
		kernel, err := os.ReadFile(kernelSettings)
		if err != nil {
			return err
		}
		changes[kernelSettings] = strings.ReplaceAll(string(kernel), `"-buildvcs=false `, `"-buildvcs=false -overlay=`+list+" ")
	}
	if err := writeOverlay(list, changes); err != nil {
		return err
	}

	const limit = 10 * time.Minute // for a busy machine
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout="+limit.String(), "-run", m.tests, m.pkg)
	// A test that builds a program builds the changed one, too. It may remove the temporary folders of all that runs.
	cmd.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+list, "TMPDIR="+folder, "LONG_TESTS=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	output, err := cmd.CombinedOutput()
	printed := string(output)
	switch {
	case err == nil:
		return fmt.Errorf("%s passes all the same, or there is no such test", m.tests)
	case strings.Contains(printed, "panic: test timed out"):
		return errors.New("only the time limit ended the test")
	case !strings.Contains(printed, "--- FAIL: ") && !strings.Contains(printed, "fatal error: "):
		return fmt.Errorf("no test failed, but this did: %s", printed)
	}
	return nil
}

// kernelSettings is where the flags stand with which cells are built.
const kernelSettings = "notebooks/setup/kernel.go"

// writeOverlay writes a list, for the go command, of what it is to read in place of files of the checkout, and beside it the
// changed texts of these.
func writeOverlay(list string, changes map[string]string) error {
	places := map[string]string{}
	for file, text := range changes {
		original, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		places[original] = filepath.Join(filepath.Dir(list), strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(places[original], []byte(text), 0o644); err != nil {
			return err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": places})
	if err != nil {
		return err
	}
	return os.WriteFile(list, overlay, 0o644)
}

// seenByHub returns an error unless the hub's test fails in a copy of docker, in the folder, with the changed file.
func (m mutation) seenByHub(ctx context.Context, folder, mutated string) error {
	if err := os.CopyFS(filepath.Join(folder, "docker"), os.DirFS("docker")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, m.file), []byte(mutated), 0o644); err != nil {
		return err
	}
	output, err := exec.CommandContext(ctx, filepath.Join(folder, "docker", "test"), "hub", m.tests).CombinedOutput()
	switch printed := string(output); {
	case err == nil:
		return fmt.Errorf("%s passes all the same", m.tests)
	case !strings.Contains(printed, "\nFAILED "):
		return fmt.Errorf("no check failed, but this did: %s", printed)
	}
	return nil
}
