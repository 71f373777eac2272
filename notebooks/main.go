// Command notebooks sets up what the tutorial's notebooks need.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"example.com/tutorial6/notebooks/setup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if _, err := setup.All(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
