package transfer_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"holdfast/internal/scalar"
	"holdfast/internal/transfer"
)

func TestWriterLeavesOutWhatIsNotSaid(t *testing.T) {
	t.Parallel()
	rows := []transfer.Row{
		{SKU: "A", Name: new(`"a", <b> & c`), Location: new("west"), Total: new(int64(0)), Metadata: json.RawMessage(`{"a":"<b>"}`)},
		{SKU: "B"},
	}
	require.Equal(t, "sku,name,location,total,metadata\n"+
		`A,"""a"", <b> & c",west,0,"{""a"":""<b>""}"`+"\nB,,,,\n", write(t, transfer.CSV, rows...))
	require.Equal(t, `{"sku":"A","name":"\"a\", <b> & c","location":"west","total":0,"metadata":{"a":"<b>"}}`+"\n"+
		`{"sku":"B"}`+"\n", write(t, transfer.JSONLines, rows...))
	require.Equal(t, "sku,name,location,total,metadata\n", write(t, transfer.CSV))
	require.Empty(t, write(t, transfer.JSONLines))
}

func TestWhatIsWrittenReadsInAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		row := transfer.Row{SKU: rapid.StringMatching(`[A-Za-z0-9_.:/-]{1,64}`).Draw(rt, "sku")}
		if rapid.Bool().Draw(rt, "named") {
			row.Name = new(rapid.StringMatching(`[^\p{Cc}\p{Zl}\p{Zp}]{1,40}`).Draw(rt, "name"))
		}
		if rapid.Bool().Draw(rt, "located") {
			row.Location = new(rapid.StringMatching(`[A-Za-z0-9_.:/-]{1,64}`).Draw(rt, "location"))
		}
		if rapid.Bool().Draw(rt, "stocked") {
			row.Total = new(rapid.Int64Range(0, 1<<53-1).Draw(rt, "total"))
		}
		if rapid.Bool().Draw(rt, "described") {
			metadata, err := scalar.UnmarshalJSON(map[string]any{"text": strings.ReplaceAll(rapid.String().Draw(rt, "metadata"), "\x00", "")})
			require.NoError(rt, err)
			row.Metadata = metadata
		}
		for _, format := range []transfer.Format{transfer.CSV, transfer.JSONLines} {
			written := write(t, format, row)
			reader, err := transfer.NewReader(format, strings.NewReader(written))
			require.NoError(rt, err)
			read, err := reader.Read()
			require.NoError(rt, err)
			require.Equal(rt, written, write(t, format, read))
			read.Line = 0
			require.Equal(rt, row.Name, read.Name)
			require.Equal(rt, row.Total, read.Total)
			require.Equal(rt, row.Location, read.Location)
		}
	})
}

func TestFormatIsToldByTheName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]transfer.Format{
		"a.csv": transfer.CSV, "dir.csv/A.CSV": transfer.CSV, "a.jsonl": transfer.JSONLines, "a.ndjson": transfer.JSONLines,
		"a.json": "", "csv": "", "-": "", "": "", "a.csv.gz": "",
	} {
		require.Equal(t, want, transfer.FormatOf(name), name)
	}
}

func write(t *testing.T, format transfer.Format, rows ...transfer.Row) string {
	t.Helper()
	var text strings.Builder
	writer := transfer.NewWriter(format, &text)
	for _, row := range rows {
		require.NoError(t, writer.Write(row))
	}
	require.NoError(t, writer.Flush())
	return text.String()
}
