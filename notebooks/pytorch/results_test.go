package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"example.com/tutorial6/mnistlib"
	"example.com/tutorial6/notebooks/pytorch/runs"
)

// committed reads RESULTS.md.
func committed(t *testing.T) (text string, p page) {
	t.Helper()
	file, err := os.ReadFile("../RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	text = string(file)
	if machine := regexp.MustCompile(`(?m)from this machine: (.*)\.$`).FindStringSubmatch(text); machine != nil {
		p.Machine = machine[1]
	}
	for _, line := range regexp.MustCompile(`(?m)^\| (.*) \|$`).FindAllStringSubmatch(text, -1)[1:] { // without the head
		c := strings.Split(line[1], " | ")
		if len(c) != 8 {
			t.Fatalf("the row %q has %d columns", line[1], len(c))
		}
		p.Rows = append(p.Rows, row{c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]})
	}
	if len(p.Rows) != len(trainings) {
		t.Fatalf("RESULTS.md has %d rows; go run ./notebooks/pytorch results writes %d", len(p.Rows), len(trainings))
	}
	return text, p
}

// Nothing in RESULTS.md is written by hand: its words are the template's, the original's figures the tutorial's, and
// PyTorch's those of the stored runs.
func TestResultsAreAsTheProgramWritesThem(t *testing.T) {
	text, p := committed(t)
	originals, err := originalAccuracies("../..")
	if err != nil {
		t.Fatal(err)
	}
	for i, training := range trainings {
		var theirs []*mnistlib.History
		for seed := range uint64(numSeeds) {
			h, err := runs.PyTorch(training.name, seed, false)
			if err != nil {
				t.Fatal(err)
			}
			theirs = append(theirs, h)
		}
		r := &p.Rows[i]
		r.Name, r.Settings, r.Original, r.Theirs = training.name, training.settings(), originals[i], ranges(theirs)
	}
	var written strings.Builder
	if err := p.write(&written); err != nil {
		t.Fatal(err)
	}
	if written.String() != text {
		t.Errorf("RESULTS.md is not what `go run ./notebooks/pytorch results` writes:\n%s", written.String())
	}
}

// On the machine that RESULTS.md names, its rows come out again.
func TestResultsComeOutAgain(t *testing.T) {
	trains(t)
	_, p := committed(t)
	here, err := machine()
	if err != nil {
		t.Fatal(err)
	}
	if p.Machine != here {
		t.Skipf("RESULTS.md is from another machine, %s", p.Machine)
	}
	for i, training := range trainings {
		if training.name != "MLP(30), momentum" && training.name != "MLP(30), batch norm before ReLU" {
			continue // the others take longer
		}
		got, err := training.row(p.Rows[i].Original)
		if err != nil {
			t.Fatal(err)
		}
		if got != p.Rows[i] {
			t.Errorf("got %+v, RESULTS.md has %+v", got, p.Rows[i])
		}
	}
}
