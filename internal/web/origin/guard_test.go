package origin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/web/origin"
)

// ask sends a request to shop.example through a guard that lets the origins in.
// Each header is "Name: value"; so is the method, and From, who connects.
func ask(allowed []string, headers ...string) *http.Response {
	request := httptest.NewRequest(http.MethodPost, "http://shop.example/graphql", nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		switch name {
		case "Method":
			request.Method = value
		case "From":
			request.RemoteAddr = value
		case "Host":
			request.Host = value
		default:
			request.Header.Set(name, value)
		}
	}
	recorder := httptest.NewRecorder()
	let := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	origin.Guard(let, allowed, proxies).ServeHTTP(recorder, request)
	return recorder.Result()
}

func TestWhatIsNoOtherPagesPasses(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string][]string{
		"no browser":                               nil,
		"a page of ours":                           {"Origin: http://shop.example"},
		"a page of ours, by TLS ended before":      {"Origin: https://shop.example"},
		"a page of ours, the port told":            {"Origin: https://shop.example", "Host: shop.example:443"},
		"a page of ours, on a port":                {"Origin: http://shop.example:8080", "Host: shop.example:8080"},
		"a page of ours, the browser says":         {"Origin: https://shop.example", "Host: 10.0.0.5:8080", "Sec-Fetch-Site: same-origin"},
		"an address typed in":                      {"Method: GET", "Sec-Fetch-Site: none"},
		"a link followed":                          {"Method: GET", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"},
		"a page of ours, by a proxy":               {"From: 10.0.0.1:1", "Origin: https://shop.example", "Host: 10.0.0.5:8080", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: https"},
		"a page of ours, by proxies that add":      {"From: 10.0.0.1:1", "Origin: https://shop.example", "Host: 10.0.0.5:8080", "X-Forwarded-Host: shop.example, inner", "X-Forwarded-Proto: https, http"},
		"a page of ours, by a proxy that says all": {"From: 10.0.0.1:1", "Origin: https://shop.example", "X-Forwarded-Host: shop.example:443", "X-Forwarded-Proto: HTTPS"},
	} {
		response := ask(nil, headers...)
		assert.Equal(t, http.StatusTeapot, response.StatusCode, name)
		assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"), name)
	}
}

func TestPagesOfOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string][]string{
		"another host":             {"Origin: https://elsewhere.example"},
		"another port":             {"Origin: http://shop.example:3000"},
		"a host below":             {"Origin: https://evil.shop.example"},
		"a host that begins as it": {"Origin: https://shop.example.evil"},
		"a page without an origin": {"Origin: null"},
		"an origin that is none":   {"Origin: shop.example"},
		"a query by GET":           {"Method: GET", "Origin: https://elsewhere.example"},
		"a WebSocket":              {"Method: GET", "Upgrade: websocket", "Connection: Upgrade", "Origin: https://elsewhere.example"},
		"an event stream":          {"Method: GET", "Accept: text/event-stream", "Origin: https://elsewhere.example"},
		"a picture":                {"Method: GET", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"},
		"a script of a neighbour":  {"Method: GET", "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"},
		"a preflight":              {"Method: OPTIONS", "Origin: https://elsewhere.example", "Access-Control-Request-Method: POST"},
		"a stranger that forwards": {"Origin: https://elsewhere.example", "X-Forwarded-Host: elsewhere.example"},
		"by a proxy, without TLS":  {"From: 10.0.0.1:1", "Origin: http://shop.example", "X-Forwarded-Proto: https"},
	} {
		for _, allowed := range [][]string{nil, {"https://partner.example"}} {
			response := ask(allowed, headers...)
			require.Equal(t, http.StatusForbidden, response.StatusCode, name)
			assert.Equal(t, "Origin", response.Header.Get("Vary"), name)
			assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"), name)
			assert.Equal(t, "application/graphql-response+json; charset=utf-8", response.Header.Get("Content-Type"))
			body := new(strings.Builder)
			require.NoError(t, response.Write(body))
			assert.Contains(t, body.String(), `"code":"FORBIDDEN"`)
			assert.NotContains(t, body.String(), "elsewhere", "what is refused is not echoed")
		}
	}
}

func TestPagesOfAllowedOriginsAreAnswered(t *testing.T) {
	t.Parallel()
	allowed := []string{"https://partner.example", "http://localhost:3000"}
	for _, page := range allowed {
		response := ask(allowed, "Origin: "+page, "Sec-Fetch-Site: cross-site")
		assert.Equal(t, http.StatusTeapot, response.StatusCode)
		assert.Equal(t, page, response.Header.Get("Access-Control-Allow-Origin"))
		assert.Equal(t, "Origin", response.Header.Get("Vary"))
	}
	assert.Equal(t, "Origin", ask(allowed).Header.Get("Vary"), "caches must tell them apart")
}

func TestPreflightSaysWhatMayBeSent(t *testing.T) {
	t.Parallel()
	response := ask([]string{"https://partner.example"}, "Method: OPTIONS", "Origin: https://partner.example",
		"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type")
	assert.Equal(t, http.StatusNoContent, response.StatusCode)
	assert.Equal(t, "https://partner.example", response.Header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "GET, POST", response.Header.Get("Access-Control-Allow-Methods"))
	assert.Equal(t, "authorization,content-type", response.Header.Get("Access-Control-Allow-Headers"))
	assert.Equal(t, "7200", response.Header.Get("Access-Control-Max-Age"))
	assert.Equal(t, "Origin, Access-Control-Request-Headers", response.Header.Get("Vary"))
}

func TestAllPagesAreAnsweredWhereAllMayCall(t *testing.T) {
	t.Parallel()
	for _, headers := range [][]string{
		{"Origin: https://elsewhere.example"}, {"Origin: null"}, {"Method: GET", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"},
	} {
		response := ask([]string{"*"}, headers...)
		assert.Equal(t, http.StatusTeapot, response.StatusCode)
		assert.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"))
		assert.Empty(t, response.Header.Get("Vary"))
	}
}
