// Package requestlog gives each request an id, and the log one line of it once
// it has ended. Who takes part in answering finds the request in the context,
// and notes there what the line is to say.
//
// The line has names of the schema and codes, and of what the client sent its
// id, path and operation's name: never a header, an argument or a query's text,
// for those have client tokens and other people's data.
package requestlog

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Request is what is known of a request while it is answered. It is safe for
// concurrent use, and nil for what isn't logged.
type Request struct {
	id, client string
	began      time.Time
	// operations counts those begun by Operation, events what was streamed.
	operations, events atomic.Int64
	// status is that of the answer by HTTP, zero as long as none is set.
	status atomic.Int64

	mu      sync.Mutex
	traceID string
	asked   Operation
	// codes are those of refusals and errors, each once; failed says that one of
	// them is the server's fault.
	codes  []string
	failed bool
	// limits are the names of those that the request was over.
	limits []string
}

// Operation is what a request asks for.
type Operation struct {
	// Type is query, mutation or subscription, Name its client's, which may be
	// none, and Field its first field of the schema.
	Type, Name, Field string
}

// Begin is a request that begins now. The client's address is that to show, and
// the proposed id is its own choice: one that isn't fit is replaced.
func Begin(proposedID, client string) *Request {
	return &Request{id: fit(proposedID), client: client, began: time.Now()}
}

// Operation is one of many that come over the connection that r began, with an
// id that leads to r's.
func (r *Request) Operation() *Request {
	if r == nil {
		return nil
	}
	id := r.id + "/" + strconv.FormatInt(r.operations.Add(1), 10)
	return &Request{id: id, client: r.client, began: time.Now()}
}

type contextKey struct{}

// With has everybody who is given the context find the request.
func With(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, contextKey{}, r)
}

// From finds the request in the context: nil if there is none.
func From(ctx context.Context) *Request {
	r, _ := ctx.Value(contextKey{}).(*Request)
	return r
}

// ID is what the client finds the request's lines by.
func (r *Request) ID() string {
	if r == nil {
		return ""
	}
	return r.id
}

// Asks notes what the request asks for.
func (r *Request) Asks(operation Operation) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = operation
}

// Asked is what was noted by Asks.
func (r *Request) Asked() Operation {
	if r == nil {
		return Operation{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// Traced notes the trace that the request belongs to.
func (r *Request) Traced(traceID string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.traceID = traceID
}

// Refused notes the code of a refusal, or of an error.
func (r *Request) Refused(code string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.codes, code) {
		r.codes = append(r.codes, code)
		r.failed = r.failed || faults[code]
	}
}

// Over notes the name of a limit that the request was refused for.
func (r *Request) Over(limit string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.limits, limit) {
		r.limits = append(r.limits, limit)
	}
}

// Status is that of the answer by HTTP.
func (r *Request) Status() int {
	if r == nil || r.status.Load() == 0 {
		return http.StatusOK
	}
	return int(r.status.Load())
}

// Sent counts an event of a stream.
func (r *Request) Sent() {
	if r != nil {
		r.events.Add(1)
	}
}

// faults are the codes of what isn't the client's doing.
var faults = map[string]bool{"INTERNAL": true, "OVERLOADED": true, "UNKNOWN_OUTCOME": true}

// outcomeDone is the outcome of a request that nothing was refused of.
const outcomeDone = "done"

func (r *Request) outcomeLocked() string {
	if len(r.codes) == 0 {
		return outcomeDone
	}
	return strings.Join(r.codes, ",")
}
