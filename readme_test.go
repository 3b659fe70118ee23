package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

// Each call in the README is followed by its answer. Ids and times differ from
// run to run.
var (
	readmeCall   = regexp.MustCompile(`(?s)-d '(\{.*?\})'\n` + "```\n\n```json\n(.*?)\n```")
	idOrTime     = regexp.MustCompile(`"[0-9a-f-]{36}"|"\d{4}-\d\d-\d\dT[0-9:.]+Z"`)
	withoutThose = func(text string) string { return idOrTime.ReplaceAllString(text, `"…"`) }
)

func TestREADMEsCallsAnswerAsItSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_DEMO=true")
	calls := readmeCall.FindAllStringSubmatch(string(text), -1)
	require.Len(t, calls, 2)
	for _, call := range calls {
		response, err := http.Post(s.url+"/graphql", "application/json", strings.NewReader(call[1]))
		require.NoError(t, err)
		require.Equal(t, withoutThose(call[2]), withoutThose(body(t, response)))
	}
}
