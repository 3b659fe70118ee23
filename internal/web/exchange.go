package web

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"holdfast/internal/web/wire"
)

// exchange answers a request with a single response, by POST or GET, as the
// specification of GraphQL over HTTP has it. It takes what no stream does, and
// refuses what it can't answer.
//
// The library's own transports meet 55 of that specification's 61 checks, echo
// a body that isn't JSON, and read one of any size.
type exchange struct{ bodyBytesMax int64 }

var _ graphql.Transport = exchange{}

// Supports implements graphql.Transport.
func (exchange) Supports(*http.Request) bool { return true }

// Do implements graphql.Transport.
func (e exchange) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	as, acceptable := negotiate(r.Header["Accept"])
	a := answerer{w, r.Context(), exec, as}
	defer a.recovered()
	refused := refuseForm(r)
	if refused == nil && !acceptable {
		refused = &wire.Refusal{
			Status: http.StatusNotAcceptable, Code: errcode.ParseFailed,
			Message: "the answer is application/graphql-response+json or application/json",
		}
	}
	var params *graphql.RawParams
	if refused == nil {
		params, refused = wire.Read(r, e.bodyBytesMax)
	}
	if refused != nil {
		a.refuse(refused)
		return
	}
	params.Headers = r.Header
	a.carryOut(r.Method, params)
}

// refuseForm says what is wrong with a request before its contents are read.
func refuseForm(r *http.Request) *wire.Refusal {
	switch {
	case r.Method == http.MethodGet:
		return nil
	case r.Method != http.MethodPost:
		return &wire.Refusal{
			Status: http.StatusMethodNotAllowed, Code: errcode.ParseFailed,
			Message: "send GraphQL by POST, or a query by GET",
		}
	case !isJSON(r.Header.Get("Content-Type")), r.Header.Get("Content-Encoding") != "":
		return &wire.Refusal{
			Status: http.StatusUnsupportedMediaType, Code: errcode.ParseFailed,
			Message: "send GraphQL as application/json in UTF-8, not compressed",
		}
	}
	return nil
}

func isJSON(contentType string) bool {
	if contentType == typeJSON { // as nearly always
		return true
	}
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	return err == nil && mediaType == typeJSON && isUTF8(parameters["charset"])
}

// isUTF8 says whether a text in this charset can be read, or written, as UTF-8.
func isUTF8(charset string) bool {
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	}
	return false
}

// answerer answers one request.
type answerer struct {
	w    http.ResponseWriter
	ctx  context.Context
	exec graphql.GraphExecutor
	as   *mediaType
}

// carryOut answers what is asked for.
func (a answerer) carryOut(method string, params *graphql.RawParams) {
	operation, problems := a.exec.CreateOperationContext(a.ctx, params)
	wire.NoteOperation(a.ctx, operation)
	if method == http.MethodGet {
		a.w.Header()["Cache-Control"] = noStore
		if refused := wire.RefuseByGet(operation.Operation); refused != nil {
			a.refuse(refused)
			return
		}
	}
	if len(problems) == 0 && operation.Operation.Operation == ast.Subscription {
		problems = gqlerror.List{withCode(gqlerror.Errorf("a subscription needs a WebSocket, or an Accept header of text/event-stream"), errcode.ValidationFailed)}
	}
	if len(problems) > 0 {
		refused := a.exec.DispatchError(graphql.WithOperationContext(a.ctx, operation), problems)
		status := statusOf(refused)
		if operation.Doc != nil && operation.Operation == nil { // it can't be told which is meant
			status = http.StatusUnprocessableEntity
		}
		a.send(a.as.status(status), refused)
		return
	}
	responses, ctx := a.exec.DispatchOperation(a.ctx, operation)
	response := responses(ctx)
	switch {
	case response == nil: // its time was over before it began
		a.refuse(&wire.Refusal{
			Status: http.StatusServiceUnavailable, Code: wire.CodeOverloaded,
			Message: "the request's time was over before it was carried out; send it again",
		})
	case response.Data == nil:
		a.send(a.as.status(statusOf(response)), response)
	default:
		a.send(http.StatusOK, response)
	}
}

// refuse answers with an error alone.
func (a answerer) refuse(refused *wire.Refusal) {
	if refused.Status == http.StatusMethodNotAllowed {
		a.w.Header()["Allow"] = allowed
		if refused.Code == errcode.ValidationFailed { // the method is right for queries
			a.w.Header()["Allow"] = allowedForMutations
		}
	}
	a.send(refused.Status, a.exec.DispatchError(a.ctx, refused.Errors()))
}

// recovered answers a request that panicked. What its fields do is recovered
// from before.
func (a answerer) recovered() {
	if panicked := recover(); panicked != nil {
		a.send(http.StatusInternalServerError, wire.Recovered(a.ctx, a.exec, panicked))
	}
}

// Header values that are the same for all: nobody changes them.
var (
	noStore             = []string{"no-store"}
	allowed             = []string{"GET, POST"}
	allowedForMutations = []string{"POST"}
)

// countedBytesMax is how long a response may be for the HTTP server to say its
// length by itself.
const countedBytesMax = 2 << 10

func (a answerer) send(status int, response *graphql.Response) {
	wire.NoteErrors(a.ctx, response)
	encoded := wire.Encode(response)
	header := a.w.Header()
	header["Content-Type"] = a.as.contentType
	if length := encoded.Len(); length > countedBytesMax {
		header["Content-Length"] = []string{strconv.Itoa(length)}
	}
	a.w.WriteHeader(status)
	_, _ = encoded.WriteTo(a.w)
}
