package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/database"
	"holdfast/internal/pgtest"
)

// stockroom is a database that files are moved into and out of.
type stockroom struct {
	*testing.T
	url string
	dir string
}

func newStockroom(t *testing.T) *stockroom {
	t.Helper()
	r := &stockroom{t, pgtest.URL(t), t.TempDir()}
	t.Cleanup(r.requireConsistent)
	return r
}

// ended is what a command of the program left.
type ended struct {
	out, log string
	err      error
}

// run runs the program to its end.
func (r *stockroom) run(ctx context.Context, in io.Reader, arguments ...string) ended {
	var out, log bytes.Buffer
	p := program{environ: []string{"DATABASE_URL=" + r.url}, in: in, out: &out, log: &log}
	err := p.command().Run(ctx, append([]string{"holdfast"}, arguments...))
	return ended{out.String(), log.String(), err}
}

// do runs a command that must succeed, and answers its standard output.
func (r *stockroom) do(arguments ...string) string {
	r.Helper()
	e := r.run(r.Context(), nil, arguments...)
	require.NoError(r, e.err)
	return e.out
}

// file writes a file of the test's.
func (r *stockroom) file(name, text string) string {
	r.Helper()
	path := filepath.Join(r.dir, name)
	require.NoError(r, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func (r *stockroom) read(path string) string {
	r.Helper()
	text, err := os.ReadFile(path)
	require.NoError(r, err)
	return string(text)
}

// stored is all that an import may write to.
func (r *stockroom) stored() string {
	r.Helper()
	var all []string
	for _, table := range []string{"locations", "skus", "stock_levels", "client_tokens", "audit_log"} {
		all = append(all, table, r.value("SELECT string_agg(t::text, E'\n' ORDER BY t::text) FROM "+table+" AS t"))
	}
	return strings.Join(all, "\n")
}

// value is the one that a query selects, as text; empty for NULL.
func (r *stockroom) value(query string) string {
	r.Helper()
	db, err := database.Open(r.url, 1)
	require.NoError(r, err)
	defer func() { _ = db.Close() }()
	var value *string
	require.NoError(r, db.QueryRowContext(context.Background(), "SELECT ("+query+")::text").Scan(&value))
	if value == nil {
		return ""
	}
	return *value
}

func (r *stockroom) requireConsistent() {
	r.Helper()
	e := r.run(context.Background(), nil, "check") // t's own context has ended
	require.NoError(r, e.err, e.out)
}

// catalogue is so many SKUs in the order and the form in which they are
// exported: a third with two levels, a third with one and a third without.
func catalogue(skus int) (csv, jsonLines string) {
	var c, j strings.Builder
	c.WriteString("sku,name,location,total,metadata\n")
	row := func(n int, location, total string) {
		metadata := fmt.Sprintf(`{"n":%d,"tags":["a","<é>"]}`, n)
		fmt.Fprintf(&c, "SKU-%05d,\"Größe \"\"%d\"\", <red>\",%s,%s,\"%s\"\n", n, n, location, total, strings.ReplaceAll(metadata, `"`, `""`))
		fmt.Fprintf(&j, `{"sku":"SKU-%05d","name":"Größe \"%d\", <red>",`, n, n)
		if location != "" {
			fmt.Fprintf(&j, `"location":"%s","total":%s,`, location, total)
		}
		fmt.Fprintf(&j, "\"metadata\":%s}\n", metadata)
	}
	for n := range skus {
		switch n % 3 {
		case 0:
			row(n, "", "")
		case 1:
			row(n, "default", fmt.Sprint(n))
		case 2:
			row(n, "default", "0")
			row(n, "west", "9007199254740991")
		}
	}
	return c.String(), j.String()
}

func TestWhatIsImportedIsExported(t *testing.T) {
	t.Parallel()
	const skus = 4000 // several pages, and more rows than are under way at once
	csv, jsonLines := catalogue(skus)
	for name, text := range map[string]string{"stock.csv": csv, "stock.jsonl": jsonLines} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newStockroom(t)
			file := r.file(name, text)
			rows := skus/3*4 + 1 // four for each three SKUs, and one for the last
			require.Regexp(t, fmt.Sprintf(`^%d created, %d changed, 0 unchanged, 0 skipped in \d`, skus, rows-skus),
				r.do("import", "-create-locations", file))
			require.Equal(t, fmt.Sprint(skus), r.value("SELECT count(*) FROM audit_log WHERE action = 'CREATED'"))

			before := r.stored()
			require.Regexp(t, fmt.Sprintf(`^0 created, 0 changed, %d unchanged, 0 skipped in \d`, rows), r.do("import", file))
			require.Equal(t, before, r.stored(), "what is so already was written again")

			for format, want := range map[string]string{"csv": csv, "jsonl": jsonLines} {
				require.Equal(t, want, r.do("export", "-format="+format))
				out := filepath.Join(r.dir, "out."+format)
				require.Empty(t, r.do("export", "-o", out))
				require.Equal(t, want, r.read(out))
			}
		})
	}
}

