package setup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// countingStep returns a step that writes the file "thing", and counts how often it did.
func countingStep(input *string, count *atomic.Int32) step {
	return step{
		name: "thing", title: "A thing",
		inputs: func(context.Context, Checkout) ([]string, error) { return []string{*input}, nil },
		fault:  exists("thing"),
		do: func(_ context.Context, c Checkout, _ *runner) error {
			count.Add(1)
			return os.WriteFile(c.path("thing"), []byte(*input), 0o644)
		},
	}
}

func TestStepIsDoneOnceUntilItsInputsChange(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	input := "version 1"
	var count atomic.Int32
	s := countingStep(&input, &count)
	install := func() string {
		t.Helper()
		var out bytes.Buffer
		if err := checkout.install(t.Context(), &out, s); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}

	if out := install(); count.Load() != 1 || !regexp.MustCompile(`^\[1/1\] A thing \.\.\. \d+ s\n$`).MatchString(out) {
		t.Fatalf("the first set-up did the step %d times and printed %q", count.Load(), out)
	}
	before := listing(t, string(checkout))
	if out := install(); count.Load() != 1 || out != "" {
		t.Errorf("the second set-up did the step again (%d times in all) or printed %q", count.Load(), out)
	}
	if after := listing(t, string(checkout)); after != before {
		t.Errorf("a set-up with nothing to do wrote files, so it would fail in a read-only folder:\n%s\nbecame\n%s", before, after)
	}
	input = "version 2"
	if install(); count.Load() != 2 {
		t.Error("a changed input did not do the step again")
	}
	if err := os.Remove(checkout.path("thing")); err != nil {
		t.Fatal(err)
	}
	if install(); count.Load() != 3 {
		t.Error("a result that was deleted was not made again")
	}
}

// listing returns the names and times of all files of a folder.
func listing(t *testing.T, folder string) string {
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			all.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestInterruptedStepBeginsAnew(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	input := "version 1"
	var count atomic.Int32
	whole := countingStep(&input, &count)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupted := whole
	interrupted.do = func(ctx context.Context, c Checkout, run *runner) error {
		if err := os.WriteFile(c.path("thing"), []byte("half"), 0o644); err != nil {
			return err
		}
		interrupt()
		return run.run(ctx, string(c), nil, "sleep", "600")
	}

	err := checkout.install(ctx, io.Discard, interrupted)
	if err == nil || !strings.Contains(err.Error(), "interrupted") || !strings.Contains(err.Error(), "same command") {
		t.Fatalf("an interrupted set-up returned %v", err)
	}
	if left, _ := os.ReadDir(checkout.path("tmp")); len(left) > 0 {
		t.Errorf("an interrupted set-up left %v", left)
	}
	if err := checkout.install(t.Context(), io.Discard, whole); err != nil {
		t.Fatal(err)
	}
	if content, _ := os.ReadFile(checkout.path("thing")); string(content) != "version 1" {
		t.Errorf("after an interrupted set-up and a whole one, the result is %q", content)
	}
}

func TestFailedStepIsDoneAgain(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	input := "version 1"
	var count atomic.Int32
	s := countingStep(&input, &count)
	broken := s
	broken.do = func(ctx context.Context, c Checkout, run *runner) error {
		if err := s.do(ctx, c, run); err != nil {
			return err
		}
		return errors.New("no luck")
	}
	if err := checkout.install(t.Context(), io.Discard, broken); err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Fatalf("a failed step returned %v", err)
	}
	if err := checkout.install(t.Context(), io.Discard, s); err != nil || count.Load() != 2 {
		t.Errorf("after a failure, the step was done %d times (%v)", count.Load(), err)
	}
}

// waiting is where a set-up writes that it waits for another one.
type waiting chan struct{}

func (w waiting) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "another process") {
		w <- struct{}{}
	}
	return len(p), nil
}

