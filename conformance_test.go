package main

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

const (
	plainType    = "application/json"
	responseType = "application/graphql-response+json"

	typename    = `{"query": "{ __typename }"}`
	unparseable = `{"query": "{"}`
	invalid     = `{"query": "{ noSuchField }"}`
	uncoercible = `{"query": "query ($id: ID!) { __typename }", "variables": {"id": null}}`
	ofType      = `query ($name: String!) { __type(name: $name) { name } }`
)

// requirement is one of those that an implementation of GraphQL over HTTP is
// checked for, under the id that the audit of graphql-http has for it.
type requirement struct {
	id, what                               string
	method, url, contentType, accept, body string
	// The status is from least to most.
	least, most int
	// mediaType is that of the answer, if it matters.
	mediaType string
	// answered says that there are no errors, noData that there is no such entry.
	answered, noData bool
}

func TestGraphQLOverHTTPIsKept(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	all := requirements()
	require.Len(t, all, 61)
	seen := map[string]bool{}
	for _, c := range all {
		require.False(t, seen[c.id], c.id)
		seen[c.id] = true
		name := c.id + ": " + c.what
		request, err := http.NewRequest(c.method, s.url+"/graphql"+c.url, strings.NewReader(c.body))
		require.NoError(t, err)
		for header, value := range map[string]string{"Accept": c.accept, "Content-Type": c.contentType} {
			if value != "" {
				request.Header.Set(header, value)
			}
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		raw := body(t, response)
		assert.GreaterOrEqual(t, response.StatusCode, c.least, "%s: %s", name, raw)
		assert.LessOrEqual(t, response.StatusCode, c.most, "%s: %s", name, raw)
		assert.True(t, utf8.ValidString(raw), name)
		var entries map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(raw), &entries), "%s: %s", name, raw)
		if c.mediaType != "" {
			mediaType, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
			assert.NoError(t, err, name)
			assert.Equal(t, c.mediaType, mediaType, name)
			assert.Equal(t, "utf-8", parameters["charset"], name)
		}
		if c.answered {
			assert.NotContains(t, entries, "errors", name)
		}
		if c.noData {
			assert.NotContains(t, entries, "data", name)
		}
	}
}

