package streams_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// socket is a client of graphql-transport-ws.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
	ctx  context.Context
}

type message struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// problem is an error as a client sees it.
type problem struct {
	Message    string
	Extensions struct {
		Code, RequestID string
		Field           []string
		Limit           limit
	}
}

// limit is one that a client is over.
type limit struct {
	Name        string
	Max, Actual int
}

// event is a response to a subscription.
type event struct {
	Data struct {
		AvailabilityChanged *struct {
			SKU       string
			Available int64
			Version   int64
		}
		ReservationChanged *struct{ Status string }
	}
	Errors []problem
}

// connect makes a connection, without a word of the protocol.
func (w *world) connect(protocols ...string) *socket {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	w.t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, strings.Replace(w.url, "http", "ws", 1)+"/graphql",
		&websocket.DialOptions{Subprotocols: protocols, HTTPClient: w.client})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(-1)
	return &socket{w.t, conn, ctx}
}

// dial makes a connection that is acknowledged.
func (w *world) dial() *socket {
	w.t.Helper()
	s := w.connect("graphql-transport-ws")
	s.send(`{"type":"connection_init"}`)
	require.Equal(w.t, "connection_ack", s.receive().Type)
	return s
}

func (s *socket) send(text string) {
	s.t.Helper()
	require.NoError(s.t, s.conn.Write(s.ctx, websocket.MessageText, []byte(text)))
}

func (s *socket) receive() message {
	s.t.Helper()
	_, text, err := s.conn.Read(s.ctx)
	require.NoError(s.t, err)
	var m message
	require.NoError(s.t, json.Unmarshal(text, &m), string(text))
	return m
}

// closed reads up to the end, and says how it came.
func (s *socket) closed() (code int, reason string) {
	s.t.Helper()
	for {
		_, _, err := s.conn.Read(s.ctx)
		if err != nil {
			var closing websocket.CloseError
			require.ErrorAs(s.t, err, &closing)
			return int(closing.Code), closing.Reason
		}
	}
}

func (s *socket) leave() { _ = s.conn.Close(websocket.StatusNormalClosure, "") }

// start sends an operation.
func (s *socket) start(id, query string, variables map[string]any) {
	s.t.Helper()
	text, err := json.Marshal(map[string]any{
		"id": id, "type": "subscribe", "payload": map[string]any{"query": query, "variables": variables},
	})
	require.NoError(s.t, err)
	s.send(string(text))
}

const watchQuery = `subscription Watch($skus: [String!]!, $location: String) {
	availabilityChanged(skus: $skus, location: $location) { sku available version }
}`

const followQuery = `subscription Follow($id: ID!) { reservationChanged(id: $id) { status } }`

func (s *socket) watch(id string, skus ...string) {
	s.t.Helper()
	s.start(id, watchQuery, map[string]any{"skus": skus})
}

func (s *socket) follow(id string) {
	s.t.Helper()
	s.start(id, followQuery, map[string]any{"id": holdID})
}

func (s *socket) complete(id string) {
	s.t.Helper()
	s.send(fmt.Sprintf(`{"id":%q,"type":"complete"}`, id))
}

// next is the next event, which must be for the id.
func (s *socket) next(id string) event {
	s.t.Helper()
	m := s.receive()
	require.Equal(s.t, "next", m.Type, string(m.Payload))
	require.Equal(s.t, id, m.ID)
	return decodeEvent(s.t, m.Payload)
}

func decodeEvent(t *testing.T, payload []byte) event {
	t.Helper()
	var e event
	require.NoError(t, json.Unmarshal(payload, &e), string(payload))
	return e
}

// version is that of the next event, which must be for the id.
func (s *socket) version(id string) int64 {
	s.t.Helper()
	e := s.next(id)
	require.NotNil(s.t, e.Data.AvailabilityChanged, "%+v", e.Errors)
	return e.Data.AvailabilityChanged.Version
}

func (s *socket) status(id string) string {
	s.t.Helper()
	e := s.next(id)
	require.NotNil(s.t, e.Data.ReservationChanged, "%+v", e.Errors)
	return e.Data.ReservationChanged.Status
}

func (s *socket) requireComplete(id string) {
	s.t.Helper()
	m := s.receive()
	require.Equal(s.t, "complete", m.Type, string(m.Payload))
	require.Equal(s.t, id, m.ID)
}

// requireRefused reads the one error that ends an operation before it began.
func (s *socket) requireRefused(id, code string) problem {
	s.t.Helper()
	m := s.receive()
	require.Equal(s.t, "error", m.Type, string(m.Payload))
	require.Equal(s.t, id, m.ID)
	var problems []problem
	require.NoError(s.t, json.Unmarshal(m.Payload, &problems), string(m.Payload))
	require.Len(s.t, problems, 1)
	require.Equal(s.t, code, problems[0].Extensions.Code)
	return problems[0]
}

// requireFailed reads the event with an error that ends a subscription, and
// its end.
func (s *socket) requireFailed(id, code string) problem {
	s.t.Helper()
	e := s.next(id)
	require.Len(s.t, e.Errors, 1)
	require.Equal(s.t, code, e.Errors[0].Extensions.Code)
	s.requireComplete(id)
	return e.Errors[0]
}

// requireQuiet says that the server had nothing more to say: what it says next
// is what it is asked for.
func (s *socket) requireQuiet() {
	s.t.Helper()
	s.send(`{"type":"ping","payload":{"quiet":true}}`)
	m := s.receive()
	require.Equal(s.t, "pong", m.Type, string(m.Payload))
}

func ids(count int) []string {
	ids := make([]string, count)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	return ids
}
