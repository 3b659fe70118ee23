package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

func TestEveryErrorHasACode(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	asQuery := func(query string) string { return "/graphql?query=" + url.QueryEscape(query) }
	asBody := func(query string) string {
		encoded, err := json.Marshal(map[string]string{"query": query})
		require.NoError(t, err)
		return string(encoded)
	}
	for name, c := range map[string]struct {
		method, path, contentType, body string
		code                            string
	}{
		"no JSON":                {"POST", "/graphql", "application/json", "{secret", "GRAPHQL_PARSE_FAILED"},
		"no content type":        {"POST", "/graphql", "", asBody("{ __typename }"), "GRAPHQL_PARSE_FAILED"},
		"another method":         {"PUT", "/graphql", "application/json", asBody("{ __typename }"), "GRAPHQL_PARSE_FAILED"},
		"no query":               {"POST", "/graphql", "application/json", "{}", "GRAPHQL_VALIDATION_FAILED"},
		"a syntax error":         {"POST", "/graphql", "application/json", asBody("{"), "GRAPHQL_PARSE_FAILED"},
		"an unknown field":       {"POST", "/graphql", "application/json", asBody("{ secrets }"), "GRAPHQL_VALIDATION_FAILED"},
		"a mutation by GET":      {"GET", asQuery(`mutation { releaseHold(input: {reservationId: "x"}) { replayed } }`), "", "", "GRAPHQL_VALIDATION_FAILED"},
		"a subscription by POST": {"POST", "/graphql", "application/json", asBody(`subscription { reservationChanged(id: "x") { id } }`), "GRAPHQL_VALIDATION_FAILED"},
		"an unknown hash":        {"POST", "/graphql", "application/json", `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}`, "PERSISTED_QUERY_NOT_FOUND"},
		"too large a body":       {"POST", "/graphql", "application/json", asBody("#" + strings.Repeat("x", 1<<20)), "LIMIT_EXCEEDED"},
	} {
		request, err := http.NewRequest(c.method, s.url+c.path, strings.NewReader(c.body))
		require.NoError(t, err)
		if c.contentType != "" {
			request.Header.Set("Content-Type", c.contentType)
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		raw := body(t, response)
		var a answer
		require.NoError(t, json.Unmarshal([]byte(raw), &a), "%s: %s", name, raw)
		require.Len(t, a.Errors, 1, "%s: %s", name, raw)
		require.Equal(t, c.code, a.Errors[0].Extensions.Code, "%s: %s", name, raw)
		require.NotContains(t, raw, "secret{", name)
		require.NotRegexp(t, leaks, raw, name)
	}
}

func TestAQueryByGetIsAnswered(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	status, text := s.get("/graphql?query=" + url.QueryEscape(`{ sku(sku: "NONE") { name } }`))
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"data": {"sku": null}}`, text)
}
