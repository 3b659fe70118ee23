// Package origin says where requests are from: of which client, and of which
// page. Browsers send requests for any page that somebody looks at, to any
// server that they can reach; so requests of pages that the server doesn't know
// are kept out.
package origin

import (
	"net/http"
	"slices"
	"strings"

	"holdfast/internal/requestlog"
	"holdfast/internal/web/wire"
)

// guard lets through what isn't a browser's, what is of the server's own pages,
// and what is of pages that were let in.
//
// The standard library's CrossOriginProtection passes over GET, by which a page
// opens WebSockets and event streams and asks queries, and answers no preflight.
type guard struct {
	next    http.Handler
	allowed []string
	all     bool
	proxies Proxies
}

// Guard keeps pages of other origins from next, by whatever method and
// transport they come, unless theirs is among those allowed, as "*" has all be.
// Those it answers as CORS has it, their preflights too.
func Guard(next http.Handler, allowed []string, proxies Proxies) http.Handler {
	return &guard{next, allowed, slices.Contains(allowed, "*"), proxies}
}

// Header values that are the same for all: nobody changes them.
var (
	varies          = []string{"Origin"}
	variesByHeaders = []string{"Origin, Access-Control-Request-Headers"}
	everybody       = []string{"*"}
	allowedMethods  = []string{"GET, POST"}
	// What a preflight was answered holds for two hours, the longest that
	// Chromium takes.
	preflightLasts = []string{"7200"}
)

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if len(g.allowed) > 0 && !g.all {
		header["Vary"] = varies
	}
	if g.isOwn(r) {
		g.next.ServeHTTP(w, r)
		return
	}
	origin := r.Header.Get("Origin")
	switch {
	case g.all:
		header["Access-Control-Allow-Origin"] = everybody
	case slices.Contains(g.allowed, origin):
		header["Access-Control-Allow-Origin"] = []string{origin}
	default:
		refuse(w, r)
		return
	}
	if isPreflight(r) {
		header["Vary"] = variesByHeaders
		header["Access-Control-Allow-Methods"] = allowedMethods
		header["Access-Control-Allow-Headers"] = r.Header["Access-Control-Request-Headers"]
		header["Access-Control-Max-Age"] = preflightLasts
		w.WriteHeader(http.StatusNoContent)
		return
	}
	g.next.ServeHTTP(w, r)
}

// isPreflight says whether a browser asks if it may send what a page wants sent.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// isOwn says whether a request is of one of the server's own pages, or of none.
func (g *guard) isOwn(r *http.Request) bool {
	origin, site := r.Header["Origin"], r.Header["Sec-Fetch-Site"]
	switch {
	case len(origin) == 0 && len(site) == 0: // no browser says so little
		return true
	case len(site) > 0 && (site[0] == "same-origin" || site[0] == "none"):
		return true
	case len(origin) == 0:
		// A link that somebody follows, rather than a picture or a script of a page.
		return r.Header.Get("Sec-Fetch-Mode") == "navigate"
	default:
		return g.isOwnAddress(origin[0], r)
	}
}

// isOwnAddress compares an origin with how the server is reached. Whether that
// is by TLS is known only where a trusted proxy says so.
func (g *guard) isOwnAddress(origin string, r *http.Request) bool {
	scheme, host, _ := strings.Cut(origin, "://")
	ownScheme, ownHost := g.proxies.address(r)
	if ownScheme != "" && ownScheme != scheme {
		return false
	}
	return strings.EqualFold(host, strings.TrimSuffix(ownHost, portsUnsaid[scheme]))
}

// portsUnsaid are those that browsers leave out of an origin.
var portsUnsaid = map[string]string{"http": ":80", "https": ":443"}

func refuse(w http.ResponseWriter, r *http.Request) {
	refused := &wire.Refusal{
		Status: http.StatusForbidden, Code: "FORBIDDEN",
		Message: "pages of this origin may not call this server; HOLDFAST_CORS_ORIGINS says which may",
	}
	requestlog.From(r.Context()).Refused(refused.Code)
	header := w.Header()
	header["Vary"] = varies
	header.Set("Content-Type", "application/graphql-response+json; charset=utf-8")
	w.WriteHeader(refused.Status)
	_, _ = wire.EncodeErrors(refused.Errors()).WriteTo(w)
}
