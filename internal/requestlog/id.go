package requestlog

import "crypto/rand"

// idBytesMax is room for the ids of all the proxies and tracing systems that we
// know of.
const idBytesMax = 128

// fit is the proposed id if it may be shown as it is wherever ids are, or else
// one of our own.
func fit(proposed string) string {
	if proposed == "" || len(proposed) > idBytesMax {
		return rand.Text()
	}
	for i := range len(proposed) {
		if !mayBeInID(proposed[i]) {
			return rand.Text()
		}
	}
	return proposed
}

// mayBeInID allows what needs no quotes in a log, a URL or a shell.
func mayBeInID(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '-', '_', '.', ':', '/', '+', '=', '@':
		return true
	}
	return false
}