func TestExportOfAnEmptyDatabaseHasAHeader(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	require.Equal(t, "sku,name,location,total,metadata\n", r.do("export", "-format", "csv"))
	require.Empty(t, r.do("export", "--format", "jsonl"))
}

func TestDryRunSaysWhatWouldBeDoneAndDoesNothing(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	csv, _ := catalogue(900)
	r.do("import", "-create-locations", r.file("first.csv", csv))
	csv, _ = catalogue(2000)
	// Of a SKU that would be created long before, in another batch.
	csv += "SKU-01999,,north,5,\nSKU-00001,Another,default,5,\n"
	file := r.file("second.csv", csv)
	before := r.stored()
	would := r.do("import", "-dry-run", "-create-locations", file)
	require.Equal(t, before, r.stored())
	require.Contains(t, would, "dry run: nothing was written; there would be 1100 created, ")

	did := r.do("import", "-create-locations", file)
	counts := func(report string) string { return report[strings.Index(report, "1100"):strings.Index(report, " in ")] }
	require.Equal(t, counts(did), counts(would))
}

// badRows is a file of which the rows in lines 3, 5, 6, 8 and 9 can't be
// applied.
const badRows = "sku,name,location,total,metadata\n" + `A,Apple,default,5,
B,Bread,moon,5,
C,Cheese,,6,
D,,,1,
E,Egg,,many,
F,"Fish
and chips, on two lines",,7,
G!,Grape,,1,
H,Honey,,,[]
I,Ice,,9,
`

var badRowsReport = []string{
	"line 3: location: there is no location moon",
	"line 5: name: a SKU that is new needs a name",
	"line 6: total: a whole number from 0 to 9007199254740991 is wanted",
	"line 7: name: a name is 1 to 255 characters on one line, not all blank",
	"line 9: sku: a SKU is 1 to 64 characters from ASCII letters, digits and -_.:/",
	"line 10: metadata: JSON is an object",
}

func TestBadRowsAreSkippedAndReported(t *testing.T) {
	t.Parallel()
	for _, asked := range [][]string{{"-on-error=skip"}, {"--on-error", "skip"}, {"-on-error=skip", "-dry-run"}} {
		r := newStockroom(t)
		e := r.run(t.Context(), nil, append([]string{"import", r.file("bad.csv", badRows)}, asked...)...)
		require.ErrorIs(t, e.err, errSkipped)
		require.Equal(t, 1, exitStatus(e.err))
		require.Contains(t, e.err.Error(), "6 rows were skipped")
		require.Contains(t, e.out, "3 created, 0 changed, 0 unchanged, 6 skipped in ")
		require.ElementsMatch(t, badRowsReport, strings.Split(strings.TrimSpace(e.log), "\n"))
		if len(asked) > 1 && asked[1] == "-dry-run" {
			require.Equal(t, "0", r.value("SELECT count(*) FROM skus"))
		} else {
			require.Equal(t, "A C I", r.value("SELECT string_agg(sku, ' ' ORDER BY sku) FROM skus"))
		}
	}
}

