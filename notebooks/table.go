package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A result is what one cell of a notebook has trained.
type result struct {
	row               string // of the tutorial's source, if the cell mirrors one
	section           string
	train, validation float64

	// The source's figures, as the cell's metadata gives them: "" where it prints none.
	sourceTrain, sourceValidation string

	seconds float64
}

// finalAccuracies is how mnistlib ends the report of a training run.
var finalAccuracies = regexp.MustCompile(`(?i)final training accuracy[:=]?\s*([0-9.]+),\s*validation accuracy[:=]?\s*([0-9.]+)`)

// results reads the figures out of an executed notebook: of each cell that trains, the last ones that
// it printed. It returns an error for a cell that should have trained and did not.
func (nb notebook) results() ([]result, error) {
	var results []result
	section := ""
	for i, c := range nb.cells() {
		if c["cell_type"] == "markdown" {
			if heading := lastHeading(c.source()); heading != "" {
				section = heading
			}
			continue
		}
		tutorial := object(object(c["metadata"])["tutorial"])
		matches := finalAccuracies.FindAllStringSubmatch(c.stream("stdout"), -1)
		if matches == nil {
			if number(tutorial["train"]) != "" {
				return nil, fmt.Errorf("cell %d, under %q, printed no final accuracies", i+1, section)
			}
			continue
		}
		last := matches[len(matches)-1]
		train, err := strconv.ParseFloat(last[1], 64)
		if err != nil {
			return nil, fmt.Errorf("cell %d, under %q, printed an accuracy that is no number: %s", i+1, section, last[0])
		}
		validation, err := strconv.ParseFloat(last[2], 64)
		if err != nil {
			return nil, fmt.Errorf("cell %d, under %q, printed an accuracy that is no number: %s", i+1, section, last[0])
		}
		results = append(results, result{
			row:              number(tutorial["row"]),
			section:          section,
			train:            train,
			validation:       validation,
			sourceTrain:      number(tutorial["train"]),
			sourceValidation: number(tutorial["validation"]),
			seconds:          c.seconds(),
		})
	}
	return results, nil
}

// lastHeading returns the last heading of a Markdown text, or "".
func lastHeading(markdown string) string {
	heading, inCode := "", false
	for line := range strings.Lines(markdown) {
		if strings.HasPrefix(line, "```") {
			inCode = !inCode
		}
		if !inCode && strings.HasPrefix(line, "#") {
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
		}
	}
	return heading
}

// seconds returns how long the cell ran, its compilation by Go included.
func (c cell) seconds() float64 {
	seconds, _ := object(object(c["metadata"])["execution"])["seconds"].(json.Number)
	value, _ := seconds.Float64() // 0 for a cell that did not run
	return value
}

func number(value any) string {
	n, _ := value.(json.Number)
	return n.String()
}

// printTable prints the results of a notebook beside the source's.
func printTable(out io.Writer, results []result) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "row\tsection\ttrain\tvalidation\tsource: train\tvalidation\tseconds")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%s\t%.4f\t%.4f\t%s\t%s\t%.1f\n", r.row, r.section, r.train, r.validation,
			orDash(r.sourceTrain), orDash(r.sourceValidation), r.seconds)
	}
	table.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
