package web

import (
	"context"
	"fmt"
	"strconv"
	"strings"

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

// valueAtFault finds the argument that a bad value belongs to, by the variable
// that it was given in or by where it stands in the query, and says what is
// wrong with it.
func valueAtFault(ctx context.Context, e *gqlerror.Error) (field []string, message string) {
	doc := document(ctx)
	if inVariable(e) {
		variable := fmt.Sprint(e.Path[1])
		field, _ = findValue(doc, func(v *ast.Value) bool { return v.Kind == ast.Variable && v.Raw == variable })
		if field == nil {
			field = []string{variable}
		}
		return append(field, names(e.Path[2:])...), inOurWords(e.Message)
	}
	if len(e.Locations) == 0 {
		return nil, e.Message
	}
	at := e.Locations[0]
	field, value := findValue(doc, func(v *ast.Value) bool {
		return v.Position != nil && v.Position.Line == at.Line && v.Position.Column == at.Column
	})
	// A number that doesn't fit is reported of all that it lies in.
	if below, number := findInValue(value, field, doesNotFit); number != nil {
		return below, number.Raw + " is beyond 64 bits"
	}
	return field, e.Message
}

// inOurWords mends the library's report of a number with a fraction, which it
// takes for a string.
func inOurWords(message string) string {
	if _, wanted, found := strings.Cut(message, " as "); found && strings.HasPrefix(message, "cannot use ") {
		return "a value of type " + wanted + " is wanted"
	}
	return message
}

func doesNotFit(v *ast.Value) bool {
	_, err := strconv.ParseInt(v.Raw, 10, 64)
	return v.Kind == ast.IntValue && err != nil
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
	doc, err := parser.ParseQuery(&ast.Source{Input: operation.RawQuery})
	if err != nil {
		return nil
	}
	return doc
}

// findValue returns the first argument value that is the one wanted, with its
// path, or nil.
func findValue(doc *ast.QueryDocument, wanted func(*ast.Value) bool) ([]string, *ast.Value) {
	if doc == nil {
		return nil, nil
	}
	for _, operation := range doc.Operations {
		if path, value := findInSelections(operation.SelectionSet, wanted); value != nil {
			return path, value
		}
	}
	for _, fragment := range doc.Fragments {
		if path, value := findInSelections(fragment.SelectionSet, wanted); value != nil {
			return path, value
		}
	}
	return nil, nil
}

func findInSelections(selections ast.SelectionSet, wanted func(*ast.Value) bool) ([]string, *ast.Value) {
	for _, selection := range selections {
		var below ast.SelectionSet
		switch selection := selection.(type) {
		case *ast.Field:
			for _, argument := range selection.Arguments {
				if path, value := findInValue(argument.Value, []string{argument.Name}, wanted); value != nil {
					return path, value
				}
			}
			below = selection.SelectionSet
		case *ast.InlineFragment:
			below = selection.SelectionSet
		}
		if path, value := findInSelections(below, wanted); value != nil {
			return path, value
		}
	}
	return nil, nil
}

func findInValue(value *ast.Value, path []string, wanted func(*ast.Value) bool) ([]string, *ast.Value) {
	if value == nil || wanted(value) {
		return path, value
	}
	for i, child := range value.Children {
		name := child.Name
		if value.Kind == ast.ListValue {
			name = strconv.Itoa(i)
		}
		below := append(path[:len(path):len(path)], name)
		if path, found := findInValue(child.Value, below, wanted); found != nil {
			return path, found
		}
	}
	return nil, nil
}

func names(path ast.Path) []string {
	parts := make([]string, len(path))
	for i, element := range path {
		parts[i] = fmt.Sprint(element)
	}
	return parts
}
