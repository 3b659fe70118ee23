package streams_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"holdfast/internal/web/streams"
)

func TestWhatBreaksTheProtocolClosesWithItsCode(t *testing.T) {
	t.Parallel()
	const hello = `{"type":"connection_init"}`
	for name, broken := range map[string]struct {
		messages []string
		code     int
	}{
		"NoJSON":                {[]string{hello, `{`}, 4400},
		"NoObject":              {[]string{hello, `[]`}, 4400},
		"NullMessage":           {[]string{hello, `null`}, 4400},
		"EmptyMessage":          {[]string{hello, ``}, 4400},
		"NoType":                {[]string{hello, `{}`}, 4400},
		"UnknownType":           {[]string{hello, `{"type":"start","id":"1"}`}, 4400},
		"ServersType":           {[]string{hello, `{"type":"next","id":"1","payload":{}}`}, 4400},
		"TypeIsNoString":        {[]string{hello, `{"type":1}`}, 4400},
		"TrailingText":          {[]string{hello, `{"type":"ping"} x`}, 4400},
		"NoID":                  {[]string{hello, `{"type":"subscribe","payload":{"query":"{ __typename }"}}`}, 4400},
		"EmptyID":               {[]string{hello, `{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}`}, 4400},
		"IDIsANumber":           {[]string{hello, `{"type":"subscribe","id":1,"payload":{"query":"{ __typename }"}}`}, 4400},
		"NoPayload":             {[]string{hello, `{"type":"subscribe","id":"1"}`}, 4400},
		"PayloadIsNoObject":     {[]string{hello, `{"type":"subscribe","id":"1","payload":"{ __typename }"}`}, 4400},
		"QueryIsNoString":       {[]string{hello, `{"type":"subscribe","id":"1","payload":{"query":1}}`}, 4400},
		"VariablesAreNoObject":  {[]string{hello, `{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","variables":[1]}}`}, 4400},
		"BeforeHello":           {[]string{`{"type":"subscribe","id":"1","payload":{"query":"{ __typename }"}}`}, 4401},
		"HelloTwice":            {[]string{hello, hello}, 4429},
		"HelloTwiceWithPayload": {[]string{hello, `{"type":"connection_init","payload":{"token":"x"}}`}, 4429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newWorld(t).connect("graphql-transport-ws")
			for _, m := range broken.messages {
				s.send(m)
			}
			code, reason := s.closed()
			require.Equal(t, broken.code, code)
			require.NotEmpty(t, reason)
		})
	}
}

func TestABinaryMessageIsInvalid(t *testing.T) {
	t.Parallel()
	s := newWorld(t).dial()
	require.NoError(t, s.conn.Write(s.ctx, websocket.MessageBinary, []byte(`{"type":"ping"}`)))
	code, _ := s.closed()
	require.Equal(t, 4400, code)
}

func TestAnotherSubprotocolIsNotAcceptable(t *testing.T) {
	t.Parallel()
	for _, protocols := range [][]string{nil, {"graphql-ws"}} {
		code, reason := newWorld(t).connect(protocols...).closed()
		require.Equal(t, 4406, code)
		require.Contains(t, reason, "graphql-transport-ws")
	}
}

func TestOneOfSeveralSubprotocolsIsTaken(t *testing.T) {
	t.Parallel()
	s := newWorld(t).connect("graphql-ws", "graphql-transport-ws")
	require.Equal(t, "graphql-transport-ws", s.conn.Subprotocol())
	s.send(`{"type":"connection_init"}`)
	require.Equal(t, "connection_ack", s.receive().Type)
}

func TestOneWhoSaysNothingIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.Hello = 20 * time.Millisecond })
	silent := w.connect("graphql-transport-ws")
	pings := w.connect("graphql-transport-ws")
	pings.send(`{"type":"ping"}`)
	for _, s := range []*socket{silent, pings} {
		code, _ := s.closed()
		require.Equal(t, 4408, code)
	}
}

func TestOneWhoSaidHelloMayBeSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.Hello = time.Second })
	s := w.dial()
	other := w.connect("graphql-transport-ws")
	code, _ := other.closed() // the time that both had is over
	require.Equal(t, 4408, code)
	s.requireQuiet()
}

