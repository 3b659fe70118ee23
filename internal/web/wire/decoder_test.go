package wire

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

var texts = []string{
	``, ` `, `null`, `true`, `false`, `nul`, `truex`, `"a"`, `"`, `"\`, `"\"`, `"\"\\\/\b\f\n\r\t"`, `"\x"`, `"\u00e4\uD83D\uDE00"`,
	`"\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\ud83d\ude00"`, `"\ude00\ud83d"`, `"\ud83d\u"`, `"\u12"`, `"\u12g4"`, "\"\x00\"", "\"\n\"", "\"\x7f\"", `"ä🛒"`, "\"\xff\"",
	`0`, `-0`, `00`, `-`, `1.`, `.1`, `1.5`, `1e5`, `1E+05`, `1e-`, `1e`, `+1`, `0x1`, `9223372036854775807`, `123456789012345678901234567890`, `1 2`,
	`[]`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `[[[]]]`, `[`, `]`, ` [ 1 , "a" , null ] `, `{}`, `{"a":1}`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`, `{`, `{"a":`,
	`{"a":{"b":[{"c":null},true]},"":""}`, `{"a":1,"a":{"b":2},"a":{"c":3}}`, `{"\u0061":1}`, "\ufeff{}", "{}\x00", `{}{}`, `{"a":1}x`,
}

func FuzzValueIsThatOfTheStandardLibrary(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return // it is refused before
		}
		var wanted any
		standard := json.NewDecoder(bytes.NewReader(text))
		standard.UseNumber()
		err := standard.Decode(&wanted)
		valid := err == nil && json.Valid(text)

		d := &decoder{}
		d.begin(text)
		value, err := d.whole()
		require.Equal(t, valid, err == nil, "%q: %v", text, err)
		if valid {
			require.Equal(t, wanted, value, "%q", text)
			require.Zero(t, d.depth)
		}
	})
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	d := &decoder{}
	nested := func(levels int) []byte {
		return []byte(strings.Repeat("[", levels) + strings.Repeat("]", levels))
	}
	d.begin(nested(depthMax))
	_, err := d.whole()
	require.NoError(t, err)
	d.begin(nested(depthMax + 1))
	_, err = d.whole()
	require.ErrorIs(t, err, errDepth)
}

func TestWhatWasReadOutlivesTheTextThatItWasReadFrom(t *testing.T) {
	t.Parallel()
	text := []byte(`{"query": "{ a }", "operationName": "b", "variables": {"key": ["text", "esc\u0061ped", 12]}}`)
	params, refused := Decode(text)
	require.Nil(t, refused)
	for i := range text {
		text[i] = 'x'
	}
	for range 10 {
		_, refused = Decode([]byte(`{"query": "{ c }", "operationName": "d", "variables": {"key": ["other", "\u0062\u0062\u0062\u0062", 34]}}`))
		require.Nil(t, refused)
	}
	require.Equal(t, "{ a }", params.Query)
	require.Equal(t, "b", params.OperationName)
	require.Equal(t, map[string]any{"key": []any{"text", "escaped", json.Number("12")}}, params.Variables)
}

func TestSameTextsAreOne(t *testing.T) {
	d := &decoder{}
	d.sameText([]byte("quantity"))
	require.Zero(t, testing.AllocsPerRun(100, func() { d.sameText([]byte("quantity")) }))
	require.Equal(t, "quantitx", d.sameText([]byte("quantitx")))
	require.Empty(t, d.sameText(nil))
	long := bytes.Repeat([]byte("a"), knownBytesMax+1)
	require.Equal(t, string(long), d.sameText(long))
}
