package web

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// hurryingBodies gives up a request whose body doesn't come. A client that was
// lost in the middle of it would otherwise keep its connection for ever, and a
// stop waiting for as long as its grace lasts.
func (s *Server) hurryingBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			control := http.NewResponseController(w)
			_ = control.SetReadDeadline(time.Now().Add(s.timing.body))
			r.Body = hurried{r.Body, control}
			if r.ContentLength < 0 {
				// It came in chunks. Whether it named a length too is no longer known;
				// a proxy that goes by that sees another request's beginning in what
				// follows, so nothing may follow.
				w.Header().Set("Connection", "close")
			}
		}
		next.ServeHTTP(w, r)
	})
}

// hurried is a body with a deadline. Once it is read there is none any more: the
// server goes on reading, to learn of a client that leaves, and would take it
// for one.
type hurried struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b hurried) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
