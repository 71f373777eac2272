package mnistlib

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"example.com/tutorial6/mnistlib/internal/chart"
)

// checkBundle decodes every form of a figure.
func checkBundle(t *testing.T, f *Figure, drawn bool) {
	t.Helper()
	bundle, err := f.bundle()
	if err != nil {
		t.Fatal(err)
	}
	// The kernel is sent gob, and has these types registered.
	var wire bytes.Buffer
	var received protocol.DisplayData
	if err := gob.NewEncoder(&wire).Encode(bundle); err != nil {
		t.Fatalf("as gob: %v", err)
	}
	if err := gob.NewDecoder(&wire).Decode(&received); err != nil {
		t.Fatalf("from gob: %v", err)
	}
	var kinds []string
	for kind := range received.Data {
		kinds = append(kinds, string(kind))
	}
	slices.Sort(kinds)
	if want := []string{"application/vnd.vegalite.v5+json", "image/png", "text/plain"}; !slices.Equal(kinds, want) {
		t.Errorf("the bundle holds %q, want %q", kinds, want)
	}
	spec := received.Data[vegaLiteMIME].(map[string]any)
	svg, err := f.drawing().SVG()
	if err != nil {
		t.Fatal(err)
	}
	picture := received.Data[protocol.MIMEImagePNG].([]byte)
	words := received.Data[protocol.MIMETextPlain].(string)

	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if size := len(text) + base64.StdEncoding.EncodedLen(len(picture)) + 2*len(words); size > 200_000 {
		t.Errorf("the bundle takes %d bytes in a notebook, want under 200,000", size)
	}
	metadata := received.Metadata["image/png"].(map[string]any)
	if metadata["alt"] != words {
		t.Errorf("the picture's alternative text is %q, want the figure in words", metadata["alt"])
	}
	if decoded, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || math.Abs(metadata["width"].(float64)*1.5-float64(decoded.Width)) > 2 {
		t.Errorf("a picture of %v pixels is to be shown %v wide", decoded, metadata["width"])
	}
	checkVegaLite(t, spec)
	checkSVG(t, string(svg), f.Title)
	checkPNG(t, picture, drawn)
	if !strings.HasPrefix(words, f.Title+"\n") && words != f.Title {
		t.Errorf("the words do not begin with the title: %q", words)
	}
}

// vegaLite is a figure's specification.
func vegaLite(t *testing.T, f *Figure) map[string]any {
	t.Helper()
	spec, err := f.drawing().VegaLite()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// vegaLiteText is the same as JSON.
func vegaLiteText(t *testing.T, f *Figure) string {
	t.Helper()
	text, err := json.Marshal(vegaLite(t, f))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pngOf is a figure's picture, decoded.
func pngOf(t *testing.T, f *Figure) image.Image {
	t.Helper()
	picture, err := f.drawing().PNG()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// checkVegaLite checks what a renderer needs, and that the axes hide nothing.
func checkVegaLite(t *testing.T, spec map[string]any) {
	t.Helper()
	subtitle := fmt.Sprint(spec["title"].(map[string]any)["subtitle"])
	if spec["$schema"] != "https://vega.github.io/schema/vega-lite/v5.json" {
		t.Errorf("$schema is %v", spec["$schema"])
	}
	for _, fixed := range []string{`"background":`, `"labelColor":`, `"titleColor":`, `"subtitleColor":`, `"color":"#222222"`} {
		if text, err := json.Marshal(spec); err != nil || bytes.Contains(text, []byte(fixed)) {
			t.Errorf("the specification has %s: a dark theme could not give it its own", fixed)
		}
	}
	for _, p := range spec["concat"].([]any) {
		p := p.(map[string]any)
		encoding, _ := p["encoding"].(map[string]any)
		x, _ := encoding["x"].(map[string]any)
		y, _ := encoding["y"].(map[string]any)
		if x["scale"] == nil || y["scale"] == nil {
			continue // no chart of two axes
		}
		domain := func(axis string) (low, high float64) {
			d := encoding[axis].(map[string]any)["scale"].(map[string]any)["domain"].([]any)
			return d[0].(float64), d[1].(float64)
		}
		lowX, highX := domain("x")
		lowY, highY := domain("y")
		if !(lowX < highX && lowY < highY) {
			t.Errorf("the axes span %v to %v and %v to %v", lowX, highX, lowY, highY)
		}
		for _, group := range p["layer"].([]any) {
			rows := readCSV(t, group.(map[string]any)["data"].(map[string]any)["values"].(string))
			for column, values := range rows {
				low, high := lowY, highY
				switch column {
				case "x", "x2", "shift", "to":
					low, high = lowX, highX
				case "series", "curve", "style", "frame", "value", "shade", "iteration", "last":
					continue
				}
				for _, v := range values {
					cutOff := column != "x" && column != "shift" && strings.Contains(subtitle, "leaves out") // it is said
					if rounding := 1e-5 * (high - low); !cutOff && (v < low-rounding || v > high+rounding) {
						t.Errorf("%s %v lies outside its axis, %v to %v", column, v, low, high)
					}
				}
			}
		}
	}
}

// readCSV returns the columns; an empty field is NaN.
func readCSV(t *testing.T, text string) map[string][]float64 {
	t.Helper()
	lines := strings.Split(text, "\n")
	names := strings.Split(lines[0], ",")
	columns := map[string][]float64{}
	for _, line := range lines[1:] {
		fields := strings.Split(line, ",")
		if len(fields) != len(names) {
			t.Fatalf("%q has not the fields %q", line, names)
		}
		for i, field := range fields {
			v := math.NaN()
			if field != "" {
				var err error
				if v, err = strconv.ParseFloat(field, 64); err != nil {
					t.Fatal(err)
				}
			}
			columns[names[i]] = append(columns[names[i]], v)
		}
	}
	return columns
}

func checkSVG(t *testing.T, svg, title string) {
	t.Helper()
	titled := false
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the SVG is not XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			titled = token.Name.Local == "title"
			for _, a := range token.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("the SVG's %s holds a coordinate that is not finite", token.Name.Local)
				}
			}
		case xml.CharData:
			if titled && string(token) != title {
				t.Errorf("the SVG's title is %q, want %q", token, title)
			}
			titled = false
		}
	}
}

