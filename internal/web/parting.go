package web

import (
	"net/http"
	"sync/atomic"
)

// partingWhileDraining has clients told to leave their connection with the
// answer, however long before the drain they asked.
func (s *Server) partingWhileDraining(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(parting{w, &s.draining}, r)
	})
}

// parting is an answer that looks, when it begins, whether it is to be the
// connection's last.
type parting struct {
	http.ResponseWriter
	isLast *atomic.Bool
}

// Unwrap is for http.ResponseController.
func (p parting) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// WriteHeader implements http.ResponseWriter. A connection that becomes a
// WebSocket has no last answer.
func (p parting) WriteHeader(status int) {
	if status >= http.StatusOK {
		p.announce()
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (p parting) Write(b []byte) (int, error) {
	p.announce() // in vain, unless this is what begins the answer
	return p.ResponseWriter.Write(b)
}

func (p parting) announce() {
	if p.isLast.Load() {
		p.Header().Set("Connection", "close")
	}
}
