package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTextAsATerminalShowsIt(t *testing.T) {
	for _, test := range []struct{ printed, shown string }{
		{"plain\nlines\n", "plain\nlines\n"},
		{"\rstep 1\rstep 2\rstep 3\n", "step 3\n"},
		{"50%\r100%\n", "100%\n"},
		{"100%\r5\n", "500%\n"},                   // a terminal keeps what is not written over
		{"a long line\r\x1b[Kshort\n", "short\n"}, // unless it is erased
		{"a long line\x1b[2K\rshort\n", "short\n"},
		{"progress\r        \rdone\nnext\n", "done\nnext\n"},
		{"progress\r        \r", ""},
		{"windows\r\nlines\r\n", "windows\nlines\n"},
		{"ünïcode\rX\n", "Xnïcode\n"},
		{"\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"}, // colours stay
	} {
		if shown := onTerminal(test.printed); shown != test.shown {
			t.Errorf("%q is shown as %q, not %q", test.printed, shown, test.shown)
		}
	}
}

// executed is a notebook as nbclient leaves it.
const executed = `{
 "cells": [
  {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Title\n", "text\n", "## First curve"]},
  {"cell_type": "code", "execution_count": 1, "id": "b",
   "metadata": {"tutorial": {"row": 5, "train": 0.993, "validation": 0.936},
    "execution": {"seconds": 3.25}},
   "outputs": [
    {"name": "stdout", "output_type": "stream", "text": ["step 1\rst"]},
    {"name": "stdout", "output_type": "stream", "text": "ep 2\r      \rFinal training accuracy 0.5, validation accuracy 0.4\n"},
    {"data": {"image/png": "AAAA", "x": {"y": 1e-05}}, "metadata": {}, "output_type": "display_data"},
    {"name": "stdout", "output_type": "stream", "text": ["MLP(50): 2 s.\n", "Final training accuracy 0.9985, validation accuracy 0.9200"]}
   ], "source": "%%\nTrain()"},
  {"cell_type": "markdown", "id": "c", "metadata": {}, "source": "no heading\n` + "```" + `\n# comment in code\n` + "```" + `\n"},
  {"cell_type": "code", "execution_count": 2, "id": "d", "metadata": {"tags": ["x"], "tutorial": {"row": 15}},
   "outputs": [{"name": "stderr", "output_type": "stream", "text": "Final training accuracy 0.1, validation accuracy 0.1"}], "source": []},
  {"cell_type": "code", "execution_count": 3, "id": "e", "metadata": {},
   "outputs": [{"name": "stdout", "output_type": "stream", "text": "Final training accuracy 0.112, validation accuracy 0.1"}], "source": []}
 ],
 "metadata": {"kernelspec": {"name": "tutorial6"}, "language_info": {"name": "go", "version": "go1.26.8"}},
 "nbformat": 4, "nbformat_minor": 5
}`

func parse(t *testing.T, content string) notebook {
	t.Helper()
	path := filepath.Join(t.TempDir(), "executed.ipynb")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	nb, err := readNotebook(path)
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

func TestResults(t *testing.T) {
	results, err := parse(t, executed).results()
	if err != nil {
		t.Fatal(err)
	}
	want := []result{
		{row: "5", section: "First curve", train: 0.9985, validation: 0.92, sourceTrain: "0.993", sourceValidation: "0.936", seconds: 3.25},
		{section: "First curve", train: 0.112, validation: 0.1},
	}
	if len(results) != len(want) {
		t.Fatalf("%d results: %+v", len(results), results)
	}
	for i := range want {
		if results[i] != want[i] {
			t.Errorf("result %d is %+v, not %+v", i, results[i], want[i])
		}
	}
	var table strings.Builder
	printTable(&table, results)
	const wantTable = `row  section      train   validation  source: train  validation  seconds
5    First curve  0.9985  0.9200      0.993          0.936       3.2
     First curve  0.1120  0.1000      -              -           0.0
`
	if table.String() != wantTable {
		t.Errorf("the table is\n%s", table.String())
	}
}

func TestCellThatShouldHaveTrained(t *testing.T) {
	_, err := parse(t, strings.ReplaceAll(executed, "Final training", "No")).results()
	if err == nil || !strings.Contains(err.Error(), `cell 2, under "First curve"`) {
		t.Errorf("a training cell without figures gives %v", err)
	}
	if _, err = parse(t, strings.Replace(executed, "0.9985,", "0.99.85,", 1)).results(); err == nil {
		t.Error("0.99.85 was taken for an accuracy")
	}
}

func TestCleanNotebook(t *testing.T) {
	nb := parse(t, executed)
	nb.clean()
	path := filepath.Join(t.TempDir(), "clean.ipynb")
	if err := nb.write(path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"3.25", "execution\"", `\r`, "step"} {
		if strings.Contains(string(content), gone) {
			t.Errorf("the clean notebook holds %q:\n%s", gone, content)
		}
	}
	for _, kept := range []string{"1e-05", "\"AAAA\"", `"row": 5`, "\"x\"\n", `"Final training accuracy 0.5, validation accuracy 0.4\n"`,
		`"MLP(50): 2 s.\n",`, `"execution_count": 3`} {
		if !strings.Contains(string(content), kept) {
			t.Errorf("the clean notebook lacks %q:\n%s", kept, content)
		}
	}
	again := parse(t, string(content))
	again.clean()
	if err := again.write(path); err != nil {
		t.Fatal(err)
	}
	if second, _ := os.ReadFile(path); string(second) != string(content) {
		t.Error("cleaning a clean notebook changes it")
	}
}

func TestFileThatIsNoNotebook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.ipynb")
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readNotebook(path); err == nil || !strings.Contains(err.Error(), "not a notebook") {
		t.Errorf("a file that is no notebook gives %v", err)
	}
}

func TestOnlyNotebooksAreRead(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.ipynb")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	go func() { // ends the waiting of who reads it nevertheless
		if writer, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil {
			writer.Close()
		}
	}()
	large := filepath.Join(t.TempDir(), "large.ipynb")
	if err := os.WriteFile(large, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 1<<40); err != nil {
		t.Skip("this file system has no such files: ", err)
	}
	for path, says := range map[string]string{pipe: "is not a file", t.TempDir(): "is not a file", large: "more than a notebook may have"} {
		if _, err := readNotebook(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gives %v", path, err)
		}
	}
}

// The limit on a file's size, which is the system's, ends the writing as a full disk does.
func TestNotebookOnAFullDiskStays(t *testing.T) {
	path := writeNotebook(t, "%noautoget")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("TUTORIAL6_TEST_FULL") == "" {
		cmd := exec.Command("sh", "-c", `ulimit -f 20; trap '' XFSZ; exec "$0" -test.v -test.run="^$1\$"`, os.Args[0], t.Name())
		cmd.Env = append(os.Environ(), "TUTORIAL6_TEST_FULL=1")
		if output, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS") {
			t.Errorf("%v: %s", err, output)
		}
		return
	}
	nb, err := readNotebook(path)
	if err != nil {
		t.Fatal(err)
	}
	nb["metadata"] = map[string]any{"large": strings.Repeat("x", 100_000)}
	if err := nb.write(path); err == nil {
		t.Fatal("there was room for it")
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("of the notebook, %d bytes are left (%v)", len(after), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("it leaves %v", left)
	}
}
