package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"example.com/tutorial6/notebooks/setup"
)

// A grade is what came of one student's notebook.
type grade struct {
	Student  string
	Notebook string // its path in the folder; empty if none was handed in
	Marks    []mark
}

// A mark is what came of one exercise.
type mark struct {
	Exercise exercise
	Solved   bool
	Message  string
}

func (g grade) Solved() int {
	n := 0
	for _, m := range g.Marks {
		if m.Solved {
			n++
		}
	}
	return n
}

// gradeAll grades the exercise notebooks of a folder, which has a folder for each student, and writes
// grades.csv and grades.html into outputDir. The folder may also be nbgrader's, which has the students' in
// submitted/STUDENT/ASSIGNMENT.
func gradeAll(ctx context.Context, out io.Writer, checkout setup.Checkout, folder, outputDir string, limits limits) error {
	exercises, err := assignment(checkout)
	if err != nil {
		return err
	}
	class, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if holds(class, string(checkout)) || holds(class, os.TempDir()) {
		return fmt.Errorf("%s holds more than a class: grade a folder with nothing but the students' in it", folder)
	}
	if submitted := filepath.Join(folder, "submitted"); isFolder(submitted) {
		folder = submitted
	}
	grades, err := handedIn(folder, exercises)
	if err != nil {
		return fmt.Errorf("the class's folder cannot be read (%w): name the folder in which each student has one with exercises.ipynb", err)
	}
	if len(grades) == 0 {
		return fmt.Errorf("%s holds no notebooks: a class hands in as STUDENT/exercises.ipynb, each student in a folder", folder)
	}
	if err := limits.apart(ctx, checkout, class); err != nil {
		fmt.Fprintf(out, "this system does not let the notebooks run apart from the network, from other processes and from your files (%v)\n", err)
	}
	for i := range grades {
		g := &grades[i]
		if g.Notebook == "" {
			g.Marks = sameMark(exercises, "no notebook was handed in")
		} else {
			g.Marks = gradeNotebook(ctx, checkout, filepath.Join(folder, g.Notebook), exercises, limits)
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		fmt.Fprintf(out, "%s: %d of %d solved\n", printable(cmp.Or(g.Notebook, g.Student)), g.Solved(), len(exercises))
	}
	if err := os.MkdirAll(outputDir, 0o755); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer, []exercise, []grade) error{"grades.csv": writeCSV, "grades.html": writeHTML} {
		var content bytes.Buffer
		if err := write(&content, exercises, grades); err != nil {
			return err
		}
		if err := writeWhole(filepath.Join(outputDir, name), content.Bytes(), 0o600); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "the tables are %s and .csv\n", filepath.Join(outputDir, "grades.html"))
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// handedIn returns a grade to fill in for each notebook below the folder in which one of the exercises is
// answered, whatever its name, or which cannot be read, and for each student without any.
func handedIn(folder string, exercises []exercise) ([]grade, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var grades []grade
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") || !entry.IsDir() && filepath.Ext(entry.Name()) != ".ipynb" {
			continue
		}
		student := strings.TrimSuffix(entry.Name(), ".ipynb") // who hands in no folder, but a file of that name
		found := false
		err := filepath.WalkDir(filepath.Join(folder, entry.Name()), func(path string, d fs.DirEntry, err error) error {
			if err != nil { // it gets marks that say so; the class goes on
				relative, _ := filepath.Rel(folder, path)
				found = true
				grades = append(grades, grade{Student: student, Notebook: relative})
				if d != nil && d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			if strings.HasPrefix(d.Name(), ".") { // .ipynb_checkpoints, .git, .setup
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			if filepath.Ext(path) != ".ipynb" || !d.Type().IsRegular() {
				return nil // a link may lead anywhere
			}
			if nb, err := readNotebook(path); err == nil && !nb.answers(exercises) {
				return nil
			}
			relative, err := filepath.Rel(folder, path)
			if err != nil {
				return err
			}
			found = true
			grades = append(grades, grade{Student: student, Notebook: relative})
			return nil
		})
		if err != nil {
			return nil, err
		}
		if !found {
			grades = append(grades, grade{Student: student})
		}
	}
	return grades, nil
}

// answers tells whether the notebook answers any of the exercises.
func (nb notebook) answers(exercises []exercise) bool {
	for _, c := range nb.cells() {
		for _, e := range exercises {
			if c.isCode() && c.answers(e) {
				return true
			}
		}
	}
	return false
}

// answers tells whether a cell declares one of the names that the exercise asks for, whether it compiles or not.
func (c cell) answers(e exercise) bool {
	return regexp.MustCompile(`\b(func|var|type)\s+(` + strings.Join(e.names, "|") + `)\b`).MatchString(c.source())
}

func sameMark(exercises []exercise, message string) []mark {
	var marks []mark
	for _, e := range exercises {
		marks = append(marks, mark{Exercise: e, Message: message})
	}
	return marks
}

// gradeNotebook marks one notebook. It runs what the cells declare, and then checks of its own: a check
// that the student deleted or changed runs nevertheless, and what a cell prints by itself does not count.
func gradeNotebook(ctx context.Context, checkout setup.Checkout, path string, exercises []exercise, limits limits) []mark {
	if isFolder(path) {
		return sameMark(exercises, "the folder cannot be read")
	}
	nb, err := readNotebook(path)
	if err != nil {
		return sameMark(exercises, "the file cannot be read as a notebook")
	}
	// Who knows the secret can print a mark without its check. Nobody does beforehand, but the program that holds the
	// check holds the secret, too, and code that searches itself can find it: this keeps off honest mistakes and
	// careless cheating, and a lecturer looks at marks that surprise.
	secret := "c" + strings.ToLower(rand.Text())
	graded := nb.toGrade(exercises, secret)
	whole := time.Duration(len(graded.cells())+1) * limits.Time // enough for all: what does not end costs no other mark
	ctx, cancel := context.WithTimeout(ctx, whole)
	defer cancel()
	executed, err := graded.execute(ctx, io.Discard, checkout, path, &limits)
	if executed == nil {
		switch {
		case ctx.Err() != nil:
			return sameMark(exercises, fmt.Sprintf("the notebook did not end within %v", whole))
		default:
			return sameMark(exercises, "the notebook could not be executed: "+oneLine(err.Error()))
		}
	}
	cells := executed.cells()
	answers, checks := cells[:len(cells)-len(exercises)], cells[len(cells)-len(exercises):]
	var marks []mark
	for i, e := range exercises {
		marks = append(marks, checks[i].mark(e, answers, secret, limits.Time))
	}
	return marks
}

// toGrade returns a notebook of the student's declarations, each cell its own, with one check for each of the
// exercises at its end.
func (nb notebook) toGrade(exercises []exercise, secret string) notebook {
	sources := []string{"%noautoget\nimport (\n\t\"example.com/tutorial6/mnistlib\"\n\t\"example.com/tutorial6/notebooks/exercises\"\n)"}
	for _, c := range nb.cells() {
		if declarations := c.declarations(); c.isCode() && declarations != "" {
			sources = append(sources, declarations)
		}
	}
	for _, e := range exercises {
		// The names are ones that no student has given to something else. What the student's code prints is left out:
		// a flood of it would drown the mark, and those of the next exercises.
		sources = append(sources, fmt.Sprintf("import %[1]s \"example.com/tutorial6/notebooks/exercises\"\nimport %[1]sos \"os\"\n\n%%%%\n"+
			"%[1]sout := %[1]sos.Stdout\n%[1]sos.Stdout, %[1]sos.Stderr = nil, nil\n%[1]sout.WriteString(\"\\n%[1]s\" + %[2]s + \"%[1]s\\n\")",
			secret, strings.Replace(e.check, "exercises.", secret+".", 1)))
	}
	return newNotebook(sources...).mayFail()
}

// mark reads off an executed check what it said.
func (c cell) mark(e exercise, answers []cell, secret string, limit time.Duration) mark {
	if _, after, ok := strings.Cut(c.stream("stdout"), secret); ok {
		if outcome, _, ok := strings.Cut(after, secret); ok {
			_, outcome, _ = strings.Cut(outcome, ": ")
			message, solved := strings.CutPrefix(outcome, "right. ")
			return mark{e, solved, oneLine(message)}
		}
	}
	said := strings.TrimSpace(c.failure())
	switch {
	case c["execution_count"] == nil:
		return mark{e, false, "not run: the notebook ended before"}
	case c.seconds() >= limit.Seconds():
		return mark{e, false, fmt.Sprintf("did not end within %v", limit)}
	}
	for _, name := range e.names {
		if !strings.Contains(said, "undefined: "+name) {
			continue
		}
		for _, answer := range answers {
			if failure := answer.failure(); failure != "" && answer.answers(e) {
				return mark{e, false, "the cell does not compile: " + oneLine(failure)}
			}
		}
		return mark{e, false, name + " is missing, or has another name"}
	}
	if said == "" {
		said = "it ended before its check did"
	}
	return mark{e, false, "stopped: " + oneLine(said)}
}

// failure returns what a cell wrote as errors.
func (c cell) failure() string {
	said := c.stream("stderr")
	for _, o := range list(c["outputs"]) {
		if output := object(o); output["output_type"] == "error" {
			said += text(output["evalue"]) + "\n"
		}
	}
	return said
}

const longestMessage = 300 // characters

// oneLine makes one short line of a text that may be anything.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(printable(text)), " ")
	if runes := []rune(text); len(runes) > longestMessage {
		text = string(runes[:longestMessage]) + " …"
	}
	return text
}

// printable replaces what would move a terminal's cursor or change its colours.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, text)
}

func writeCSV(out io.Writer, _ []exercise, grades []grade) error {
	table := csv.NewWriter(out)
	rows := [][]string{{"student", "notebook", "exercise", "title", "solved", "message"}}
	for _, g := range grades {
		for _, m := range g.Marks {
			rows = append(rows, []string{harmless(g.Student), harmless(g.Notebook), strconv.Itoa(m.Exercise.Number), harmless(m.Exercise.Title),
				map[bool]string{true: "yes", false: "no"}[m.Solved], harmless(m.Message)})
		}
	}
	return table.WriteAll(rows)
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

//go:embed grade.html
var gradePage string

func writeHTML(out io.Writer, exercises []exercise, grades []grade) error {
	return template.Must(template.New("grades").Parse(gradePage)).Execute(out, map[string]any{"Exercises": exercises, "Grades": grades})
}
