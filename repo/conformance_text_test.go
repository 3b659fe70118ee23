package repo_test

import (
	"encoding/json"
	"strings"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// awkward are texts that a careless statement, array or JSON would change.
var awkward = []string{
	`it's`, `"quoted"`, `''`, `\`, `\\`, `\'`, `a\nb`, `C:\new`, `{}`, `{a,b}`, `{"a",NULL}`, `,`, `(1,2)`,
	`NULL`, `null`, `Null`, `?`, `?0 ?1`, `$1`, `%s`, `:name`, `--`, `/* */`, `; DROP TABLE skus`, `$$`, `E'\x00'`,
	` leading`, `trailing `, `Größe`, `日本語`, `🧦👩‍👩‍👧`, `é`, `مرحبا`, "\u202eright", "\ufeffmark",
	strings.Repeat("ü", inventory.TextMax), strings.Repeat(`"`, inventory.TextMax), strings.Repeat(`\`, inventory.TextMax),
}

var textCases = []conformanceCase{
	{"AwkwardTextSurvives", func(w *world) {
		w.adjust("more", "A", "default", 1000)
		for _, text := range awkward {
			metadata, err := json.Marshal(map[string]any{text: []any{text, nil, 1.5, true, map[string]any{"a": text}}})
			require.NoError(w, err)
			held := *done(w, w.repo, inventory.CreateHold{
				ClientToken: "text " + inventory.TokenKey("", text), Lines: []inventory.LineRequest{line("A", 1)},
				Holder: &text, Reference: &text, Metadata: metadata,
			}).Reservation
			require.Equal(w, text, *held.Holder)
			stored := w.stored(held.ID)
			requireSameReservation(w, held, stored)

			found, err := w.repo.Reservations(w.Context(), repo.Page{First: 2}, &repo.ReservationFilter{Holder: &text, Reference: &text})
			require.NoError(w, err)
			require.Len(w, found.Items, 1)
			require.Equal(w, stored, found.Items[0])

			done(w, w.repo, inventory.ConvertHold{ReservationID: held.ID, Reference: &text})
			require.Equal(w, 2, count(w, w.db, "SELECT count(*) FROM audit_log WHERE reservation_id = ? AND reference = ?", held.ID, text))
		}
	}},

	{"AwkwardTextsOfOneGroupSurvive", func(w *world) {
		w.adjust("more", "A", "default", 1000)
		outcomes := together(w, w.repo, len(awkward), func(i int) inventory.Command {
			return inventory.CreateHold{ClientToken: awkwardToken(i), Lines: []inventory.LineRequest{line("A", 1)}, Holder: &awkward[i]}
		})
		for i, outcome := range outcomes {
			require.Empty(w, outcome.Refused)
			require.Equal(w, awkward[i], *w.stored(outcome.Reservation.ID).Holder)
		}
	}},

	{"AwkwardTokensAreKept", func(w *world) {
		w.adjust("more", "A", "default", 1000)
		for i := range awkward {
			token := awkwardToken(i)
			held := w.hold(token, line("A", 1))
			r, err := w.repo.Reservation(w.Context(), reservationBy("", token))
			require.NoError(w, err)
			require.Equal(w, held, *r)
			require.Equal(w, token, r.ClientToken)
		}
	}},

	{"AwkwardNamesOfSKUsAreKept", func(w *world) {
		for i, name := range awkward {
			code := "X-_.:/" + strings.Repeat("x", i)
			metadata, err := json.Marshal(map[string]string{name: name})
			require.NoError(w, err)
			created := done(w, w.repo, inventory.CreateSKU{SKU: code, Name: name, Metadata: metadata})
			requireStored(w, *created.SKU)
			updated, err := w.repo.UpdateSKU(w.Context(), inventory.UpdateSKU{SKU: code, Name: &name, Metadata: metadata})
			require.NoError(w, err)
			requireSameSKU(w, *created.SKU, *updated.SKU)
		}
	}},

	{"CodesThatLookLikeSomethingElseAreCodes", func(w *world) {
		codes := []string{"NULL", "null", "true", "1", "-1", "0.5", "1e5", "//", "--", "a:b", "..", strings.Repeat("Z", inventory.CodeMax)}
		createLocations(w, w.db, codes...)
		var lines []inventory.LineRequest
		for _, code := range codes {
			done(w, w.repo, inventory.CreateSKU{SKU: code, Name: code, InitialStock: new(int64(2)), Location: &code})
			lines = append(lines, line(code, 1, code))
		}
		held := w.hold("t", lines...)
		require.Len(w, held.Lines, len(codes))
		require.Equal(w, held, w.stored(held.ID))
		for _, code := range codes {
			w.requireCounters(code, code, 2, 1, 0)
		}
		require.Empty(w, w.release(held.ID).Refused)
	}},
}

// awkwardToken is an awkward text as far as a token may have it: printable
// ASCII, the first so many characters, and one of a kind.
func awkwardToken(i int) string {
	printable := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, awkward[i])
	return printable[:min(len(printable), 200)] + " " + strings.Repeat("i", i)
}

// requireSameReservation compares metadata as objects: the database spells
// them in its own way.
func requireSameReservation(w *world, want, got inventory.Reservation) {
	w.Helper()
	if want.Metadata != nil {
		require.JSONEq(w, string(want.Metadata), string(got.Metadata))
		want.Metadata, got.Metadata = nil, nil
	}
	require.Equal(w, want, got)
}

func reservationBy(id, token string) repo.ReservationBy {
	if id != "" {
		return repo.ReservationBy{ID: &id}
	}
	return repo.ReservationBy{ClientToken: &token}
}
