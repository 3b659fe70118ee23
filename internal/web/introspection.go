package web

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"holdfast/internal/web/wire"
)

// NoIntrospection refuses requests for the schema. With it GraphQL doesn't
// suggest names to who misspelt one, either.
type NoIntrospection struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = NoIntrospection{}

// ExtensionName implements graphql.HandlerExtension.
func (NoIntrospection) ExtensionName() string { return "NoIntrospection" }

// Validate implements graphql.HandlerExtension.
func (NoIntrospection) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (NoIntrospection) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	if asksForSchema(operation.Doc) {
		return withCode(gqlerror.Errorf("this server doesn't tell its schema: introspection is turned off"), wire.CodeForbidden)
	}
	return nil
}

// asksForSchema looks at each fragment once, however often it is spread, and not
// below fields: only the root has what the schema is asked by.
func asksForSchema(document *ast.QueryDocument) bool {
	for _, operation := range document.Operations {
		if selectsSchema(operation.SelectionSet) {
			return true
		}
	}
	for _, fragment := range document.Fragments {
		if selectsSchema(fragment.SelectionSet) {
			return true
		}
	}
	return false
}

func selectsSchema(selections ast.SelectionSet) bool {
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			if selection.Name == "__schema" || selection.Name == "__type" {
				return true
			}
		case *ast.InlineFragment:
			if selectsSchema(selection.SelectionSet) {
				return true
			}
		}
	}
	return false
}
