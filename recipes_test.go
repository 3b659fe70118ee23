package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

// A step of a recipe is an operation, followed by its answer.
var (
	recipeStep = regexp.MustCompile("(?s)```graphql\n([^#].*?)\n```\n\n```json\n(.*?)\n```")
	quotedID   = regexp.MustCompile(`"[0-9a-f-]{36}"`)
)

// toExpire is what the hold asks for that the page lets run out.
const toExpire = "ttlSeconds: 900"

// cook follows the page's recipes with a server.
type cook struct {
	s *server
	// ids are the reservations' own, by what the page calls them.
	ids map[string]string
}

func TestRecipesOfTheClientsPageAnswerAsItSays(t *testing.T) {
	t.Parallel()
	page := readPage(t, clientsPage)
	steps := recipeStep.FindAllStringSubmatch(page.text, -1)
	require.Len(t, steps, strings.Count(page.text, "\nmutation {"), "each operation is followed by its answer")
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_DEMO=true")
	c := cook{s, map[string]string{}}
	for _, step := range steps {
		operation, shown := step[1], step[2]
		if strings.Contains(operation, toExpire) {
			c.awaitEnd(t, c.follow(t, strings.Replace(operation, toExpire, "ttlSeconds: 1", 1), shown))
		} else {
			c.follow(t, operation, shown)
		}
	}
	s.requireConsistent()
}

// follow makes a step, and returns its answer.
func (c cook) follow(t *testing.T, operation, shown string) string {
	t.Helper()
	operation = quotedID.ReplaceAllStringFunc(operation, func(id string) string {
		if own, known := c.ids[id]; known {
			return own
		}
		return id
	})
	request, err := json.Marshal(map[string]string{"query": operation})
	require.NoError(t, err)
	response, err := http.Post(c.s.url+"/graphql", "application/json", bytes.NewReader(request))
	require.NoError(t, err)
	answer := body(t, response)
	require.JSONEq(t, withoutThose(shown), withoutThose(answer), operation)
	c.learn(t, shown, answer)
	return answer
}

// learn notes which reservations the page speaks of.
func (c cook) learn(t *testing.T, shown, answer string) {
	t.Helper()
	own := quotedID.FindAllString(answer, -1)
	for i, id := range quotedID.FindAllString(shown, -1) {
		if known, again := c.ids[id]; again {
			require.Equal(t, known, own[i], "the same reservation")
		}
		c.ids[id] = own[i]
	}
}

// awaitEnd returns once the hold that was answered has ended.
func (c cook) awaitEnd(t *testing.T, answer string) {
	t.Helper()
	w := c.s.dial(t)
	w.subscribe("1", "reservationChanged(id: "+quotedID.FindString(answer)+") { status }")
	for message := w.receive(); message.Type != "complete"; {
		message = w.receive()
	}
}
