package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

// placeShort has the page place holds that last as long as this, which is
// shorter than people are offered.
const placeShort = `document.querySelector('#ttl').selectedOptions[0].value = '1'`

func TestBoardShowsHoldsFromTheirPlacingToTheirEnd(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("POSTER", 5)
	board, response := openTab(t, browser, s.url+"/live")
	require.Contains(t, response.Headers["Content-Security-Policy"], "default-src 'none'")
	board.awaitText("#connection .state", "Live")
	board.awaitText(".available", "5")

	board.click(".place")
	board.awaitText(".available", "4")
	board.awaitText(".reserved", "1")
	board.awaitText(".hold .what", "1 × POSTER")
	board.awaitText(".hold .countdown", "0:")
	left := board.text(".hold .countdown")
	board.await("document.querySelector('.hold .countdown').textContent !== " + quote(left))
	require.Less(t, board.text(".hold .countdown"), left)
	board.click(".hold .extend")
	board.awaitText(".hold .countdown", "1:")

	board.click(".hold .release")
	board.awaitText(".hold .message", "Released")
	board.awaitText(".available", "5")

	board.click(".more")
	board.click(".place")
	board.awaitText(".available", "3")
	board.click(`.hold[data-status="HELD"] .convert`)
	board.awaitText(`.hold[data-status="ALLOCATED"] .message`, "Converted")
	board.awaitText(".allocated", "2")

	board.click(".place")
	board.awaitText(`.hold[data-status="HELD"] .what`, "2 × POSTER")
	board.click(".place")
	board.awaitText(".tile .message", "Only 1 left. A hold ends in 0:")
	board.click(`.hold[data-status="HELD"] .release`)
	board.awaitText(".available", "3")

	board.run(placeShort)
	board.click(".place")
	board.awaitText(`.hold[data-status="EXPIRED"] .message`, "Expired")
	board.awaitText(".available", "3")
	board.await("document.querySelectorAll('.hold').length === 0")
	board.requireQuiet(s)
}

func TestBoardShowsWhatIsDoneElsewhere(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	url := pgtest.URL(t)
	here, there := startServer(t, "DATABASE_URL="+url), startServer(t, "DATABASE_URL="+url)
	here.createSKU("POSTER", 5)
	first, _ := openTab(t, browser, here.url+"/live")
	second, _ := openTab(t, browser, here.url+"/live")
	far, _ := openTab(t, browser, there.url+"/live")
	for _, board := range []*tab{first, second, far} {
		board.awaitText("#connection .state", "Live")
		board.awaitText(".available", "5")
	}

	first.click(".place")
	first.awaitText(".hold .countdown", "0:")
	first.awaitText(".available", "4")
	second.awaitText(".available", "4")
	second.awaitText(".reserved", "1")
	id := first.attribute(".hold", "data-id")
	require.Empty(t, here.mutate("convertHold", map[string]any{"reservationId": id}).codes())
	first.awaitText(".hold .message", "Converted")
	second.awaitText(".allocated", "1")

	// And on the other server.
	far.awaitText(".allocated", "1")
	far.awaitText(".available", "4")
	far.click(".place")
	far.awaitText(".hold .countdown", "0:")
	far.awaitText(".available", "3")
	first.awaitText(".available", "3")
	require.Empty(t, here.mutate("releaseHold", map[string]any{"reservationId": far.attribute(".hold", "data-id")}).codes())
	far.awaitText(".hold .message", "Released")
	for _, board := range []*tab{first, second, far} {
		board.awaitText(".available", "4")
	}
	first.requireQuiet(here)
	far.requireQuiet(there)
}

func TestBoardComesBackAfterARestart(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	url := pgtest.URL(t)
	stopped, other := startServer(t, "DATABASE_URL="+url), startServer(t, "DATABASE_URL="+url)
	stopped.createSKU("POSTER", 5)
	board, _ := openTab(t, browser, stopped.url+"/live?sku=POSTER&sku=GHOST")
	board.awaitText("#notice", "Not known here: GHOST.")
	board.click(".place")
	board.awaitText(".hold .countdown", "0:")
	board.awaitText(".available", "4")

	require.NoError(t, stopped.wait())
	board.await("document.body.dataset.connection === 'restarting' || document.body.dataset.connection === 'reconnecting'")
	require.Empty(t, other.mutate("createHold", holdOf("meanwhile", "POSTER", 3)).codes())

	startServer(t, "DATABASE_URL="+url, "HOLDFAST_ADDR="+strings.TrimPrefix(stopped.url, "http://"))
	board.awaitText("#connection .state", "Live")
	board.awaitText(".available", "1")
	board.click(".hold .release")
	board.awaitText(".hold .message", "Released")
	board.awaitText(".available", "2")

	board.click(".place")
	board.awaitText(`.hold[data-status="HELD"] .countdown`, "0:")
	require.NoError(t, chromedp.Do(board.ctx, chromedp.Reload()))
	board.awaitText(".hold .what", "1 × POSTER")
	board.click(".hold .release")
	board.awaitText(".available", "2")
}

func TestBoardOfAnEmptyDatabaseTellsHowToBegin(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	board, _ := openTab(t, browser, s.url+"/live")
	board.awaitText("#empty:not([hidden]) h2", "Nothing on the shelf yet")
	s.createSKU("MUG-BLUE", 10)
	board.awaitText(".available", "10")
	board.await("document.querySelector('#empty').hidden")

	board, _ = openTab(t, browser, s.url+"/live?search=teapot")
	board.awaitText("#notice", "Nothing is called “teapot”.")
	board.requireQuiet(s)
}
