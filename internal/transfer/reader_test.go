package transfer_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/transfer"
)

// readAll reads a file to its end: each row as JSON Lines with its line before
// it, and what is wrong with rows beside them.
func readAll(t *testing.T, format transfer.Format, file string) []string {
	t.Helper()
	reader, err := transfer.NewReader(format, strings.NewReader(file))
	if err != nil {
		return []string{err.Error()}
	}
	var all []string
	for {
		row, err := reader.Read()
		var bad *transfer.RowError
		switch {
		case err == io.EOF:
			return all
		case errors.As(err, &bad):
			all = append(all, bad.Error())
		default:
			require.NoError(t, err)
			all = append(all, spell(t, row))
		}
	}
}

func spell(t *testing.T, row transfer.Row) string {
	t.Helper()
	var text strings.Builder
	writer := transfer.NewWriter(transfer.JSONLines, &text)
	require.NoError(t, writer.Write(row))
	require.NoError(t, writer.Flush())
	return fmt.Sprintf("line %d: %s", row.Line, strings.TrimSpace(text.String()))
}

func TestFileIsReadLineByLine(t *testing.T) {
	t.Parallel()
	const all = `line 2: {"sku":"A","name":"Apple, red","location":"west","total":5,"metadata":{"a":"é","b":1e300}}`
	tests := map[string]struct {
		format transfer.Format
		file   string
		want   []string
	}{
		"CSV": {transfer.CSV, "sku,name,location,total,metadata\nA,\"Apple, red\",west,5,\"{ \"\"b\"\": 1e300, \"\"a\"\":\"\"\\u00e9\"\"}\"\n", []string{all}},
		"CSV in another order, with a byte order mark and CRLF": {transfer.CSV,
			"\uFEFFtotal,metadata,sku,location,name\r\n5,\"{\"\"b\"\":1e300,\"\"a\"\":\"\"é\"\"}\",A,west,\"Apple, red\"\r\n", []string{all}},
		"CSV of codes alone, without a last line's end": {transfer.CSV, "sku\nA\n\nB", []string{`line 2: {"sku":"A"}`, `line 4: {"sku":"B"}`}},
		"CSV with empty fields":                         {transfer.CSV, "sku,name,location,total,metadata\nA,,,,\n", []string{`line 2: {"sku":"A"}`}},
		"CSV with line ends in quotes": {transfer.CSV, "sku,name\nA,\"a\nb\r\nc\"\nB,x\n",
			[]string{`line 2: {"sku":"A","name":"a\nb\nc"}`, `line 5: {"sku":"B","name":"x"}`}},
		"CSV without rows": {transfer.CSV, "sku,name\n", nil},
		"JSON Lines":       {transfer.JSONLines, "\n" + `{"metadata":{"b":1e300,"a":"\u00e9"},"total":5,"sku":"A","location":"west","name":"Apple, red"}` + "\r\n", []string{all}},
		"JSON Lines with a byte order mark, blank lines and nulls": {transfer.JSONLines,
			"\uFEFF \n{\"sku\":\"A\",\"name\":null,\"location\":null,\"total\":null,\"metadata\":null}\n\n{\"sku\":\"B\"}",
			[]string{`line 2: {"sku":"A"}`, `line 4: {"sku":"B"}`}},
		"JSON Lines without rows": {transfer.JSONLines, "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, readAll(t, test.format, test.file))
		})
	}
}

