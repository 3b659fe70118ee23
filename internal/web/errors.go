package web

import (
	"context"
	"errors"
	"log/slog"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"holdfast/internal/requestlog"
	"holdfast/internal/scalar"
)

const (
	codeBadInput     = "BAD_USER_INPUT"
	codeNotPersisted = "PERSISTED_QUERY_NOT_FOUND"
	codeInternal     = "INTERNAL"
)

// errorPresenter turns errors into what a client may see: a code, a sentence,
// and the argument at fault. What it doesn't recognise is logged in full and
// shown as an id to look it up by.
type errorPresenter struct {
	schema *ast.Schema
	log    *slog.Logger
}

func (p errorPresenter) present(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	code, _ := shown.Extensions["code"].(string)

	var refused *scalar.Error
	switch {
	case errors.Is(err, errPanicked): // whatever stage it was in
		return p.internal(ctx, err, shown)
	case errors.As(err, &refused):
		field := argumentOf(shown)
		shown.Path = shown.Path[:min(1, len(shown.Path))]
		return badInput(shown, refused.Error(), field)
	case code == errcode.ValidationFailed && aboutValue(shown):
		field, message := valueAtFault(ctx, shown)
		shown.Path = nil
		return badInput(shown, message, field)
	case code == errcode.ParseFailed && tooNested(shown):
		if field := nestedArgument(p.schema, graphql.GetOperationContext(ctx).RawQuery, shown); field != nil {
			return badInput(shown, shown.Message, field)
		}
		return shown
	case code == "":
		return p.internal(ctx, err, shown)
	default:
		return shown
	}
}

// recovered turns a panic into an error for present.
func (p errorPresenter) recovered(ctx context.Context, panicked any) error {
	p.log.ErrorContext(ctx, "a resolver panicked", requestlog.Panic(panicked))
	return errPanicked
}

var errPanicked = errors.New("it panicked, as logged before")

func (p errorPresenter) internal(ctx context.Context, err error, shown *gqlerror.Error) *gqlerror.Error {
	p.log.ErrorContext(ctx, "a request failed", "error", err)
	internal := withCode(gqlerror.Errorf("internal error; the server's log has the cause under this request id"), codeInternal)
	internal.Extensions["requestId"] = requestlog.From(ctx).ID()
	internal.Path, internal.Locations = shown.Path, shown.Locations
	return internal
}

func badInput(shown *gqlerror.Error, message string, field []string) *gqlerror.Error {
	bad := withCode(&gqlerror.Error{Message: message, Path: shown.Path, Locations: shown.Locations}, codeBadInput)
	if len(field) > 0 {
		bad.Extensions["field"] = field
	}
	return bad
}

func withCode(e *gqlerror.Error, code string) *gqlerror.Error {
	e.Extensions = map[string]any{"code": code}
	return e
}
