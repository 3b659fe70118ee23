package web

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"

	"holdfast/internal/web/wire"
)

// statuses are those of requests that weren't carried out, by the code of why.
//
// The draft of the specification would have 422 for a query that isn't valid,
// where its checks want 400.
var statuses = map[string]int{
	errcode.ParseFailed:      http.StatusBadRequest,
	errcode.ValidationFailed: http.StatusBadRequest,
	codeBadInput:             http.StatusBadRequest,
	codeNotPersisted:         http.StatusBadRequest,
	wire.CodeLimit:           http.StatusUnprocessableEntity,
	"UNAUTHENTICATED":        http.StatusUnauthorized,
	wire.CodeForbidden:       http.StatusForbidden,
	"RATE_LIMITED":           http.StatusTooManyRequests,
	wire.CodeOverloaded:      http.StatusServiceUnavailable,
}

// statusOf is the status for a response without data.
func statusOf(response *graphql.Response) int {
	if len(response.Errors) > 0 {
		code, _ := response.Errors[0].Extensions["code"].(string)
		if status, known := statuses[code]; known {
			return status
		}
	}
	return http.StatusInternalServerError
}
