package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// wrongAnswers are the solutions with one mistake each, by the check that should find it, and what
// the check should say.
var wrongAnswers = map[string]struct{ right, wrong, says string }{
	"CheckCount":          {"9*in*out + out", "9*in*out", "Each of the 8 output channels has a bias"},
	"CheckCrossEntropy":   {"largest + math.Log(sum) - logits[label]", "logits[label] - largest - math.Log(sum)", "take MINUS its logarithm"},
	"CheckShuffling":      {"Period: 31", "Period: 32", "there is no 32nd batch"},
	"CheckConvolution":    {"kernel[i][j]", "kernel[2-i][2-j]", "turned by 180 degrees"},
	"CheckMaxPool":        {"max(top[2*c]", "max(0, top[2*c]", "the maximum must start from one of the pixels"},
	"CheckMomentum":       {"momentum*v + g", "g", "does not include the old velocity"},
	"CheckRate":           {"LR: 0.4, Momentum: 0.6", "LR: 0.1, Momentum: 0", "No run gets there"},
	"CheckAdam":           {" / (1 - math.Pow(beta1, float64(t)))", " + 0*float64(t)", "correct v, but not m"},
	"CheckPaired":         {"/ (n - 1)", "/ n", "divide by n-1"},
	"CheckBatchNorm":      {"*n/(n-1)", "", "takes the biased variance"},
	"CheckIgnored":        {"layer1.bias", "layer2.bias", "The gradient of layer2.bias reaches"},
	"CheckInitialization": {"random.NormFloat64() *", "0.1 +", "hidden units are still the same"},
	"CheckCNN":            {"nn.Flatten(x)", "x", `Linear layer "fc" takes a vector, but its input has the shape [16 3 3]`},
	"CheckLinear":         {"dy[k] * x[j]", "x[j]", "dw holds the inputs alone"},
	"CheckTraining":       {"if h <= 0 {", "if h <= 0 && false {", "nothing passes"},
}

