// Package page serves the pages that come out of the binary: files kept in it,
// under a policy that lets them load from this server alone.
package page

import "net/http"

// Handler serves the assets by path; every other path is not found. The policy
// is their Content-Security-Policy.
func Handler(policy string, assets map[string]*Asset) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
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
