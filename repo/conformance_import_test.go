package repo_test

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

var importCases = []conformanceCase{
	{"ImportCreatesASKUWithItsStock", func(w *world) {
		outcome := done(w, w.repo, importRow("N", "west", 7))
		require.Equal(w, inventory.ImportCreated, outcome.Import)
		w.requireSKU("N", "N's name", `{"n": 1}`)
		w.requireCounters("N", "west", 7, 0, 0)
		w.requireLogged("CREATED N@west +7/+0/+0 -> 7/0/0")
	}},

	{"ImportOfWhatIsSoWritesNothing", func(w *world) {
		done(w, w.repo, importRow("N", "west", 7))
		w.begun++
		require.Equal(w, inventory.ImportUnchanged, done(w, w.repo, importRow("N", "west", 7)).Import)
		require.Equal(w, inventory.ImportUnchanged, w.byAnother(importRow("N", "west", 7)).Import)
		w.requireLogged()
	}},

	{"ImportSetsATotalAndMakesALevel", func(w *world) {
		require.Equal(w, inventory.ImportChanged, done(w, w.repo, importRow("A", "default", 12)).Import)
		require.Equal(w, inventory.ImportChanged, done(w, w.repo, importRow("A", "annex", 0)).Import)
		w.requireLogged(
			"SET A@default +2/+0/+0 -> 12/0/0 CORRECTION",
			"SET A@annex +0/+0/+0 -> 0/0/0 CORRECTION",
		)
		w.requireSKU("A", "A's name", `{"n": 1}`)
	}},

	{"ImportOfParticularsLeavesStockAlone", func(w *world) {
		for _, name := range []string{`it's "Größe" {38}, \ NULL`, "NULL"} {
			require.Equal(w, inventory.ImportChanged, done(w, w.repo, inventory.ImportSKU{ClientToken: name[:2], SKU: "A", Name: &name}).Import)
			w.requireSKU("A", name, "")
		}
		done(w, w.repo, inventory.ImportSKU{ClientToken: "t", SKU: "A", Metadata: json.RawMessage(`{"it's":[1e300, "é\u0041"]}`)})
		w.requireSKU("A", "NULL", `{"it's":[1e300, "é\u0041"]}`)
		w.requireLogged()
	}},

	{"ImportGoesOverParticularsThatWereWrittenByHand", func(w *world) {
		for _, metadata := range []string{" \n{\n\t\"a\": 1 }\r\n", "null", " null"} {
			execute(w, w.db, "UPDATE skus SET name = 'By hand', metadata = ?::json WHERE sku = 'A'", metadata)
			require.Equal(w, inventory.ImportChanged, done(w, w.repo, importRow("A", "default", 10)).Import)
			w.requireSKU("A", "A's name", `{"n": 1}`)
		}
	}},

	{"ImportRefusesATotalBelowWhatIsTaken", func(w *world) {
		w.hold("h", line("A", 4))
		require.Equal(w, []*inventory.Error{
			{Code: inventory.InsufficientStock, Field: field("total"), SKU: "A", Location: "default", Requested: 7, Available: 6},
		}, w.refused(importRow("A", "default", 3)))
		w.requireSKU("A", "A", "")
		require.Equal(w, inventory.ImportChanged, done(w, w.repo, importRow("A", "default", 4)).Import)
	}},

	{"ImportRefusesWhatIsUnknown", func(w *world) {
		require.Equal(w, []*inventory.Error{{Code: inventory.UnknownLocation, Field: field("location")}},
			w.refused(importRow("N", "moon", 1)))
		require.Equal(w, []*inventory.Error{{Code: inventory.InvalidInput, Field: field("name")}},
			w.refused(inventory.ImportSKU{ClientToken: "t", SKU: "N"}))
		w.requireLogged()
	}},

	// All are of the same SKUs, and each row says what another denies.
	{"ImportsSideBySideLeaveOneWord", func(w *world) {
		var all sync.WaitGroup
		for caller := range 8 {
			all.Go(func() {
				for n := range 24 {
					row := importRow(fmt.Sprint("N", (n+caller)%6), "west", int64(caller))
					row.Name = new(fmt.Sprint("by ", caller))
					outcome, err := w.repo.Do(w.Context(), row, nil)
					if err != nil || len(outcome.Refused) > 0 {
						w.Errorf("caller %d: %v %v", caller, outcome.Refused, err)
					}
				}
			})
		}
		all.Wait()
		for n := range 6 {
			sku, err := w.repo.SKU(w.Context(), fmt.Sprint("N", n))
			require.NoError(w, err)
			require.NotNil(w, sku)
			require.Equal(w, sku.Name, fmt.Sprint("by ", level(w, w.db, sku.Code, "west").Total), "a row is applied whole")
		}
	}},

	{"PreviewAnswersWhatWouldBeAndDoesNothing", func(w *world) {
		w.hold("h", line("A", 4))
		w.begun++
		outcomes, err := w.repo.Preview(w.Context(), []inventory.Command{
			importRow("N", "west", 7),
			inventory.ImportSKU{ClientToken: "t", SKU: "N", Location: new("annex"), Total: new(int64(1))},
			importRow("A", "default", 3),
			importRow("not a SKU", "default", 3),
			importRow("B", "moon", 1),
			importRow("B", "mars", 1),
		}, "moon")
		require.NoError(w, err)
		require.Len(w, outcomes, 6)
		require.Equal(w, inventory.ImportCreated, outcomes[0].Import)
		require.Equal(w, inventory.ImportChanged, outcomes[1].Import, "judged by what the one before it would leave")
		require.Equal(w, inventory.InsufficientStock, w.requireRefused(outcomes[2])[0].Code)
		require.Equal(w, field("sku"), w.requireRefused(outcomes[3])[0].Field)
		require.Equal(w, inventory.ImportChanged, outcomes[4].Import, "the location is taken to exist")
		require.Equal(w, inventory.UnknownLocation, w.requireRefused(outcomes[5])[0].Code)
		w.requireLogged()
	}},

	{"StockRowsComeInOrderOnPagesOfAnySize", func(w *world) {
		done(w, w.repo, inventory.CreateSKU{SKU: "AA", Name: "without a level"})
		done(w, w.repo, importRow("N", "west", 7))
		want := []string{"A default 10 A", "AA   without a level", "B annex 2 B", "B default 3 B", "B west 4 B", "N west 7 N's name"}
		for first := 1; first <= len(want)+1; first++ {
			var got []string
			for last := (*repo.StockRow)(nil); ; {
				rows, err := w.repo.StockRows(w.Context(), first, last)
				require.NoError(w, err)
				require.LessOrEqual(w, len(rows), first)
				if len(rows) == 0 {
					break
				}
				for _, row := range rows {
					got = append(got, spellRow(row))
				}
				last = &rows[len(rows)-1]
			}
			require.Equal(w, want, got, "pages of %d", first)
		}
	}},
}

// importRow is of a SKU with some particulars, under a token of its own.
func importRow(sku, location string, total int64) inventory.ImportSKU {
	return inventory.ImportSKU{
		ClientToken: uuid.NewString(), SKU: sku, Name: new(sku + "'s name"), Metadata: json.RawMessage(`{"n": 1}`),
		Location: &location, Total: &total,
	}
}

func spellRow(row repo.StockRow) string {
	if row.Location == nil || row.Total == nil {
		return row.SKU + "   " + row.Name
	}
	return fmt.Sprint(row.SKU, " ", *row.Location, " ", *row.Total, " ", row.Name)
}

// requireSKU says what the SKU's particulars must be, to the byte.
func (w *world) requireSKU(code, name, metadata string) {
	w.Helper()
	sku, err := w.repo.SKU(w.Context(), code)
	require.NoError(w, err)
	require.NotNil(w, sku)
	require.Equal(w, name, sku.Name)
	require.Equal(w, metadata, string(sku.Metadata))
}
