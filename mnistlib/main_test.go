package mnistlib

import (
	"context"
	"errors"
	"flag"
	"os"
	"sync"
	"testing"

	"github.com/gomlx/go-xla/pjrt"

	"example.com/tutorial6/mnistlib/internal/device"
	"example.com/tutorial6/notebooks/setup"
)

// The first test that trains sets up XLA's plugin in the checkout, if it is not there yet: the others need
// neither that nor Python. With -short, none trains.
func TestMain(m *testing.M) {
	flag.Parse()
	open := device.Open
	device.Open = sync.OnceValues(func() (*device.Backend, error) {
		if testing.Short() {
			return nil, errors.New("go test -short needs no plugin: a test that trains begins with trains(t)")
		}
		if os.Getenv(pjrt.PJRTPluginPathsEnv) == "" { // else another plugin is to be tested
			if _, err := setup.Plugin(context.Background(), os.Stderr); err != nil {
				return nil, err
			}
		}
		return open()
	})
	programs.Most = 1000 // a program that one test compiles serves the others
	if testing.Short() {
		_ = flag.Set("test.skip", "^Example") // they train, and cannot say so
	}
	os.Exit(m.Run())
}

// long leaves a test that takes long, and shows little that the others do not, to the checks of each change.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("LONG_TESTS") == "" {
		t.Skip("takes long: runs with LONG_TESTS=1, as in .ci/run")
	}
}

// trains is called by each test that trains, which go test -short leaves out.
func trains(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("trains, so not with -short")
	}
}
