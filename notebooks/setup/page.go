package setup

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed page.j2
var pageTemplate string

//go:embed page.js
var pageScript string

//go:embed page.py
var pageFilter string

//go:embed slides.j2
var slidesTemplate string

// pageIndex is a page that loads no script from the network, and indents code as far as JupyterLab does.
const pageIndex = `{%- extends "lab/index.html.j2" -%}
{%- block extra_css -%}
<style>
	pre { tab-size: 4 }
	.jp-RenderedMarkdown .highlight { margin-bottom: 1em }
</style>
{%- endblock -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
`

// pageName and slidesName are what nbconvert calls the looks of exported pages and slides.
const pageName, slidesName = KernelName + "-page", KernelName + "-slides"

// pageModule is the filter's name in Python.
const pageModule = KernelName + "_page"

// exportPages gives exported pages the words of each picture, which nbconvert's own ones leave out, moves
// their sliders, draws their formulas and gives their code the colours of Go. A PDF would need programs that the set-up does not bring.
const exportPages = `"HTMLExporter": {"template_name": "` + pageName + `", "filters": {"mathml": "` + pageModule + `.mathml", "highlight_code": "` + pageModule + `.highlight"}},
  "SlidesExporter": {"template_name": "` + slidesName + `"},
  "PDFExporter": {"enabled": false}, "WebPDFExporter": {"enabled": false}, "QtPDFExporter": {"enabled": false}, "QtPNGExporter": {"enabled": false}`

// pageStep makes the looks of exported pages and slides.
var pageStep = step{
	name:  "page",
	title: "The look of exported pages",
	inputs: func(context.Context, Checkout) ([]string, error) {
		return []string{jupyterLock, pageTemplate, pageScript, pageIndex, slidesTemplate, pageFilter}, nil
	},
	fault: exists(templates+"/"+pageName+"/vega.js", templates+"/"+slidesName+"/base.html.j2"),
	do: func(_ context.Context, c Checkout, _ *runner) error {
		vega, err := vegaScript(c.path("venv", "share", "jupyter", "lab", "static"))
		if err != nil {
			return err
		}
		packages, err := Glob(c.path("venv"), "lib/python3*/site-packages")
		if err != nil || len(packages) != 1 {
			return fmt.Errorf("the Python environment has %d folders of packages, want 1", len(packages))
		}
		look := strings.ReplaceAll(pageTemplate, "VEGA", pageName+"/vega.js")
		files := map[string]string{
			c.path(templates, pageName, "vega.js"):         vega,
			c.path(templates, pageName, "index.html.j2"):   pageIndex,
			c.path(templates, slidesName, "index.html.j2"): slidesTemplate,
			filepath.Join(packages[0], pageModule+".py"):   pageFilter,
		}
		for name, base := range map[string]string{pageName: "lab", slidesName: "reveal"} {
			files[c.path(templates, name, "conf.json")] = fmt.Sprintf(`{"base_template": %q}`, base)
			files[c.path(templates, name, "base.html.j2")] = fmt.Sprintf("{%%- extends %q -%%}\n%s", base+"/base.html.j2", look)
		}
		return writeFiles(files)
	},
}

const templates = "venv/share/jupyter/nbconvert/templates"

var (
	vegaPart = regexp.MustCompile(`(\d+):\{shareScope:"default",shareKey:"(vega|vega-lite|vega-embed)",[^{}]*fallback:\(\)=>(.*?)\.then\(\(\)=>\(\)=>__webpack_require__\((\d+)\)`)
	vegaFile = regexp.MustCompile(`__webpack_require__\.e\((\d+)\)`)
	bundle   = regexp.MustCompile(`self\.(\w+)=self`)
)

// vegaScript returns a script that draws Vega-Lite's figures, out of the files of JupyterLab that do so there.
func vegaScript(static string) (string, error) {
	read := func(pattern string) (string, error) {
		names, err := Glob(static, pattern)
		if err != nil || len(names) != 1 {
			return "", fmt.Errorf("JupyterLab has %d files %s, want 1", len(names), pattern)
		}
		content, err := os.ReadFile(names[0])
		return string(content), err
	}
	main, err := read("main.*.js")
	if err != nil {
		return "", err
	}
	parts := vegaPart.FindAllStringSubmatch(main, -1)
	if len(parts) != 3 {
		return "", fmt.Errorf("JupyterLab names %d parts of Vega, want 3", len(parts))
	}
	var same, files []string
	entry := ""
	for _, part := range parts {
		same = append(same, part[1]+": "+part[4])
		if part[2] == "vega-embed" {
			entry = part[4]
		}
		for _, file := range vegaFile.FindAllStringSubmatch(part[3], -1) {
			if names, _ := Glob(static, file[1]+".*.js"); len(names) == 0 {
				continue // it stands for another part, which is among these
			}
			content, err := read(file[1] + ".*.js")
			if err != nil {
				return "", err
			}
			files = append(files, content)
		}
	}
	all := strings.Join(files, "\n")
	name := bundle.FindStringSubmatch(all)
	if name == nil {
		return "", fmt.Errorf("JupyterLab's files of Vega do not begin as expected")
	}
	return strings.NewReplacer("SAME", "{"+strings.Join(same, ", ")+"}", "BUNDLE", name[1], "FILES", all, "ENTRY", entry).Replace(pageScript), nil
}
