package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/config"
	"holdfast/internal/requestlog"
	"holdfast/internal/web"
)

func TestItAnswersAndLogsWhatTheBenchmarkAsksFor(t *testing.T) {
	t.Parallel()
	settings, err := config.Load(nil, "")
	require.NoError(t, err)
	var log strings.Builder
	lines := requestlog.NewBuffer(&log)
	listener, err := web.Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	server := newServer(settings, lines)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		assert.NoError(t, server.Drain(context.WithoutCancel(t.Context())))
		assert.NoError(t, <-served)
	})
	for query, wanted := range map[string]string{
		`mutation { createHold(input: {clientToken: \"t\", lines: [{sku: \"A\", quantity: 1}]}) { reservation { id } userErrors { code message } } }`: `{"data":{"createHold":{"reservation":null,"userErrors":[{"code":"INSUFFICIENT_STOCK","message":"1 of A wanted, 0 available"}]}}}`,
		`{ availability(skus: [\"A\", \"B\"]) { sku available version } }`:                                                                            `{"data":{"availability":[{"sku":"A","available":1000000000,"version":1},{"sku":"B","available":1000000000,"version":1}]}}`,
	} {
		response, err := http.Post("http://"+listener.Addr().String()+"/graphql", "application/json", strings.NewReader(`{"query":"`+query+`"}`))
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.JSONEq(t, wanted, string(body))
	}
	lines.Close()
	assert.Contains(t, log.String(), `"field":"createHold","outcome":"INSUFFICIENT_STOCK"`)
	assert.Contains(t, log.String(), `"field":"availability","outcome":"done"`)
}

// What is compared must differ in the resolvers alone.
