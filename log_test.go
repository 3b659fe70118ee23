package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

// marked is in all that isn't to be logged.
const marked = "hunter2"

func TestNoSecretIsLoggedWhateverFails(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	named, err := url.Parse(database)
	require.NoError(t, err)
	password, _ := named.User.Password()
	require.NotEmpty(t, password)
	s := startServer(t, "DATABASE_URL="+database, "HOLDFAST_LOG_LEVEL=debug")
	s.createSKU("A", 5)
	execute(t, database, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM NEW.holder::int; RETURN NEW; END';
		CREATE TRIGGER refuse BEFORE INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION refuse()`)

	input := func(quantity string) string {
		return `{clientToken: "` + marked + `-1", lines: [{sku: "A", quantity: ` + quantity + `}], holder: "` + marked + `", reference: "` + marked + `", metadata: {note: "` + marked + `"}}`
	}
	const payload = " { reservation { id } userErrors { code } }"
	hold := func(quantity string) string {
		return "mutation Buy { createHold(input: " + input(quantity) + ")" + payload + " }"
	}
	variable := holdOf(marked, "A", 1)
	variable["holder"] = marked
	for query, variables := range map[string]map[string]any{
		hold("1"):       nil,
		hold("9"):       nil,
		hold("0"):       nil,
		hold("1.5"):     nil,
		hold("1") + "}": nil,
		`{ sku(sku: "` + marked + `") { nothing } }`:                                            nil,
		`{ sku(sku: "` + marked + `") { name } }`:                                               nil,
		`{ skus(after: "` + marked + `") { edges { cursor } } }`:                                nil,
		`{ reservation(by: {clientToken: "` + marked + `"}) { id } }`:                           nil,
		`mutation ($input: CreateHoldInput!) { createHold(input: $input)` + payload + ` }`:      {"input": variable},
		`mutation Wrong($input: CreateHoldInput!) { createHold(input: $input)` + payload + ` }`: {"input": map[string]any{"clientToken": []string{marked}, "x": marked}},
	} {
		s.sendMarked("application/json", query, variables)
		s.sendMarked("text/event-stream", query, variables)
		w := s.dial(t)
		body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
		require.NoError(t, err)
		w.send(socketMessage{ID: marked, Type: "subscribe", Payload: body})
		w.receive()
	}
	s.get("/graphql?query=" + url.QueryEscape(`{ sku(sku: "`+marked+`") { name } }`))
	failed := s.query(hold("1"), nil)
	require.Equal(t, "INTERNAL", failed.Errors[0].Extensions.Code)
	execute(t, database, "DROP TABLE reservations CASCADE")
	s.query(`{ reservation(by: {clientToken: "`+marked+`"}) { id } }`, nil)
	require.NoError(t, s.wait())

	log := s.log.String()
	require.NotContains(t, strings.ToLower(log), marked)
	require.NotContains(t, log, password)
	for _, told := range []string{"SQLSTATE=22P02", "INSUFFICIENT_STOCK", "GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT", `"operation":"Buy"`, `"transport":"websocket"`} {
		require.Contains(t, log, told)
	}
	require.Contains(t, log, `"msg":"a request failed","error":`)
	require.Regexp(t, `"msg":"a request failed".*"requestId":"`+failed.Errors[0].Extensions.RequestID+`"`, log)
}

func TestTheLogTellsWhenAServerBeganAndEnded(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	require.NoError(t, s.wait())
	address := strings.TrimPrefix(s.url, "http://")
	require.Regexp(t, `(?s)"msg":"serving","address":"`+address+`","version":"\S+".*"msg":"stopped"`, s.log.String())
}

// sendMarked sends an operation with headers that hold secrets, and waits for
// the end of its answer.
func (s *server) sendMarked(accept, query string, variables map[string]any) {
	s.t.Helper()
	text, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(s.t, err)
	request, err := http.NewRequest(http.MethodPost, s.url+"/graphql?apiKey="+marked, strings.NewReader(string(text)))
	require.NoError(s.t, err)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": accept, "Authorization": "Bearer " + marked, "Cookie": "session=" + marked,
		"X-Api-Key": marked, "X-Request-Id": "not fit: " + marked, "User-Agent": marked, "Referer": "http://" + marked + "/",
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	body(s.t, response)
}
