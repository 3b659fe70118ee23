package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// patience bounds each wait of a test, so that a hang fails it.
const patience = 30 * time.Second

// server is a running program, as its user started it.
type server struct {
	t   testing.TB
	url string
	// stop ends it as SIGTERM does; ended has what serve returned.
	stop  context.CancelFunc
	ended chan error
	log   transcript
}

// startServer runs the program on a free port until t ends.
func startServer(t testing.TB, environ ...string) *server {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out := &output{ready: make(chan string, 1)}
	s := &server{t: t, stop: stop, ended: make(chan error, 1)}
	p := program{environ: append([]string{"HOLDFAST_ADDR=127.0.0.1:0"}, environ...), out: out, log: io.MultiWriter(t.Output(), &s.log)}
	go func() { s.ended <- p.command().Run(ctx, []string{"holdfast"}) }()
	t.Cleanup(func() { require.NoError(t, s.wait()) })
	select {
	case s.url = <-out.ready:
	case err := <-s.ended:
		s.ended <- nil
		require.FailNow(t, "the server did not start", "%v", err)
	case <-time.After(patience):
		require.FailNow(t, "the server is not ready")
	}
	return s
}

// wait stops the server and returns how it ended. It may be called again.
func (s *server) wait() error {
	s.stop()
	select {
	case err := <-s.ended:
		s.ended <- err
		return err
	case <-time.After(patience):
		return context.DeadlineExceeded
	}
}

// output is what was written, and watches for the line that says where the
// server is.
type output struct {
	transcript
	ready chan string
}

var graphqlLine = regexp.MustCompile(`GraphQL +(http://\S+)/graphql`)

func (o *output) Write(p []byte) (int, error) {
	n, err := o.transcript.Write(p)
	if found := graphqlLine.FindStringSubmatch(o.String()); found != nil {
		select {
		case o.ready <- found[1]:
		default:
		}
	}
	return n, err
}

// transcript is what was written, by anybody at any time.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// answer is a GraphQL response.
type answer struct {
	Data   map[string]json.RawMessage
	Errors []struct {
		Message    string
		Path       []any
		Extensions struct {
			Code      string
			Field     []string
			RequestID string
		}
	}
}

// query sends one operation, with or without variables.
func (s *server) query(text string, variables map[string]any) answer {
	s.t.Helper()
	request, err := json.Marshal(map[string]any{"query": text, "variables": variables})
	require.NoError(s.t, err)
	response, err := http.Post(s.url+"/graphql", "application/json", bytes.NewReader(request))
	require.NoError(s.t, err)
	raw := body(s.t, response)
	var a answer
	require.NoError(s.t, json.Unmarshal([]byte(raw), &a), raw)
	return a
}

// get fetches a page and returns its status and text.
func (s *server) get(path string) (int, string) {
	s.t.Helper()
	response, err := http.Get(s.url + path)
	require.NoError(s.t, err)
	return response.StatusCode, body(s.t, response)
}

// body reads a response to its end.
func body(t testing.TB, response *http.Response) string {
	t.Helper()
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(raw)
}

// payload is what the tests ask of a mutation's payload.
type payload struct {
	Reservation *struct{ ID, Status string }
	Replayed    bool
	UserErrors  []struct {
		Code    string
		Message string
		Field   []string
	}
}

// codes is the payload's refusals, or "" where there are none.
func (p payload) codes() string {
	var codes []string
	for _, e := range p.UserErrors {
		codes = append(codes, e.Code)
	}
	return strings.Join(codes, " ")
}

// mutate runs one mutation that answers a reservation.
func (s *server) mutate(field string, input map[string]any) payload {
	s.t.Helper()
	inputType := strings.ToUpper(field[:1]) + field[1:] + "Input"
	a := s.query("mutation ($input: "+inputType+"!) { "+field+"(input: $input) { reservation { id status } userErrors { code message field } } }",
		map[string]any{"input": input})
	require.Empty(s.t, a.Errors)
	var p payload
	require.NoError(s.t, json.Unmarshal(a.Data[field], &p))
	return p
}

// createSKU adds a SKU with this much stock.
func (s *server) createSKU(sku string, stock int) {
	s.t.Helper()
	a := s.query("mutation ($input: CreateSkuInput!) { createSku(input: $input) { userErrors { code } } }",
		map[string]any{"input": map[string]any{"sku": sku, "name": sku, "initialStock": stock}})
	require.Empty(s.t, a.Errors)
	require.JSONEq(s.t, `{"userErrors": []}`, string(a.Data["createSku"]))
}

// requireConsistent runs the consistency check, which must find nothing.
func (s *server) requireConsistent() {
	s.t.Helper()
	a := s.query("{ consistency { isConsistent issues { invariant detail } } }", nil)
	require.Empty(s.t, a.Errors)
	require.JSONEq(s.t, `{"isConsistent": true, "issues": []}`, string(a.Data["consistency"]))
}
