package mnistlib

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// An exported name of the package is one that a notebook or the README uses. A type may also be one that a reader
// holds in a variable: what such a function or method returns, or a field of what it returns.
func TestEveryExportedNameIsUsed(t *testing.T) {
	used := usedNames(t)
	var unused []string
	returned := map[string]bool{} // types that a reader holds without their names
	fields := map[string][]string{}
	for _, file := range packageFiles(t) {
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil || !ast.IsExported(name) {
					continue
				}
				if !used[name] {
					unused = append(unused, name)
				} else if d.Type.Results != nil {
					for _, name := range exportedIn(d.Type.Results) {
						returned[name] = true
					}
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() {
							fields[s.Name.Name] = exportedIn(s.Type)
						}
					case *ast.ValueSpec:
						for _, name := range s.Names {
							if name.IsExported() && !used[name.Name] {
								unused = append(unused, name.Name)
							}
						}
					}
				}
			}
		}
	}
	var hold func(name string)
	held := map[string]bool{}
	hold = func(name string) {
		if !held[name] {
			held[name] = true
			for _, field := range fields[name] {
				hold(field)
			}
		}
	}
	for name := range fields {
		if used[name] || returned[name] {
			hold(name)
		}
	}
	for name := range fields {
		if !held[name] {
			unused = append(unused, name)
		}
	}
	if len(used) < 30 || len(fields) < 10 {
		t.Fatalf("%d names are used and %d types declared; is this the right folder?", len(used), len(fields))
	}
	if len(unused) > 0 {
		t.Errorf("no notebook and not the README uses %s", strings.Join(unused, ", "))
	}
}

func packageFiles(t *testing.T) (files []*ast.File) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// exportedIn are the exported names in a piece of code.
func exportedIn(code ast.Node) (names []string) {
	ast.Inspect(code, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok && name.IsExported() {
			names = append(names, name.Name)
		}
		return true
	})
	return names
}

// usedNames are the names that stand behind "mnistlib." in the notebooks' cells, answers included, and in the README.
func usedNames(t *testing.T) map[string]bool {
	paths, err := filepath.Glob("../notebooks/*.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, path := range append(paths, "../README.md") {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(path) == ".md" {
			text.Write(content)
			continue
		}
		var notebook struct{ Cells []struct{ Source []string } }
		if err := json.Unmarshal(content, &notebook); err != nil {
			t.Fatal(err)
		}
		for _, cell := range notebook.Cells {
			text.WriteString(strings.Join(cell.Source, "") + "\n")
		}
	}
	used := map[string]bool{}
	for _, match := range regexp.MustCompile(`\bmnistlib\.([A-Z]\w*)`).FindAllStringSubmatch(text.String(), -1) {
		used[match[1]] = true
	}
	return used
}