func TestAnIDInUseClosesTheConnection(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"1", `"`, strings.Repeat("é", 500), strings.Repeat("x", 9) + strings.Repeat("日本", 500)} {
		w := newWorld(t)
		w.add("A")
		s := w.dial()
		s.watch(id, "A")
		s.version(id)
		s.watch(id, "A")
		code, reason := s.closed()
		require.Equal(t, 4409, code)
		require.True(t, utf8.ValidString(reason), "%q", reason)
		require.Contains(t, reason, "Subscriber for ")
		w.requireNobody()
	}
}

func TestTooLargeAMessageClosesTheConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.MessageBytesMax = 2000 })
	s := w.dial()
	pong := fmt.Sprintf(`{"type":"ping","payload":{"x":%q}}`, strings.Repeat("x", 1900))
	s.send(pong)
	require.Equal(t, "pong", s.receive().Type)
	s.send(pong + strings.Repeat(" ", 2000))
	code, _ := s.closed()
	require.Equal(t, int(websocket.StatusMessageTooBig), code)
}

func TestAnyTextIsAnID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s := w.dial()
	for _, id := range []string{
		`"`, `\`, "\x00\n\u2028", "<script>&", "日本\U0001F600", " ", strings.Repeat("id", 50_000), `{"type":"complete"}`,
	} {
		s.watch(id, "A")
		require.EqualValues(t, 1, s.version(id))
		text, err := json.Marshal(map[string]string{"id": id, "type": "complete"})
		require.NoError(t, err)
		s.send(string(text))
		s.start(id, `{ __typename }`, nil)
		require.Equal(t, "next", s.receive().Type)
		s.requireComplete(id)
		s.start(id, `{ nothing }`, nil)
		s.requireRefused(id, "GRAPHQL_VALIDATION_FAILED")
	}
}

func TestAPongEchoesThePing(t *testing.T) {
	t.Parallel()
	s := newWorld(t).connect("graphql-transport-ws") // hello or not
	for _, payload := range []string{``, `,"payload":{"a":[1,{"b":null}],"n":12345678901234567890}`, `,"payload":null`, `,"id":"x"`} {
		s.send(`{"type":"ping"` + payload + `}`)
		m := s.receive()
		require.Equal(t, "pong", m.Type)
		if at := strings.Index(payload, `{`); at > 0 {
			require.Equal(t, payload[at:], string(m.Payload))
		}
	}
	s.send(`{"type":"pong","payload":{"nobody":"asked"}}`)
	s.requireQuiet()
}

func TestFieldsThatNobodyKnowsArePassedOver(t *testing.T) {
	t.Parallel()
	s := newWorld(t).connect("graphql-transport-ws")
	s.send(`{"type":"connection_init","payload":{"token":"x"},"more":[1]}`)
	require.Equal(t, "connection_ack", s.receive().Type)
	s.send(`{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","operationName":null,"variables":null,"extensions":null,"more":{"a":1}},"more":1}`)
	require.Equal(t, "next", s.receive().Type)
	s.requireComplete("1")
}

func TestCompletingWhatIsNotOpenIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s := w.connect("graphql-transport-ws")
	s.complete("before hello")
	s.send(`{"type":"connection_init"}`)
	require.Equal(t, "connection_ack", s.receive().Type)
	s.complete("1")
	s.send(`{"type":"complete"}`)
	s.watch("1", "A")
	s.version("1")
	s.complete("1")
	s.complete("1")
	s.requireQuiet()
}

func TestNothingComesAfterAComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A", "B")
	s := w.dial()
	s.watch("stays", "A")
	require.EqualValues(t, 1, s.version("stays"))
	for range 100 {
		s.watch("goes", "A")
		s.version("goes")
		s.complete("goes")
		s.requireQuiet() // the server has seen it
		require.Equal(t, w.change("A"), s.version("stays"))
		s.watch("goes", "B") // the id is free
		require.Equal(t, "B", s.next("goes").Data.AvailabilityChanged.SKU)
		s.complete("goes")
	}
	s.requireQuiet()
}

func TestQueriesAreAnsweredAndComplete(t *testing.T) {
	t.Parallel()
	s := newWorld(t).dial()
	s.start("1", `query Of($with: Boolean!) { __typename @include(if: $with) }`, map[string]any{"with": true})
	m := s.receive()
	require.Equal(t, "next", m.Type)
	require.JSONEq(t, `{"data":{"__typename":"Query"}}`, string(m.Payload))
	s.requireComplete("1")
	s.requireQuiet()
}

