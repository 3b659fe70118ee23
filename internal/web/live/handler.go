// Package live serves the live board, an example of a screen that is told of
// every change, out of the binary: plain modules of the browser's own, which
// need no build and load nothing from any other host.
package live

import (
	"embed"
	"net/http"
	"net/url"

	"holdfast/internal/web/page"
)

//go:embed page
var files embed.FS

// securityPolicy lets the page load from this server alone and bring nothing of
// its own into the markup; with trusted types, what a script is given can't be
// read as HTML either. 'self' covers the WebSocket too.
const securityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Handler serves the board at /live and what it loads below /live/; every other
// path is not found. Queries go to endpoint, a path or URL as the browser sees
// it from /live, and subscriptions to the same by WebSocket.
func Handler(endpoint string) http.Handler {
	assets := map[string]*page.Asset{
		"/live":             page.Document(files, "page/index.html", map[string]string{"endpoint": endpoint}),
		"/live/favicon.svg": page.Favicon(),
		"/live/live.css":    page.File(files, "page/live.css"),
	}
	for _, module := range []string{
		"clock", "connection", "element", "holds", "live", "operations", "panel", "request", "socket", "stock", "tile",
	} {
		assets["/live/"+module+".js"] = page.File(files, "page/"+module+".js")
	}
	pages := page.Handler(securityPolicy, assets)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Below a slash the addresses in the page would lead elsewhere. A relative
		// one, since a proxy may have taken a prefix off.
		if r.URL.Path == "/live/" {
			board := url.URL{Path: "../live", RawQuery: r.URL.RawQuery}
			w.Header().Set("Location", board.String())
			w.WriteHeader(http.StatusPermanentRedirect)
			return
		}
		pages.ServeHTTP(w, r)
	})
}
