package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

// socket is a client of graphql-transport-ws.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
	ctx  context.Context
}

type socketMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func (s *server) dial(t *testing.T) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, strings.Replace(s.url, "http", "ws", 1)+"/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	w := &socket{t, conn, ctx}
	w.send(socketMessage{Type: "connection_init"})
	require.Equal(t, "connection_ack", w.receive().Type)
	return w
}

func (w *socket) send(m socketMessage) {
	w.t.Helper()
	require.NoError(w.t, wsjson.Write(w.ctx, w.conn, m))
}

// receive returns the next message that isn't a ping.
func (w *socket) receive() (m socketMessage) {
	w.t.Helper()
	for m.Type == "" || m.Type == "ping" {
		m = socketMessage{}
		require.NoError(w.t, wsjson.Read(w.ctx, w.conn, &m))
	}
	return m
}

func (w *socket) subscribe(id, query string) {
	w.t.Helper()
	payload, err := json.Marshal(map[string]string{"query": "subscription { " + query + " }"})
	require.NoError(w.t, err)
	w.send(socketMessage{ID: id, Type: "subscribe", Payload: payload})
}

func (w *socket) requireNext(data string) {
	w.t.Helper()
	m := w.receive()
	require.Equal(w.t, "next", m.Type, string(m.Payload))
	require.JSONEq(w.t, `{"data": `+data+`}`, string(m.Payload))
}

func TestASubscriberSeesThePresentStockAndEachChange(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("WATCHED", 10)
	w := s.dial(t)
	w.subscribe("1", `availabilityChanged(skus: ["WATCHED"]) { sku available version }`)
	w.requireNext(`{"availabilityChanged": {"sku": "WATCHED", "available": 10, "version": 1}}`)

	id := s.mutate("createHold", holdOf("t", "WATCHED", 3)).Reservation.ID
	w.requireNext(`{"availabilityChanged": {"sku": "WATCHED", "available": 7, "version": 2}}`)
	s.mutate("releaseHold", map[string]any{"reservationId": id})
	w.requireNext(`{"availabilityChanged": {"sku": "WATCHED", "available": 10, "version": 3}}`)
}

func TestAReservationsSubscriptionCompletesWhenTheHoldEnds(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("WATCHED", 10)
	input := holdOf("t", "WATCHED", 3)
	input["ttlSeconds"] = 1
	id := s.mutate("createHold", input).Reservation.ID
	w := s.dial(t)
	w.subscribe("1", `reservationChanged(id: "`+id+`") { id status }`)
	w.requireNext(`{"reservationChanged": {"id": "` + id + `", "status": "HELD"}}`)
	w.requireNext(`{"reservationChanged": {"id": "` + id + `", "status": "EXPIRED"}}`)
	require.Equal(t, "complete", w.receive().Type)
}

func TestSubscribingToWhatIsUnknownEndsWithItsName(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("KNOWN", 1)
	for query, named := range map[string]string{
		`availabilityChanged(skus: ["KNOWN", "MISSING"]) { sku }`:     "MISSING",
		`availabilityChanged(skus: ["NOT A SKU"]) { sku }`:            "SKU",
		`availabilityChanged(skus: []) { sku }`:                       "at least one SKU",
		`reservationChanged(id: "` + unknownID + `") { id }`:          unknownID,
		`reservationChanged(id: "x") { id }`:                          "UUID",
		`availabilityChanged(skus: ["KNOWN"], location: "X") { sku }`: "X",
		`stockChanges(skus: ["KNOWN", "MISSING"]) { cursor }`:         "MISSING",
		`stockChanges(skus: []) { cursor }`:                           "SKU",
		`stockChanges(after: "x") { cursor }`:                         "cursor",
	} {
		w := s.dial(t)
		w.subscribe("1", query)
		m := w.receive()
		for m.Type == "next" && strings.Contains(string(m.Payload), `"data":{`) {
			m = w.receive()
		}
		require.Contains(t, string(m.Payload), "BAD_USER_INPUT", query)
		require.Contains(t, string(m.Payload), named, query)
	}
}

