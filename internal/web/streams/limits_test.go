package streams_test

import (
	"encoding/json"
	"io"
	"net/http"
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
		require.Contains(t, answer.Errors[0].Message, "HOLDFAST_CONNECTIONS_MAX is 2")
		require.Equal(t, "full", <-w.seen.refused)
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
