package limits_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"holdfast/graph"
	"holdfast/internal/web/wire"
)

func TestTheCostIsHowManyFieldsTheAnswerCanHave(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	const page = "edges { cursor node { id sku } }" // five fields
	skus := []any{"A", "B", "C"}
	for _, of := range []struct {
		query     string
		variables map[string]any
		cost      int
	}{
		{"{ __typename }", nil, 1},
		{"{ sku(sku: \"A\") { name metadata } }", nil, 3},
		{"mutation { createSku(input: {sku: \"A\", name: \"A\"}) { sku { id } } }", nil, 3},
		{"{ skus { " + page + " } }", nil, 1 + 20*5},
		{"{ skus(first: 7) { " + page + " } }", nil, 1 + 7*5},
		{"{ skus(first: 0) { " + page + " } }", nil, 1},
		{"{ skus(first: -7) { " + page + " } }", nil, 1},
		{"{ skus(first: 2147483647) { " + page + " } }", nil, 1 + 100*5},
		{"{ skus(first: null) { " + page + " } }", nil, 1 + 20*5},
		{"query ($n: Int) { skus(first: $n) { " + page + " } }", nil, 1 + 20*5},
		{"query ($n: Int = 3) { skus(first: $n) { " + page + " } }", nil, 1 + 3*5},
		{"query ($n: Int = 3) { skus(first: $n) { " + page + " } }", map[string]any{"n": int64(9)}, 1 + 9*5},
		{"query ($n: Int) { skus(first: $n) { " + page + " } }", map[string]any{"n": int64(-9)}, 1},
		{"query ($n: Int) { skus(first: $n) { " + page + " } }", map[string]any{"n": int64(1 << 31)}, 1 + 100*5},
		{"query ($n: Int) { skus(first: $n) { " + page + " } }", map[string]any{"n": nil}, 1 + 20*5},
		{"{ availability(skus: [\"A\", \"B\", \"C\"]) { sku available } }", nil, 1 + 3*2},
		{"{ availability(skus: \"A\") { sku available } }", nil, 1 + 2},
		{"query ($skus: [String!]!) { availability(skus: $skus) { sku available } }", map[string]any{"skus": skus}, 1 + 3*2},
		{"query ($skus: [String!]!) { availability(skus: $skus) { sku available } }", map[string]any{"skus": "A"}, 1 + 2},
		{"query ($skus: [String!]!) { availability(skus: $skus) { sku available } }", map[string]any{"skus": make([]any, 0)}, 1},
		{"query ($s: [String!]!) { availability(skus: $s) { locations { total } } }", map[string]any{"s": skus}, 1 + 3*(1+5)},
		{"query ($n: Int) { reservations(first: $n) { edges { node { lines { sku quantity } } } } }", map[string]any{"n": int64(2)}, 1 + 2*(3+5*2)},
		{"{ consistency(skus: [\"A\", \"B\"]) { isConsistent issues { detail } } }", nil, 3 + 5},
		{"query ($n: Int) { skus(first: $n) { ...F } } fragment F on SkuConnection { ...G ...G } fragment G on SkuConnection { edges { cursor } }", map[string]any{"n": int64(4)}, 1 + 4*4},
		{"query ($n: Int) { ...F ...F } fragment F on Query { ...G ... @skip(if: true) { ...G } } fragment G on Query { skus(first: $n) { edges { cursor } } }", map[string]any{"n": int64(4)}, 4 * (1 + 4*2)},
		{"{ sku(sku: \"A\") { name } }" + strings.Repeat("#\n", 10) + "#" + strings.Repeat(" ", 20_000), nil, 2}, // too long to be remembered
	} {
		for range 2 {
			require.Equal(t, of.cost, g.costOf(of.query, of.variables), "%s with %v", of.query, of.variables)
		}
	}
}

func TestASubscriptionCostsAsMuchAsAnEventAndIsNotTold(t *testing.T) {
	t.Parallel()
	bounds := defaults
	bounds.Cost = 2
	g := newGuarded(t, bounds)
	operation, problems := g.check("subscription { availabilityChanged(skus: [\"A\", \"B\", \"C\"]) { sku } }", nil)
	require.Empty(t, problems)
	response := g.DispatchError(graphql.WithOperationContext(t.Context(), operation), nil)
	require.Empty(t, response.Extensions)
	_, problems = g.check("subscription { availabilityChanged(skus: \"A\") { sku total } }", nil)
	require.Len(t, problems, 1)
}

func TestWhatCostsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	const query = "query ($n: Int) { skus(first: $n) { edges { node { availability { locations { %s } } } } } }"
	text := fmt.Sprintf(query, strings.Repeat("sku ", 40))
	require.Equal(t, 1+90*(4+5*40), g.costOf(text, map[string]any{"n": int64(90)}))
	_, problems := g.check(text, map[string]any{"n": int64(100)})
	require.Len(t, problems, 1)
	require.Equal(t, "LIMIT_EXCEEDED", problems[0].Extensions["code"])
	require.Equal(t, wire.Limit{Name: "cost", Max: 20_000, Actual: 20_401}, problems[0].Extensions["limit"])
	require.Contains(t, problems[0].Message, "HOLDFAST_QUERY_COST_MAX is 20000")
}

func TestTheExampleOfTheDocsCostsWhatItSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/api.md")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(page), "**The cost**")
	_, rest, _ = strings.Cut(rest, "```\n")
	example, _, _ := strings.Cut(rest, "```")
	cost := newGuarded(t, defaults).costOf(example, map[string]any{"skus": named(12)})
	require.Contains(t, example, fmt.Sprintf("# %d", cost))
	require.Contains(t, string(page), fmt.Sprintf(`"extensions": {"cost": {"actual": %d, "max": %d}}`, cost, defaults.Cost))
}

func TestAPageOfAnyConnectionIsWithinTheCost(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	var found int
	for _, field := range schema.Query.Fields {
		if !strings.HasSuffix(field.Type.Name(), "Connection") {
			continue
		}
		found++
		node := schema.Types[strings.TrimSuffix(field.Type.Name(), "Connection")]
		_, problems := g.check(fmt.Sprintf(`{ %s(first: 100) { edges { cursor node { %s } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
			field.Name, fieldsOf(schema, node, 1)), nil)
		require.Empty(t, problems, field.Name)
	}
	require.GreaterOrEqual(t, found, 6)

	_, problems := g.check("query ($skus: [String!]!) { availability(skus: $skus) {"+fieldsOf(schema, schema.Types["Availability"], 1)+"} }",
		map[string]any{"skus": named(250)})
	require.Empty(t, problems)
}

// fieldsOf are all fields of a type, down to so many levels of objects below.
func fieldsOf(schema *ast.Schema, of *ast.Definition, levels int) string {
	var text strings.Builder
	for _, field := range of.Fields {
		below := schema.Types[field.Type.Name()]
		switch {
		case below.IsLeafType():
			text.WriteString(field.Name + " ")
		case levels > 0:
			fmt.Fprintf(&text, "%s { %s } ", field.Name, fieldsOf(schema, below, levels-1))
		}
	}
	return text.String()
}

// named are so many SKUs.
func named(count int) []any {
	skus := make([]any, count)
	for i := range skus {
		skus[i] = fmt.Sprint("S-", i)
	}
	return skus
}
