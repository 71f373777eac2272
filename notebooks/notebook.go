package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"example.com/tutorial6/notebooks/setup"
)

// A notebook is the content of an .ipynb file. It stays as generic as it was read, so that writing it
// loses nothing.
type notebook map[string]any

const largestNotebook = 200 << 20 // bytes

func readNotebook(path string) (notebook, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path) // a pipe would be waited for
	} else if err == nil && info.Size() > largestNotebook {
		return nil, fmt.Errorf("%s has %d bytes, more than a notebook may have", path, info.Size())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber() // numbers keep their digits
	var nb notebook
	if err := decoder.Decode(&nb); err != nil {
		return nil, fmt.Errorf("%s is not a notebook: %w", path, err)
	}
	return nb, nil
}

// write writes the notebook in the form in which Jupyter writes it: keys sorted, indented by one space. If it
// fails, one that was there already is left as it was.
func (nb notebook) write(path string) error {
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(nb); err != nil {
		return err
	}
	return writeWhole(path, content.Bytes(), 0o644)
}

// writeWhole writes a file whole or not at all: a full disk leaves the one before. It gets this mode.
func writeWhole(path string, content []byte, mode os.FileMode) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	temporary := path + ".new"
	os.Remove(temporary) // one that was left behind would keep its mode
	err := os.WriteFile(temporary, content, mode)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		os.Remove(temporary)
	}
	return err
}

// newNotebook returns a notebook of new cells of code, for the tutorial's kernel.
func newNotebook(sources ...string) notebook {
	var cells []any
	for i, source := range sources {
		cells = append(cells, map[string]any{"cell_type": "code", "id": fmt.Sprint("cell-", i), "metadata": map[string]any{},
			"execution_count": nil, "outputs": []any{}, "source": source})
	}
	return notebook{"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": map[string]any{
		"kernelspec": map[string]any{"name": setup.KernelName, "display_name": setup.KernelTitle, "language": "go"}}}
}

// mayFail lets the notebook go on after any cell that fails.
func (nb notebook) mayFail() notebook {
	for _, c := range nb.cells() {
		object(c["metadata"])["tags"] = []any{"raises-exception"}
	}
	return nb
}

// A cell is one cell of a notebook.
type cell map[string]any

func (nb notebook) cells() []cell {
	var cells []cell
	for _, c := range list(nb["cells"]) {
		cells = append(cells, object(c))
	}
	return cells
}

func (c cell) isCode() bool   { return c["cell_type"] == "code" }
func (c cell) source() string { return text(c["source"]) }

// stream returns all that the cell printed on "stdout" or "stderr", as a terminal shows it.
func (c cell) stream(name string) string {
	var printed strings.Builder
	for _, o := range list(c["outputs"]) {
		if output := object(o); output["output_type"] == "stream" && output["name"] == name {
			printed.WriteString(text(output["text"]))
		}
	}
	return onTerminal(printed.String())
}

// clean takes out of an executed notebook what differs from run to run without meaning: times, and the
// states that a progress line went through.
func (nb notebook) clean() {
	for _, c := range nb.cells() {
		delete(object(c["metadata"]), "execution")
		if !c.isCode() {
			continue
		}
		outputs := []any{}
		for _, o := range list(c["outputs"]) {
			output := object(o)
			if output["output_type"] == "stream" {
				if n := len(outputs); n > 0 && object(outputs[n-1])["name"] == output["name"] {
					previous := object(outputs[n-1])
					previous["text"] = text(previous["text"]) + text(output["text"])
					continue
				}
				output["text"] = text(output["text"])
			}
			outputs = append(outputs, o)
		}
		for _, o := range outputs {
			if output := object(o); output["output_type"] == "stream" {
				output["text"] = lines(onTerminal(output["text"].(string)))
			}
		}
		c["outputs"] = outputs
	}
}

// erase are the control sequences that erase the rest of a line, or the whole of it.
var erase = regexp.MustCompile(`\x1b\[([02]?)K`)

// onTerminal returns printed text as a terminal shows it in the end: after a carriage return, a line is
// written over. Spaces at the end of such a line are dropped, since they only served to erase.
func onTerminal(printed string) string {
	rows := strings.Split(printed, "\n")
	for i, row := range rows {
		if strings.ContainsAny(row, "\r\x1b") {
			rows[i] = overwrite(strings.TrimSuffix(row, "\r"))
		}
	}
	return strings.Join(rows, "\n")
}

func overwrite(row string) string {
	var shown []rune
	for _, part := range strings.Split(row, "\r") {
		column := 0
		for part != "" {
			end := len(part)
			sequence := erase.FindStringSubmatchIndex(part)
			if sequence != nil {
				end = sequence[0]
			}
			for _, r := range part[:end] {
				if column < len(shown) {
					shown[column] = r
				} else {
					shown = append(shown, r)
				}
				column++
			}
			if sequence == nil {
				break
			}
			if part[sequence[2]:sequence[3]] == "2" {
				for i := range column {
					shown[i] = ' '
				}
			}
			shown = shown[:column]
			part = part[sequence[1]:]
		}
	}
	return strings.TrimRight(string(shown), " ")
}

// lines splits text into the list of lines that the file format wants.
func lines(text string) []any {
	split := []any{}
	for line := range strings.Lines(text) {
		split = append(split, line)
	}
	return split
}

// text joins what the file format has either as a string or as a list of lines.
func text(value any) string {
	if whole, ok := value.(string); ok {
		return whole
	}
	var joined strings.Builder
	for _, line := range list(value) {
		s, _ := line.(string)
		joined.WriteString(s)
	}
	return joined.String()
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

func object(value any) map[string]any {
	o, _ := value.(map[string]any)
	return o
}
