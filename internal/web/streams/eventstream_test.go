package streams_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestAnEventStreamHasEachEventInAFrameOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commitMove(inventory.Held)
	s := w.stream(`{"query":"subscription { reservationChanged(id: \"` + holdID + `\") { status } }"}`)
	block := func() string {
		t.Helper()
		text, err := s.block()
		require.NoError(t, err)
		return text
	}
	require.Equal(t, ":\n", block(), "at once, so that the client knows that it is connected")
	require.Equal(t, "event: next\ndata: {\"data\":{\"reservationChanged\":{\"status\":\"HELD\"}}}\n", block())
	w.move(inventory.Held)
	require.Equal(t, "event: next\ndata: {\"data\":{\"reservationChanged\":{\"status\":\"HELD\"}}}\n", block())
	w.move(inventory.Released)
	require.Equal(t, "event: next\ndata: {\"data\":{\"reservationChanged\":{\"status\":\"RELEASED\"}}}\n", block())
	s.requireComplete()
}

func TestAnEventStreamSharesWithWebSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s, e := w.dial(), w.stream(watchBody("A"))
	s.watch("1", "A")
	require.EqualValues(t, 1, s.version("1"))
	require.EqualValues(t, 1, e.version())
	require.Equal(t, w.change("A"), s.version("1"))
	require.EqualValues(t, 2, e.version())
	require.EqualValues(t, 2, w.responses.Load())
	require.Equal(t, 1, w.streams.Executions())
}

func TestASilentEventStreamBeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.Heartbeat = 5 * time.Millisecond })
	w.add("A")
	s := w.stream(watchBody("A"))
	require.EqualValues(t, 1, s.version())
	for range 5 {
		block, err := s.block()
		require.NoError(t, err)
		require.Equal(t, ":\n", block)
	}
	require.Equal(t, w.change("A"), s.version())
}

func (w *world) get(parameters url.Values) *http.Response {
	w.t.Helper()
	request, err := http.NewRequest(http.MethodGet, w.url+"/graphql?"+parameters.Encode(), nil)
	require.NoError(w.t, err)
	request.Header.Set("Accept", "text/event-stream")
	response, err := w.client.Do(request)
	require.NoError(w.t, err)
	return response
}

func TestASubscriptionByGETTakesVariables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A", "B")
	s := newStream(t, w.get(url.Values{
		"query":         {watchQuery + " query Other { __typename }"},
		"variables":     {`{"skus":["B"]}`},
		"operationName": {"Watch"},
		"extensions":    {`{}`},
	}))
	require.Equal(t, "B", s.next().Data.AvailabilityChanged.SKU)
	require.Equal(t, w.change("B"), s.version())
}

func TestWhatAnEventStreamCanNotDoIsToldAndThenComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.MessageBytesMax = 1000 })
	const secret = "hunter2"
	for name, asked := range map[string]struct {
		response *http.Response
		code     string
	}{
		"Unknown":         {w.post(`{"query":"{ `+secret[:0]+`nothing }"}`, "text/event-stream"), "GRAPHQL_VALIDATION_FAILED"},
		"UnknownSKU":      {w.post(watchBody("A"), "text/event-stream"), "BAD_USER_INPUT"},
		"NoQuery":         {w.post(`{}`, "text/event-stream"), "GRAPHQL_VALIDATION_FAILED"},
		"NoJSON":          {w.post(`{"query":"`+secret, "text/event-stream"), "GRAPHQL_PARSE_FAILED"},
		"Word":            {w.post(secret, "text/event-stream"), "GRAPHQL_PARSE_FAILED"},
		"WrongType":       {w.post(`{"query":{"`+secret+`":1}}`, "text/event-stream"), "GRAPHQL_PARSE_FAILED"},
		"Empty":           {w.post(``, "text/event-stream"), "GRAPHQL_PARSE_FAILED"},
		"TooLarge":        {w.post(`{"query":"`+strings.Repeat(secret, 1000), "text/event-stream"), "LIMIT_EXCEEDED"},
		"BadVariables":    {w.get(url.Values{"query": {"{ __typename }"}, "variables": {secret}}), "GRAPHQL_PARSE_FAILED"},
		"NoObject":        {w.get(url.Values{"query": {"{ __typename }"}, "variables": {`["` + secret + `"]`}}), "GRAPHQL_PARSE_FAILED"},
		"MutationByGET":   {w.get(url.Values{"query": {`mutation { releaseHold(input: {reservationId: "x"}) { replayed } }`}}), "GRAPHQL_VALIDATION_FAILED"},
		"ManyOperations":  {w.post(`{"query":"query A { __typename } query B { __typename }"}`, "text/event-stream"), "GRAPHQL_VALIDATION_FAILED"},
		"MutationByPOST":  {w.post(`{"query":"mutation { releaseHold(input: {reservationId: \"x\"}) { replayed } }"}`, "text/event-stream"), "INTERNAL"},
		"UnknownOfAPOSTs": {w.post(`{"query":"subscription { reservationChanged(id: \"`+holdID+`\") { status } }"}`, "text/event-stream"), "BAD_USER_INPUT"},
	} {
		s := newStream(t, asked.response)
		e := s.next()
		require.Len(t, e.Errors, 1, name)
		require.Equal(t, asked.code, e.Errors[0].Extensions.Code, name)
		require.NotContains(t, fmt.Sprintf("%+v", e.Errors), secret, name)
		s.requireComplete()
	}
}

func TestAQueryOverAnEventStreamIsAnsweredAndComplete(t *testing.T) {
	t.Parallel()
	s := newWorld(t).stream(`{"query":"{ __typename }"}`)
	name, payload, err := s.receive()
	require.NoError(t, err)
	require.Equal(t, "next", name)
	require.JSONEq(t, `{"data":{"__typename":"Query"}}`, payload)
	s.requireComplete()
}

func TestOneWhoTakesJSONTooGetsAPlainAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, accept := range []string{
		"application/json, text/event-stream", "text/event-stream, application/graphql-response+json", "TEXT/EVENT-STREAM,APPLICATION/JSON",
	} {
		response := w.post(`{"query":"{ __typename }"}`, accept)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.JSONEq(t, `{"data":{"__typename":"Query"}}`, string(text), accept)
	}
}

func TestOneWhoLeavesAnEventStreamLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	for range 10 {
		s := w.stream(watchBody("A"))
		s.version()
		s.leave()
	}
	w.requireNobody()
}

func TestOneWhoLeavesBeforeTheFirstEventLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	reading, let := w.hold()
	defer let()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/graphql", strings.NewReader(watchBody("A")))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	response, err := w.client.Do(request)
	require.NoError(t, err)
	<-reading
	cancel()
	_ = response.Body.Close()
	w.eventually(func(c *assert.CollectT) {
		assert.Zero(c, w.streams.Clients())
		assert.Zero(c, w.streams.Executions())
		assert.Zero(c, w.underWay())
	})
}
