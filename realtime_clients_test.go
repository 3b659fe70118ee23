package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

const realtimePage = "docs/realtime.md"

// The screens of docs/realtime.md print every change of one SKU, and go on by
// themselves when their server is back.
func TestScreensOfTheRealtimePageSurviveARestart(t *testing.T) {
	t.Parallel()
	page, dir := readPage(t, realtimePage), clientPackages.dir(t)
	database := "DATABASE_URL=" + pgtest.URL(t)
	s := startServer(t, database, "HOLDFAST_DEMO=true")
	other := startServer(t, database)

	screens := map[string]*script{}
	for _, name := range []string{"graphql-ws.mjs", "graphql-sse.mjs", "apollo.mjs", "urql.mjs", "eventsource.mjs"} {
		screens[name] = page.run(t, s, dir, name)
	}
	requireLine := func(line string) {
		t.Helper()
		for name, screen := range screens {
			require.Equal(t, line, screen.line(), name)
		}
	}
	requireLine("POSTER-A2: 5 available, version 1")
	s.mutate("createHold", holdOf("first", "POSTER-A2", 1))
	requireLine("POSTER-A2: 4 available, version 2")

	require.NoError(t, s.wait())
	other.mutate("createHold", holdOf("meanwhile", "POSTER-A2", 1))
	s = startServer(t, database, "HOLDFAST_ADDR="+strings.TrimPrefix(s.url, "http://"))
	requireLine("POSTER-A2: 3 available, version 3")
	s.mutate("createHold", holdOf("last", "POSTER-A2", 1))
	requireLine("POSTER-A2: 2 available, version 4")
}

func TestHoldOfTheRealtimePageIsWatchedToItsEnd(t *testing.T) {
	t.Parallel()
	page, dir := readPage(t, realtimePage), clientPackages.dir(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_DEMO=true")
	hold := page.run(t, s, dir, "hold.mjs")
	for _, line := range []string{"HELD", "EXPIRED", "the hold has ended"} {
		require.Equal(t, line, hold.line())
	}
	require.NoError(t, hold.wait())
}

func TestFeedOfTheRealtimePageResumesWithoutAGap(t *testing.T) {
	t.Parallel()
	page, dir := readPage(t, realtimePage), clientPackages.dir(t)
	database := "DATABASE_URL=" + pgtest.URL(t)
	s := startServer(t, database, "HOLDFAST_DEMO=true")
	other := startServer(t, database)

	var log struct{ Edges []struct{ Cursor string } }
	a := s.query(`{ auditLog(first: 1, filter: {sku: "POSTER-A2"}) { edges { cursor } } }`, nil)
	require.NoError(t, json.Unmarshal(a.Data["auditLog"], &log))
	const script, fromNowOn = "stock-changes.mjs", "after: null"
	require.Contains(t, page.files[script], fromNowOn)
	page.files[script] = strings.Replace(page.files[script], fromNowOn, "after: '"+log.Edges[0].Cursor+"'", 1)
	feed := page.run(t, s, dir, script)

	id := s.mutate("createHold", holdOf("first", "POSTER-A2", 1)).Reservation.ID
	require.Equal(t, "POSTER-A2: HELD made version 2", feed.line())
	require.NoError(t, s.wait())
	other.mutate("convertHold", map[string]any{"reservationId": id})
	other.mutate("createHold", holdOf("meanwhile", "POSTER-A2", 1))
	s = startServer(t, database, "HOLDFAST_ADDR="+strings.TrimPrefix(s.url, "http://"))
	require.Equal(t, "POSTER-A2: CONVERTED made version 3", feed.line())
	require.Equal(t, "POSTER-A2: HELD made version 4", feed.line())
	s.mutate("cancelAllocation", map[string]any{"reservationId": id})
	require.Equal(t, "POSTER-A2: CANCELLED made version 5", feed.line())
}

func TestCurlOfTheRealtimePageFollowsUntilTheServerStops(t *testing.T) {
	t.Parallel()
	page := readPage(t, realtimePage)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_DEMO=true")
	curl := page.curls[0].run(t, s)
	event := func(available, version int) []string {
		return []string{
			"event: next",
			fmt.Sprintf(`data: {"data":{"availabilityChanged":{"sku":"POSTER-A2","available":%d,"version":%d}}}`, available, version),
			"",
		}
	}
	shown := append([]string{":", ""}, event(5, 1)...)
	for _, line := range shown {
		require.Equal(t, line, curl.line())
	}
	require.Contains(t, page.text, strings.Join(event(5, 1)[:2], "\n"), "the page shows what curl prints")
	s.mutate("createHold", holdOf("t", "POSTER-A2", 1))
	for _, line := range event(4, 2) {
		require.Equal(t, line, curl.line())
	}
	require.NoError(t, s.wait())
	require.ErrorContains(t, curl.wait(), "exit status 18", "a stream that ends in order is one that is complete")
}

func TestClientLibrariesWorkAsTheySay(t *testing.T) {
	t.Parallel()
	for _, library := range []string{"graphql-ws", "graphql-sse"} {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			dir := clientPackages.dir(t)
			s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_SUBSCRIPTIONS_MAX=3", "HOLDFAST_CONNECTIONS_MAX=4")
			require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/clients")))
			run(t, dir, "node", library+".mjs", s.url)
		})
	}
}
