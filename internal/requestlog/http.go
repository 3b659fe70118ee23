package requestlog

import (
	"log/slog"
	"net"
	"net/http"
)

// HTTP logs the requests of an HTTP server.
type HTTP struct {
	Log *slog.Logger
	// Client is whom the log names as a request's client. Nil: who is at the other
	// end of its connection.
	Client func(*http.Request) string
	// Routine are the paths that machines which look after the server ask for all
	// the time: such requests are logged for debugging only.
	Routine map[string]bool
}

const idHeader = "X-Request-Id"

// Around gives each request an id, the client's own if that is fit, and answers
// it in the header. It writes the line of each once it has been answered, of a
// WebSocket once there is one.
func (h HTTP) Around(next http.Handler) http.Handler {
	client := h.Client
	if client == nil {
		client = peer
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := Begin(r.Header.Get(idHeader), client(r))
		w.Header()[idHeader] = []string{request.id}
		ctx := With(r.Context(), request)
		defer func() { request.exchanged(ctx, h.Log, r, h.Routine[r.URL.Path]) }()
		next.ServeHTTP(answer{w, request}, r.WithContext(ctx))
	})
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// answer notes the status of what is answered.
type answer struct {
	http.ResponseWriter
	request *Request
}

// WriteHeader implements http.ResponseWriter.
func (a answer) WriteHeader(status int) {
	a.request.status.Store(int64(status))
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
