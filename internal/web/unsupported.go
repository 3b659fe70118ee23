package web

import (
	"encoding/json"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// unsupported answers what no other transport takes. It comes last.
type unsupported struct{}

var _ graphql.Transport = unsupported{}

func (unsupported) Supports(*http.Request) bool { return true }

func (unsupported) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	status, message := http.StatusUnsupportedMediaType, "send GraphQL as application/json"
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		status, message = http.StatusMethodNotAllowed, "send GraphQL by POST, or a query by GET"
	}
	refusal := &gqlerror.Error{Message: message, Extensions: map[string]any{"code": errcode.ParseFailed}}
	w.Header().Set("Content-Type", "application/graphql-response+json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(exec.DispatchError(r.Context(), gqlerror.List{refusal}))
}
