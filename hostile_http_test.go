//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

func hostileRequests() []hostile {
	const (
		ask     = `{"query":"{__typename}"}`
		create  = `{"query":"mutation{createSku(input:{sku:\"EVIL\",name:\"Evil\"}){sku{id}}}"}`
		asJSON  = "Content-Type: application/json"
		parse   = "400 GRAPHQL_PARSE_FAILED"
		unfit   = "415 GRAPHQL_PARSE_FAILED"
		method  = "405 GRAPHQL_PARSE_FAILED"
		foreign = "403 FORBIDDEN"
	)
	var smuggled = post(create, asJSON)
	return []hostile{
		{"PUT", raw(request("PUT", "/graphql", ask, asJSON)), method},
		{"DELETE", raw(request("DELETE", "/graphql", "")), method},
		{"PATCH", raw(request("PATCH", "/graphql", ask, asJSON)), method},
		{"TRACE", raw(request("TRACE", "/graphql", "")), method},
		{"CONNECT", raw(request("CONNECT", "/graphql", "")), method},
		{"OPTIONS", raw(request("OPTIONS", "/graphql", "")), method},
		{"a method in small letters", raw(request("post", "/graphql", ask, asJSON)), method},
		{"a method that is none", raw(request("HOLD", "/graphql", ask, asJSON)), method},
		{"a method with a space", raw(request("PO ST", "/graphql", ask, asJSON)), "400"},
		{"POST for whether it is up", raw(request("POST", "/healthz", "x")), "404"},
		{"DELETE of the metrics", raw(request("DELETE", "/metrics", "")), "404"},
		{"POST to the Playground", raw(request("POST", "/", ask, asJSON)), "405"},
		{"POST to the board", raw(request("POST", "/live", ask, asJSON)), "405"},

		{"no type", raw(post(ask)), unfit},
		{"a form", raw(post("query={__typename}", "Content-Type: application/x-www-form-urlencoded")), unfit},
		{"a form of files", raw(post(ask, "Content-Type: multipart/form-data; boundary=x")), unfit},
		{"text", raw(post(ask, "Content-Type: text/plain")), unfit},
		{"GraphQL alone", raw(post("{__typename}", "Content-Type: application/graphql")), unfit},
		{"a type that is none", raw(post(ask, "Content-Type: application/json;;")), unfit},
		{"two types", raw(post(ask, "Content-Type: text/plain", asJSON)), unfit},
		{"another charset", raw(post(ask, asJSON+"; charset=utf-16")), unfit},
		{"a compressed body", raw(post("\x1f\x8b\x08\x00", asJSON, "Content-Encoding: gzip")), unfit},
		{"an answer as a picture", raw(post(ask, asJSON, "Accept: image/png")), "406 GRAPHQL_PARSE_FAILED"},
		{"an expectation", raw(post(ask, asJSON, "Expect: money")), "417"},

		{"no body", raw(post("", asJSON)), parse},
		{"JSON that breaks off", raw(post(`{"query":"{__typename`, asJSON)), parse},
		{"JSON and more", raw(post(ask+ask, asJSON)), parse},
		{"JSON with a comment", raw(post(`{/**/"query":"{__typename}"}`, asJSON)), parse},
		{"JSON with a number that is none", raw(post(`{"query":"{__typename}","variables":{"a":NaN}}`, asJSON)), parse},
		{"text for an object", raw(post(`"{__typename}"`, asJSON)), "422 GRAPHQL_PARSE_FAILED"},
		{"null for an object", raw(post(`null`, asJSON)), "422 GRAPHQL_PARSE_FAILED"},
		{"lists in lists", raw(post(`{"variables":{"a":`+strings.Repeat("[", 100_000), asJSON)), "400 LIMIT_EXCEEDED nesting"},
		{"objects in objects", raw(post(`{"variables":`+strings.Repeat(`{"a":`, 40_000), asJSON)), "400 LIMIT_EXCEEDED nesting"},
		{"a NUL in the body", raw(post("{\"query\":\"{__typename}\x00\"}", asJSON)), parse},
		{"bytes that are no UTF-8", raw(post("{\"query\":\"{__typename}#\xff\xfe\"}", asJSON)), parse},
		{"UTF-16", raw(post("\xff\xfe{\x00\"\x00", asJSON)), parse},
		{"a mark of the byte order", raw(post("\ufeff"+ask, asJSON)), parse},
		{"GET without a query", raw(request("GET", "/graphql", "")), "400 GRAPHQL_VALIDATION_FAILED"},
		{"GET with an escape that is none", raw(request("GET", "/graphql?query=%zz", "")), parse},
		{"GET with a semicolon", raw(request("GET", "/graphql?query={__typename};variables={}", "")), parse},
		{"GET with bytes that are no UTF-8", raw(request("GET", "/graphql?query=%ff%fe", "")), parse},
		{"GET with variables that are no JSON", raw(request("GET", "/graphql?query={__typename}&variables=secret", "")), parse},
		{"GET with variables that are a list", raw(request("GET", "/graphql?query={__typename}&variables=[]", "")), parse},

		{"a body over the limit", raw(post(`{"query":"#`+strings.Repeat("x", 1<<20)+`"}`, asJSON)), "413 LIMIT_EXCEEDED body"},
		{"a body that is announced as endless", raw(head("POST", "/graphql", asJSON, "Content-Length: 9223372036854775807")), "413 LIMIT_EXCEEDED body"},
		{"chunks without end", raw(chunked(asJSON) + strings.Repeat("1000\r\n"+strings.Repeat(" ", 0x1000)+"\r\n", 300)), "413 LIMIT_EXCEEDED body"},
		{"a chunk as long as memory", raw(chunked(asJSON) + "7fffffffffffffff\r\n" + strings.Repeat(" ", 1<<20)), "413 LIMIT_EXCEEDED body"},
		{"a chunk whose length is no number", raw(chunked(asJSON) + "0x5\r\nhello\r\n0\r\n\r\n"), parse},
		{"a chunk whose length is negative", raw(chunked(asJSON) + "-1\r\n\r\n"), parse},
		{"a chunk whose length overflows", raw(chunked(asJSON) + "10000000000000001\r\n \r\n"), parse},
		{"a chunk that is longer than it says", raw(chunked(asJSON) + "1\r\n" + ask + "\r\n0\r\n\r\n"), parse},
		{"chunks of extensions", raw(chunked(asJSON) + strings.Repeat("1;"+strings.Repeat("x", 4000)+"\r\n \r\n", 20)), parse},
		{"a length that is no number", raw(head("POST", "/graphql", asJSON, "Content-Length: 1e3")), "400"},
		{"a length that is negative", raw(head("POST", "/graphql", asJSON, "Content-Length: -1")), "400"},
		{"two lengths", raw(head("POST", "/graphql", asJSON, "Content-Length: 24", "Content-Length: 2") + ask), "400"},

		{"a request behind chunks that are shorter than the length", raw(head("POST", "/graphql", asJSON, keepAlive, "Content-Length: 300", "Transfer-Encoding: chunked") + "0\r\n\r\n" + smuggled), parse},
		{"a request behind a length that is shorter than the chunks", raw(head("POST", "/graphql", asJSON, keepAlive, "Transfer-Encoding: chunked", "Content-Length: 4") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled)), parse},
		{"two encodings of the transfer", raw(head("POST", "/graphql", asJSON, "Transfer-Encoding: chunked", "Transfer-Encoding: identity") + "0\r\n\r\n" + smuggled), "501"},
		{"an encoding of the transfer in disguise", raw(head("POST", "/graphql", asJSON, "Content-Length: 5", "Transfer-Encoding: \vchunked") + "0\r\n\r\n" + smuggled), "400"},
		{"an encoding of the transfer before its colon", raw(head("POST", "/graphql", asJSON, "Content-Length: 5", "Transfer-Encoding : chunked") + "0\r\n\r\n" + smuggled), "400"},
		{"chunks of an old client", raw("POST /graphql HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n" + asJSON + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled), parse + ", 400"},
		{"a request behind GET's body", raw(request("GET", "/graphql?query={__typename}", smuggled)), "200"},
		{"garbage behind a request", raw(request("GET", "/graphql?query={__typename}", "", keepAlive) + "\x00\x01\x02garbage\r\n\r\n"), "200, 400"},

		{"a header of 80 kB", raw(request("GET", "/graphql?query={__typename}", "", "X-Large: "+strings.Repeat("x", 80<<10))), "431"},
		{"ten thousand headers", raw(request("GET", "/graphql?query={__typename}", "", strings.Repeat("X-Many: many\r\n", 10_000)+"X: x")), "431"},
		{"an address of 80 kB", raw(request("GET", "/graphql?query="+strings.Repeat("x", 80<<10), "")), "431"},
		{"no host", raw("GET /graphql HTTP/1.1\r\nConnection: close\r\n\r\n"), "400"},
		{"two hosts", raw(request("GET", "/graphql?query={__typename}", "", "Host: y")), "400"},
		{"a host that is none", raw("GET /graphql HTTP/1.1\r\nHost: a b\r\n\r\n"), "400"},
		{"a header without a colon", raw(request("GET", "/graphql", "", "secret")), "400"},
		{"a header with a NUL", raw(request("GET", "/graphql", "", "X-Nul: a\x00b")), "400"},
		{"HTTP of a version to come", raw("GET /graphql HTTP/4.2\r\nHost: x\r\n\r\n"), "505"},
		{"the beginning of HTTP/2", raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "400"},
		{"the beginning of TLS", raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), "400"},
		{"no HTTP", raw("EHLO x\r\n\r\n"), "400"},

		{"the page of another origin, POST", raw(post(create, asJSON, "Origin: https://evil.example")), foreign},
		{"the page of another origin, GET", raw(request("GET", "/graphql?query={__typename}", "", "Origin: https://evil.example")), foreign},
		{"the page of another origin, server-sent events", raw(request("GET", "/graphql?query={__typename}", "", "Origin: https://evil.example", "Accept: text/event-stream")), foreign},
		{"the page of another origin asks whether it may", raw(request("OPTIONS", "/graphql", "", "Origin: https://evil.example", "Access-Control-Request-Method: POST")), foreign},
		{"a page of no origin", raw(post(create, asJSON, "Origin: null")), foreign},
		{"a page that gives the server's name a tail", raw(post(create, asJSON, "Origin: http://x.evil.example")), foreign},
		{"a picture on the page of another site", raw(request("GET", "/graphql?query={__typename}", "", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")), foreign},
		{"a page that says it came by TLS", raw(post(create, asJSON, "Origin: https://evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https")), foreign},

		{"a file above the Playground", raw(request("GET", "/../../../../etc/passwd", "")), "307"},
		{"a file above the Playground, escaped", raw(request("GET", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "")), "404"},
		{"a file above the Playground, with an escaped slash", raw(request("GET", "/..%2f..%2f..%2fetc%2fpasswd", "")), "404"},
		{"a file above the Playground, with backslashes", raw(request("GET", `/..\..\..\etc\passwd`, "")), "404"},
		{"a file above the board", raw(request("GET", "/live/../../../../etc/passwd", "")), "307"},
		{"a file above the board, escaped", raw(request("GET", "/live/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "")), "404"},
		{"a file with a NUL", raw(request("GET", "/live/%00.html", "")), "404"},
		{"the source of the server", raw(request("GET", "/server.go", "")), "404"},
		{"the environment of the server", raw(request("GET", "/.env", "")), "404"},
		{"the debugger", raw(request("GET", "/debug/pprof/", "")), "404"},
	}
}

const keepAlive = "Connection: keep-alive"

// head is the beginning of a request. Its connection is to end with it, unless
// the lines say something else.
func head(method, path string, lines ...string) string {
	text := method + " " + path + " HTTP/1.1\r\nHost: x\r\n"
	if !strings.Contains(strings.Join(lines, "\n"), "Connection:") {
		text += "Connection: close\r\n"
	}
	for _, line := range lines {
		text += line + "\r\n"
	}
	return text + "\r\n"
}

func request(method, path, body string, lines ...string) string {
	if body != "" {
		lines = append(lines, fmt.Sprint("Content-Length: ", len(body)))
	}
	return head(method, path, lines...) + body
}

func post(body string, lines ...string) string { return request("POST", "/graphql", body, lines...) }

// chunked is the beginning of a request in chunks.
func chunked(lines ...string) string {
	return head("POST", "/graphql", append(lines, "Transfer-Encoding: chunked")...)
}

// raw sends bytes as they are, and tells all the answers, up to where the
// server ends the connection.
func raw(bytes string) func(*target) string {
	return func(s *target) string {
		s.t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		require.NoError(s.t, err)
		defer func() { _ = conn.Close() }()
		require.NoError(s.t, conn.SetDeadline(time.Now().Add(patience)))
		// It may have been answered before it is sent to its end.
		go func() { _, _ = io.WriteString(conn, bytes) }()
		var answers []string
		for in := bufio.NewReader(conn); ; {
			response, err := http.ReadResponse(in, nil)
			if err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					answers = append(answers, "no end")
				}
				return strings.Join(answers, ", ")
			}
			answers = append(answers, described(s.t, response.StatusCode, body(s.t, response)))
		}
	}
}