func TestEachEventLoadsItsNestedFieldsAnew(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("NESTED", 10)
	id := s.mutate("createHold", holdOf("watched", "NESTED", 3)).Reservation.ID
	w := s.dial(t)
	w.subscribe("1", `reservationChanged(id: "`+id+`") { lines { product { availability { available } } } }`)
	available := func(n string) string {
		return `{"reservationChanged": {"lines": [{"product": {"availability": {"available": ` + n + `}}}]}}`
	}
	w.requireNext(available("7"))
	s.mutate("createHold", holdOf("other", "NESTED", 2))
	s.mutate("extendHold", map[string]any{"reservationId": id, "ttlSeconds": 3600})
	w.requireNext(available("5"))
}

func TestASubscriberSeesWhatAnotherServerDoes(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	one, other := startServer(t, "DATABASE_URL="+url), startServer(t, "DATABASE_URL="+url)
	one.createSKU("WATCHED", 10)
	stock, held := one.dial(t), one.dial(t)
	stock.subscribe("1", `availabilityChanged(skus: ["WATCHED"]) { available version }`)
	stock.requireNext(`{"availabilityChanged": {"available": 10, "version": 1}}`)
	id := other.mutate("createHold", holdOf("t", "WATCHED", 3)).Reservation.ID
	stock.requireNext(`{"availabilityChanged": {"available": 7, "version": 2}}`)

	held.subscribe("1", `reservationChanged(id: "`+id+`") { status }`)
	held.requireNext(`{"reservationChanged": {"status": "HELD"}}`)
	other.mutate("convertHold", map[string]any{"reservationId": id})
	held.requireNext(`{"reservationChanged": {"status": "ALLOCATED"}}`)
	require.Equal(t, "complete", held.receive().Type)
	stock.requireNext(`{"availabilityChanged": {"available": 7, "version": 3}}`)
}

func TestAFollowerOfTheLogResumesOnAnotherServer(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	one, other := startServer(t, "DATABASE_URL="+url), startServer(t, "DATABASE_URL="+url)
	one.createSKU("WATCHED", 10)
	one.createSKU("OTHER", 10)
	a := one.query("{ auditLog(first: 1) { edges { cursor } } }", nil)
	var log struct{ Edges []struct{ Cursor string } }
	require.NoError(t, json.Unmarshal(a.Data["auditLog"], &log))

	const fields = `{ cursor node { action sku version product { name } reservation { status } } }`
	w := one.dial(t)
	w.subscribe("1", `stockChanges(after: "`+log.Edges[0].Cursor+`") `+fields)
	id := other.mutate("createHold", holdOf("t", "WATCHED", 3)).Reservation.ID
	m := w.receive()
	require.Equal(t, "next", m.Type, string(m.Payload))
	var event struct {
		Data struct {
			StockChanges struct {
				Cursor string
				Node   json.RawMessage
			}
		}
	}
	require.NoError(t, json.Unmarshal(m.Payload, &event))
	require.JSONEq(t, `{"action": "HELD", "sku": "WATCHED", "version": 2, "product": {"name": "WATCHED"}, "reservation": {"status": "HELD"}}`,
		string(event.Data.StockChanges.Node))

	other.mutate("createHold", holdOf("u", "OTHER", 3))
	one.mutate("releaseHold", map[string]any{"reservationId": id})
	again := other.dial(t)
	again.subscribe("1", `stockChanges(after: "`+event.Data.StockChanges.Cursor+`", skus: ["WATCHED"]) { node { action sku version } }`)
	again.requireNext(`{"stockChanges": {"node": {"action": "RELEASED", "sku": "WATCHED", "version": 3}}}`)
	again.subscribe("2", `stockChanges(after: "`+event.Data.StockChanges.Cursor+`") { node { sku } }`)
	again.requireNext(`{"stockChanges": {"node": {"sku": "OTHER"}}}`)
	again.requireNext(`{"stockChanges": {"node": {"sku": "WATCHED"}}}`)
}

func TestACursorOfALogThatIsGoneIsToldToResync(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("KNOWN", 1)
	w := s.dial(t)
	w.subscribe("1", `stockChanges(after: "`+base64.RawURLEncoding.EncodeToString([]byte("entry|1000"))+`") { cursor }`)
	m := w.receive()
	require.Contains(t, string(m.Payload), `"RESYNC"`)
	require.Contains(t, string(m.Payload), "read availability anew")
}