// Each exercise can be failed and passed in the kernel: one cell holds all with a mistake, and one all
// solved, as each cell takes the linker a second.
func TestExercisesInTheKernel(t *testing.T) {
	t.Parallel()
	nb, err := readNotebook("exercises.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	solutions := testedSolutions(t)
	var first string // the notebook's own first cell
	var wrong, right, last program
	for _, c := range nb.cells() {
		source := c.source()
		if strings.Contains(source, "%noautoget") {
			first = source
		}
		_, call, isExercise := strings.Cut(source, "exercises.Check")
		if !c.isCode() || !isExercise {
			continue
		}
		check, _, _ := strings.Cut("Check"+call, "(")
		if printed := c.stream("stdout"); !strings.Contains(printed, "not solved yet") {
			t.Errorf("the notebook's own cell of %s prints %q", check, printed)
		}
		code, run, _ := strings.Cut(source, "%%")
		for _, d := range declarations(t, "package p\n"+code) {
			solution, found := solutions[d.name]
			if !found && d.name != "import" {
				t.Errorf("there is no solution for %s", d.name)
			}
			if found {
				code = strings.Replace(code, d.text, solution, 1)
			}
		}
		mistake, found := wrongAnswers[check]
		mistaken := strings.Replace(code, mistake.right, mistake.wrong, 1)
		if !found || mistaken == code {
			t.Fatalf("there is no wrong answer to %s", check)
		}
		if check == "CheckTraining" { // which is solved with the functions of other exercises, and these right
			last.add(t, mistaken, run, mistake.says)
		} else {
			wrong.add(t, mistaken, run, mistake.says)
		}
		right.add(t, code, run, ": right. ")
	}
	if len(right.says) != len(wrongAnswers) {
		t.Fatalf("the notebook has %d exercises, expected %d", len(right.says), len(wrongAnswers))
	}
	cells := executeCells(t, false, first, wrong.cell(), right.cell(), last.cell())
	wrong.check(t, cells[1])
	right.check(t, cells[2])
	last.check(t, cells[3])
}

// A program is a cell that holds several cells, each of which prints a part of its own.
type program struct{ imports, code, main, says []string }

const nextPart = "---- the next part ----\n"

// add adds a cell: its declarations, the statements after its %%, and what it should print.
func (p *program) add(t *testing.T, code, statements, says string) {
	for _, d := range declarations(t, "package p\n"+code) {
		if d.name == "import" { // they stand before all others
			p.imports = append(p.imports, d.text)
			code = strings.Replace(code, d.text, "", 1)
		}
	}
	p.code, p.says = append(p.code, code), append(p.says, says)
	p.main = append(p.main, "{"+statements+"\n}\nfmt.Print("+strconv.Quote(nextPart)+")")
}

func (p *program) cell() string {
	return strings.Join(slices.Concat(p.imports, p.code, []string{"%%"}, p.main), "\n")
}

// check compares what each part printed with what it should.
func (p *program) check(t *testing.T, c cell) {
	t.Helper()
	printed := strings.Split(c.stream("stdout"), nextPart)
	if len(printed) != 1+len(p.says) {
		t.Fatalf("of %d parts, %d ran: %s%s", len(p.says), len(printed)-1, c.stream("stdout"), c.stream("stderr"))
	}
	for i, says := range p.says {
		if !strings.Contains(printed[i], says) {
			t.Errorf("%s\n%s\nprints %s\nexpected %q in it", p.code[i], p.main[i], printed[i], says)
		}
	}
}

// Each exercise is followed by two hints and the solution that is tested, folded away.
func TestHintsOfTheExercises(t *testing.T) {
	nb, err := readNotebook("exercises.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	solutions := testedSolutions(t)
	exercises, err := nb.exercises()
	if err != nil || len(exercises) != len(wrongAnswers) {
		t.Fatalf("there are %d exercises (%v)", len(exercises), err)
	}
	cells := nb.cells()
	for i, c := range cells {
		if !c.isCode() || checkCall.FindString(c.source()) == "" {
			continue
		}
		e := exercises[0]
		exercises = exercises[1:]
		hints := cells[i+1].source()
		var summaries []string
		for _, part := range strings.Split(hints, "<details><summary>")[1:] {
			summary, rest, _ := strings.Cut(part, "</summary>\n\n") // Markdown begins after an empty line
			if !strings.HasSuffix(strings.TrimSpace(rest), "\n\n</details>") {
				t.Errorf("exercise %d: %s does not end", e.Number, summary)
			}
			summaries = append(summaries, summary)
		}
		if want := []string{"Hint 1", "Hint 2", "Solution"}; !slices.Equal(summaries, want) {
			t.Errorf("exercise %d has %q", e.Number, summaries)
		}
		_, code, _ := strings.Cut(hints, "```go\n")
		code, _, _ = strings.Cut(code, "```")
		names, err := declaredNames(code)
		if err != nil || !slices.Equal(names, e.names) {
			t.Errorf("the solution of exercise %d declares %q, not %q (%v)", e.Number, names, e.names, err)
		}
		for _, d := range declarations(t, "package p\n"+code) {
			if d.text != solutions[d.name] {
				t.Errorf("the solution of exercise %d is not the one that is tested:\n%s", e.Number, d.text)
			}
		}
	}
}

type declaration struct{ name, text string }

// declarations returns the declarations of a Go file; that of a method is named Type.Method.
func declarations(t *testing.T, source string) []declaration {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []declaration
	for _, d := range file.Decls {
		name := ""
		switch d := d.(type) {
		case *ast.FuncDecl:
			name = d.Name.Name
			if d.Recv != nil {
				name = d.Recv.List[0].Type.(*ast.Ident).Name + "." + name
			}
		case *ast.GenDecl:
			switch spec := d.Specs[0].(type) {
			case *ast.TypeSpec:
				name = spec.Name.Name
			case *ast.ValueSpec:
				name = spec.Names[0].Name
			case *ast.ImportSpec:
				name = "import"
			}
		}
		all = append(all, declaration{name, source[files.Position(d.Pos()).Offset:files.Position(d.End()).Offset]})
	}
	return all
}

// testedSolutions are the declarations that solve the exercises, by name.
func testedSolutions(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.ReadFile("exercises/solutions_test.go")
	if err != nil {
		t.Fatal(err)
	}
	solutions := map[string]string{}
	for _, d := range declarations(t, string(file)) {
		solutions[d.name] = d.text
	}
	return solutions
}
