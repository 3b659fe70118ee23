package web

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheMediaTypeIsTheOneThatTheClientWouldRatherHave(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ accept, chosen string }{
		{"", typeJSON},
		{"*/*", typeJSON},
		{"application/*", typeJSON},
		{"application/json", typeJSON},
		{"Application/JSON; charset=UTF-8", typeJSON},
		{"application/graphql-response+json", typeResponse},
		{"application/graphql-response+json; charset=utf-8", typeResponse},
		{"application/graphql-response+json, application/json;q=0.9", typeResponse},
		{"application/json;q=0.9, application/graphql-response+json", typeResponse},
		{"application/graphql-response+json;q=0.5, application/json", typeJSON},
		{"application/graphql-response+json, application/json", typeResponse},
		{"application/json, application/graphql-response+json", typeJSON},
		{"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed", typeResponse},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", typeJSON},
		{"application/graphql-response+json, */*", typeResponse},
		{"application/json, */*", typeJSON},
		{"application/json;q=0, */*", typeResponse},
		{"*/*, application/graphql-response+json;q=0", typeJSON},
		{"application/*;q=0.5, application/json;q=0.4", typeResponse},
		{"text/event-stream, application/json", typeJSON},
		{"application/json;charset=latin1, application/graphql-response+json;q=0.1", typeResponse},
		{"application/json;q=high, application/graphql-response+json;q=0.1", typeResponse},
		{"application/json;q=NaN, application/graphql-response+json;q=0.1", typeResponse},
		{";;, application/graphql-response+json,,", typeResponse},
		{"text/html", ""},
		{"text/event-stream", ""},
		{"application/json;q=0", ""},
		{"*/*;q=0", ""},
		{"application/json;charset=utf-16", ""},
		{"nonsense", ""},
	} {
		chosen, acceptable := negotiate([]string{c.accept})
		require.Equal(t, c.chosen != "", acceptable, c.accept)
		if acceptable {
			require.Equal(t, c.chosen, chosen.name, c.accept)
		}
	}
	chosen, acceptable := negotiate([]string{"text/html", "application/graphql-response+json"})
	require.True(t, acceptable)
	require.Equal(t, typeResponse, chosen.name)
}
