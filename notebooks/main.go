// Command notebooks sets up the tutorial's notebooks, opens them in JupyterLab, and executes them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"example.com/tutorial6/notebooks/setup"
)

const help = `Usage, in the folder of the checkout:

  go run ./notebooks [-port N] [-no-browser]
      Sets up what is missing and opens the tutorial in JupyterLab.
  go run ./notebooks setup
      Only sets up, in the folder .setup of the checkout.
  go run ./notebooks run [-o DIR] [-inplace] [NOTEBOOK ...]
      Executes the notebooks, all if none is named, and prints what they
      trained. It fails when a cell fails. The executed notebooks go to the
      folder DIR, or with -inplace replace the notebooks.
  go run ./notebooks progress [NOTEBOOK]
      Says which exercises are solved.
  go run ./notebooks grade [-o DIR] [-time 2m] [-memory 4096] FOLDER
      Checks the exercises of a class, FOLDER/STUDENT/.../exercises.ipynb, each
      for at most so long a cell and so many MiB a process and, where the system
      can, without a network, a sight of the class, and files to change. Writes
      grades.csv and grades.html. This keeps off honest mistakes and careless
      cheating; code that sets out to forge its mark can, so look at the cells
      behind a mark that surprises.
  go run ./notebooks check
      Says what is wrong on this machine, and how to mend it.
  go run ./notebooks kernel -user | -prefix DIR
      Adds the kernel to a Jupyter that is installed already: for this user,
      or to the Python environment in the folder DIR.

The tutorial is a set of slides, with notes for who speaks (key S):

  .setup/venv/bin/python -m nbconvert --to slides notebooks/tutorial.ipynb
      Writes them beside the notebook. They load reveal.js from the network;
      from the disk after "npm install reveal.js@4.6.1" in that folder, with
      --SlidesExporter.reveal_url_prefix=node_modules/reveal.js.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	go whenGoRunEnds(cancel)
	err := command(ctx, os.Stdout, os.Args[1:])
	cancel()
	stop()
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(help)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// whenGoRunEnds calls end when the go run that started this process is gone, which was killed then: it
// passes on all signals but that. On Linux only; a shell that started this process may end before it.
func whenGoRunEnds(end func()) {
	parent := os.Getppid()
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent))
	if err != nil || string(name) != "go\n" {
		return
	}
	for os.Getppid() == parent {
		time.Sleep(200 * time.Millisecond)
	}
	end()
}

// commands are what the first argument may name. Each is given those that follow it.
var commands = map[string]func(ctx context.Context, out io.Writer, args []string) error{
	"lab":      labCommand,
	"setup":    setupCommand,
	"run":      runCommand,
	"progress": progressCommand,
	"grade":    gradeCommand,
	"check":    checkCommand,
	"kernel":   kernelCommand,
}

// command runs the command that the arguments name.
func command(ctx context.Context, out io.Writer, args []string) error {
	name := "lab"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	if name == "help" {
		return flag.ErrHelp
	}
	run, ok := commands[name]
	if !ok {
		return fmt.Errorf("there is no command %q: go run ./notebooks -help lists them", name)
	}
	return run(ctx, out, args)
}

// newFlags returns a set of flags that leaves it to main to print what is wrong.
func newFlags() *flag.FlagSet {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parseFlags reads the flags, beside which there may be at most so many arguments.
func parseFlags(flags *flag.FlagSet, args []string, most int) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%v: go run ./notebooks -help lists the flags", err)
	case flags.NArg() > most:
		return fmt.Errorf("%q is one argument too many: go run ./notebooks -help shows the usage", flags.Arg(most))
	}
	return nil
}

func labCommand(ctx context.Context, out io.Writer, args []string) error {
	flags := newFlags()
	port := flags.Int("port", 8888, "")
	noBrowser := flags.Bool("no-browser", false, "")
	if err := parseFlags(flags, args, 0); err != nil {
		return err
	}
	checkout, err := setup.All(ctx, out)
	if err != nil {
		return err
	}
	return runLab(ctx, out, checkout, checkout.Notebooks(), *port, !*noBrowser)
}

func setupCommand(ctx context.Context, out io.Writer, args []string) error {
	if err := parseFlags(newFlags(), args, 0); err != nil {
		return err
	}
	if _, err := setup.All(ctx, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "everything is set up: go run ./notebooks opens the tutorial")
	return nil
}

func runCommand(ctx context.Context, out io.Writer, args []string) error {
	flags := newFlags()
	outputDir := flags.String("o", "", "")
	inPlace := flags.Bool("inplace", false, "")
	if err := parseFlags(flags, args, len(args)); err != nil {
		return err
	}
	checkout, err := setup.All(ctx, out)
	if err != nil {
		return err
	}
	paths := flags.Args()
	if len(paths) == 0 {
		if paths, err = allNotebooks(checkout.Notebooks()); err != nil {
			return err
		}
	}
	return runNotebooks(ctx, out, checkout, paths, *outputDir, *inPlace)
}

func progressCommand(_ context.Context, out io.Writer, args []string) error {
	flags := newFlags()
	if err := parseFlags(flags, args, 1); err != nil {
		return err
	}
	checkout, err := setup.Here()
	if err != nil {
		return err
	}
	path := filepath.Join(checkout.Notebooks(), "exercises.ipynb")
	if flags.NArg() == 1 {
		path = flags.Arg(0)
	}
	return printProgress(out, checkout, path)
}

func gradeCommand(ctx context.Context, out io.Writer, args []string) error {
	var within limits
	flags := newFlags()
	outputDir := flags.String("o", ".", "")
	flags.DurationVar(&within.Time, "time", 2*time.Minute, "")
	flags.IntVar(&within.Memory, "memory", 4096, "")
	if err := parseFlags(flags, args, 1); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("the folder is missing in which the class has handed in: go run ./notebooks grade FOLDER")
	}
	if within.Time <= 0 || within.Memory <= 0 {
		return errors.New("a limit must be above 0: -time 2m is two minutes, -memory 4096 is 4 GiB")
	}
	checkout, err := setup.All(ctx, out)
	if err != nil {
		return err
	}
	return gradeAll(ctx, out, checkout, flags.Arg(0), *outputDir, within)
}

func checkCommand(ctx context.Context, out io.Writer, args []string) error {
	if err := parseFlags(newFlags(), args, 0); err != nil {
		return err
	}
	return check(ctx, out)
}

// allNotebooks returns the notebooks of a folder.
func allNotebooks(folder string) ([]string, error) {
	paths, err := setup.Glob(folder, "*.ipynb")
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("there is no notebook in %s: name those that are to be executed", folder)
	}
	return paths, err
}

// kernelCommand adds the kernel to a Jupyter of the reader's own.
func kernelCommand(ctx context.Context, out io.Writer, args []string) error {
	flags := newFlags()
	user := flags.Bool("user", false, "")
	prefix := flags.String("prefix", "", "")
	if err := parseFlags(flags, args, 0); err != nil {
		return err
	}
	if *user == (*prefix != "") {
		return errors.New("the kernel's place is missing: give either -user or -prefix DIR")
	}
	dataFolder := filepath.Join(*prefix, "share", "jupyter")
	if *user {
		var err error
		if dataFolder, err = setup.UserDataFolder(); err != nil {
			return err
		}
	}
	folder, err := setup.Kernel(ctx, out, dataFolder)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `The kernel is in
    %s
It uses this checkout: keep it where it is. To remove the kernel, delete that folder.
`, folder)
	return nil
}