func TestSetUpsAtTheSameTimeDoTheWorkOnce(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	input := "version 1"
	var count atomic.Int32
	s := countingStep(&input, &count)
	const others = 3
	out := make(waiting)
	do := s.do
	s.do = func(ctx context.Context, c Checkout, run *runner) error {
		if count.Load() == 0 { // the first one goes on when all others wait
			for range others {
				<-out
			}
		}
		return do(ctx, c, run)
	}
	var all sync.WaitGroup
	for range 1 + others {
		all.Go(func() {
			if err := checkout.install(t.Context(), out, s); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if count.Load() != 1 {
		t.Errorf("%d set-ups at the same time did the step %d times", 1+others, count.Load())
	}
}

func TestWaitingForAnotherSetUpCanBeInterrupted(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	input := "version 1"
	var count atomic.Int32
	s := countingStep(&input, &count)
	slow := s
	running, release := make(chan struct{}), make(chan struct{})
	slow.do = func(context.Context, Checkout, *runner) error {
		close(running)
		<-release
		return nil
	}
	done := make(chan error)
	go func() { done <- checkout.install(t.Context(), io.Discard, slow) }()
	<-running
	ctx, interrupt := context.WithCancel(t.Context())
	out := make(waiting)
	go func() {
		<-out
		interrupt()
	}()
	if err := checkout.install(ctx, out, s); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("an interrupted wait returned %v", err)
	}
	close(release)
	<-done
}

// pidFile is where the step of sleepingStep names the process that it starts.
func pidFile(c Checkout) string { return c.path("pid") }

// sleepingStep returns a step whose command starts another process and waits for it.
func sleepingStep() step {
	return step{
		name: "thing", title: "A thing",
		inputs: func(context.Context, Checkout) ([]string, error) { return nil, nil },
		fault:  exists("thing"),
		do: func(ctx context.Context, c Checkout, run *runner) error {
			return run.run(ctx, string(c), nil, "sh", "-c", "sleep 600 & echo $! >"+quote(pidFile(c)+".new")+"; mv "+quote(pidFile(c)+".new")+" "+quote(pidFile(c))+"; wait")
		},
	}
}

// startedPid waits until the step's process has started.
func startedPid(t *testing.T, c Checkout) int {
	t.Helper()
	for range 400 {
		if content, err := os.ReadFile(pidFile(c)); err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the step did not start")
	return 0
}

func waitForEnd(t *testing.T, pid int) {
	t.Helper()
	for range 200 {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	syscall.Kill(pid, syscall.SIGKILL)
	t.Error("what the step had started was left behind")
}

func TestInterruptedStepEndsWhatItStarted(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- checkout.install(ctx, io.Discard, sleepingStep()) }()
	pid := startedPid(t, checkout)
	start := time.Now()
	interrupt()
	if err := <-ended; !errors.Is(err, errInterrupted) {
		t.Error(err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it took %v, as if its commands had to be given up", took)
	}
	waitForEnd(t, pid)
}

// The test below starts this one in a process of its own, and kills it.
func TestSetUpToBeKilled(t *testing.T) {
	folder := os.Getenv("TUTORIAL6_TEST_CHECKOUT")
	if folder == "" {
		t.Skip("only another test runs this one")
	}
	t.Error(Checkout(folder).install(t.Context(), io.Discard, sleepingStep()))
}

func TestKilledSetUpEndsWhatItStarted(t *testing.T) {
	setsUp(t)
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("this system has no setpriv, with which processes end with their parent")
	}
	checkout := Checkout(t.TempDir())
	cmd := exec.Command(os.Args[0], "-test.run=^TestSetUpToBeKilled$")
	cmd.Env = append(os.Environ(), "TUTORIAL6_TEST_CHECKOUT="+string(checkout))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := startedPid(t, checkout)
	cmd.Process.Kill()
	_ = cmd.Wait()
	waitForEnd(t, pid)
	input := ""
	var count atomic.Int32
	if err := checkout.install(t.Context(), io.Discard, countingStep(&input, &count)); err != nil || count.Load() != 1 {
		t.Errorf("the next set-up does not go on: %v", err)
	}
	if left, _ := os.ReadDir(checkout.path("tmp")); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}

// A step that failed half-way has spoiled the result that was there before.
func TestStepThatFailedIsNotTakenForTheOneBefore(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	input := "version 1"
	var count atomic.Int32
	s := countingStep(&input, &count)
	if err := checkout.install(t.Context(), io.Discard, s); err != nil {
		t.Fatal(err)
	}
	broken := s
	broken.do = func(_ context.Context, c Checkout, _ *runner) error {
		return errors.Join(os.WriteFile(c.path("thing"), []byte("half"), 0o644), errors.New("no luck"))
	}
	input = "version 2"
	if err := checkout.install(t.Context(), io.Discard, broken); err == nil {
		t.Fatal("a failed step returned no error")
	}
	input = "version 1"
	if err := checkout.install(t.Context(), io.Discard, s); err != nil {
		t.Fatal(err)
	}
	if content, _ := os.ReadFile(checkout.path("thing")); string(content) != "version 1" {
		t.Errorf("the result is %q", content)
	}
}

// A reader may have called a folder above the checkout, or that for temporary files, what means something in a pattern.
func TestFolderWithBrackets(t *testing.T) {
	setsUp(t)
	folder := filepath.Join(t.TempDir(), "Uni [2026]")
	checkout := Checkout(folder)
	left := checkout.path("tmp", "thing-of-a-killed-set-up")
	for name, content := range map[string]string{
		filepath.Join(left, "half"):                        "",
		filepath.Join(folder, temporaryName+"1", "socket"): "",
		checkout.path("lab", "main.1.js"):                  "nothing of Vega",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	input := ""
	var count atomic.Int32
	if err := checkout.install(t.Context(), io.Discard, countingStep(&input, &count)); err != nil {
		t.Fatal(err)
	}
	if there(left) {
		t.Error("what a killed set-up left stays")
	}
	t.Setenv("TMPDIR", folder)
	tmp, err := NewTemporaryFolder()
	if err != nil {
		t.Fatal(err)
	}
	tmp.Remove()
	if there(filepath.Join(folder, temporaryName+"1")) {
		t.Error("the folder of a killed command stays")
	}
	_, err = vegaScript(checkout.path("lab"))
	says(t, err, "names 0 parts of Vega")
}

// That the commands of a step end well does not make its result.
func TestStepWithoutAResultIsNotDone(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	input := ""
	var count atomic.Int32
	s := countingStep(&input, &count)
	s.do = func(context.Context, Checkout, *runner) error { return nil }
	says(t, checkout.install(t.Context(), io.Discard, s), "A thing", "does not work")
}

// A log that cannot be written is an error like others, and no panic.
func TestStepWithoutALog(t *testing.T) {
	setsUp(t)
	checkout := Checkout(t.TempDir())
	if err := os.MkdirAll(checkout.path("logs", "thing.log"), 0o755); err != nil {
		t.Fatal(err)
	}
	input := ""
	var count atomic.Int32
	says(t, checkout.install(t.Context(), io.Discard, countingStep(&input, &count)), "A thing failed", checkout.path("logs", "thing.log"))
	if left, _ := os.ReadDir(checkout.path("tmp")); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}
