package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"example.com/tutorial6/notebooks/setup"
)

// check says of each thing that the notebooks need whether it is there and works, and how to mend it
// if not. The error tells that something was wrong.
func check(ctx context.Context, out io.Writer) error {
	wrong := 0
	report := func(name, found string, err error) {
		if err != nil {
			wrong++
			fmt.Fprintf(out, "%-12s WRONG  %v\n", name, err)
			return
		}
		fmt.Fprintf(out, "%-12s OK     %s\n", name, found)
	}
	for _, need := range setup.Needs {
		found, err := need.Find(ctx)
		report(need.Name, found, err)
	}
	checkout, err := setup.Here()
	if err == nil {
		err = checkout.Missing(ctx)
	}
	report("set-up", string(checkout), err)
	if err == nil {
		backend, err := tryKernel(ctx, out, checkout)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		report("kernel", "it runs cells", err)
		if err == nil {
			report("XLA plugin", backend, nil)
		}
	}
	switch {
	case wrong == 1:
		return errors.New("1 thing is wrong")
	case wrong > 1:
		return fmt.Errorf("%d things are wrong", wrong)
	}
	return nil
}

// kernelAdvice says what may help a kernel that does not work, whom these settings of the reader's reach.
func kernelAdvice(settings []setup.Setting) string {
	if len(settings) == 0 {
		return "no setting of yours reaches it, so mend what the message names; a new set-up (delete the folder .setup) helps only if files in it were damaged"
	}
	var named []string
	for _, s := range settings {
		named = append(named, fmt.Sprintf("%s=%s, set in %s", s.Name, s.Value, s.Place))
	}
	return "try without the settings that reach it (" + strings.Join(named, "; ") +
		"); a new set-up (delete the folder .setup) helps only if files in it were damaged"
}

// tryKernel runs a cell in the kernel and returns the description of the backend that it prints.
func tryKernel(ctx context.Context, out io.Writer, checkout setup.Checkout) (string, error) {
	if err := checkout.Compile(ctx, out); err != nil {
		return "", fmt.Errorf("%w: %s", err, kernelAdvice(setup.Reaching(ctx)))
	}
	nb := newNotebook("%noautoget\nimport \"example.com/tutorial6/mnistlib\"\n\n%%\nfmt.Println(mnistlib.Must(mnistlib.Backend()))\n")
	executed, err := nb.execute(ctx, io.Discard, checkout, filepath.Join(checkout.Notebooks(), "check.ipynb"), nil)
	if err != nil {
		return "", fmt.Errorf("the kernel does not run a cell (%w): %s", err, kernelAdvice(setup.Reaching(ctx)))
	}
	c := executed.cells()[0]
	return strings.TrimSpace(c.stream("stderr") + c.stream("stdout")), nil
}
