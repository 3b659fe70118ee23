package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATemplateStaysARequestWhateverIsPutIntoIt(t *testing.T) {
	t.Parallel()
	c, err := newCaller(t.Context(), "http://127.0.0.1:1")
	require.NoError(t, err)
	one := newTemplate(c, []byte(`{"token":"bench-0000","id":"iiii"}`))
	token, err := one.place("bench-0000")
	require.NoError(t, err)
	id, err := one.place("iiii")
	require.NoError(t, err)

	token.putNumber(42, 4)
	require.NoError(t, id.put([]byte("abcd")))
	require.Error(t, id.put([]byte("abc")), "it would leave a letter of what was there")

	sent, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(one.request)))
	require.NoError(t, err)
	body, err := io.ReadAll(sent.Body)
	require.NoError(t, err)
	var got map[string]string
	require.NoError(t, json.Unmarshal(body, &got))
	assert.Equal(t, map[string]string{"token": "bench-0042", "id": "abcd"}, got)
}

func TestASampleMustStandOnceInATemplate(t *testing.T) {
	t.Parallel()
	c, err := newCaller(t.Context(), "http://127.0.0.1:1")
	require.NoError(t, err)
	one := newTemplate(c, []byte(`{"a":"xx","b":"xx"}`))
	_, err = one.place("xx")
	require.Error(t, err)
	_, err = one.place("yy")
	require.Error(t, err)
}
