package streams_test

import (
	"io"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// awaitLine waits for a line of the log, and returns what its group matches.
func (w *world) awaitLine(pattern string) (found string) {
	w.t.Helper()
	line := regexp.MustCompile(`(?m)^.*msg=request.*` + pattern + `.*$`)
	w.eventually(func(c *assert.CollectT) {
		match := line.FindStringSubmatch(w.log.String())
		if assert.NotEmpty(c, match, "%s in %s", pattern, w.log.String()) && len(match) > 1 {
			found = match[1]
		}
	})
	return found
}

// An event counts once it was written, which its client may know before.
func TestEachOperationOfAWebSocketIsLoggedOnceItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s := w.dial()
	handshake := w.awaitLine(`method=GET path=/graphql status=101 .*requestId=(\w+)`)

	s.watch("1", "A")
	s.version("1")
	w.change("A")
	s.version("1")
	require.NotContains(t, w.log.String(), "requestId="+handshake+"/1")
	s.complete("1")
	w.awaitLine(`transport=websocket type=subscription field=availabilityChanged .*outcome=done events=[12] .*requestId=` + handshake + "/1")

	s.start("2", `query Check { __typename }`, nil)
	w.awaitLine(`transport=websocket type=query field=__typename operation=Check outcome=done durationMs=.*requestId=` + handshake + "/2")
	s.start("3", `{ nothing }`, nil)
	w.awaitLine(`outcome=GRAPHQL_VALIDATION_FAILED .*requestId=` + handshake + "/3")
	s.watch("4", "unknown")
	w.awaitLine(`outcome=BAD_USER_INPUT events=\d .*requestId=` + handshake + "/4")

	lost := w.dial()
	lost.start("1", `subscription Lost { availabilityChanged(skus: ["A"]) { version } }`, nil)
	lost.version("1")
	require.NoError(t, lost.conn.CloseNow())
	w.awaitLine(`operation=Lost outcome=done events=[01] `)
}

func TestWhoSharesAnExecutionIsLoggedWithTheirOwnOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	follower, joiner := w.dial(), w.dial()
	follower.watch("1", "A")
	follower.version("1")
	w.fail(assert.AnError)
	joiner.watch("2", "A")
	failed := joiner.requireFailed("2", "INTERNAL")
	w.awaitLine(`outcome=INTERNAL .*requestId=` + failed.Extensions.RequestID)
	follower.complete("1")
	w.awaitLine(`outcome=done events=[01] `)
}

func TestAnEventStreamIsLoggedAsTheRequestItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	response := w.post(`{"query": "query Check { __typename }"}`, "text/event-stream")
	_, err := io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, response.Header.Get("X-Request-Id"), w.awaitLine(`method=POST path=/graphql status=200 type=query field=__typename operation=Check outcome=done .*requestId=(\w+)`))
}
