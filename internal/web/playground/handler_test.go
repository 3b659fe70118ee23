package playground_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/web/playground"
)

func ask(t *testing.T, handler http.Handler, method, path string, headers ...string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, reader io.Reader) string {
	t.Helper()
	content, err := io.ReadAll(reader)
	require.NoError(t, err)
	return string(content)
}

// loaded returns what the page at / loads: the addresses in its markup.
func loaded(t *testing.T, handler http.Handler) []string {
	t.Helper()
	page := body(t, ask(t, handler, http.MethodGet, "/").Body)
	var addresses []string
	for _, match := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		addresses = append(addresses, match[1])
	}
	require.NotEmpty(t, addresses)
	return addresses
}

func TestPageNamesTheEndpoint(t *testing.T) {
	t.Parallel()
	response := ask(t, playground.Handler(`/graphql?a="b"`, true), http.MethodGet, "/")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
	page := body(t, response.Body)
	assert.Contains(t, page, `data-endpoint="/graphql?a=&#34;b&#34;"`)
	assert.Contains(t, page, "<title>Holdfast</title>")
	assert.NotContains(t, page, "{{")
}

func TestEverythingThePageLoadsComesFromHere(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		".js":  "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8",
		".svg": "image/svg+xml",
	}
	handler := playground.Handler("/graphql", true)
	for _, address := range append(loaded(t, handler), "playground/examples.js") {
		require.NotContains(t, address, ":", "%s is on another host", address)
		response := ask(t, handler, http.MethodGet, "/"+address)
		assert.Equal(t, http.StatusOK, response.StatusCode, "%s", address)
		assert.Equal(t, types[address[strings.LastIndex(address, "."):]], response.Header.Get("Content-Type"), "%s", address)
		assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
		content := body(t, response.Body)
		assert.NotEmpty(t, content)
		if strings.HasSuffix(address, ".css") {
			assert.NotRegexp(t, `url\(["']?(https?:)?//|@import`, content, "%s", address)
		}
	}
}

// named are the hosts that the libraries name: in the names of XML's languages,
// in comments, and in what they say to who builds pages with them.
var named = map[string]bool{
	"www.w3.org": true, "reactjs.org": true, "radix-ui.com": true, "github.com": true,
	"en.wikipedia.org": true, "commonmark.org": true, "codemirror.net": true,
}

func TestNothingNamesAHostToLoadFrom(t *testing.T) {
	t.Parallel()
	handler := playground.Handler("/graphql", true)
	for _, address := range append(loaded(t, handler), "", "playground/examples.js") {
		content := body(t, ask(t, handler, http.MethodGet, "/"+address).Body)
		isOurs := !strings.Contains(address, ".min.")
		for _, match := range regexp.MustCompile(`(?:https?|wss?)://([\w.-]+)`).FindAllStringSubmatch(content, -1) {
			assert.True(t, named[match[1]] && (!isOurs || match[1] == "www.w3.org"), "%s names %s", address, match[0])
		}
	}
}

func TestPageRunsNoInlineScript(t *testing.T) {
	t.Parallel()
	response := ask(t, playground.Handler("/graphql", true), http.MethodGet, "/")
	policy := response.Header.Get("Content-Security-Policy")
	assert.True(t, strings.HasPrefix(policy, "default-src 'none';"))
	assert.Contains(t, policy, "script-src 'self';")
	page := body(t, response.Body)
	assert.NotRegexp(t, `<script[^>]*>[^<]`, page)
	assert.NotRegexp(t, `\son\w+=`, page)
}

func TestClientThatTakesGzipGetsIt(t *testing.T) {
	t.Parallel()
	handler := playground.Handler("/graphql", true)
	const path = "/playground/graphiql.min.js"
	plain := ask(t, handler, http.MethodGet, path)
	assert.Empty(t, plain.Header.Get("Content-Encoding"))
	assert.Equal(t, "Accept-Encoding", plain.Header.Get("Vary"))
	want := body(t, plain.Body)

	for _, accepts := range []string{"gzip", "br, GZIP;q=0.5", "deflate, gzip;q=1.0, *;q=0"} {
		response := ask(t, handler, http.MethodGet, path, "Accept-Encoding", accepts)
		require.Equal(t, "gzip", response.Header.Get("Content-Encoding"), "%s", accepts)
		assert.NotEqual(t, plain.Header.Get("ETag"), response.Header.Get("ETag"))
		reader, err := gzip.NewReader(response.Body)
		require.NoError(t, err)
		assert.Equal(t, want, body(t, reader))
	}
	for _, declines := range []string{"", "br", "gzip;q=0", "gzip;q=0.000", "x-gzip-like"} {
		response := ask(t, handler, http.MethodGet, path, "Accept-Encoding", declines)
		assert.Empty(t, response.Header.Get("Content-Encoding"), "%s", declines)
	}
}

func TestContentThatIsStillCurrentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	handler := playground.Handler("/graphql", true)
	for _, path := range []string{"/", "/playground/react.production.min.js"} {
		for _, encoding := range []string{"gzip", "identity"} {
			first := ask(t, handler, http.MethodGet, path, "Accept-Encoding", encoding)
			tag := first.Header.Get("ETag")
			require.NotEmpty(t, tag)
			assert.Equal(t, "no-cache", first.Header.Get("Cache-Control"))

			again := ask(t, handler, http.MethodGet, path, "Accept-Encoding", encoding, "If-None-Match", tag)
			assert.Equal(t, http.StatusNotModified, again.StatusCode)
			assert.Empty(t, body(t, again.Body))

			changed := ask(t, handler, http.MethodGet, path, "Accept-Encoding", encoding, "If-None-Match", `"other"`)
			assert.Equal(t, http.StatusOK, changed.StatusCode)
		}
	}
	page, otherPage := ask(t, handler, http.MethodGet, "/"), ask(t, playground.Handler("/other", true), http.MethodGet, "/")
	assert.NotEqual(t, page.Header.Get("ETag"), otherPage.Header.Get("ETag"), "the endpoint is part of the page")
}

func TestHeadAnswersWithoutABody(t *testing.T) {
	t.Parallel()
	response := ask(t, playground.Handler("/graphql", true), http.MethodHead, "/")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.NotEmpty(t, response.Header.Get("ETag"))
	assert.Empty(t, body(t, response.Body))
}

func TestAnythingElseIsNotFound(t *testing.T) {
	t.Parallel()
	handler := playground.Handler("/graphql", true)
	for _, path := range []string{"/index.html", "/playground", "/playground/", "/playground/index.html", "/assets/README.md", "/playground/../", "/favicon.ico", "//"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			response := ask(t, handler, method, path)
			assert.Equal(t, http.StatusNotFound, response.StatusCode, "%s %s", method, path)
			assert.NotEmpty(t, response.Header.Get("Content-Security-Policy"))
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	handler := playground.Handler("/graphql", true)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		response := ask(t, handler, method, "/")
		assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode, "%s", method)
		assert.Equal(t, "GET, HEAD", response.Header.Get("Allow"))
	}
}
