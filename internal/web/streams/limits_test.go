package streams_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASubscriptionTooManyIsRefusedAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.SubscriptionsMax = 3 })
	w.add("A")
	s, other := w.dial(), w.dial()
	for _, id := range ids(3) {
		s.watch(id, "A")
		s.version(id)
	}
	for range 3 {
		s.watch("more", "A")
		refused := s.requireRefused("more", "LIMIT_EXCEEDED")
		require.Contains(t, refused.Message, "HOLDFAST_SUBSCRIPTIONS_MAX is 3")
	}
	other.watch("0", "A") // each connection has its own
	other.version("0")

	s.complete("1")
	s.requireQuiet()
	s.watch("more", "A")
	s.version("more")
	w.change("A")
	got := map[string]bool{}
	for range 3 {
		got[s.receive().ID] = true
	}
	require.Equal(t, map[string]bool{"0": true, "2": true, "more": true}, got)
}

func TestSubscriptionsNameSoManySKUsTogetherAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.WatchedSKUsMax = 3 })
	for _, sku := range []string{"A", "B", "C"} {
		w.add(sku)
	}
	s, other := w.dial(), w.dial()
	watched := func(id string, skus ...string) {
		t.Helper()
		s.watch(id, skus...)
		for range skus {
			s.version(id)
		}
	}
	watched("1", "A", "B")
	s.watch("more", "B", "C") // what two of them watch counts twice
	require.Contains(t, s.requireRefused("more", "LIMIT_EXCEEDED").Message, "HOLDFAST_WATCHED_SKUS_MAX is 3")
	s.start("literal", `subscription { availabilityChanged(skus: "C") { sku version } }`, nil)
	s.version("literal")
	s.watch("more", "C")
	require.Equal(t, limit{"watchedSkus", 3, 4}, s.requireRefused("more", "LIMIT_EXCEEDED").Extensions.Limit)
	s.start("none", `{ __typename }`, nil)
	s.next("none")
	s.requireComplete("none")
	other.watch("1", "A", "B", "C")
	other.version("1")

	s.complete("1")
	s.requireQuiet()
	watched("more", "B", "C")
}

func TestWhatAsksForTooMuchIsRefusedOverEachTransport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.dial()
	deep := strings.Repeat("{ availabilityChanged ", 16) + strings.Repeat("}", 16)
	for _, query := range []string{deep, "subscription " + deep} {
		s.start("deep", query, nil)
		require.Equal(t, limit{"depth", 15, 16}, s.requireRefused("deep", "LIMIT_EXCEEDED").Extensions.Limit)
		body, err := json.Marshal(map[string]string{"query": query})
		require.NoError(t, err)
		for _, e := range []*stream{w.stream(string(body)), newStream(t, w.get(url.Values{"query": {query}}))} {
			refused := e.next()
			require.Len(t, refused.Errors, 1)
			require.Equal(t, limit{"depth", 15, 16}, refused.Errors[0].Extensions.Limit)
			e.requireComplete()
		}
	}
}

func TestAnAnswerTellsItsCostOverEachTransport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const asking = `{"query": "{ __typename }", "extensions": {"cost": true}}`
	const told = `{"data":{"__typename":"Query"},"extensions":{"cost":{"actual":1,"max":20000}}}`
	s := w.dial()
	s.send(`{"id":"1","type":"subscribe","payload":` + asking + `}`)
	require.Equal(t, told, string(s.receive().Payload))
	name, payload, err := w.stream(asking).receive()
	require.NoError(t, err)
	require.Equal(t, "next", name)
	require.Equal(t, told, payload)
}

func TestQueriesLeaveRoomOnceTheyAreAnswered(t *testing.T) {
	t.Parallel()
	s := newWorld(t, func(s *setting) { s.SubscriptionsMax = 1 }).dial()
	for _, id := range ids(100) {
		s.start(id, `{ __typename }`, nil)
		require.Equal(t, "next", s.receive().Type)
		s.requireComplete(id)
		s.start(id, `{ nothing }`, nil)
		s.requireRefused(id, "GRAPHQL_VALIDATION_FAILED")
	}
}

func TestWhoHasAllTheirSubscriptionsCanStillAsk(t *testing.T) {
	t.Parallel()
	g := gate{make(chan struct{}, 10), make(chan struct{})}
	w := newWorld(t, func(s *setting) { s.SubscriptionsMax, s.extensions = 1, append(s.extensions, g) })
	w.add("A")
	s := w.dial()
	s.watch("watched", "A")
	s.version("watched")
	s.start("asked", `{ __typename }`, nil)
	<-g.reached
	s.start("more", `{ __typename }`, nil)
	require.Contains(t, s.requireRefused("more", "LIMIT_EXCEEDED").Message, "queries and mutations")
	close(g.open)
	require.Equal(t, "asked", s.receive().ID)
	s.requireComplete("asked")
}

func TestAConnectionWhoseTurnIsTooFarAwayIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.Turn = -time.Hour }) // before the first
	_, response, err := websocket.Dial(t.Context(), strings.Replace(w.url, "http", "ws", 1)+"/graphql",
		&websocket.DialOptions{HTTPClient: w.client, Subprotocols: []string{"graphql-transport-ws"}})
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	require.Equal(t, "hurry", <-w.seen.refused)
	w.requireNobody()
}

func TestAConnectionTooManyIsRefusedUntilOneHasLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.ConnectionsMax = 2 })
	w.add("A")
	s, e := w.dial(), w.stream(watchBody("A"))
	require.EqualValues(t, 1, e.version())
	require.Equal(t, map[string]int{"websocket": 1, "sse": 1, "availabilityChanged": 1}, w.seen.present())

	refused := func(response *http.Response) {
		t.Helper()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		var answer struct{ Errors []problem }
		require.NoError(t, json.Unmarshal(text, &answer))
		require.Equal(t, "LIMIT_EXCEEDED", answer.Errors[0].Extensions.Code)
		require.Equal(t, limit{"connections", 2, 0}, answer.Errors[0].Extensions.Limit)
		require.Contains(t, answer.Errors[0].Message, "HOLDFAST_CONNECTIONS_MAX is 2")
		require.Equal(t, "full", <-w.seen.refused)
		w.awaitLine("status=503 outcome=LIMIT_EXCEEDED .*requestId=" + response.Header.Get("X-Request-Id"))
	}
	for range 3 {
		_, response, err := websocket.Dial(s.ctx, strings.Replace(w.url, "http", "ws", 1)+"/graphql",
			&websocket.DialOptions{HTTPClient: w.client, Subprotocols: []string{"graphql-transport-ws"}})
		require.Error(t, err)
		refused(response)
		refused(w.post(watchBody("A"), "text/event-stream"))
	}
	for range 3 {
		s.leave()
		w.eventually(func(c *assert.CollectT) { assert.Equal(c, 1, w.streams.Clients()) })
		s = w.dial()
		e.leave()
		w.eventually(func(c *assert.CollectT) { assert.Equal(c, 1, w.streams.Clients()) })
		e = w.stream(watchBody("A"))
		require.EqualValues(t, 1, e.version())
	}
}

func TestAHandshakeThatFailsLeavesRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.ConnectionsMax = 1 })
	for range 3 {
		request, err := http.NewRequest(http.MethodGet, w.url, nil)
		require.NoError(t, err)
		request.Header.Set("Connection", "Upgrade")
		request.Header.Set("Upgrade", "websocket") // and no key
		response, err := w.client.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusBadRequest, response.StatusCode)
		w.requireNobody()
	}
	w.dial()
}
