package limits_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/stretchr/testify/require"

	"holdfast/internal/web/limits"
	"holdfast/internal/web/wire"
)

// aTypeOfEachKind asks for all that a type has.
const aTypeOfEachKind = `
	{ object: __type(name: "Sku") { ...T } input: __type(name: "CreateHoldInput") { ...T } interface: __type(name: "UserError") { ...T }
	enum: __type(name: "AuditAction") { ...T } scalar: __type(name: "Long") { ...T } none: __type(name: "Nothing") { ...T } }
	fragment T on __Type { ...N fields(includeDeprecated: true) { name args(includeDeprecated: true) { name type { ...O } } type { ...O } }
		inputFields(includeDeprecated: true) { name type { ...O } } interfaces { ...N } possibleTypes { ...N } enumValues(includeDeprecated: true) { name } }
	fragment N on __Type { ... on __Type { __typename name } }
	fragment O on __Type { name ofType { name ofType { name ofType { name } } } }`

func TestFieldsOfTheSchemaAreCountedAsTheyAreAnswered(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		introspection.NewQuery(introspection.QueryOptions{OneOf: true}),
		aTypeOfEachKind,
		"{ __typename __schema { queryType { name } mutationType { name } subscriptionType { name } } }",
		"{ __schema { types { name fields(includeDeprecated: true) { type { name fields(includeDeprecated: true) { name } } } } } }",
	} {
		bounds := defaults
		bounds.IntrospectionFields = 10_000
		told := newGuarded(t, bounds).fieldsToldOf(query)
		require.Greater(t, told, 6)

		bounds.IntrospectionFields = told
		code, _ := newGuarded(t, bounds).codeOf(query)
		require.Empty(t, code, query)
		bounds.IntrospectionFields = told - 1
		code, limit := newGuarded(t, bounds).codeOf(query)
		require.Equal(t, wire.CodeLimit, code, query)
		require.Equal(t, &wire.Limit{Name: "introspectionFields", Max: int64(told - 1)}, limit)
	}
}

// fieldsToldOf counts the fields that a query is answered of the schema.
func (g guarded) fieldsToldOf(query string) int {
	operation, problems := g.check(query, nil)
	require.Empty(g.t, problems)
	operation.DisableIntrospection = false
	responses, ctx := g.DispatchOperation(graphql.StartOperationTrace(g.t.Context()), operation)
	var data map[string]any
	require.NoError(g.t, json.Unmarshal(responses(ctx).Data, &data))
	delete(data, "__typename")
	return fieldsIn(data)
}

func fieldsIn(value any) (count int) {
	switch value := value.(type) {
	case map[string]any:
		for _, field := range value {
			count += 1 + fieldsIn(field)
		}
	case []any:
		for _, item := range value {
			count += fieldsIn(item)
		}
	}
	return count
}

func TestTheSchemaIsNotToldThirtyTimesOver(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	for _, query := range []string{
		"{" + numbered("a%d: __schema { ...F } ", 30) + "} fragment F on __Schema { types { name fields { name type { name } } } }",
		"{ __schema {" + numbered("a%d: types { ...F } ", 30) + "} } fragment F on __Type { name fields { name type { name } } }",
		"query ($n: String!) {" + numbered("a%d: __type(name: $n) { ...F } ", 30) + "} fragment F on __Type { fields { args { type { ofType { inputFields { name type { name ofType { name } } } } } } } }",
	} {
		_, problems := g.check(query, map[string]any{"n": "Mutation"})
		require.Len(t, problems, 1, query)
		require.Equal(t, wire.Limit{Name: "introspectionFields", Max: 8_000}, problems[0].Extensions["limit"])
	}
}

// BenchmarkIntrospection measures answers that tell as much of the schema as
// they may, and those of tools.
func BenchmarkIntrospection(b *testing.B) {
	for name, query := range map[string]string{
		"OfTools": introspection.NewQuery(introspection.QueryOptions{OneOf: true}),
		"Deep":    "{ " + numbered("a%d: __schema { ...F } ", 4) + "} fragment F on __Schema { types { name fields { name type { name fields { name type { name } } } } } }",
		"Flat":    fmt.Sprintf("{ __schema { %s } } fragment F on __Type { name }", numbered("a%d: types { ...F } ", 30)),
	} {
		b.Run(name, func(b *testing.B) {
			g := newGuarded(b, limits.Default())
			var told int
			for b.Loop() {
				told = g.fieldsToldOf(query)
			}
			b.ReportMetric(float64(told), "fields")
		})
	}
}
