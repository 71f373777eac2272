package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"

	"example.com/tutorial6/notebooks/setup"
)

// An exercise is one of those in exercises.ipynb.
type exercise struct {
	Number int
	Title  string
	names  []string // what the reader declares
	check  string   // the statement that checks it
}

var (
	exerciseHeading = regexp.MustCompile(`(?m)^## (\d+) · (.+)$`)
	checkCall       = regexp.MustCompile(`(?m)^exercises\.Check.*$`)
)

// exercises returns the exercises of a notebook: each is a heading with its number and, under it, a cell
// that declares the answer and ends with its check.
func (nb notebook) exercises() ([]exercise, error) {
	var all []exercise
	var next exercise
	for i, c := range nb.cells() {
		if !c.isCode() {
			if heading := exerciseHeading.FindStringSubmatch(c.source()); heading != nil {
				number, _ := strconv.Atoi(heading[1]) // digits
				next = exercise{Number: number, Title: heading[2]}
			}
			continue
		}
		if next.check = checkCall.FindString(c.source()); next.check == "" {
			continue
		}
		var err error
		if next.names, err = declaredNames(c.declarations()); err != nil {
			return nil, fmt.Errorf("cell %d does not parse: %w", i+1, err)
		}
		all = append(all, next)
	}
	return all, nil
}

// declarations returns what stands above the statements of a code cell, without the kernel's own commands. As in the
// kernel, these may stand behind //gonb:, and one that ends in \ goes on in the next line.
func (c cell) declarations() string {
	var kept strings.Builder
	goesOn := false
	for line := range strings.Lines(c.source()) {
		command := strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "//gonb:")
		if strings.HasPrefix(command, "%%") || strings.HasPrefix(command, "%main") || strings.HasPrefix(command, "%exec") || strings.HasPrefix(command, "%test") {
			break
		}
		if goesOn || strings.HasPrefix(command, "%") || strings.HasPrefix(command, "!") {
			goesOn = strings.HasSuffix(command, `\`)
			continue
		}
		kept.WriteString(line)
	}
	return strings.TrimSpace(kept.String())
}

// declaredNames returns the functions, types and variables that Go code declares; methods are part of their type.
func declaredNames(code string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+code, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, spec.Name.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names, nil
}

// assignment returns the exercises that the checkout's own notebook sets.
func assignment(checkout setup.Checkout) ([]exercise, error) {
	nb, err := readNotebook(filepath.Join(checkout.Notebooks(), "exercises.ipynb"))
	if err != nil {
		return nil, err
	}
	return nb.exercises()
}

// printProgress tells which exercises are solved, as the cells of a notebook last printed.
func printProgress(out io.Writer, checkout setup.Checkout, path string) error {
	exercises, err := assignment(checkout)
	if err != nil {
		return err
	}
	nb, err := readNotebook(path)
	if err != nil {
		return fmt.Errorf("%w: name the notebook that you work in, or none if it is notebooks/exercises.ipynb", err)
	}
	var printed strings.Builder
	for _, c := range nb.cells() {
		printed.WriteString(c.stream("stdout"))
	}
	solved := 0
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, e := range exercises {
		says := "not tried yet"
		outcome := regexp.MustCompile(fmt.Sprintf(`(?m)^Exercise %d, .*?: (right|not right yet)\.`, e.Number))
		for _, match := range outcome.FindAllStringSubmatch(printed.String(), -1) {
			says = match[1]
		}
		if says == "right" {
			says = "solved"
			solved++
		}
		fmt.Fprintf(table, "%d\t%s\t%s\n", e.Number, e.Title, says)
	}
	table.Flush()
	fmt.Fprintf(out, "%d of %d exercises are solved, as the notebook was last saved.\n", solved, len(exercises))
	return nil
}
