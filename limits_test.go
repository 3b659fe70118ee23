package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/config"
	"holdfast/internal/pgtest"
	"holdfast/internal/web/limits"
)

func TestTheLimitsAreTheirsWithoutConfiguration(t *testing.T) {
	t.Parallel()
	settings, err := config.Load(nil, "")
	require.NoError(t, err)
	require.Equal(t, limits.Default(), boundsOf(settings))
}

func TestTheDocsHaveTheDefaultsOfTheLimits(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/operations.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `.+` \\| `(HOLDFAST_[A-Z_]+)` \\| ([0-9]+) \\|").FindAllSubmatch(page, -1)
	require.Len(t, rows, 12)
	usage := config.Usage()
	for _, row := range rows {
		require.Regexp(t, fmt.Sprintf("(?m)^%s +%s  ", row[1], row[2]), usage)
	}
}

func TestEachLimitIsThatOfItsVariableAndKeepsTheDatabaseUntouched(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	s := startServer(t, "DATABASE_URL="+database, "HOLDFAST_BODY_BYTES_MAX=2048", "HOLDFAST_QUERY_TOKENS_MAX=160", "HOLDFAST_QUERY_DEPTH_MAX=4",
		"HOLDFAST_INTROSPECT_DEPTH_MAX=3", "HOLDFAST_INTROSPECT_FIELDS_MAX=5", "HOLDFAST_QUERY_ALIASES_MAX=2", "HOLDFAST_QUERY_DIRECTIVES_MAX=1", "HOLDFAST_QUERY_FIELDS_MAX=16", "HOLDFAST_QUERY_COST_MAX=100")
	s.createSKU("A", 10)
	before := contents(t, database)
	var limits []string
	const change = `mutation { setStock(input: {clientToken: "t", sku: "A", total: 5, reason: OTHER}) { stockLevel { id } } `
	for _, c := range []struct {
		limit, query, variable string
		max, actual            int
	}{
		{"body", change + strings.Repeat(" ", 2048) + "}", "HOLDFAST_BODY_BYTES_MAX", 2048, 0},
		{"tokens", change + strings.Repeat("__typename ", 150) + "}", "HOLDFAST_QUERY_TOKENS_MAX", 160, 0},
		{"depth", change + "a: setStock { stockLevel { a { b { c } } } } }", "HOLDFAST_QUERY_DEPTH_MAX", 4, 5},
		{"introspectionDepth", `{ skus { edges { cursor } } __schema { types { fields { name } } } }`, "HOLDFAST_INTROSPECT_DEPTH_MAX", 3, 4},
		{"introspectionFields", `{ skus { edges { cursor } } __schema { types { name } } }`, "HOLDFAST_INTROSPECT_FIELDS_MAX", 5, 0},
		{"aliases", change + "a: __typename b: __typename c: __typename }", "HOLDFAST_QUERY_ALIASES_MAX", 2, 3},
		{"directives", change + "__typename @skip(if: true) ... @skip(if: true) { __typename } }", "HOLDFAST_QUERY_DIRECTIVES_MAX", 1, 2},
		{"fields", change + strings.Repeat("__typename ", 14) + "}", "HOLDFAST_QUERY_FIELDS_MAX", 16, 17},
		{"cost", `{ skus(first: 50) { edges { cursor } } }`, "HOLDFAST_QUERY_COST_MAX", 100, 101},
	} {
		request, err := json.Marshal(map[string]string{"query": c.query})
		require.NoError(t, err)
		response, err := http.Post(s.url+"/graphql", "application/json", strings.NewReader(string(request)))
		require.NoError(t, err)
		var a struct {
			Errors []struct {
				Message    string
				Extensions struct {
					Code  string
					Limit struct {
						Name        string
						Max, Actual int
					}
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(body(t, response)), &a), c.limit)
		require.Len(t, a.Errors, 1, c.limit)
		refused := a.Errors[0]
		assert.Equal(t, "LIMIT_EXCEEDED", refused.Extensions.Code, c.limit)
		assert.Equal(t, c.limit, refused.Extensions.Limit.Name)
		assert.Equal(t, c.max, refused.Extensions.Limit.Max, c.limit)
		assert.Equal(t, c.actual, refused.Extensions.Limit.Actual, c.limit)
		assert.Contains(t, refused.Message, fmt.Sprintf("%s is %d", c.variable, c.max), c.limit)
		limits = append(limits, c.limit)
	}
	require.Equal(t, before, contents(t, database))
	require.NoError(t, s.wait())
	for _, limit := range limits {
		assert.Contains(t, s.log.String(), `"outcome":"LIMIT_EXCEEDED","limit":"`+limit+`"`)
	}
}

func TestAnAnswerTellsItsCostToWhoAsks(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	const query = `query ($n: Int) { skus(first: $n) { edges { cursor } } }`
	const told = `"extensions":{"cost":{"actual":11,"max":20000}}`
	asked := url.Values{"query": {query}, "variables": {`{"n": 5}`}}
	_, text := s.get("/graphql?" + asked.Encode())
	require.NotContains(t, text, "cost")
	asked.Set("extensions", `{"cost": true}`)
	_, text = s.get("/graphql?" + asked.Encode())
	require.Contains(t, text, told)
	response, err := http.Post(s.url+"/graphql", "application/json",
		strings.NewReader(`{"query": "`+query+`", "variables": {"n": 5}, "extensions": {"cost": true}}`))
	require.NoError(t, err)
	require.Contains(t, body(t, response), told)
}
