package page

import (
	"embed"
	"html"
	"io"
	"path"
	"strings"
)

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

//go:embed favicon.svg
var own embed.FS

// Favicon is the sign of Holdfast, the same on every page.
func Favicon() *Asset { return File(own, "favicon.svg") }

// File is an asset read in place: an embedded file is a window on the binary,
// and only reading it whole would copy it.
func File(files embed.FS, name string) *Asset {
	return newAsset(contentTypes[path.Ext(name)], func() io.ReadSeeker {
		opened, err := files.Open(name)
		if err != nil {
			panic(err)
		}
		return opened.(io.ReadSeeker)
	})
}

// Document is an HTML file in which {{name}} stands for the value of that name.
func Document(files embed.FS, name string, values map[string]string) *Asset {
	var replacements []string
	for name, value := range values {
		replacements = append(replacements, "{{"+name+"}}", html.EscapeString(value))
	}
	filled := strings.NewReplacer(replacements...)
	return newAsset(contentTypes[".html"], func() io.ReadSeeker {
		template, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		return strings.NewReader(filled.Replace(string(template)))
	})
}
