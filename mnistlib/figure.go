package mnistlib

import (
	"encoding/gob"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"example.com/tutorial6/mnistlib/internal/chart"
	"example.com/tutorial6/mnistlib/internal/files"
)

// A Figure is a picture to show in a notebook or to save: interactive, or static where that cannot be.
type Figure struct {
	Title       string
	Subtitle    string // what the marks mean, and what a reader must know to trust them
	Description string // the figure in words, for those who cannot see it

	panels  []chart.Panel // in rows of columns
	columns int
	slider  *chart.Slider // of the panels; nil: they do not move
	still   []chart.Panel // the static picture's panels, if they are others
	err     error         // why there is nothing to draw
}

// drawing is the figure as package chart draws it.
func (f *Figure) drawing() *chart.Figure {
	return &chart.Figure{
		Title: f.Title, Subtitle: f.Subtitle, Description: f.Description,
		Panels: f.panels, Columns: f.columns, Slider: f.slider, Still: f.still,
	}
}

const vegaLiteMIME = protocol.MIMEType("application/vnd.vegalite.v5+json")

// Show displays the figure in a notebook: interactive where Jupyter can draw Vega-Lite, else as a
// picture, else in words. Outside a notebook it prints the words and says how to save the picture.
func (f *Figure) Show() error {
	if f.err != nil {
		return f.err
	}
	if !gonbui.IsNotebook {
		fmt.Printf("%s\nTo see the picture outside a notebook, save it: figure.Save(\"figure.png\").\n", f.drawing().Text())
		return nil
	}
	bundle, err := f.bundle()
	if err != nil {
		return err
	}
	gonbui.SendData(bundle)
	gonbui.Sync() // on a busy machine a cell may end before the kernel has read its last figure, which is lost then
	return gonbui.Error()
}

// Save writes the figure to a file whose extension says how: .png and .svg are pictures, .json is
// the Vega-Lite specification. The file appears whole or not at all.
func (f *Figure) Save(path string) error {
	if f.err != nil {
		return f.err
	}
	var content []byte
	var err error
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
		content, err = f.drawing().PNG()
	case ".svg":
		content, err = f.drawing().SVG()
	case ".json":
		var spec map[string]any
		if spec, err = f.drawing().VegaLite(); err == nil {
			content, err = json.Marshal(spec)
		}
	default:
		return fmt.Errorf("cannot save the figure as %s: its name must end in .png, .svg or .json", path)
	}
	if err == nil {
		err = files.Write(path, content)
	}
	if err != nil {
		return fmt.Errorf("cannot save the figure: %w", err)
	}
	return nil
}

// bundle is the figure in every form that a front end may choose from. There is no HTML among them,
// since Jupyter would prefer it to the interactive figure, and no SVG, which an exported page would prefer to
// the PNG: only of this one it takes the alternative text, and a PDF without other tools.
func (f *Figure) bundle() (*protocol.DisplayData, error) {
	drawing := f.drawing()
	spec, err := drawing.VegaLite()
	if err != nil {
		return nil, err
	}
	png, err := drawing.PNG()
	if err != nil {
		return nil, err
	}
	width, height := drawing.Size()
	return &protocol.DisplayData{
		Data: map[protocol.MIMEType]any{
			vegaLiteMIME:           spec,
			protocol.MIMEImagePNG:  png,
			protocol.MIMETextPlain: drawing.Text(),
		},
		Metadata: map[string]any{
			string(vegaLiteMIME): map[string]any{"embed_options": map[string]any{"defaultStyle": chart.EmbedStyle}},
			string(protocol.MIMEImagePNG): map[string]any{
				"alt": drawing.Text(), "width": math.Round(width), "height": math.Round(height),
			},
		},
	}, nil
}

func init() {
	// The kernel is sent gob, which must know the types inside an any.
	gob.Register(map[string]any{})
	gob.Register([]any{})
}