func requirements() []requirement {
	post := func(id, what, accept, body string, least, most int) requirement {
		return requirement{id: id, what: what, method: "POST", contentType: plainType, accept: accept, body: body, least: least, most: most}
	}
	get := func(id, what, accept string, parameters url.Values, least, most int) requirement {
		return requirement{id: id, what: what, method: "GET", url: "?" + parameters.Encode(), accept: accept, least: least, most: most}
	}
	of := func(mediaType string, r requirement) requirement { r.mediaType = mediaType; return r }
	answered := func(r requirement) requirement { r.answered = true; return r }
	noData := func(r requirement) requirement { r.noData = true; return r }
	withType := func(contentType string, r requirement) requirement { r.contentType = contentType; return r }
	with := func(parameter, value string) string {
		return fmt.Sprintf(`{"query": "{ __typename }", %q: %s}`, parameter, value)
	}
	byName := `{"query": "query A { __typename } query B { b: __typename }", "operationName": "B"}`
	withVariables, err := json.Marshal(map[string]any{"query": ofType, "variables": map[string]string{"name": "Sku"}})
	if err != nil {
		panic(err)
	}
	inURL := url.Values{"query": {ofType}, "variables": {`{"name": "Sku"}`}}

	all := []requirement{
		// Media types.
		of(responseType, post("22EB", "who asks for the media type of GraphQL gets it", responseType, typename, 200, 200)),
		of(plainType, post("4655", "who asks for JSON gets it", plainType, typename, 200, 200)),
		of(plainType, post("47DE", "who takes anything gets JSON", "*/*", typename, 200, 200)),
		of(plainType, post("80D8", "who doesn't say gets JSON", "", typename, 200, 200)),
		post("82A3", "the answer is UTF-8", "", typename, 200, 200),
		withType("application/json; charset=utf-8", post("BF61", "a request may say that it is UTF-8", "", `{"query": "{ __type(name: \"Ünïcödé 🛒\") { name } }"}`, 200, 200)),
		post("78D5", "a request that doesn't say is UTF-8", "", `{"query": "{ __type(name: \"Ünïcödé 🛒\") { name } }"}`, 200, 200),

		// The request.
		post("2C94", "POST is taken", "", typename, 200, 200),
		get("5A70", "GET is taken", "", url.Values{"query": {"{ __typename }"}}, 200, 200),
		get("9C48", "a mutation by GET is refused", responseType, url.Values{"query": {"mutation { __typename }"}}, 405, 405),
		withType("", post("9ABE", "a body of no type is refused", "", typename, 415, 415)),
		post("03D4", "a body of JSON is taken", "", typename, 200, 200),
		post("A5BF", "a POST without a body is refused", "", "", 400, 400),

		// Its parameters.
		post("423L", "a request without a query is refused", responseType, `{"variables": {}}`, 400, 400),
		post("34A2", "a query is a string, for GraphQL's type", responseType, typename, 200, 200),
		answered(post("13EE", "a query is a string, for JSON", plainType, typename, 200, 200)),
		post("8161", "an operation is found by its name, for GraphQL's type", responseType, byName, 200, 200),
		answered(post("B8B3", "an operation is found by its name, for JSON", plainType, byName, 200, 200)),
		post("2EA1", "variables are an object, for GraphQL's type", responseType, string(withVariables), 200, 200),
		answered(post("28B9", "variables are an object, for JSON", plainType, string(withVariables), 200, 200)),
		answered(get("D6D5", "variables are JSON in the URL, for GraphQL's type", responseType, inURL, 200, 200)),
		answered(get("6A70", "variables are JSON in the URL, for JSON", plainType, inURL, 200, 200)),
		post("428F", "extensions are an object, for GraphQL's type", responseType, with("extensions", `{"some": "value"}`), 200, 200),
		answered(post("1B7A", "extensions are an object, for JSON", plainType, with("extensions", `{"some": "value"}`), 200, 200)),
		post("8764", "a misspelt parameter is refused", "", `{"qurey": "{ __typename }"}`, 400, 499),
		post("3E3A", "a misspelt parameter is refused with 400", "", `{"qurey": "{ __typename }"}`, 400, 400),

		// Refusals.
		post("B6DC", "what isn't JSON is answered, for JSON", plainType, `{"query`, 200, 499),
		post("BCF8", "what isn't JSON is refused, for JSON", plainType, `{"query`, 400, 400),
		post("B7N8", "what isn't JSON is refused, for GraphQL's type", responseType, `{"query`, 400, 400),
		post("572B", "a syntax error is answered with 200, for JSON", plainType, unparseable, 200, 200),
		post("FDE2", "an invalid query is answered with 200, for JSON", plainType, invalid, 200, 200),
		post("7B9B", "a bad variable is answered with 200, for JSON", plainType, uncoercible, 200, 200),
		post("865D", "a syntax error is an HTTP error, for GraphQL's type", responseType, unparseable, 400, 599),
		post("556A", "a syntax error is refused with 400, for GraphQL's type", responseType, unparseable, 400, 400),
		noData(post("D586", "a syntax error has no data", responseType, unparseable, 400, 400)),
		post("51FE", "an invalid query is an HTTP error, for GraphQL's type", responseType, invalid, 400, 599),
		post("74FF", "an invalid query is refused with 400, for GraphQL's type", responseType, invalid, 400, 400),
		noData(post("5E5B", "an invalid query has no data", responseType, invalid, 400, 400)),
		post("86EE", "a bad variable is refused with 400, for GraphQL's type", responseType, uncoercible, 400, 400),
	}
	// Each parameter as something else than it is.
	wrong := func(prefix, parameter string, values ...string) {
		for i, value := range values {
			asked := with(parameter, value)
			if parameter == "query" {
				asked = `{"query": ` + value + `}`
			}
			all = append(all, post(fmt.Sprint(prefix, i), fmt.Sprintf("%s %s is refused", parameter, value), "", asked, 400, 400))
		}
	}
	wrong("LKJ", "query", `{"an": "object"}`, `0`, `false`, `["an array"]`)
	wrong("6C0", "operationName", `{"an": "object"}`, `0`, `false`, `["an array"]`)
	wrong("476", "variables", `"a string"`, `0`, `false`, `["an array"]`)
	wrong("58B", "extensions", `"a string"`, `0`, `false`, `["an array"]`)
	for i, parameter := range []string{"variables", "operationName", "extensions"} {
		all = append(all,
			answered(post(fmt.Sprint("94B", i), "no "+parameter+" may be null, for GraphQL's type", responseType, with(parameter, "null"), 200, 200)),
			answered(post(fmt.Sprint("022", i), "no "+parameter+" may be null, for JSON", plainType, with(parameter, "null"), 200, 200)))
	}
	return all
}