func TestWhatIsNoOperationIsRefusedInOneMessage(t *testing.T) {
	t.Parallel()
	s := newWorld(t).dial()
	for query, code := range map[string]string{
		`{ nothing }`:                    "GRAPHQL_VALIDATION_FAILED",
		`subscription { nothing { x } }`: "GRAPHQL_VALIDATION_FAILED",
		`{`:                              "GRAPHQL_PARSE_FAILED",
		``:                               "GRAPHQL_VALIDATION_FAILED",
		`query A { __typename } query B { __typename }`:                                                        "GRAPHQL_VALIDATION_FAILED",
		`query Of($with: Boolean!) { __typename @include(if: $with) }`:                                         "BAD_USER_INPUT",
		`subscription { a: availabilityChanged(skus: "A") { sku } b: availabilityChanged(skus: "B") { sku } }`: "GRAPHQL_VALIDATION_FAILED",
		`subscription { availabilityChanged(skus: "A") @skip(if: true) { sku } }`:                              "GRAPHQL_VALIDATION_FAILED",
		`subscription { ...F } fragment F on Subscription { ...F }`:                                            "GRAPHQL_VALIDATION_FAILED",
	} {
		s.start("1", query, nil)
		s.requireRefused("1", code)
	}
	s.requireQuiet()
}

func TestWholeNumbersOf64BitsStayWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.dial()
	for number, code := range map[string]string{"9007199254740991": "", "9007199254740993": "BAD_USER_INPUT", "9223372036854775808": "BAD_USER_INPUT", "1.0": "BAD_USER_INPUT"} {
		s.send(`{"type":"subscribe","id":"1","payload":{"query":"query Q($n: Long!) { reservations(first: 0, filter: {}) @skip(if: true) { edges { cursor } } skus(filter: {belowAvailable: $n}, first: 0) { edges { cursor } } }","variables":{"n":` + number + `}}}`)
		m := s.receive()
		if code != "" {
			require.Contains(t, string(m.Payload), code, number)
			require.Contains(t, string(m.Payload), "Long is a whole number", number)
		} else {
			require.NotContains(t, string(m.Payload), "Long is a whole number", number)
		}
		if m.Type == "next" {
			s.requireComplete("1")
		}
	}
}

func TestPersistedQueriesAreFoundAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s := w.dial()
	const query = `subscription { availabilityChanged(skus: [\"A\"]) { sku available version } }`
	hash := sha256.Sum256([]byte(strings.ReplaceAll(query, `\`, "")))
	extension := `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hex.EncodeToString(hash[:]) + `"}}`
	s.send(`{"type":"subscribe","id":"1","payload":{` + extension + `}}`)
	s.requireRefused("1", "PERSISTED_QUERY_NOT_FOUND")
	s.send(`{"type":"subscribe","id":"1","payload":{"query":"` + query + `",` + extension + `}}`)
	require.EqualValues(t, 1, s.version("1"))
	s.send(`{"type":"subscribe","id":"2","payload":{` + extension + `}}`)
	require.EqualValues(t, 1, s.version("2"))
	require.Equal(t, 1, w.streams.Executions(), "sent in full or by its hash, it is the same")
}

func TestAMutationThatPanicsEndsItsOperationAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // without a repository
	w.add("A")
	s := w.dial()
	s.watch("1", "A")
	s.version("1")
	s.start("2", `mutation { releaseHold(input: {reservationId: "x"}) { replayed } }`, nil)
	s.requireFailed("2", "INTERNAL")
	require.Equal(t, w.change("A"), s.version("1"))
}

func TestAPanicWhileAnOperationIsCheckedIsTheClientsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.extensions = append(s.extensions, panics{}) })
	w.add("A")
	s := w.dial()
	s.watch("1", "A")
	s.version("1")
	s.start("2", `query Panic { __typename }`, nil)
	refused := s.requireRefused("2", "INTERNAL")
	require.NotEmpty(t, refused.Extensions.RequestID)
	require.Contains(t, w.log.String(), "panics.MutateOperationContext")
	require.NotContains(t, fmt.Sprint(refused)+w.log.String(), "as told")
	require.Equal(t, w.change("A"), s.version("1"))
}

func TestFramesSentAlongWithTheHandshakeAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	r := w.raw(frame(opText, `{"type":"connection_init"}`), frame(opText, `{"type":"subscribe","id":"1","payload":{"query":"subscription { availabilityChanged(skus: [\"A\"]) { version } }"}}`))
	require.Contains(t, r.frame(), "connection_ack")
	require.Contains(t, r.frame(), `"version":1`)
}

var _ streams.Observer = (*observer)(nil)
