package wire

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

func TestAResponseHasWhatThereIs(t *testing.T) {
	t.Parallel()
	failed := gqlerror.List{{Message: "no \"luck\"", Extensions: map[string]any{"code": "INTERNAL"}}}
	const errors = `"errors":[{"message":"no \"luck\"","extensions":{"code":"INTERNAL"}}]`
	for wanted, response := range map[string]graphql.Response{
		`{"data":{"a":1}}`:                                   {Data: json.RawMessage(`{"a":1}`)},
		`{` + errors + `}`:                                   {Errors: failed},
		`{` + errors + `,"data":null}`:                       {Errors: failed, Data: json.RawMessage(`null`)},
		`{` + errors + `,"data":{},"extensions":{"cost":1}}`: {Errors: failed, Data: json.RawMessage(`{}`), Extensions: map[string]any{"cost": 1}},
		`{"data":{},"extensions":{"cost":1}}`:                {Data: json.RawMessage(`{}`), Extensions: map[string]any{"cost": 1}},
	} {
		encoded := Encode(&response)
		require.Equal(t, wanted, string(encoded.Bytes()))
		require.Equal(t, len(wanted), encoded.Len())
		var written bytes.Buffer
		n, err := encoded.WriteTo(&written)
		require.NoError(t, err)
		require.EqualValues(t, len(wanted), n)
		require.Equal(t, wanted, written.String())
	}
}