func TestTheFirstBadRowStopsTheImport(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rows   int // good ones, before the bad one and after it
		bad    string
		reason string
	}{
		"refused":         {3000, "BAD,Bad,moon,5,", "location: there is no location moon"},
		"unreadable":      {3000, "BAD,Bad,,five,", "total: a whole number from 0 to 9007199254740991 is wanted"},
		"the first row":   {0, "BAD,,,,", "name: a SKU that is new needs a name"},
		"a missing comma": {10, "BAD", "a row has 5 columns, as the header has"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newStockroom(t)
			var file strings.Builder
			file.WriteString("sku,name,location,total,metadata\n")
			for n := range test.rows {
				fmt.Fprintf(&file, "A%05d,Apple,,1,\n", n)
			}
			file.WriteString(test.bad + "\n")
			for n := range test.rows {
				fmt.Fprintf(&file, "Z%05d,Zucchini,,1,\n", n)
			}
			path := r.file("bad.csv", file.String())
			where := fmt.Sprintf("%s: line %d: %s; the %d rows before it ", path, test.rows+2, test.reason, test.rows)

			e := r.run(t.Context(), nil, "import", "-dry-run", path)
			require.EqualError(t, e.err, where+"would be applied")
			require.Equal(t, "0", r.value("SELECT count(*) FROM skus"))

			e = r.run(t.Context(), nil, "import", path)
			require.ErrorContains(t, e.err, where+"were applied, and ")
			require.Equal(t, 2, exitStatus(e.err))
			require.Equal(t, fmt.Sprint(test.rows), r.value("SELECT count(*) FROM skus WHERE sku LIKE 'A%'"))
			after := "none"
			if n := r.value("SELECT nullif(count(*), 0) FROM skus WHERE sku LIKE 'Z%'"); n != "" {
				after = n
			}
			require.ErrorContains(t, e.err, "were applied, and "+after+" after it")
		})
	}
}

func TestRowsOfOneSKUAreAppliedInTheirOrder(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	var file strings.Builder
	file.WriteString("total,name,sku\r\n")
	for n := range 50 {
		for _, sku := range []string{"A", "B", "A", fmt.Sprint("C", n)} {
			fmt.Fprintf(&file, "%d,name %d,%s\r\n", n, n, sku)
		}
	}
	r.do("import", r.file("stock.csv", "\uFEFF"+file.String()))
	require.Contains(t, r.do("export", "-format=csv"), "A,name 49,default,49,\nB,name 49,default,49,\nC0,name 0,")
}

func TestMissingLocationsAreCreatedIfAskedFor(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	file := r.file("stock.csv", "sku,name,location,total\nA,Apple,west,1\nA,,annex,2\nB,Bread,west,3\n")
	e := r.run(t.Context(), nil, "import", file)
	require.ErrorContains(t, e.err, "line 2: location: there is no location west")
	require.Contains(t, r.do("import", "-create-locations", file), "2 created, 1 changed")
	require.Equal(t, "annex annex, default Default, west west", r.value("SELECT string_agg(code || ' ' || name, ', ' ORDER BY code) FROM locations"))
	require.Contains(t, r.do("import", "-create-locations", file), "0 created, 0 changed, 3 unchanged")
}

func TestStandardStreamsAreCSVUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	e := r.run(t.Context(), strings.NewReader("sku,name\nA,Apple\n"), "import", "-")
	require.NoError(t, e.err)
	require.Contains(t, e.out, "1 created")
	e = r.run(t.Context(), strings.NewReader(`{"sku":"B","name":"Bread"}`), "import", "-format=jsonl", "-")
	require.NoError(t, e.err)
	require.Contains(t, e.out, "1 created")
	require.Equal(t, "sku,name,location,total,metadata\nA,Apple,,,\nB,Bread,,,\n", r.run(t.Context(), nil, "export").out)
}

func TestBadUseIsRefused(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	for command, want := range map[string]string{
		"import":                            "import takes one FILE, or - for the standard input; import -h tells more",
		"import a.csv b.csv":                "import takes one FILE, or - for the standard input; import -h tells more",
		"import stock.txt":                  "the name stock.txt doesn't tell the format, as .csv, .jsonl or .ndjson would: add -format=csv or -format=jsonl",
		"import -format=xml a.csv":          `-format is csv or jsonl, not "xml"`,
		"import -on-error=ignore a.csv":     `-on-error is stop or skip, not "ignore"`,
		"import no-such.csv":                "open no-such.csv: no such file or directory",
		"export stock.csv":                  "export takes no argument: name the file by -o FILE",
		"export -o /dev/null -format=jsonl": "export: /dev/null is not a file",
	} {
		e := r.run(t.Context(), nil, strings.Fields(command)...)
		require.EqualError(t, e.err, want, command)
		require.Equal(t, 2, exitStatus(e.err))
	}
	e := r.run(t.Context(), nil, "import", r.file("head.csv", "sku,price\n"))
	require.ErrorContains(t, e.err, `head.csv: line 1: there is no column "price"`)
	empty(t, r.url)
	require.ErrorContains(t, r.run(t.Context(), nil, "export", "-format=csv").err, "migrate first")
	require.ErrorContains(t, r.run(t.Context(), nil, "import", "-dry-run", r.file("a.csv", "sku\n")).err, "migrate first")
	r.do("import", r.file("b.csv", "sku\n"))
}

