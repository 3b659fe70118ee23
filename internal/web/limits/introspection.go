package limits

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// countTold counts the fields that an operation, which is valid, is told of the
// schema; up to so many.
func countTold(schema *ast.Schema, operation *graphql.OperationContext, most int) int {
	t := teller{schema: schema, variables: operation.Variables, left: most}
	t.tell(query{}, operation.Operation.SelectionSet)
	return most - t.left
}

// teller goes through the schema as an answer would.
type teller struct {
	schema    *ast.Schema
	variables map[string]any
	// left is how many fields more are counted.
	left int
}

// query is the part of the schema that the others are asked for by.
type query struct{}

// tell counts what is selected of a part of the schema.
func (t *teller) tell(part any, selections ast.SelectionSet) {
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			t.tellField(part, selection)
		case *ast.InlineFragment:
			t.tell(part, selection.SelectionSet)
		case *ast.FragmentSpread:
			t.tell(part, selection.Definition.SelectionSet)
		}
	}
}

func (t *teller) tellField(part any, field *ast.Field) {
	if part == (query{}) && !isMeta(field) || t.left == 0 {
		return
	}
	t.left--
	for _, below := range t.below(part, field) {
		t.tell(below, field.SelectionSet)
	}
}

// below are the parts that a field of one leads to: those of each of its types.
func (t *teller) below(part any, field *ast.Field) []any {
	switch part := part.(type) {
	case query:
		if field.Name == "__schema" {
			return []any{t.schema}
		}
		name, _ := field.ArgumentMap(t.variables)["name"].(string)
		return t.named(name)
	case *ast.Schema:
		return t.ofSchema(field.Name)
	case *ast.Definition:
		return t.ofType(part, field.Name)
	case *ast.Type:
		if field.Name == "ofType" {
			return t.wrapped(part)
		}
	case *ast.DirectiveDefinition:
		if field.Name == "args" {
			return parts(part.Arguments)
		}
	case *ast.FieldDefinition:
		switch field.Name {
		case "args":
			return parts(part.Arguments)
		case "type":
			return t.typed(part.Type)
		}
	case *ast.ArgumentDefinition:
		if field.Name == "type" {
			return t.typed(part.Type)
		}
	}
	return nil
}

func (t *teller) ofSchema(field string) (below []any) {
	switch field {
	case "types":
		for _, definition := range t.schema.Types {
			below = append(below, definition)
		}
	case "directives":
		for _, definition := range t.schema.Directives {
			below = append(below, definition)
		}
	case "queryType":
		return t.named("Query")
	case "mutationType":
		return t.named("Mutation")
	case "subscriptionType":
		return t.named("Subscription")
	}
	return below
}

func (t *teller) ofType(of *ast.Definition, field string) (below []any) {
	switch field {
	case "fields", "inputFields":
		if (field == "inputFields") != (of.Kind == ast.InputObject) {
			return nil
		}
		for _, f := range of.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				below = append(below, f)
			}
		}
	case "enumValues":
		return parts(of.EnumValues)
	case "interfaces":
		for _, name := range of.Interfaces {
			below = append(below, t.named(name)...)
		}
	case "possibleTypes":
		if of.IsAbstractType() {
			return parts(t.schema.GetPossibleTypes(of))
		}
	}
	return below
}

// named is the type of a name, if there is one.
func (t *teller) named(name string) []any {
	if definition := t.schema.Types[name]; definition != nil {
		return []any{definition}
	}
	return nil
}

// typed is the type that a field has: itself a part, where it is a list or not
// null, that wraps another.
func (t *teller) typed(of *ast.Type) []any {
	if of.NonNull || of.Elem != nil {
		return []any{of}
	}
	return t.named(of.NamedType)
}

func (t *teller) wrapped(of *ast.Type) []any {
	if !of.NonNull {
		return t.typed(of.Elem)
	}
	nullable := *of
	nullable.NonNull = false
	return t.typed(&nullable)
}

func parts[T any](of []T) []any {
	all := make([]any, len(of))
	for i, part := range of {
		all[i] = part
	}
	return all
}
