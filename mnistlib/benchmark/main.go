// The benchmark does the tutorial's work in mnistlib, in PyTorch as the tutorial's source writes it,
// in PyTorch made fast, and in JAX made fast, one after the other and in several rounds, so that a
// busy minute of the machine meets them all. It writes results.md, a table of medians beside the
// goals, and results.svg, a picture of it, into its folder.
//
//	go run ./mnistlib/benchmark            everything, three rounds: about 20 minutes on two cores
//	go run ./mnistlib/benchmark -quick     four works, one round, printed only: about two minutes
//
// It needs Python 3.11 or newer, and installs PyTorch and JAX into .setup/bench. The notebook's cell
// is timed if the notebooks are set up (go run ./notebooks setup).
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"

	"example.com/tutorial6/notebooks/setup"
)

func main() {
	rounds := flag.Int("rounds", 3, "how often to do everything")
	quick := flag.Bool("quick", false, "do four works once, and only print the table")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if flag.NArg() == 3 && flag.Arg(0) == workArgument {
		err = doWork(flag.Arg(1), flag.Arg(2), os.Stdout)
	} else {
		err = benchmark(ctx, *rounds, *quick)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// doWork does one work with mnistlib in this process and writes its Result.
func doWork(name, mnist string, out io.Writer) error {
	work, err := findWork(name)
	if err != nil {
		return err
	}
	result, err := train(work, mnist)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// quickWorks show each kind of model.
var quickWorks = []string{"8 MLP(30)", "MLP(200)", "10 CNN", "18 CNNBN"}

func benchmark(ctx context.Context, rounds int, quick bool) error {
	checkout, err := setup.Plugin(ctx, os.Stdout)
	if err != nil {
		return err
	}
	all, err := works()
	if err != nil {
		return err
	}
	if quick {
		rounds = 1
		all = slices.DeleteFunc(all, func(w Work) bool { return !slices.Contains(quickWorks, w.Name) })
	}
	mnist, err := mnistFolder(ctx)
	if err != nil {
		return err
	}
	python, err := installPython(ctx, string(checkout))
	if err != nil {
		return err
	}
	engines, err := engines(python, string(checkout))
	if err != nil {
		return err
	}
	m, err := describeMachine(ctx, python)
	if err != nil {
		return err
	}
	measured := Measured{Machine: m, Rounds: rounds, Results: map[string]map[string][]Result{}}
	// What may fail comes first.
	if err := checkout.Missing(ctx); err != nil {
		fmt.Println("The notebook's cell is not timed:", err)
	} else if measured.Cell, err = timeCell(ctx, checkout, rounds); err != nil {
		return err
	}
	for round := range rounds {
		for _, work := range all {
			for _, engine := range engines {
				if !engine.does(work) {
					continue
				}
				result, err := engine.run(ctx, work, mnist)
				if err != nil {
					return err
				}
				fmt.Printf("round %d of %d: %-30s %-24s %7.2f s\n", round+1, rounds, work.Name, engine.Name, result.Seconds)
				measured.add(engine.Name, result)
			}
		}
	}

	table := measured.table(all)
	fmt.Print("\n", table)
	if quick {
		return nil
	}
	folder := filepath.Join(string(checkout), "mnistlib", "benchmark")
	if err := os.WriteFile(filepath.Join(folder, "results.md"), []byte(table), 0o644); err != nil {
		return err
	}
	return measured.plot(all, filepath.Join(folder, "results.svg"))
}