// Each is followed by a row that is good, which is read even so.
func TestBadRowsAreNamedByLineAndField(t *testing.T) {
	t.Parallel()
	const (
		total    = "a whole number from 0 to 9007199254740991 is wanted"
		object   = "a JSON object is wanted, on one line, in UTF-8"
		keys     = "there is no such key; the keys are sku, name, location, total and metadata"
		tooLarge = "JSON is at most 16384 bytes"
		tooDeep  = "JSON is at most 32 levels deep"
	)
	large := `{"a":"` + strings.Repeat("x", 16384) + `"}`
	deep := strings.Repeat(`{"a":`, 32) + `{}` + strings.Repeat(`}`, 32)
	huge := strings.Repeat("x", 300_000)
	quoted := func(json string) string { return `"` + strings.ReplaceAll(json, `"`, `""`) + `"` }
	for row, want := range map[string]string{
		`A,Apple`:                                "line 2: a row has 4 columns, as the header has",
		`A,Apple,1,,,`:                           "line 2: a row has 4 columns, as the header has",
		`A,a "quote",1,`:                         `line 2: bare " in non-quoted-field`,
		`A,"a"x,1,`:                              `line 2: extraneous or missing " in quoted-field`,
		`A,Apple,1.5,`:                           "line 2: total: " + total,
		`A,Apple, 1,`:                            "line 2: total: " + total,
		`A,Apple,many,`:                          "line 2: total: " + total,
		`A,Apple,9223372036854775808,`:           "line 2: total: " + total,
		`A,Apple,1,{`:                            "line 2: metadata: this is not JSON",
		`A,Apple,1,{} {}`:                        "line 2: metadata: this is not JSON",
		"A,Apple,1,\"{\"\"a\"\":\"\"\xff\"\"}\"": "line 2: metadata: this is not JSON",
		`A,Apple,1,[]`:                           "line 2: metadata: JSON is an object",
		`A,Apple,1,1`:                            "line 2: metadata: JSON is an object",
		`A,Apple,1,` + quoted(large):             "line 2: metadata: " + tooLarge,
		`A,Apple,1,` + quoted(deep):              "line 2: metadata: " + tooDeep,
		`A,` + huge + `,1,`:                      "line 2: a row is at most 262144 bytes; is a quote missing?",
	} {
		require.Equal(t, []string{want, `line 3: {"sku":"B","name":"Bread","total":1}`},
			readAll(t, transfer.CSV, "sku,name,total,metadata\n"+row+"\nB,Bread,1,\n"), "%.80s", row)
	}
	for row, want := range map[string]string{
		`{`:                                    "line 1: " + object,
		`[]`:                                   "line 1: " + object,
		`null`:                                 "line 1: " + object,
		`{"sku":"A"} {}`:                       "line 1: " + object,
		"{\"sku\":\"A\xff\"}":                  "line 1: " + object,
		`{}`:                                   "line 1: sku: it is missing",
		`{"sku":null}`:                         "line 1: sku: it is missing",
		`{"sku":1}`:                            "line 1: sku: a string is wanted",
		`{"SKU":"A"}`:                          "line 1: SKU: " + keys,
		`{"sku":"A","price":1}`:                "line 1: price: " + keys,
		`{"sku":"A","name":["A"]}`:             "line 1: name: a string is wanted",
		`{"sku":"A","location":1}`:             "line 1: location: a string is wanted",
		`{"sku":"A","total":"1"}`:              "line 1: total: " + total,
		`{"sku":"A","total":1.0}`:              "line 1: total: " + total,
		`{"sku":"A","total":1e3}`:              "line 1: total: " + total,
		`{"sku":"A","metadata":[]}`:            "line 1: metadata: JSON is an object",
		`{"sku":"A","metadata":"{}"}`:          "line 1: metadata: JSON is an object",
		`{"sku":"A","metadata":` + large + `}`: "line 1: metadata: " + tooLarge,
		`{"sku":"A","metadata":` + deep + `}`:  "line 1: metadata: " + tooDeep,
		`{"sku":"` + huge + `"}`:               "line 1: a row is at most 262144 bytes",
	} {
		require.Equal(t, []string{want, `line 2: {"sku":"B"}`},
			readAll(t, transfer.JSONLines, row+"\n{\"sku\":\"B\"}\n"), "%.80s", row)
	}
}

func TestBadHeadersAreRefused(t *testing.T) {
	t.Parallel()
	const wanted = "line 1: a header is wanted, with columns out of sku, name, location, total and metadata"
	for file, want := range map[string]string{
		"":                           wanted,
		"\n\n":                       wanted,
		"name,total\n":               "line 1: the column sku is missing",
		"sku,price\n":                `line 1: there is no column "price"; the columns are sku, name, location, total and metadata`,
		"SKU\n":                      `line 1: there is no column "SKU"; the columns are sku, name, location, total and metadata`,
		"sku;name\n":                 `line 1: there is no column "sku;name"; the columns are sku, name, location, total and metadata`,
		"sku,name,sku\n":             "line 1: the column sku is there twice",
		"sku,\"name\n":               `line 1: extraneous or missing " in quoted-field`,
		strings.Repeat("x", 300_000): "line 1: a row is at most 262144 bytes; is a quote missing?",
	} {
		require.Equal(t, []string{want}, readAll(t, transfer.CSV, file), "%.80q", file)
	}
}

// A quote that is never closed takes in all that follows, but not for ever.
func TestAnOpenQuoteEndsWithTheLongestRow(t *testing.T) {
	t.Parallel()
	file := "sku,name\nA,\"open\n" + strings.Repeat("B,Bread\n", 100_000)
	all := readAll(t, transfer.CSV, file)
	require.Equal(t, "line 2: a row is at most 262144 bytes; is a quote missing?", all[0])
	require.Regexp(t, `^line 327\d\d: {"sku":"B","name":"Bread"}$`, all[1])
	require.Equal(t, `line 100002: {"sku":"B","name":"Bread"}`, all[len(all)-1])
}

func TestLastRowMayBeTooLong(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 300_000)
	require.Equal(t, []string{"line 2: a row is at most 262144 bytes; is a quote missing?"}, readAll(t, transfer.CSV, "sku\n"+huge))
	require.Equal(t, []string{"line 1: a row is at most 262144 bytes"}, readAll(t, transfer.JSONLines, huge))
}

func TestAFaultOfTheFileIsNoRowsFault(t *testing.T) {
	t.Parallel()
	for _, format := range []transfer.Format{transfer.CSV, transfer.JSONLines} {
		begin := map[transfer.Format]string{transfer.CSV: "sku\nA", transfer.JSONLines: `{"sku":`}[format]
		reader, err := transfer.NewReader(format, io.MultiReader(strings.NewReader(begin), broken{}))
		require.NoError(t, err)
		_, err = reader.Read()
		require.ErrorIs(t, err, errBroken)
	}
}

var errBroken = errors.New("the disk is gone")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }
