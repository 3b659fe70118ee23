package repo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// What retention leaves out is excused, and nothing else. Of the shop all is
// trimmed, but for what was done to its oldest reservations since:
//
//	converted    is fulfilled; its HELD and CONVERTED entries are gone
//	allocated    as it was; it has no entries
//	late         converted from a hold; it has all its entries
//	early        HELD before, converted since
func trimmedShop(t *testing.T) (s *shop, late, early string) {
	t.Helper()
	s = newShop(t)
	lines := []inventory.LineRequest{line("CHAIR", 3, "default"), line("TABLE", 1)}
	early = hold(t, s.repo, "early", lines...).ID
	trimAll(t, s.db, s.repo, now(t, s.db), 1000)
	done(t, s.repo, inventory.FulfillAllocation{ReservationID: s.converted})
	late = hold(t, s.repo, "late", lines...).ID
	done(t, s.repo, inventory.ConvertHold{ReservationID: late})
	done(t, s.repo, inventory.ConvertHold{ReservationID: early})
	requireSound(t, s.db)
	requireConsistent(t, s.repo)
	return s, late, early
}

func TestDamageIsFoundInWhatIsKept(t *testing.T) {
	t.Parallel()
	for _, d := range []damage{
		{
			name: "OpeningEntryMissing",
			do:   "DELETE FROM audit_log WHERE reservation_id = '$late' AND action = 'HELD' AND sku = 'TABLE'",
			want: []issue{{orphaned, table, "$late", 1, 0, false}},
			only: orphaned,
		},
		{
			name: "ClosingEntryMissing",
			do:   "DELETE FROM audit_log WHERE reservation_id = '$early' AND action = 'CONVERTED' AND sku = 'TABLE'",
			want: []issue{{closed, table, "$early", 1, 0, false}},
			only: closed,
		},
		{
			name: "ClosingEntryOfOtherUnits",
			do:   "UPDATE audit_log SET reserved_delta = -2 WHERE reservation_id = '$early' AND action = 'CONVERTED' AND sku = 'TABLE'",
			want: []issue{{closed, table, "$early", 1, 2, false}},
			only: closed,
		},
		{
			name: "EndingEntryMissing",
			do:   "DELETE FROM audit_log WHERE reservation_id = '$converted' AND sku = 'TABLE'",
			want: []issue{{closed, table, "$converted", 1, 0, false}},
			only: closed,
		},
		{
			name: "EndedWithoutAnyEntry",
			do:   "UPDATE reservations SET status = 'CANCELLED' WHERE id = '$allocated'",
			want: []issue{{closed, chair, "$allocated", 1, 0, false}, {closed, table, "$allocated", 1, 0, false}},
			only: closed,
		},
		{
			name: "ReleasedWithoutAnyEntry",
			do:   "UPDATE reservations SET status = 'RELEASED', completed_at = created_at WHERE id = '$held'",
			want: []issue{{closed, chair, "$held", 1, 0, false}, {closed, table, "$held", 1, 0, false}},
			only: closed,
		},
		{
			name: "OpeningEntryOfAnotherKind",
			do:   "UPDATE audit_log SET action = 'ALLOCATED', reservation_id = '$held' WHERE reservation_id = '$late' AND action = 'CONVERTED' AND sku = 'TABLE'",
			want: []issue{{orphaned, table, "$held", 1, 0, false}, {orphaned, table, "$held", 1, 0, false}}, // of its kind, and of its units
			only: orphaned,
		},
		{
			name: "LineMissing",
			do:   "DELETE FROM reservation_lines WHERE reservation_id = '$allocated' AND sku = 'TABLE'",
			want: []issue{{orphaned, "", "$allocated", 2, 1, false}},
			only: orphaned,
		},
		{
			name: "TokenMissing",
			do:   "DELETE FROM client_tokens WHERE command_id = '$allocated'",
			want: []issue{{token, "", "$allocated", 1, 0, false}},
			only: token,
		},
		{
			name: "CounterOfALevelWithoutEntries",
			do:   "UPDATE stock_levels SET total = total + 1 WHERE sku = 'LAMP'",
			want: []issue{{chain, lamp, "", 5, 6, true}},
			only: chain,
		},
		{
			name: "FirstEntryThatIsKeptMissing",
			do:   "DELETE FROM audit_log WHERE reservation_id = '$converted' AND sku = 'TABLE'",
			want: []issue{{chain, table, "", 16, 17, false}},
			only: chain,
		},
		{
			name: "BaseMissing",
			do:   "DELETE FROM snapshots WHERE is_base",
			want: []issue{
				{orphaned, chair, "$held", 1, 0, false}, {orphaned, table, "$held", 1, 0, false},
				{orphaned, chair, "$extended", 1, 0, false}, {orphaned, table, "$extended", 1, 0, false},
				{orphaned, chair, "$converted", 1, 0, false}, {orphaned, table, "$converted", 1, 0, false},
				{orphaned, chair, "$allocated", 1, 0, false}, {orphaned, table, "$allocated", 1, 0, false},
				{orphaned, chair, "$early", 1, 0, false}, {orphaned, table, "$early", 1, 0, false},
			},
			only: orphaned,
		},
	} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s, late, early := trimmedShop(t)
			name := strings.NewReplacer("$held", s.held, "$extended", s.extended, "$converted", s.converted,
				"$allocated", s.allocated, "$late", late, "$early", early).Replace
			want := make([]issue, len(d.want))
			for i, w := range d.want {
				w.reservation = name(w.reservation)
				want[i] = w
			}
			execute(t, s.db, name(d.do))
			assert.ElementsMatch(t, want, found(s.check(t), d.only))
			s.repo.CheckInSmallParts()
			assert.ElementsMatch(t, want, found(s.check(t), d.only))
			violations, err := violationsIn(t.Context(), s.db)
			require.NoError(t, err)
			assert.NotEmpty(t, violations)
		})
	}
}

// An ended reservation goes with the entries by which it ended. One that has
// lost them stays, and is still told.
func TestWhatLostItsLastEntriesIsNotTrimmed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "UPDATE audit_log SET action = 'EXTENDED' WHERE reservation_id = ?", s.released)
	for more := true; more; {
		var err error
		more, err = s.repo.BeginTrim(now(t, s.db)).Log(t.Context(), 1000)
		require.NoError(t, err)
	}
	assert.ElementsMatch(t, []issue{{closed, chair, s.released, 1, 0, false}, {closed, table, s.released, 1, 0, false}},
		found(s.check(t), ""))
}
