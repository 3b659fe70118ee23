package web

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/graph"
	"holdfast/graph/model"
	"holdfast/internal/inventory"
	"holdfast/internal/web/limits"
	"holdfast/internal/web/streams"
	"holdfast/resolvers"
)

const createHold = `{"query":"mutation ($input: CreateHoldInput!) { createHold(input: $input) { reservation { id status expiresAt } replayed userErrors { code message } } }",` +
	`"variables":{"input":{"clientToken":"bench-0123456789abcdef-0001","lines":[{"sku":"bench-1","quantity":1}],"ttlSeconds":900}}}`

// BenchmarkGraphQL measures what a request costs beside the work of its
// resolver, which does nothing.
func BenchmarkGraphQL(b *testing.B) {
	handler := GraphQL(idle{}, streams.New(streams.Options{}), limits.Default(), slog.New(slog.DiscardHandler), resolvers.Loaders{})
	server := NewServer(Options{RequestTimeout: time.Minute})
	server.Open(handler, nil)
	endpoint := server.http.Handler

	b.Run("CreateHoldByPost", func(b *testing.B) {
		body := bytes.NewReader([]byte(createHold))
		request := httptest.NewRequest(http.MethodPost, "/graphql", body)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", "application/json")
		measure(b, endpoint, request, body, `"userErrors":[]`)
	})
	b.Run("AvailabilityByGet", func(b *testing.B) {
		query := url.Values{"query": {`query ($skus: [String!]!) { availability(skus: $skus) { sku available } }`}, "variables": {`{"skus":["bench-1"]}`}}
		request := httptest.NewRequest(http.MethodGet, "/graphql?"+query.Encode(), nil)
		request.Header.Set("Accept", "application/graphql-response+json")
		measure(b, endpoint, request, nil, `"sku":"bench-1"`)
	})
	b.Run("PersistedByPost", func(b *testing.B) {
		const hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"
		for _, text := range []string{
			`{"query":"{__typename}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}}`,
			`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}}`,
		} {
			body := bytes.NewReader([]byte(text))
			request := httptest.NewRequest(http.MethodPost, "/graphql", body)
			request.Header.Set("Content-Type", "application/json")
			if w := httptest.NewRecorder(); true {
				endpoint.ServeHTTP(w, request)
				require.Contains(b, w.Body.String(), `"__typename"`)
			}
			if text[2] == 'e' {
				measure(b, endpoint, request, body, `"__typename"`)
			}
		}
	})
}

// measure sends the request again and again. One answer must have the text.
func measure(b *testing.B, endpoint http.Handler, request *http.Request, body *bytes.Reader, text string) {
	b.Helper()
	original := request.Header.Clone()
	send := func(w http.ResponseWriter) {
		if body != nil {
			_, _ = body.Seek(0, io.SeekStart)
			request.Body = io.NopCloser(body)
		}
		request.Header = original
		endpoint.ServeHTTP(w, request)
	}
	recorded := httptest.NewRecorder()
	send(recorded)
	require.Equal(b, http.StatusOK, recorded.Code, recorded.Body)
	require.Contains(b, recorded.Body.String(), text)
	w := &discarding{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		send(w)
	}
}

// discarding is a response that nobody reads.
type discarding struct{ header http.Header }

func (w *discarding) Header() http.Header         { return w.header }
func (w *discarding) Write(p []byte) (int, error) { return len(p), nil }
func (w *discarding) WriteHeader(int)             {}

// idle are resolvers that answer without doing anything.
type (
	idle          struct{ graph.ResolverRoot }
	idleMutations struct{ graph.MutationResolver }
	idleQueries   struct{ graph.QueryResolver }
)

func (idle) Mutation() graph.MutationResolver { return idleMutations{} }
func (idle) Query() graph.QueryResolver       { return idleQueries{} }

var (
	heldUntil = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	held      = &model.CreateHoldPayload{
		Reservation: &inventory.Reservation{ID: "01a207c9-7606-7da1-bad5-009028bf9d96", Status: inventory.Held, ExpiresAt: &heldUntil},
		UserErrors:  []model.UserError{},
	}
	available = []*inventory.Availability{{SKU: "bench-1"}}
)

func (idleMutations) CreateHold(context.Context, inventory.CreateHold) (*model.CreateHoldPayload, error) {
	return held, nil
}

func (idleQueries) Availability(context.Context, []string, *string) ([]*inventory.Availability, error) {
	return available, nil
}
