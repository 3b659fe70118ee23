package wire

import (
	"fmt"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The codes of what is refused whatever the schema is, by more than one package.
const (
	CodeForbidden  = "FORBIDDEN"
	CodeLimit      = "LIMIT_EXCEEDED"
	CodeOverloaded = "OVERLOADED"
)

// Refusal is why a request isn't carried out, without a word of what it held.
type Refusal struct {
	Status        int
	Code, Message string
	// Limit is nil unless the code is CodeLimit.
	Limit *Limit
}

// Errors are those to answer the request with.
func (r *Refusal) Errors() gqlerror.List {
	if r.Limit != nil {
		return gqlerror.List{r.Limit.Exceeded(r.Message)}
	}
	return gqlerror.List{{Message: r.Message, Extensions: map[string]any{"code": r.Code}}}
}

// Answer answers a request that was refused before a GraphQL server saw it.
func (r *Refusal) Answer(w http.ResponseWriter, to *http.Request) {
	response := &graphql.Response{Errors: r.Errors()}
	NoteErrors(to.Context(), response)
	w.Header().Set("Content-Type", "application/graphql-response+json; charset=utf-8")
	w.WriteHeader(r.Status)
	_, _ = Encode(response).WriteTo(w)
}

func malformed(status int, format string, args ...any) *Refusal {
	return &Refusal{Status: status, Code: errcode.ParseFailed, Message: fmt.Sprintf(format, args...)}
}

func over(status int, limit Limit, format string, args ...any) *Refusal {
	return &Refusal{status, CodeLimit, fmt.Sprintf(format, args...), &limit}
}
