package limits

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"

	"holdfast/internal/web/wire"
)

// checkTokens refuses a text of too many tokens.
func (l Limits) checkTokens(query string) *gqlerror.Error {
	if countTokens(query, l.Tokens+1) <= l.Tokens {
		return nil
	}
	return wire.Limit{Name: "tokens", Max: int64(l.Tokens)}.Exceeded(
		fmt.Sprintf("the query has more tokens than it may: HOLDFAST_QUERY_TOKENS_MAX is %d", l.Tokens))
}

// countTokens counts up to so many. It stops at what is no token, for so does
// the parser.
func countTokens(query string, most int) int {
	tokens := lexer.New(&ast.Source{Input: query})
	var count int
	for count < most {
		if token, err := tokens.ReadToken(); err != nil || token.Kind == lexer.EOF {
			break
		}
		count++
	}
	return count
}

// checkSize refuses a query that asks for too much, whatever there is of it.
func (l Limits) checkSize(s size) *gqlerror.Error {
	for _, bound := range []struct {
		name, what, variable string
		actual, max          int
	}{
		{"fields", "fields, with fragments spread", "HOLDFAST_QUERY_FIELDS_MAX", s.fields, l.Fields},
		{"depth", "levels of fields", "HOLDFAST_QUERY_DEPTH_MAX", s.depth, l.Depth},
		{"introspectionDepth", "levels of introspection", "HOLDFAST_INTROSPECT_DEPTH_MAX", s.introspectionDepth, l.IntrospectionDepth},
		{"aliases", "aliases", "HOLDFAST_QUERY_ALIASES_MAX", s.aliases, l.Aliases},
		{"directives", "directives", "HOLDFAST_QUERY_DIRECTIVES_MAX", s.directives, l.Directives},
	} {
		if bound.actual > bound.max {
			return wire.Limit{Name: bound.name, Max: int64(bound.max), Actual: int64(bound.actual)}.Exceeded(
				fmt.Sprintf("the query has %d %s: %s is %d", bound.actual, bound.what, bound.variable, bound.max))
		}
	}
	return nil
}

// checkTold refuses an operation whose answer would tell too much of the schema.
func (l Limits) checkTold(fields int) *gqlerror.Error {
	if fields <= l.IntrospectionFields {
		return nil
	}
	return wire.Limit{Name: "introspectionFields", Max: int64(l.IntrospectionFields)}.Exceeded(
		fmt.Sprintf("the query asks for more fields of the schema than it may: HOLDFAST_INTROSPECT_FIELDS_MAX is %d", l.IntrospectionFields))
}

// checkCost refuses an operation whose answer could be too long.
func (l Limits) checkCost(cost int) *gqlerror.Error {
	if cost <= l.Cost {
		return nil
	}
	return wire.Limit{Name: "cost", Max: int64(l.Cost), Actual: int64(cost)}.Exceeded(
		fmt.Sprintf("the operation costs %d: HOLDFAST_QUERY_COST_MAX is %d", cost, l.Cost))
}
