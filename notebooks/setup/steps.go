package setup

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"example.com/tutorial6/mnistlib/progress"
)

// A step installs one thing.
type step struct {
	name  string // of its file in .setup/steps and of its log
	title string

	// inputs are all that the result depends on: when they change, the step is done again.
	inputs func(ctx context.Context, c Checkout) ([]string, error)
	// fault looks at the result, and says what is wrong with it: nil if it is there and serves.
	fault func(ctx context.Context, c Checkout) error
	// do may find a half-done result of an interrupted run, and replaces it.
	do func(ctx context.Context, c Checkout, run *runner) error
}

var errInterrupted = errors.New("the set-up was interrupted: the same command goes on where it stopped")

// install does those of the steps that are due.
func (c Checkout) install(ctx context.Context, out io.Writer, steps ...step) error {
	if strings.Contains(string(c), string(filepath.ListSeparator)) {
		return fmt.Errorf("the path %s has a colon, with which it cannot stand in a PATH: move the checkout to another folder", c)
	}
	checked := false
	for i, s := range steps {
		stamp, err := c.stamp(ctx, s)
		if err != nil {
			return err
		}
		if c.done(ctx, s, stamp) == nil {
			continue // without a lock, so that a read-only .setup serves too
		}
		if !checked { // now, rather than after minutes of downloads
			for _, need := range Needs {
				if _, err := need.Find(ctx); ctx.Err() != nil {
					return errInterrupted
				} else if err != nil {
					return err
				}
			}
			checked = true
		}
		label := fmt.Sprintf("[%d/%d] %s", i+1, len(steps), s.title)
		if err := c.perform(ctx, out, label, s, stamp); err != nil {
			return err
		}
	}
	return nil
}

// stamp returns a hash of all that the step's result depends on.
func (c Checkout) stamp(ctx context.Context, s step) (string, error) {
	inputs, err := s.inputs(ctx, c)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(inputs, "\x00")))), err
}

// done returns an error unless the step's result was made from the inputs that the stamp stands for, and serves.
func (c Checkout) done(ctx context.Context, s step, stamp string) error {
	written, err := os.ReadFile(c.path("steps", s.name))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("it was not set up")
	case err != nil:
		return err
	case len(written) == 0:
		return errors.New("its set-up did not come to its end")
	case string(written) != stamp:
		return errors.New("it was made from other files than those that are there now")
	}
	return s.fault(ctx, c)
}

// exists returns a step's check that all these files of .setup are there.
func exists(files ...string) func(context.Context, Checkout) error {
	return func(_ context.Context, c Checkout) error {
		for _, file := range files {
			if _, err := os.Stat(c.path(file)); err != nil {
				return err
			}
		}
		return nil
	}
}

// perform does one step. The step's file is locked meanwhile, and holds the stamp only once the step is
// wholly done.
func (c Checkout) perform(ctx context.Context, out io.Writer, label string, s step, stamp string) error {
	if err := os.MkdirAll(c.path("steps"), 0o755); err != nil {
		return explain(s.title, err, nil, "")
	}
	file, err := os.OpenFile(c.path("steps", s.name), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return explain(s.title, err, nil, "")
	}
	defer file.Close()
	if err := lock(ctx, out, file, s.title); err != nil {
		return err
	}
	if c.done(ctx, s, stamp) == nil {
		return nil // another process did it while this one waited
	}

	line := progress.Start(out, label, 0, "")
	run, err := newRunner(c, s.name)
	if err == nil {
		defer run.close()
		err = file.Truncate(0)
	}
	if err == nil {
		err = s.do(ctx, c, run)
	}
	if err == nil {
		if fault := s.fault(ctx, c); fault != nil {
			err = fmt.Errorf("its commands ended well, but what they made does not work: %w", fault)
		}
	}
	if err == nil {
		_, err = file.WriteAt([]byte(stamp), 0)
	}
	if ctx.Err() != nil {
		line.End("interrupted")
		return errInterrupted
	}
	if err != nil {
		line.End("failed")
		return explain(s.title, err, run.output(), run.path())
	}
	line.End("")
	return nil
}

// lock waits until no other process holds the file's lock, which ends with the process or the file's
// closing.
func lock(ctx context.Context, out io.Writer, file *os.File, title string) error {
	for waited := false; ; waited = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("%s cannot be locked (%v): put the checkout on a local disk", file.Name(), err)
		}
		if !waited {
			fmt.Fprintf(out, "%s is being set up by another process: waiting for it\n", title)
		}
		select {
		case <-ctx.Done():
			return errInterrupted
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// replace puts the finished folder or file in the place of an older one.
func replace(finished, place string) error {
	if err := os.RemoveAll(place); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	return os.Rename(finished, place)
}

// writeFiles writes files, by their paths, and makes the folders that they need.
func writeFiles(files map[string]string) error {
	for path, content := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
