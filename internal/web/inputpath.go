package web

import (
	"context"
	"fmt"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// A client is told which argument is at fault as a path from the argument:
// ["input", "lines", "0", "sku"]. Each way in which the library finds a bad
// value says it in its own terms.

// aboutValue tells a bad value from a bad query. In a variable, a value is at
// fault; in the query, that is one rule's finding.
func aboutValue(e *gqlerror.Error) bool {
	return e.Rule == "ValuesOfCorrectType" || inVariable(e)
}

func inVariable(e *gqlerror.Error) bool {
	return len(e.Path) > 1 && e.Path[0] == ast.PathName("variable")
}

// argumentOf is the argument that a scalar refused while a root field's
// arguments were read: what is behind that field in the path.
func argumentOf(e *gqlerror.Error) []string {
	if len(e.Path) == 0 {
		return nil
	}
	return names(e.Path[1:])
}

// fieldInQuery finds the argument that a bad value belongs to: by the variable
// that it was given in, or by where it stands in the query.
func fieldInQuery(ctx context.Context, e *gqlerror.Error) []string {
	doc := document(ctx)
	if inVariable(e) {
		variable := fmt.Sprint(e.Path[1])
		used := findValue(doc, func(v *ast.Value) bool { return v.Kind == ast.Variable && v.Raw == variable })
		if used == nil {
			used = []string{variable}
		}
		return append(used, names(e.Path[2:])...)
	}
	if len(e.Locations) == 0 {
		return nil
	}
	at := e.Locations[0]
	return findValue(doc, func(v *ast.Value) bool {
		return v.Position != nil && v.Position.Line == at.Line && v.Position.Column == at.Column
	})
}

// document is the query as parsed. One that failed validation isn't kept, so
// it is parsed again.
func document(ctx context.Context) *ast.QueryDocument {
	if !graphql.HasOperationContext(ctx) {
		return nil
	}
	operation := graphql.GetOperationContext(ctx)
	if operation.Doc != nil {
		return operation.Doc
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: operation.RawQuery}, tokensMax)
	if err != nil {
		return nil
	}
	return doc
}

// findValue returns the path of the first argument value that is the one
// wanted, or nil.
func findValue(doc *ast.QueryDocument, wanted func(*ast.Value) bool) []string {
	if doc == nil {
		return nil
	}
	for _, operation := range doc.Operations {
		if path := findInSelections(operation.SelectionSet, wanted); path != nil {
			return path
		}
	}
	for _, fragment := range doc.Fragments {
		if path := findInSelections(fragment.SelectionSet, wanted); path != nil {
			return path
		}
	}
	return nil
}

func findInSelections(selections ast.SelectionSet, wanted func(*ast.Value) bool) []string {
	for _, selection := range selections {
		var path []string
		switch selection := selection.(type) {
		case *ast.Field:
			for _, argument := range selection.Arguments {
				if path := findInValue(argument.Value, []string{argument.Name}, wanted); path != nil {
					return path
				}
			}
			path = findInSelections(selection.SelectionSet, wanted)
		case *ast.InlineFragment:
			path = findInSelections(selection.SelectionSet, wanted)
		}
		if path != nil {
			return path
		}
	}
	return nil
}

func findInValue(value *ast.Value, path []string, wanted func(*ast.Value) bool) []string {
	if wanted(value) {
		return path
	}
	for i, child := range value.Children {
		name := child.Name
		if value.Kind == ast.ListValue {
			name = strconv.Itoa(i)
		}
		below := append(path[:len(path):len(path)], name)
		if found := findInValue(child.Value, below, wanted); found != nil {
			return found
		}
	}
	return nil
}

func names(path ast.Path) []string {
	parts := make([]string, len(path))
	for i, element := range path {
		parts[i] = fmt.Sprint(element)
	}
	return parts
}
