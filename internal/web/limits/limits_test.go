package limits_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/web/limits"
	"holdfast/internal/web/wire"
)

var defaults = limits.Default()

func TestAQueryIsTakenUpToEachLimitAndRefusedBeyond(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	for name, of := range map[string]struct {
		max int
		// query comes to n of it.
		query func(n int) string
	}{
		"tokens": {max: defaults.Tokens, query: func(n int) string {
			return "{ __typename " + strings.Repeat("#\n", n-3) + "}"
		}},
		"depth":              {max: defaults.Depth, query: levels},
		"introspectionDepth": {max: defaults.IntrospectionDepth, query: func(n int) string { return "{ __type(name: \"Sku\") " + nested("ofType", n-1) + "}" }},
		"aliases":            {max: defaults.Aliases, query: func(n int) string { return "{" + numbered("a%d: __typename ", n) + "}" }},
		"aliases in a fragment": {max: defaults.Aliases, query: func(n int) string {
			return "{ sku(sku: \"A\") {" + strings.Repeat("...F ", n) + "} } fragment F on Sku { a: name }"
		}},
		"directives": {max: defaults.Directives, query: func(n int) string {
			return "query { ...F @skip(if: true) ... @skip(if: true) { __typename } " + strings.Repeat("__typename @skip(if: true) ", n-3) +
				"} fragment F on Query { __typename @skip(if: true) }"
		}},
		"fields": {max: defaults.Fields, query: func(n int) string { return "{" + strings.Repeat("__typename ", n) + "}" }},
		"fields in a fragment": {max: defaults.Fields, query: func(n int) string {
			return "{ " + strings.Repeat("...F ", n/10) + strings.Repeat("__typename ", n%10) + "} fragment F on Query {" + strings.Repeat("__typename ", 10) + "}"
		}},
		"fields in several operations": {max: defaults.Fields, query: func(n int) string {
			return "query A {" + strings.Repeat("__typename ", n/2) + "} query B {" + strings.Repeat("__typename ", n-n/2) + "}"
		}},
	} {
		within, _ := g.codeOf(of.query(of.max))
		assert.NotEqual(t, wire.CodeLimit, within, name)
		code, limit := g.codeOf(of.query(of.max + 1))
		require.Equal(t, wire.CodeLimit, code, name)
		known, _, _ := strings.Cut(name, " ")
		wanted := &wire.Limit{Name: known, Max: int64(of.max), Actual: int64(of.max + 1)}
		if name == "tokens" { // they aren't counted to the end
			wanted.Actual = 0
		}
		assert.Equal(t, wanted, limit, name)
	}
}

func TestARefusalNamesTheVariable(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	_, problems := g.check(levels(23), nil)
	require.EqualError(t, problems, "input: the query has 23 levels of fields: HOLDFAST_QUERY_DEPTH_MAX is 15\n")
}

func TestABombOfFragmentsIsRefusedBeforeItIsValidated(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	for name, query := range map[string]string{
		"spread":                         "{ ...F0 }" + bomb("__typename"),
		"spread by a subscription":       "subscription { ...F0 }" + bomb("__typename"),
		"spread by nobody":               "{ __typename }" + bomb("__typename"),
		"with a variable below":          "query ($n: Int) { ...F0 }" + bomb("skus(first: $n) { edges { cursor } }"),
		"of unknown fields":              "{ ...F0 }" + bomb("nothing"),
		"of fields that hide themselves": "{ ...F0 }" + bomb("__typename @skip(if: true)"),
	} {
		for range 2 { // what is refused isn't remembered as good
			code, limit := g.codeOf(query)
			require.Equal(t, wire.CodeLimit, code, name)
			require.Equal(t, "fields", limit.Name, name)
			require.EqualValues(t, 1_000_000_000, limit.Actual, name)
		}
	}
}

func TestFragmentsThatNeverEndAreLeftToTheValidator(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	var clique strings.Builder
	for i := range 20 {
		fmt.Fprintf(&clique, " fragment F%d on Query { %s }", i, numbered("...F%d ", 20))
	}
	for _, query := range []string{
		"{ ...F } fragment F on Query { ...F }",
		"{ ...F } fragment F on Query { __typename ...F }",
		"{ ...F } fragment F on Query { __typename ...G } fragment G on Query { ...F }",
		"{ ...F0 }" + bomb("...F0"),
		"{ ...F0 }" + bomb("...F30 ...Missing"),
		"{ ...F0 }" + clique.String(),
	} {
		code, _ := g.codeOf(query)
		require.Equal(t, "GRAPHQL_VALIDATION_FAILED", code, query)
	}
}

func TestWhatCannotBeParsedIsAParseError(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	for _, query := range []string{"", "{", "{ a: }", "{ sku(sku: \"", "{ \x00 }"} {
		code, _ := g.codeOf(query)
		require.NotEqual(t, wire.CodeLimit, code, query)
		require.NotEmpty(t, code, query)
	}
}

func TestToolsMayIntrospect(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, defaults)
	_, problems := g.check(introspection.NewQuery(introspection.QueryOptions{OneOf: true}), nil)
	require.Empty(t, problems)
}

func BenchmarkABombOfFragments(b *testing.B) {
	g := newGuarded(b, defaults)
	query := "{ ...F0 }" + bomb("__typename")
	for b.Loop() {
		code, _ := g.codeOf(query)
		require.Equal(b, wire.CodeLimit, code)
	}
}

// BenchmarkWithin measures a query that is as large as it may be and hard to
// validate.
func BenchmarkWithin(b *testing.B) {
	g := newGuarded(b, defaults)
	query := "{" + strings.Repeat("skus {"+strings.Repeat("__typename ", 19)+"}", 25) + "}"
	for b.Loop() {
		code, _ := g.codeOf(query)
		require.Empty(b, code)
	}
}

// bomb has sixty fragments from F0 on, each of which spreads the next one
// twice, and the last of which selects what is given.
func bomb(last string) string {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, " fragment F%d on Query{...F%d...F%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&text, " fragment F60 on Query{%s}", last)
	return text.String()
}

// levels is a query of n levels. The validator refuses more than a few of them.
func levels(n int) string { return nested("sku", n) }

func nested(field string, n int) string {
	return strings.Repeat("{ "+field+" ", n) + strings.Repeat("}", n)
}

func numbered(format string, n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, format, i)
	}
	return text.String()
}
