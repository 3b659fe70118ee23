package live_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/web/live"
)

func ask(handler http.Handler, method, path string) *http.Response {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder.Result()
}

func body(t *testing.T, reader io.Reader) string {
	t.Helper()
	content, err := io.ReadAll(reader)
	require.NoError(t, err)
	return string(content)
}

func TestBoardNamesTheEndpoint(t *testing.T) {
	t.Parallel()
	response := ask(live.Handler(`graphql?a="b"`), http.MethodGet, "/live")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
	page := body(t, response.Body)
	assert.Contains(t, page, `data-endpoint="graphql?a=&#34;b&#34;"`)
	assert.NotContains(t, page, "{{")
}

// What the page and its modules name is all there is, and all of it is here.
func TestEverythingTheBoardLoadsComesFromHere(t *testing.T) {
	t.Parallel()
	handler := live.Handler("graphql")
	loads := regexp.MustCompile(`(?:src|href)="(live/[^"]*)"|from '\./([^']*)'`)
	loaded := map[string]bool{}
	waiting := []string{"/live"}
	for len(waiting) > 0 {
		address := waiting[0]
		waiting = waiting[1:]
		if loaded[address] {
			continue
		}
		loaded[address] = true
		response := ask(handler, http.MethodGet, address)
		require.Equal(t, http.StatusOK, response.StatusCode, "%s", address)
		assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
		content := body(t, response.Body)
		assert.NotRegexp(t, `url\(|@import|innerHTML|eval\(`, content, "%s", address)
		for _, match := range loads.FindAllStringSubmatch(content, -1) {
			waiting = append(waiting, "/live/"+strings.TrimPrefix(match[1]+match[2], "live/"))
		}
	}
	files, err := os.ReadDir("page")
	require.NoError(t, err)
	for _, file := range files {
		if file.Name() != "index.html" {
			assert.True(t, loaded["/live/"+file.Name()], "%s", file.Name())
		}
	}
	types := map[string]string{
		".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	}
	for address := range loaded {
		if extension := path.Ext(address); extension != "" {
			assert.Equal(t, types[extension], ask(handler, http.MethodGet, address).Header.Get("Content-Type"), "%s", address)
		}
	}
}

func TestBoardRunsAndBringsNothingInline(t *testing.T) {
	t.Parallel()
	response := ask(live.Handler("graphql"), http.MethodGet, "/live")
	policy := response.Header.Get("Content-Security-Policy")
	assert.True(t, strings.HasPrefix(policy, "default-src 'none';"))
	for _, source := range []string{"script-src", "style-src", "connect-src"} {
		assert.Contains(t, policy, source+" 'self';")
	}
	assert.NotContains(t, policy, "unsafe")
	page := body(t, response.Body)
	assert.NotRegexp(t, `<script[^>]*>[^<]|<style|\sstyle=|\son\w+=`, page)
}

func TestASlashTooManyLeadsToTheBoard(t *testing.T) {
	t.Parallel()
	for asked, location := range map[string]string{
		"/live/":                 "../live",
		"/live/?sku=A&sku=B%2FC": "../live?sku=A&sku=B%2FC",
	} {
		response := ask(live.Handler("graphql"), http.MethodGet, asked)
		assert.Equal(t, http.StatusPermanentRedirect, response.StatusCode)
		assert.Equal(t, location, response.Header.Get("Location"))
	}
}

func TestAnythingElseIsNotFound(t *testing.T) {
	t.Parallel()
	handler := live.Handler("graphql")
	for _, path := range []string{"/", "/live/index.html", "/live/page", "/live/live.js/", "/live/../", "/live/none.js", "/livelier"} {
		response := ask(handler, http.MethodGet, path)
		assert.Equal(t, http.StatusNotFound, response.StatusCode, "%s", path)
		assert.NotEmpty(t, response.Header.Get("Content-Security-Policy"))
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	response := ask(live.Handler("graphql"), http.MethodPost, "/live")
	assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
	assert.Equal(t, "GET, HEAD", response.Header.Get("Allow"))
}
