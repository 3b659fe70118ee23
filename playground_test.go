package main

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

// result is the answer that the Playground shows, and variables the variables
// of the open tab, as its editors have them.
const (
	result    = `document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()`
	variables = `document.querySelector('[aria-label="Variables"] .CodeMirror')?.CodeMirror`
)

// openPlayground opens the Playground, once it is there.
func openPlayground(t *testing.T, s *server) *tab {
	t.Helper()
	p, response := openTab(t, startBrowser(t), s.url+"/")
	require.Contains(t, response.Headers["Content-Security-Policy"], "script-src 'self';")
	p.await(`document.querySelector('.result-window .CodeMirror') && ` + variables + ` && document.querySelectorAll('.graphiql-tab').length > 1`)
	return p
}

// openExample opens the example of that name. GraphiQL knows a moment later what
// there is to run.
func (p *tab) openExample(name string) {
	p.t.Helper()
	p.run(`[...document.querySelectorAll('.graphiql-tab-button')].find((button) => button.textContent === ` + quote(name) + `).click()`)
	p.await(`document.querySelector('.graphiql-query-editor .CodeMirror')?.CodeMirror?.operationName === ` + quote(name))
}

// runExample runs what is open, and waits for an answer that has all of these.
func (p *tab) runExample(wanted ...string) {
	p.t.Helper()
	p.run(`document.querySelector('.result-window .CodeMirror').CodeMirror.setValue('')`)
	p.click(".graphiql-execute-button")
	for _, text := range wanted {
		p.await(result + ".includes(" + quote(text) + ")")
	}
}

// value evaluates an expression to text.
func (p *tab) value(expression string) string {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	require.NoError(p.t, err)
	return value
}

// awaitKept waits until GraphiQL has put into storage that a token is in the
// open tab.
func (p *tab) awaitKept(token string) {
	p.t.Helper()
	for _, place := range []string{"tabState", "variables"} {
		p.await(`localStorage.getItem('holdfast:graphiql:` + place + `')?.includes(` + quote(token) + `)`)
	}
}

const (
	token         = `JSON.parse(` + variables + `.getValue()).input.clientToken`
	reservationID = `JSON.parse(` + result + `).data.createHold.reservation.id`
)

func TestPlaygroundTakesANewcomerThroughASaleWithoutTheInternet(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	p := openPlayground(t, s)
	p.runExample(`"sku": "MUG-BLUE"`, `"available": 10`)
	p.openExample("CheckStock")
	p.runExample(`"available": 10`)

	p.openExample("Hold")
	firstToken := p.value(token)
	require.Regexp(t, "^playground-[0-9a-f]{32}$", firstToken)
	p.runExample(`"status": "HELD"`, `"replayed": false`)
	first := p.value(reservationID)
	p.runExample(`"replayed": true`)
	require.Equal(t, first, p.value(reservationID))

	p.openExample("Convert")
	p.run(variables + `.setValue(` + quote(`{"input": {"reservationId": "`+first+`"}}`) + `)`)
	p.runExample(`"status": "ALLOCATED"`)

	p.openExample("Hold")
	p.await(token + " !== " + quote(firstToken))
	p.runExample(`"status": "HELD"`, `"replayed": false`)
	second := p.value(reservationID)
	require.NotEqual(t, first, second)
	p.openExample("Release")
	p.run(variables + `.setValue(` + quote(`{"input": {"reservationId": "`+second+`"}}`) + `)`)
	p.runExample(`"status": "RELEASED"`)

	p.openExample("RefusedOversell")
	p.runExample(`"code": "INSUFFICIENT_STOCK"`)
	p.openExample("WatchSku")
	p.runExample(`"available": 8`)
	s.mutate("createAllocation", map[string]any{"clientToken": "elsewhere", "lines": []any{map[string]any{"sku": "MUG-BLUE", "quantity": 1}}})
	p.await(result + `.includes('"available": 7')`)
	p.requireQuiet(s)
}

func TestPlaygroundGivesFreshTokensToWhoComesBack(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	p := openPlayground(t, s)
	p.openExample("Hold")
	before := p.value(token)
	p.awaitKept(before)
	p.run(`window.isBefore = true`)
	require.NoError(t, chromedp.Do(p.ctx, chromedp.Reload()))
	p.await(`!window.isBefore && document.querySelector('.graphiql-tab-active')?.textContent.startsWith('Hold') && ` + variables + `?.getValue()`)
	require.NotEqual(t, before, p.value(token))
	p.run(variables + `.setValue('{"input": {"clientToken": "my own"}}')`)
	p.awaitKept("my own")
	p.openExample("CheckStock")
	p.openExample("Hold")
	require.Equal(t, "my own", p.value(token))
	p.requireQuiet(s)
}

// GraphiQL itself mixes up the texts of tabs that are opened so early.
func TestPlaygroundSurvivesATabThatIsOpenedBeforeThereAreEditors(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	p := openPlayground(t, s)
	p.onNewPage(`new MutationObserver((_, observer) => {
		const hold = [...document.querySelectorAll('.graphiql-tab-button')].find((button) => button.textContent === 'Hold');
		if (hold) {
			observer.disconnect();
			window.hadEditors = document.querySelector('.CodeMirror') !== null;
			hold.click();
		}
	}).observe(document, {childList: true, subtree: true})`)
	require.NoError(t, chromedp.Do(p.ctx, chromedp.Reload()))
	p.await(`window.hadEditors === false && ` + variables)
	p.openExample("CheckStock")
	p.requireQuiet(s)
}

func TestPlaygroundSendsTheHeadersOfItsEditor(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	p := openPlayground(t, s)
	p.run(`[...document.querySelectorAll('.graphiql-editor-tools button')].find((button) => button.textContent === 'Headers').click()`)
	p.await(`document.querySelector('[aria-label="Headers"]')`) // which has both editors in it
	p.run(`[...document.querySelectorAll('[aria-label="Headers"] .CodeMirror')].at(-1).CodeMirror.setValue('{"X-Shop": "the one"}')`)
	p.runExample(`"sku": "MUG-BLUE"`)
	require.Equal(t, "the one", p.lastHeaders()["X-Shop"])
	p.requireQuiet(s)
}

func TestPlaygroundDoesWithoutTheSchemaWhereThatIsNotTold(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_INTROSPECTION=false")
	for _, query := range []string{
		"{ __schema { queryType { name } } }", `{ __type(name: "Sku") { name } }`, "{ ... { ...a } } fragment a on Query { hidden: __schema { description } }",
	} {
		a := s.query(query, nil)
		require.Len(t, a.Errors, 1, query)
		require.Equal(t, "FORBIDDEN", a.Errors[0].Extensions.Code)
	}
	a := s.query("{ __typename skuu }", nil)
	require.NotContains(t, a.Errors[0].Message, "Did you mean")
	a = s.query("{ __typename }", nil)
	require.Empty(t, a.Errors)

	p := openPlayground(t, s)
	p.runExample(`"sku": "MUG-BLUE"`)
	p.openExample("WatchSku")
	p.runExample(`"available": 10`)
	p.requireQuiet(s)
}

func TestPlaygroundThatIsTurnedOffLeavesALineInItsPlace(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_PLAYGROUND=false")
	status, text := s.get("/")
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "The Playground is turned off (HOLDFAST_PLAYGROUND). GraphQL is answered at /graphql.\n", text)
	status, _ = s.get("/playground/playground.js")
	require.Equal(t, http.StatusNotFound, status)
	status, _ = s.get("/live")
	require.Equal(t, http.StatusOK, status)
}
