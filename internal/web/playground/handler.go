// Package playground serves GraphiQL, with examples of Holdfast's own API, out
// of the binary: the page loads nothing from any other host.
package playground

import (
	"embed"
	"net/http"
	"strconv"

	"holdfast/internal/web/page"
)

//go:embed assets/*.js assets/*.css page
var files embed.FS

// securityPolicy lets the page load from this server alone, and run no script
// but its files. GraphiQL's menus bring style elements of their own, and its
// style sheet fonts and pictures as data. 'self' covers the WebSocket too.
const securityPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; font-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the Playground at / and what it loads below /playground/;
// every other path is not found. Queries go to endpoint, a path or URL as the
// browser sees it, and subscriptions to the same by WebSocket. Without
// introspection the Playground does without the schema: it neither completes
// nor documents.
func Handler(endpoint string, introspection bool) http.Handler {
	values := map[string]string{"endpoint": endpoint, "introspection": strconv.FormatBool(introspection)}
	return page.Handler(securityPolicy, map[string]*page.Asset{
		"/":                                       page.Document(files, "page/index.html", values),
		"/playground/playground.js":               page.File(files, "page/playground.js"),
		"/playground/examples.js":                 page.File(files, "page/examples.js"),
		"/playground/playground.css":              page.File(files, "page/playground.css"),
		"/playground/favicon.svg":                 page.Favicon(),
		"/playground/graphiql.min.js":             page.File(files, "assets/graphiql.min.js"),
		"/playground/graphiql.min.css":            page.File(files, "assets/graphiql.min.css"),
		"/playground/react.production.min.js":     page.File(files, "assets/react.production.min.js"),
		"/playground/react-dom.production.min.js": page.File(files, "assets/react-dom.production.min.js"),
	})
}

// Off is what answers in the place of the Playground where that is turned off.
func Off(endpoint string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		http.Error(w, "The Playground is turned off (HOLDFAST_PLAYGROUND). GraphQL is answered at "+endpoint+".", http.StatusNotFound)
	})
}
