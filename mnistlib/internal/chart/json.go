package chart

import (
	"encoding/json"
	"strconv"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// table is a Vega-Lite data source: rows of numbers. As CSV it has a third of the size of
// JSON's rows.
type table struct {
	csv   strings.Builder
	parse object
}

func newTable(columns ...string) *table {
	t := &table{parse: object{}}
	t.csv.WriteString(strings.Join(columns, ","))
	for _, column := range columns {
		t.parse[column] = "number"
	}
	return t
}

// add appends a row; what is not finite becomes an empty field, which Vega-Lite reads as null.
func (t *table) add(row ...float64) {
	for i, v := range row {
		if i == 0 {
			t.csv.WriteByte('\n')
		} else {
			t.csv.WriteByte(',')
		}
		if finite(v) {
			t.csv.WriteString(strconv.FormatFloat(v, 'g', 6, 64))
		}
	}
}

func (t *table) data() object {
	return object{"values": t.csv.String(), "format": object{"type": "csv", "parse": t.parse}}
}

func field(name, title string) object {
	kind := "quantitative"
	if name == "name" {
		kind = "nominal"
	}
	return object{"field": name, "type": kind, "title": title}
}

// literal is a value as an expression of Vega.
func literal(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings, bools and finite numbers always have one
	}
	return string(text)
}