// checkPNG looks for the white paper, the ink and, if something is drawn, the first colour.
func checkPNG(t *testing.T, picture []byte, drawn bool) {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	colors := countColors(decoded)
	bounds := decoded.Bounds()
	if corner := nameColor(decoded.At(bounds.Max.X-1, bounds.Max.Y-1)); corner != "#FFFFFF" {
		t.Errorf("the corner is %s, not white", corner)
	}
	if colors["#222222"] == 0 {
		t.Error("there is no text")
	}
	if (colors[chart.Palette[0]] > 0) != drawn {
		t.Errorf("%d pixels of the first colour, while something is drawn: %v", colors[chart.Palette[0]], drawn)
	}
}

// countColors counts the pixels of each colour, named as in the palette.
func countColors(picture image.Image) map[string]int {
	pixels := map[color.Color]int{}
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			pixels[picture.At(x, y)]++
		}
	}
	named := map[string]int{}
	for c, n := range pixels {
		named[nameColor(c)] += n
	}
	return named
}

func nameColor(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02X%02X%02X", r>>8, g>>8, b>>8)
}

// legendNames are the names that a figure's legend explains.
func legendNames(t *testing.T, f *Figure) (names []string) {
	t.Helper()
	spec := vegaLite(t, f)
	color := spec["concat"].([]any)[0].(map[string]any)["encoding"].(map[string]any)["color"].(map[string]any)
	if color["field"] == nil {
		return nil // a single colour needs no legend
	}
	for _, name := range color["scale"].(map[string]any)["domain"].([]any) {
		names = append(names, name.(string))
	}
	return names
}

// curveTable is the table of the curves of a figure's panel.
func curveTable(t *testing.T, f *Figure, panel int) map[string][]float64 {
	t.Helper()
	spec := vegaLite(t, f)
	for _, group := range spec["concat"].([]any)[panel].(map[string]any)["layer"].([]any) {
		if text := group.(map[string]any)["data"].(map[string]any)["values"].(string); strings.HasPrefix(text, "series,") {
			return readCSV(t, text)
		}
	}
	t.Fatal("the panel has no curves")
	return nil
}

func TestSaveFigure(t *testing.T) {
	folder := t.TempDir()
	f := LossCurve(madeUpRun("", 42, 310, 1))
	for extension, start := range map[string]string{"png": "\x89PNG\r\n", "svg": "<?xml", "json": "{\""} {
		path := filepath.Join(folder, "figure."+extension)
		if err := f.Save(path); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(content, []byte(start)) {
			t.Errorf("the .%s begins with %q", extension, content[:10])
		}
	}
	if err := f.Save(filepath.Join(folder, "figure.pdf")); err == nil || !strings.Contains(err.Error(), ".png, .svg or .json") {
		t.Errorf("saving a .pdf: %v", err)
	}
	if err := f.Save(filepath.Join(folder, "missing", "figure.png")); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("saving to a missing folder: %v", err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 {
		t.Errorf("the folder holds %v, want the three figures", entries)
	}
}

// stdoutOf returns what is printed on standard output, a pipe, meanwhile.
func stdoutOf(t *testing.T, do func() error) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = write
	err = do()
	os.Stdout = stdout
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	printed, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	return string(printed)
}

func TestShowOutsideANotebookPrintsWords(t *testing.T) {
	printed := stdoutOf(t, func() error { return Plot(madeUpRun("", 42, 93, 1)) })
	for _, want := range []string{"seed 42", "Loss: first", "Validation accuracy: first", "figure.Save("} {
		if !strings.Contains(printed, want) {
			t.Errorf("it prints no %q:\n%s", want, printed)
		}
	}
}
