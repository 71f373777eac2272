package mnistlib

import (
	"context"
	"fmt"
	"os"
	"testing"

	"example.com/tutorial6/notebooks/setup"
)

// The tests run on XLA, whose plugin they set up in the checkout if it is not there yet.
func TestMain(m *testing.M) {
	if _, err := setup.Plugin(context.Background(), os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
