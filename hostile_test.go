//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

// hostile is a request that means harm, or may.
type hostile struct {
	name string
	// send sends it, and says in a few words how it was answered, as want does.
	send func(*target) string
	want string
}

// A hostile request is met right when
//
//  1. it is refused with the code that is meant for it,
//  2. the server still answers others, and keeps nothing of who has gone,
//  3. the database is as it was, all of it,
//  4. the log has no complaint, and no answer shows what is inside.
func TestHostileRequestsAreRefusedAndChangeNothing(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	s := newTarget(t, database)
	before, idle := contents(t, database), s.goroutines()
	var sent int
	for _, part := range []struct {
		name     string
		requests []hostile
	}{
		{"GraphQL", hostileOperations()},
		{"HTTP", hostileRequests()},
		{"WebSocket", hostileSockets()},
		{"domain", s.hostileInput()},
		{"configuration", hostileEnvironments(database)},
	} {
		for _, h := range part.requests {
			assert.Equal(t, h.want, h.send(s), "%s: %s", part.name, h.name)
			status, _ := s.get("/healthz")
			require.Equal(t, http.StatusOK, status, "after %s: %s", part.name, h.name)
		}
		sent += len(part.requests)
		require.Equal(t, before, contents(t, database), part.name)
		s.client.CloseIdleConnections()
		require.Eventually(t, func() bool { return s.goroutines() <= idle }, patience, 10*time.Millisecond, "%s: some are still served", part.name)
	}
	require.GreaterOrEqual(t, sent, 250)
	s.requireConsistent()
	s.requireStops()
	for line := range strings.Lines(s.said.String()) {
		requireNoFault(t, line)
	}
}

// requireNoFault has the line of a log tell of nothing that the server is to blame
// for: a request that was slow is the machine's doing.
func requireNoFault(t *testing.T, line string) {
	t.Helper()
	var logged struct {
		Level, Msg string
		DurationMs float64
	}
	require.NoError(t, json.Unmarshal([]byte(line), &logged), line)
	if logged.Msg != "request" || logged.DurationMs < 1000 {
		require.Equal(t, "INFO", logged.Level, line)
	}
}

// target is the server that hostile requests are sent to.
type target struct {
	*process
	client *http.Client
	// The reservations that it has, by how far they have come.
	held, released, allocated, fulfilled string
}

func newTarget(t *testing.T, database string) *target {
	t.Helper()
	s := &target{
		process: startProgram(t, t.TempDir(), "DATABASE_URL="+database, "HOLDFAST_WATCHED_SKUS_MAX=250"),
		client:  &http.Client{Transport: &http.Transport{}},
	}
	s.createSKU("GOOD", 10)
	hold := func(token string) string { return s.mutate("createHold", holdOf(token, "GOOD", 1)).Reservation.ID }
	s.held, s.released = hold("held"), hold("released")
	s.mutate("releaseHold", map[string]any{"reservationId": s.released})
	allocate := func(token string) string {
		return s.mutate("createAllocation", holdOf(token, "GOOD", 1)).Reservation.ID
	}
	s.allocated, s.fulfilled = allocate("allocated"), allocate("fulfilled")
	s.mutate("fulfillAllocation", map[string]any{"reservationId": s.fulfilled})
	return s
}

func (s *target) goroutines() float64 {
	return s.scrape()["go_goroutines"].GetMetric()[0].GetGauge().GetValue()
}

// described says in a few words what an answer is: its status, the code of its
// first refusal, and the limit or the field that it names.
func described(t assert.TestingT, status int, text string) string {
	assert.NotRegexp(t, leaks, text)
	words := []string{fmt.Sprint(status)}
	var a struct {
		Data   map[string]json.RawMessage
		Errors []refusedFor
	}
	if json.Unmarshal([]byte(text), &a) != nil {
		return words[0]
	}
	for _, root := range a.Data {
		var p payload
		_ = json.Unmarshal(root, &p)
		for _, e := range p.UserErrors[:min(1, len(p.UserErrors))] {
			words = append(words, e.Code, strings.Join(e.Field, "."))
		}
	}
	if len(a.Errors) > 0 {
		words = append(words, a.Errors[0].String())
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// refusedFor is one of an answer's errors.
type refusedFor struct {
	Extensions struct {
		Code  string
		Limit struct{ Name string }
		Field []string
	}
}

func (e refusedFor) String() string {
	x := e.Extensions
	return strings.TrimSpace(x.Code + " " + x.Limit.Name + strings.Join(x.Field, "."))
}
