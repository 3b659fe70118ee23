package web

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
)

// tooNested says that the parser gave up inside brackets that lie too deep,
// which is how a JSON argument written in the query can end.
func tooNested(e *gqlerror.Error) bool {
	return strings.Contains(e.Message, "maximum nesting depth") && len(e.Locations) > 0
}

// nestedArgument finds the argument that the parser gave up in: the path of
// open brackets there, as far as the schema knows it. Nil if the brackets are
// those of a selection.
func nestedArgument(schema *ast.Schema, query string, e *gqlerror.Error) []string {
	at := e.Locations[0]
	tokens := lexer.New(&ast.Source{Input: query})
	var field, name string
	var open []bracket
	for {
		token, err := tokens.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			return nil
		}
		switch token.Kind {
		case lexer.Name:
			name = token.Value
		case lexer.ParenL:
			field, open = name, nil
		case lexer.BraceL, lexer.BracketL:
			open = append(open, bracket{key: keyIn(open, name), list: token.Kind == lexer.BracketL})
		case lexer.BraceR, lexer.BracketR:
			open = open[:max(0, len(open)-1)]
		}
		if token.Pos.Line == at.Line && token.Pos.Column == at.Column {
			return knownPath(schema, field, open)
		}
	}
}

// bracket is one that is open: of a list, or of an object.
type bracket struct {
	key   string
	list  bool
	items int
}

// keyIn is the key of what is opened now: its place in a list, else the name
// before it.
func keyIn(open []bracket, name string) string {
	if len(open) == 0 || !open[len(open)-1].list {
		return name
	}
	parent := &open[len(open)-1]
	parent.items++
	return strconv.Itoa(parent.items - 1)
}

// knownPath follows the brackets through the arguments of a root field, down
// to the first value that is a scalar to the schema.
func knownPath(schema *ast.Schema, field string, open []bracket) []string {
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		definition := root.Fields.ForName(field)
		if definition == nil || len(open) == 0 {
			continue
		}
		argument := definition.Arguments.ForName(open[0].key)
		if argument == nil {
			continue
		}
		path, kind := []string{argument.Name}, argument.Type
		for _, b := range open[1:] {
			if kind.Elem != nil {
				kind = kind.Elem
			} else if member := schema.Types[kind.Name()].Fields.ForName(b.key); member != nil {
				kind = member.Type
			} else {
				break
			}
			path = append(path, b.key)
		}
		return path
	}
	return nil
}
