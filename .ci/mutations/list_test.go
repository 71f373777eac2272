package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a mutation changes stands in its file once: else the code has moved on, and the list has not.
func TestTextsToChange(t *testing.T) {
	for _, m := range mutations {
		content, err := os.ReadFile(filepath.Join("..", "..", m.file))
		if err != nil {
			t.Error(err)
		} else if n := strings.Count(string(content), m.old); n != 1 {
			t.Errorf("%s: in %s, the text to change stands %d times: %s", m.promise, m.file, n, m.old)
		}
	}
}
