package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)

// The pages link to files that are there; README names each notebook, and the tutorial leads to each.
func TestPages(t *testing.T) {
	pages := []string{"../README.md", "../.github/CONTRIBUTING.md", "../.github/CHANGELOG.md", "../docker/README.md", "RESULTS.md",
		"../mnistlib/benchmark/NOTES.md", "../mnistlib/benchmark/results.md"}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(target[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	readme, err := os.ReadFile(pages[0])
	if err != nil {
		t.Fatal(err)
	}
	tutorial, err := os.ReadFile("tutorial.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	notebooks, err := filepath.Glob("*.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range notebooks {
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("README does not name %s", name)
		}
		if name != "tutorial.ipynb" && !strings.Contains(string(tutorial), "("+name+")") {
			t.Errorf("the tutorial does not lead to %s", name)
		}
	}
}
