package mnistlib

import (
	"fmt"
	"strings"
)

// A Summary is what [Describe] finds in a model. It prints as a table.
type Summary struct {
	Name          string // for example "MLP(30)"
	Layers        []Layer
	NumParameters int // that training changes
}

// Describe runs through a model without computing anything and lists its layers and parameters.
// It returns an error if the layers do not fit together or the model does not end in 10 logits.
func Describe(model Model) (Summary, error) {
	nn, err := describe(model)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Name: typeName(model), Layers: nn.layers}
	for _, layer := range nn.layers {
		s.NumParameters += layer.NumParameters
	}
	return s, nil
}

func (s Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s parameters\n", s.Name, thousands(s.NumParameters))
	for _, layer := range s.Layers {
		parameters := ""
		if layer.NumParameters > 0 {
			parameters = thousands(layer.NumParameters)
		}
		line := fmt.Sprintf("  %-10s %-8s %-12s %9s", layer.Kind, layer.Name, shapeString(layer.Shape), parameters)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func shapeString(shape []int) string {
	dims := make([]string, len(shape))
	for i, d := range shape {
		dims[i] = fmt.Sprint(d)
	}
	return strings.Join(dims, "×")
}

// thousands writes 159010 as 159,010.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
