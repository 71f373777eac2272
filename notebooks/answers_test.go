package main

import (
	"strings"
	"testing"
)

const question = "**Question.**"

// answerCells returns the cells that the answers of a notebook give to copy, and the complaints about
// questions without one.
func (nb notebook) answerCells() (answers, complaints []string) {
	for _, c := range nb.cells() {
		if c.isCode() {
			continue
		}
		for _, asked := range strings.Split(c.source(), question)[1:] {
			_, answer, found := strings.Cut(asked, "\n\n<details><summary>Answer</summary>\n\n")
			answer, _, ends := strings.Cut(answer, "\n\n</details>")
			_, code, _ := strings.Cut(answer, "```go\n")
			code, _, fenced := strings.Cut(code, "```")
			if !found || !ends || !fenced {
				complaints = append(complaints, strings.TrimSpace(asked[:min(len(asked), 80)]))
				continue
			}
			answers = append(answers, code)
		}
	}
	return answers, complaints
}

// Every question has its answer folded away under it, with a cell that runs after what the notebook
// declares and saves, and shows something.
func TestAnswersRunInTheKernel(t *testing.T) {
	long(t)
	t.Parallel()
	for _, path := range []string{"tutorial.ipynb", "inside.ipynb", "explore.ipynb"} {
		nb, err := readNotebook(path)
		if err != nil {
			t.Fatal(err)
		}
		answers, complaints := nb.answerCells()
		for _, asked := range complaints {
			t.Errorf("%s: a question has no answer with a cell: %s", path, asked)
		}
		if len(answers) == 0 {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			sources := []string{"%noautoget"}
			for _, c := range nb.cells() {
				switch declarations := c.declarations(); {
				case !c.isCode():
				case strings.Contains(c.source(), ".Save("): // what answers load
					sources = append(sources, c.source())
				case declarations != "":
					sources = append(sources, declarations)
				}
			}
			declared := len(sources)
			for i, c := range executeCells(t, false, append(sources, answers...)...)[declared:] {
				if c.stream("stdout") == "" || c.stream("stderr") != "" {
					t.Errorf("the answer\n%s\nprints %q and %q", answers[i], c.stream("stdout"), c.stream("stderr"))
				}
			}
		})
	}
}
