package wire

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"holdfast/internal/requestlog"
)

// NoteOperation has the log say what is asked for, as far as that is known.
func NoteOperation(ctx context.Context, asked *graphql.OperationContext) {
	if operation := asked.Operation; operation != nil {
		requestlog.From(ctx).Asks(requestlog.Operation{
			Type: string(operation.Operation), Name: operation.Name, Field: RootField(operation),
		})
	}
}

// NoteErrors has the log say which errors were answered.
func NoteErrors(ctx context.Context, response *graphql.Response) {
	for _, e := range response.Errors {
		if code, isText := e.Extensions["code"].(string); isText {
			requestlog.From(ctx).Refused(code)
		}
		if limit, isLimit := e.Extensions["limit"].(Limit); isLimit {
			requestlog.From(ctx).Over(limit.Name)
		}
	}
}

// RootField is the operation's root field, or its first.
func RootField(operation *ast.OperationDefinition) string {
	selections := operation.SelectionSet
	for len(selections) > 0 {
		switch first := selections[0].(type) {
		case *ast.Field:
			return first.Name
		case *ast.InlineFragment:
			selections = first.SelectionSet
		case *ast.FragmentSpread:
			selections = first.Definition.SelectionSet
		}
	}
	return ""
}
