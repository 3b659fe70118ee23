package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"holdfast/internal/web/limits"
	"holdfast/internal/web/streams"
)

// secret is in what is refused, and in no answer.
const secret = "hunter2"

// bodyBytesMax is as it is without configuration.
var bodyBytesMax = int(limits.Default().BodyBytes)

var deepQuery = strings.Repeat("{ skus ", 16) + strings.Repeat("}", 16)

const typename = `{"query": "{ __typename }"}`

func TestARequestIsRefusedWithTheStatusThatSaysWhy(t *testing.T) {
	t.Parallel()
	server := newExchange(t)
	ask := func(query string) string { return "?query=" + url.QueryEscape(query) }
	for name, c := range map[string]struct {
		method, url, body string
		header            http.Header
		status            int
		code              string
	}{
		"PUT":                               {"PUT", "", typename, nil, 405, "GRAPHQL_PARSE_FAILED"},
		"HEAD":                              {"HEAD", ask("{ __typename }"), "", nil, 405, ""},
		"a mutation by GET":                 {"GET", ask("mutation { __typename }"), "", nil, 405, "GRAPHQL_VALIDATION_FAILED"},
		"a mutation by GET that is invalid": {"GET", ask("mutation { secret }"), "", nil, 400, "GRAPHQL_VALIDATION_FAILED"},
		"an answer as HTML":                 {"POST", "", typename, http.Header{"Accept": {"text/html"}}, 406, "GRAPHQL_PARSE_FAILED"},
		"a form":                            {"POST", "", "query={__typename}", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 415, "GRAPHQL_PARSE_FAILED"},
		"plain text":                        {"POST", "", typename, http.Header{"Content-Type": {"text/plain"}}, 415, "GRAPHQL_PARSE_FAILED"},
		"UTF-16":                            {"POST", "", typename, http.Header{"Content-Type": {"application/json; charset=utf-16"}}, 415, "GRAPHQL_PARSE_FAILED"},
		"two types":                         {"POST", "", typename, http.Header{"Content-Type": {"application/json, text/plain"}}, 415, "GRAPHQL_PARSE_FAILED"},
		"gzip":                              {"POST", "", typename, http.Header{"Content-Encoding": {"gzip"}}, 415, "GRAPHQL_PARSE_FAILED"},
		"too large":                         {"POST", "", `{"query": "` + strings.Repeat(" ", bodyBytesMax) + `"}`, nil, 413, "LIMIT_EXCEEDED"},
		"too deep":                          {"POST", "", `{"variables": ` + strings.Repeat(`{"":`, 20_000), nil, 400, "LIMIT_EXCEEDED"},
		"no body":                           {"POST", "", "", nil, 400, "GRAPHQL_PARSE_FAILED"},
		"white space":                       {"POST", "", " \n", nil, 400, "GRAPHQL_PARSE_FAILED"},
		"no JSON":                           {"POST", "", secret, nil, 400, "GRAPHQL_PARSE_FAILED"},
		"half of it":                        {"POST", "", typename[:10], nil, 400, "GRAPHQL_PARSE_FAILED"},
		"more than it":                      {"POST", "", typename + secret, nil, 400, "GRAPHQL_PARSE_FAILED"},
		"no UTF-8":                          {"POST", "", "{\"query\": \"{ __typename } #\xff\"}", nil, 400, "GRAPHQL_PARSE_FAILED"},
		"a batch":                           {"POST", "", "[" + typename + "," + typename + "]", nil, 422, "LIMIT_EXCEEDED"},
		"an empty batch":                    {"POST", "", "[]", nil, 422, "LIMIT_EXCEEDED"},
		"null":                              {"POST", "", "null", nil, 422, "GRAPHQL_PARSE_FAILED"},
		"a string":                          {"POST", "", `"` + secret + `"`, nil, 422, "GRAPHQL_PARSE_FAILED"},
		"an empty query":                    {"POST", "", `{"query": ""}`, nil, 400, "GRAPHQL_VALIDATION_FAILED"},
		"a null query":                      {"POST", "", `{"query": null}`, nil, 400, "GRAPHQL_VALIDATION_FAILED"},
		"another case":                      {"POST", "", `{"Query": "{ __typename }"}`, nil, 400, "GRAPHQL_VALIDATION_FAILED"},
		"variables of another kind":         {"POST", "", `{"query": "{ __typename }", "variables": "` + secret + `"}`, nil, 400, "GRAPHQL_PARSE_FAILED"},
		"a GET of nothing":                  {"GET", "", "", nil, 400, "GRAPHQL_VALIDATION_FAILED"},
		"a GET with a bad escape":           {"GET", "?query=%zz", "", nil, 400, "GRAPHQL_PARSE_FAILED"},
		"a GET without UTF-8":               {"GET", "?query=%ff", "", nil, 400, "GRAPHQL_PARSE_FAILED"},
		"a GET with variables of no JSON":   {"GET", ask("{ __typename }") + "&variables=" + secret, "", nil, 400, "GRAPHQL_PARSE_FAILED"},
		"a GET with variables in an array":  {"GET", ask("{ __typename }") + "&variables=[1]", "", nil, 400, "GRAPHQL_PARSE_FAILED"},
		"a GET with extensions and more":    {"GET", ask("{ __typename }") + "&extensions={}x", "", nil, 400, "GRAPHQL_PARSE_FAILED"},
		"a syntax error":                    {"POST", "", `{"query": "{"}`, nil, 400, "GRAPHQL_PARSE_FAILED"},
		"an unknown operation":              {"POST", "", `{"query": "query A { __typename }", "operationName": "B"}`, nil, 422, "GRAPHQL_VALIDATION_FAILED"},
		"one of two operations":             {"POST", "", `{"query": "query A { __typename } query B { __typename }"}`, nil, 422, "GRAPHQL_VALIDATION_FAILED"},
		"a subscription":                    {"POST", "", `{"query": "subscription { stockChanges { __typename } }"}`, nil, 400, "GRAPHQL_VALIDATION_FAILED"},
		"a bad persisted query":             {"POST", "", `{"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "` + secret + `"}}}`, nil, 400, "GRAPHQL_PARSE_FAILED"},
		"a persisted query of no kind":      {"POST", "", `{"extensions": {"persistedQuery": 1}}`, nil, 400, "GRAPHQL_PARSE_FAILED"},
		"another's hash":                    {"POST", "", `{"query": "{ __typename }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + secret + `"}}}`, nil, 400, "GRAPHQL_PARSE_FAILED"},
		"too deep a query":                  {"POST", "", `{"query": "` + deepQuery + `"}`, nil, 422, "LIMIT_EXCEEDED"},
		"too deep a query by GET":           {"GET", ask(deepQuery), "", nil, 422, "LIMIT_EXCEEDED"},
		"an unknown hash":                   {"POST", "", `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + secret + `"}}}`, nil, 400, "PERSISTED_QUERY_NOT_FOUND"},
	} {
		header := http.Header{"Content-Type": {typeJSON}, "Accept": {typeResponse}}
		for field, value := range c.header {
			header[field] = value
		}
		response, text := server.send(c.method, c.url, header, strings.NewReader(c.body))
		require.Equal(t, c.status, response.StatusCode, "%s: %s", name, text)
		require.Equal(t, map[string]string{"PUT": "GET, POST", "HEAD": "GET, POST", "a mutation by GET": "POST"}[name], response.Header.Get("Allow"), name)
		require.NotContains(t, text, secret, name)
		if c.method == http.MethodHead {
			continue
		}
		var answer struct {
			Data   *json.RawMessage
			Errors []struct{ Extensions struct{ Code string } }
		}
		require.NoError(t, json.Unmarshal([]byte(text), &answer), name)
		require.Nil(t, answer.Data, name)
		require.Len(t, answer.Errors, 1, name)
		require.Equal(t, c.code, answer.Errors[0].Extensions.Code, "%s: %s", name, text)
		wanted := typeResponse
		if c.status == http.StatusNotAcceptable {
			wanted = typeJSON
		}
		require.Equal(t, wanted+"; charset=utf-8", response.Header.Get("Content-Type"), name)
	}
}

func TestABodyIsBoundedHoweverItComes(t *testing.T) {
	t.Parallel()
	server := newExchange(t)
	header := http.Header{"Content-Type": {typeJSON}}
	for _, excess := range []int{0, 1, bodyBytesMax} {
		text := typename + strings.Repeat(" ", bodyBytesMax-len(typename)+excess)
		for how, body := range map[string]io.Reader{"whole": strings.NewReader(text), "in chunks": struct{ io.Reader }{strings.NewReader(text)}} {
			response, answer := server.send("POST", "", header, body)
			wanted := http.StatusOK
			if excess > 0 {
				wanted = http.StatusRequestEntityTooLarge
				require.Contains(t, answer, fmt.Sprint(bodyBytesMax))
			}
			require.Equal(t, wanted, response.StatusCode, "%s, %d more", how, excess)
		}
	}
}

func TestAPersistedQueryIsFoundByItsHash(t *testing.T) {
	t.Parallel()
	server := newExchange(t)
	header := http.Header{"Content-Type": {typeJSON}}
	for first, second := range map[string]string{"GET": "POST", "POST": "GET"} {
		query := fmt.Sprintf("query First%s { __typename }", first)
		extensions := fmt.Sprintf(`{"persistedQuery": {"version": 1, "sha256Hash": "%x"}}`, sha256.Sum256([]byte(query)))
		send := func(method string, query *string) (*http.Response, string) {
			if method == http.MethodPost {
				body, err := json.Marshal(map[string]any{"query": query, "extensions": json.RawMessage(extensions)})
				require.NoError(t, err)
				return server.send(method, "", header, bytes.NewReader(body))
			}
			asked := url.Values{"extensions": {extensions}}
			if query != nil {
				asked.Set("query", *query)
			}
			return server.send(method, "?"+asked.Encode(), header, nil)
		}
		response, text := send(first, nil)
		require.Equal(t, http.StatusOK, response.StatusCode) // it is JSON
		require.JSONEq(t, `{"errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]}`, text)
		for _, how := range []struct {
			method string
			query  *string
		}{{first, &query}, {first, nil}, {second, nil}} {
			response, text := send(how.method, how.query)
			require.Equal(t, http.StatusOK, response.StatusCode)
			require.JSONEq(t, `{"data": {"__typename": "Query"}}`, text)
		}
	}
}

func TestALongQueryIsAnsweredAndNotRemembered(t *testing.T) {
	t.Parallel()
	server := newExchange(t)
	header := http.Header{"Content-Type": {typeJSON}}
	query := "{ __typename }" + strings.Repeat("#", rememberedBytesMax)
	extensions := fmt.Sprintf(`"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "%x"}}`, sha256.Sum256([]byte(query)))
	_, text := server.send("POST", "", header, strings.NewReader(`{"query": "`+query+`", `+extensions+`}`))
	require.JSONEq(t, `{"data": {"__typename": "Query"}}`, text)
	_, text = server.send("POST", "", header, strings.NewReader(`{`+extensions+`}`))
	require.Contains(t, text, "PersistedQueryNotFound")
}

func TestAnAnswerSaysItsLengthAndIsNotKept(t *testing.T) {
	t.Parallel()
	server := newExchange(t)
	for _, query := range []string{"{ __typename }", "{ __schema { types { name description fields { name description } } } }"} {
		response, text := server.send("GET", "?query="+url.QueryEscape(query), nil, nil)
		require.EqualValues(t, len(text), response.ContentLength)
		require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	}
}

func TestARequestWhoseTimeIsOverIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	handler := GraphQL(idle{}, streams.New(streams.Options{}), limits.Default(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/graphql?query={__typename}", nil))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), "OVERLOADED")
}

func TestAPanicBeforeAnOperationIsAnInternalError(t *testing.T) {
	t.Parallel()
	server := newExchange(t, panicking{})
	response, text := server.send("POST", "", http.Header{"Content-Type": {typeJSON}}, strings.NewReader(typename))
	require.Equal(t, http.StatusInternalServerError, response.StatusCode)
	require.Equal(t, "application/json; charset=utf-8", response.Header.Get("Content-Type"))
	require.Contains(t, text, `"code":"INTERNAL"`)
	require.NotContains(t, text, secret)
}

type panicking struct{}

func (panicking) ExtensionName() string                   { return "Panicking" }
func (panicking) Validate(graphql.ExecutableSchema) error { return nil }
func (panicking) MutateOperationContext(context.Context, *graphql.OperationContext) *gqlerror.Error {
	panic(secret)
}

// exchangeServer is a server of idle resolvers.
type exchangeServer struct {
	t   *testing.T
	url string
}

func newExchange(t *testing.T, extensions ...graphql.HandlerExtension) exchangeServer {
	t.Helper()
	handler := GraphQL(idle{}, streams.New(streams.Options{}), limits.Default(), slog.New(slog.DiscardHandler), extensions...)
	server := NewServer(Options{RequestTimeout: time.Minute})
	server.Open(handler, nil)
	listening := httptest.NewServer(server.http.Handler)
	t.Cleanup(listening.Close)
	return exchangeServer{t, listening.URL + "/graphql"}
}

func (s exchangeServer) send(method, query string, header http.Header, body io.Reader) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+query, body)
	require.NoError(s.t, err)
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return response, string(text)
}