func TestAFaultSaysHowFarTheImportCame(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	file := r.file("stock.csv", "sku,name,location\nA,Apple,\nB,Bread,\n")
	execute(t, r.url, "ALTER TABLE audit_log RENAME TO gone")
	e := r.run(t.Context(), nil, "import", file)
	execute(t, r.url, "ALTER TABLE gone RENAME TO audit_log")
	require.ErrorContains(t, e.err, "stock.csv: line ")
	require.ErrorContains(t, e.err, "; 0 rows were applied; import it again to go on")
	require.Equal(t, 2, exitStatus(e.err))
	require.Contains(t, r.do("import", file), "2 created")
}

func TestAFailedExportLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	csv, _ := catalogue(10)
	r.do("import", "-create-locations", r.file("in.csv", csv))
	out := r.file("out.csv", "as it was")
	execute(t, r.url, "ALTER TABLE stock_levels RENAME TO gone")
	require.Error(t, r.run(t.Context(), nil, "export", "-o", out).err)
	execute(t, r.url, "ALTER TABLE gone RENAME TO stock_levels")
	require.Equal(t, "as it was", r.read(out))
	files, err := os.ReadDir(r.dir)
	require.NoError(t, err)
	require.Len(t, files, 2, "a half file was left")
}

func TestAnInterruptedImportSaysHowFarItCameAndGoesOn(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	csv, _ := catalogue(3000)
	r.do("import", "-create-locations", r.file("locations.csv", "sku,name,location\nSKU-00000,Some,west\n"))
	in, out := io.Pipe()
	defer func() { _ = in.Close() }()
	go func() { _, _ = io.WriteString(out, csv) }() // and then it waits for more
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan ended, 1)
	go func() { done <- r.run(ctx, in, "import", "-format=csv", "-") }()
	require.Eventually(t, func() bool { return r.value("SELECT count(*) > 100 FROM skus") == "true" }, patience, 1)
	interrupt()
	e := <-done
	applied := r.value("SELECT count(*) FROM audit_log WHERE id > 1")
	require.ErrorContains(t, e.err, "rows were applied; import it again to go on")
	require.Equal(t, 2, exitStatus(e.err))
	require.NotEmpty(t, applied)

	r.do("import", r.file("stock.csv", csv))
	require.Equal(t, csv, r.do("export", "-format=csv"))
}

// Two files that deny each other are imported at once, over and over, while
// units are held.
func TestImportsAndHoldsAtOnceNeverOversell(t *testing.T) {
	t.Parallel()
	r := newStockroom(t)
	const skus, passes = 20, 30
	s := startServer(t, "DATABASE_URL="+r.url)
	for n := range skus {
		s.createSKU(fmt.Sprint("SKU-", n), 100)
	}
	var all sync.WaitGroup
	for _, total := range []int{100, 40} {
		var file strings.Builder
		file.WriteString("sku,name,total\n")
		for pass := range passes {
			for n := range skus {
				fmt.Fprintf(&file, "SKU-%d,pass %d to %d,%d\n", n, pass, total, total-pass)
			}
		}
		path := r.file(fmt.Sprint(total, ".csv"), file.String())
		all.Go(func() {
			e := r.run(t.Context(), nil, "import", "-on-error=skip", path)
			if e.err != nil {
				assert.ErrorIs(t, e.err, errSkipped)
				for line := range strings.Lines(e.log) {
					assert.Regexp(t, `^line \d+: total: a total of \d+ is less than the \d+ that are reserved and allocated\n$`, line)
				}
			}
		})
	}
	held := make([]int, 4)
	for caller := range held {
		all.Go(func() {
			for n := range 100 {
				answer := s.mutate("createHold", map[string]any{
					"clientToken": fmt.Sprint(caller, " ", n), "lines": []map[string]any{{"sku": fmt.Sprint("SKU-", n%skus), "quantity": 5}},
				})
				if answer.codes() == "" {
					held[caller] += 5
				} else {
					assert.Equal(t, "INSUFFICIENT_STOCK", answer.codes())
				}
			}
		})
	}
	all.Wait()
	s.requireConsistent()
	require.Equal(t, fmt.Sprint(held[0]+held[1]+held[2]+held[3]), r.value("SELECT sum(reserved) FROM stock_levels"))
}

func TestHelpOfImportAndExportHasExamples(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"import", "export"} {
		out, err := runProgram(t, nil, command, "-h")
		require.NoError(t, err)
		for _, word := range []string{"Examples:", "holdfast " + command + " -", "--format", ".ndjson"} {
			require.Contains(t, out, word)
		}
	}
}
