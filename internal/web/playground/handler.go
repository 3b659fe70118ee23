// Package playground serves GraphiQL, with examples of Holdfast's own API, out
// of the binary: the page loads nothing from any other host.
package playground

import (
	"embed"
	"html"
	"io"
	"net/http"
	"strings"
)

//go:embed assets/*.js assets/*.css page
var files embed.FS

// securityPolicy lets the page load from this server alone. GraphiQL's editor
// and menus bring styles of their own, and its style sheet fonts and pictures as
// data. 'self' covers the WebSocket too.
const securityPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
	"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	htmlType = "text/html; charset=utf-8"
	cssType  = "text/css; charset=utf-8"
	jsType   = "text/javascript; charset=utf-8"
	svgType  = "image/svg+xml"
)

// Handler serves the Playground at / and what it loads below /playground/;
// every other path is not found. Queries go to endpoint, a path or URL as the
// browser sees it, and subscriptions to the same by WebSocket.
//
// Nothing is prepared until it is first asked for: a server whose Playground
// nobody opens keeps nothing of it in memory.
func Handler(endpoint string) http.Handler {
	assets := map[string]*asset{
		"/":                                       page(endpoint),
		"/playground/playground.js":               file("page/playground.js", jsType),
		"/playground/examples.js":                 file("page/examples.js", jsType),
		"/playground/playground.css":              file("page/playground.css", cssType),
		"/playground/favicon.svg":                 file("page/favicon.svg", svgType),
		"/playground/graphiql.min.js":             file("assets/graphiql.min.js", jsType),
		"/playground/graphiql.min.css":            file("assets/graphiql.min.css", cssType),
		"/playground/react.production.min.js":     file("assets/react.production.min.js", jsType),
		"/playground/react-dom.production.min.js": file("assets/react-dom.production.min.js", jsType),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", securityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")

		asset, found := assets[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			header.Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		asset.ServeHTTP(w, r)
	})
}

func page(endpoint string) *asset {
	return newAsset(htmlType, func() io.ReadSeeker {
		template, err := files.ReadFile("page/index.html")
		if err != nil {
			panic(err)
		}
		return strings.NewReader(strings.ReplaceAll(string(template), "{{endpoint}}", html.EscapeString(endpoint)))
	})
}

// file is an asset read in place: an embedded file is a window on the binary,
// and only reading it whole would copy it.
func file(path, contentType string) *asset {
	return newAsset(contentType, func() io.ReadSeeker {
		opened, err := files.Open(path)
		if err != nil {
			panic(err)
		}
		return opened.(io.ReadSeeker)
	})
}
