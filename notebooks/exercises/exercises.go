// Package exercises checks the answers of exercises.ipynb. Each check takes what the reader wrote,
// prints whether it is right and, if not, what is wrong with it, and returns what it printed.
package exercises

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// report runs one check and prints its outcome. The check returns "" for a right answer, notSolved for
// an untouched one, and otherwise what is wrong. The lesson is what a right answer is rewarded with.
func report(number int, name, lesson string, check func() string) string {
	outcome := fmt.Sprintf("Exercise %d, %s: ", number, name)
	switch wrong := guarded(check); wrong {
	case "":
		outcome += "right. " + lesson
	case notSolved:
		outcome += wrong
	default:
		outcome += "not right yet. " + wrong
	}
	fmt.Println(outcome)
	return outcome
}

const notSolved = "not solved yet. Fill in the cell and run it again."

// guarded turns a panic in the reader's code into one sentence.
func guarded(check func() string) (wrong string) {
	defer func() {
		if cause := recover(); cause != nil {
			reason, _, _ := strings.Cut(fmt.Sprint(cause), "\n")
			wrong = fmt.Sprintf("Your code stopped: %s.", strings.TrimPrefix(reason, "runtime error: "))
		}
	}()
	return check()
}

// sentence is what an error of the library says: one line, with its capital and its stop.
func sentence(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.ToUpper(line[:1]) + strings.TrimSuffix(line[1:], ".") + "."
}

// A mistake is a wrong answer that a check knows, and what to say to it.
type mistake struct {
	answer []float64
	says   string
}

// compare returns "" if got is want. Otherwise it says which known mistake got is, or at least what
// was asked, what came and what was expected.
func compare(asked string, got, want []float64, known ...mistake) string {
	if equal(got, want) {
		return ""
	}
	for _, m := range known {
		if equal(got, m.answer) {
			return m.says
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("For %s your answer has %d numbers; expected %d.", asked, len(got), len(want))
	}
	from := 0
	if len(got) > mostNumbers { // the first that is wrong must be among those that are written
		for equal(got[from:from+1], want[from:from+1]) {
			from++
		}
	}
	if from > 0 {
		asked += fmt.Sprintf(" from number %d on", from+1)
	}
	// Two that differ late are written with the digits that tell them apart.
	g, w := "", ""
	for digits := 5; g == w && digits <= 17; digits++ {
		g, w = numbers(got[from:], digits), numbers(want[from:], digits)
	}
	return fmt.Sprintf("For %s your answer is %s; expected %s.", asked, g, w)
}

// compareTables compares what compare does, and before it the sizes.
func compareTables(asked string, got, want [][]float64, known ...mistake) string {
	if size(got) != size(want) {
		return fmt.Sprintf("For %s you return %s numbers; expected %s.", asked, size(got), size(want))
	}
	return compare(asked, flat(got), flat(want), known...)
}

// size writes how many rows and columns a table has.
func size(table [][]float64) string {
	if len(table) == 0 {
		return "0 × 0"
	}
	for _, row := range table {
		if len(row) != len(table[0]) {
			return fmt.Sprintf("%d rows of different lengths of", len(table))
		}
	}
	return fmt.Sprintf("%d × %d", len(table), len(table[0]))
}

// equal allows for rounding.
func equal(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !(math.Abs(a[i]-b[i]) <= 1e-6*math.Abs(b[i])+1e-9) {
			return false
		}
	}
	return true
}

const mostNumbers = 9

// numbers writes the first few numbers, without the noise of their last digits.
func numbers(values []float64, digits int) string {
	var words []string
	for i, v := range values {
		if i == mostNumbers {
			words = append(words, "…")
			break
		}
		words = append(words, fmt.Sprintf("%.*g", digits, v))
	}
	return strings.Join(words, ", ")
}

// flat lists the numbers of a table row by row.
func flat(table [][]float64) []float64 {
	var values []float64
	for _, row := range table {
		values = append(values, row...)
	}
	return values
}

// cloned copies a table. Answers get copies, and may do with them what they like.
func cloned(table [][]float64) [][]float64 {
	copied := make([][]float64, len(table))
	for i, row := range table {
		copied[i] = slices.Clone(row)
	}
	return copied
}
