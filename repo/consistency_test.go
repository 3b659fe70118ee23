package repo_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// shop is a database in which everything happened once, made by commands.
type shop struct {
	db   *bun.DB
	repo *repo.Repo
	// Each of them has 3 CHAIR and 1 TABLE at the default location.
	held, extended, converted, released, expired, allocated string
	// fulfilled and cancelled were allocations.
	fulfilled, cancelled string
}

// What the shop's levels come to: three of its reservations are still held or
// allocated, each.
//
//	CHAIR at default  total 97  reserved 6  allocated 6
//	CHAIR at north    total 20  reserved 0  allocated 0
//	TABLE at default  total 49  reserved 2  allocated 2
//	LAMP at default   total 5   reserved 0  allocated 0
//	BARE has no level.
func newShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{db: pgtest.Open(t)}
	s.repo = newRepo(t, s.db)
	createLocations(t, s.db, "north", "south")
	createSKU(t, s.repo, "CHAIR", 100)
	createSKU(t, s.repo, "TABLE", 50)
	createSKU(t, s.repo, "LAMP", 5)
	done(t, s.repo, inventory.CreateSKU{SKU: "BARE", Name: "without stock"})
	done(t, s.repo, inventory.AdjustStock{ClientToken: "adjusted", SKU: "CHAIR", Location: new("north"), Delta: 20, Reason: "RECEIVED"})

	lines := []inventory.LineRequest{line("CHAIR", 3, "default"), line("TABLE", 1)}
	made := func(token string) string { return hold(t, s.repo, token, lines...).ID }
	allocation := func(token string) string {
		return done(t, s.repo, inventory.CreateAllocation{ClientToken: token, Lines: lines}).Reservation.ID
	}
	s.held = made("held")
	s.extended = made("extended")
	done(t, s.repo, inventory.ExtendHold{ReservationID: s.extended, TTLSeconds: 3600})
	s.converted = made("converted")
	done(t, s.repo, inventory.ConvertHold{ReservationID: s.converted})
	s.released = made("released")
	done(t, s.repo, inventory.ReleaseHold{ReservationID: s.released})
	s.expired = made("expired")
	makeOverdue(t, s.db, s.expired)
	require.NotEmpty(t, do(t, s.repo, inventory.ReleaseHold{ReservationID: s.expired}).Refused)
	s.allocated = allocation("allocated")
	s.fulfilled = allocation("fulfilled")
	done(t, s.repo, inventory.FulfillAllocation{ReservationID: s.fulfilled})
	s.cancelled = allocation("cancelled")
	done(t, s.repo, inventory.CancelAllocation{ReservationID: s.cancelled})
	return s
}

// issue is an issue as expected: what it is about, if anything, and its numbers
// after.
type issue struct {
	invariant        inventory.Invariant
	at, reservation  string
	expected, actual any
	repairable       bool
}

func found(report inventory.ConsistencyReport, only inventory.Invariant) []issue {
	issues := []issue{}
	for _, i := range report.Issues {
		if only != "" && i.Invariant != only {
			continue
		}
		seen := issue{invariant: i.Invariant, repairable: i.Repairable}
		if i.SKU != nil {
			seen.at = *i.SKU
		}
		if i.Location != nil {
			seen.at += "@" + *i.Location
		}
		if i.ReservationID != nil {
			seen.reservation = *i.ReservationID
		}
		if i.Expected != nil {
			seen.expected = int(*i.Expected)
		}
		if i.Actual != nil {
			seen.actual = int(*i.Actual)
		}
		issues = append(issues, seen)
	}
	return issues
}

func (s *shop) check(t testing.TB, skus ...string) inventory.ConsistencyReport {
	t.Helper()
	report, err := s.repo.Consistency(t.Context(), skus)
	require.NoError(t, err)
	return report
}

const (
	chair = "CHAIR@default"
	north = "CHAIR@north"
	table = "TABLE@default"
	lamp  = "LAMP@default"
)

func TestConsistencyFindsNothingWhereNothingIsWrong(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	report := s.check(t)
	assert.Empty(t, report.Issues)
	assert.True(t, report.IsConsistent())
	assert.EqualValues(t, 4, report.TotalSKUs)
	assert.Zero(t, report.InconsistentSKUs)
	assert.NotZero(t, report.CheckedAt)

	s.repo.CheckInSmallParts()
	assert.Empty(t, s.check(t).Issues)
	assert.Empty(t, s.check(t, "CHAIR", "TABLE", "LAMP", "BARE").Issues)
	assert.Equal(t, inventory.StockLevel{SKU: "CHAIR", Location: "default", Total: 97, Reserved: 6, Allocated: 6},
		withoutVersion(level(t, s.db, "CHAIR", "default")))
}

func withoutVersion(l inventory.StockLevel) inventory.StockLevel {
	return inventory.StockLevel{SKU: l.SKU, Location: l.Location, Total: l.Total, Reserved: l.Reserved, Allocated: l.Allocated}
}

// damage is one kind of corruption.
type damage struct {
	name string
	// do is SQL; $held and so on stand for the shop's reservations.
	do   string
	want []issue
	// inconsistent is how many SKUs are concerned.
	inconsistent int32
	// untraceable damage is linked to no SKU, so that only a check of everything
	// finds it.
	untraceable bool
	// only is the invariant to look at, where the damage breaks more of them.
	only inventory.Invariant
	// torn damage is between rows that a check in small parts, or of some SKUs,
	// doesn't look at together. It reports it all the same, in other words.
	torn bool
}

var (
	oversell  = inventory.NoOversell
	reserved  = inventory.ReservedMatchesLines
	allocated = inventory.AllocatedMatchesLines
	chain     = inventory.AuditChainUnbroken
	token     = inventory.OneEffectPerToken
	closed    = inventory.ClosedOnce
	deadline  = inventory.DeadlineRespected
	orphaned  = inventory.NothingOrphaned
)

const withoutChecks = "ALTER TABLE stock_levels DROP CONSTRAINT stock_levels_no_oversell; "

var damages = []damage{
	// 1
	{
		name:         "MoreReservedAndAllocatedThanThereIs",
		do:           withoutChecks + "UPDATE stock_levels SET total = 4 WHERE sku = 'CHAIR' AND location = 'default'",
		want:         []issue{{oversell, chair, "", 4, 12, false}, {chain, chair, "", 97, 4, true}},
		inconsistent: 1,
	},
	{
		name: "NegativeReserved",
		do:   withoutChecks + "UPDATE stock_levels SET reserved = -1 WHERE sku = 'LAMP'",
		want: []issue{{oversell, lamp, "", 0, -1, false}, {reserved, lamp, "", 0, -1, true}, {chain, lamp, "", 0, -1, true}}, inconsistent: 1,
	},
	{
		name: "NegativeTotalAndAllocated",
		do:   withoutChecks + "UPDATE stock_levels SET total = -2, allocated = -2 WHERE sku = 'LAMP'",
		want: []issue{
			{oversell, lamp, "", 0, -2, false}, {oversell, lamp, "", 0, -2, false}, {allocated, lamp, "", 0, -2, true},
			{chain, lamp, "", 5, -2, true}, {chain, lamp, "", 0, -2, true},
		},
		inconsistent: 1,
	},

	// 2 and 3
	{
		name: "ReservedTooHigh",
		do:   "UPDATE stock_levels SET reserved = reserved + 2 WHERE sku = 'TABLE'",
		want: []issue{{reserved, table, "", 2, 4, true}, {chain, table, "", 2, 4, true}}, inconsistent: 1,
	},
	{
		name: "ReservedTooLowAndTotalWithIt",
		do:   "UPDATE stock_levels SET reserved = 0, total = 7 WHERE sku = 'CHAIR' AND location = 'default'",
		want: []issue{{reserved, chair, "", 6, 0, true}, {chain, chair, "", 97, 7, true}, {chain, chair, "", 6, 0, true}}, inconsistent: 1,
	},
	{
		name: "AllocatedTooLow",
		do:   "UPDATE stock_levels SET allocated = allocated - 1 WHERE sku = 'TABLE'",
		want: []issue{{allocated, table, "", 2, 1, true}, {chain, table, "", 2, 1, true}}, inconsistent: 1,
	},
	{
		name: "AllocatedTooLowAndTotalWithIt",
		do:   "UPDATE stock_levels SET allocated = 0, total = 7 WHERE sku = 'CHAIR' AND location = 'default'",
		want: []issue{{allocated, chair, "", 6, 0, true}, {chain, chair, "", 97, 7, true}, {chain, chair, "", 6, 0, true}}, inconsistent: 1,
	},
	{
		name: "LinesOfMoreThanThereIs",
		do:   "UPDATE reservation_lines SET quantity = 98 WHERE reservation_id = '$held' AND sku = 'CHAIR'",
		want: []issue{{reserved, chair, "", 101, 6, false}, {orphaned, chair, "$held", 98, 3, false}}, inconsistent: 1,
	},
	{
		name: "LinesWithoutAStockLevel",
		do:   "DELETE FROM stock_levels WHERE sku = 'TABLE'",
		want: []issue{{reserved, table, "", 2, nil, false}, {allocated, table, "", 2, nil, false}, {chain, table, "", nil, nil, false}}, inconsistent: 1,
	},

	// 4
	{
		name: "TotalOfALevelChangedByHand",
		do:   "UPDATE stock_levels SET total = 6 WHERE sku = 'LAMP'",
		want: []issue{{chain, lamp, "", 5, 6, true}}, inconsistent: 1,
	},
	{
		name: "VersionOfALevelAhead",
		do:   "UPDATE stock_levels SET version = version + 2 WHERE sku = 'LAMP'",
		want: []issue{{chain, lamp, "", 1, 3, false}}, inconsistent: 1,
	},
	{
		name: "LevelWithoutEntries",
		do:   "INSERT INTO stock_levels VALUES ('BARE', 'south', 0, 0, 0, 1, now())",
		want: []issue{{chain, "BARE@south", "", nil, nil, false}}, inconsistent: 1,
	},
	{
		name: "EntriesWithoutALevel",
		do:   "DELETE FROM stock_levels WHERE sku = 'LAMP'",
		want: []issue{{chain, lamp, "", nil, nil, false}}, inconsistent: 1,
	},
	{
		name: "EntryWithAnotherDelta",
		do:   "UPDATE audit_log SET total_delta = 19 WHERE sku = 'CHAIR' AND location = 'north'",
		want: []issue{{chain, north, "", 19, 20, true}}, inconsistent: 1,
	},
	{
		name: "EntryWithOtherCountersInTheMiddle",
		do:   "UPDATE audit_log SET total = total + 1 WHERE sku = 'CHAIR' AND location = 'default' AND version = 3",
		want: []issue{{chain, chair, "", 100, 101, false}, {chain, chair, "", 101, 100, false}}, inconsistent: 1,
	},
	{
		name: "TwoErrorsThatCancelOut",
		do: `UPDATE audit_log SET reserved_delta = reserved_delta + 1 WHERE sku = 'CHAIR' AND location = 'default' AND version = 2;
			UPDATE audit_log SET reserved_delta = reserved_delta - 1 WHERE sku = 'CHAIR' AND location = 'default' AND version = 3`,
		want: []issue{
			{chain, chair, "", 4, 3, false}, {chain, chair, "", 5, 6, false},
			{orphaned, chair, "$held", 3, 4, false}, {orphaned, chair, "$extended", 3, 2, false},
		},
		inconsistent: 1,
	},
	{
		name: "EntryMissing",
		do:   "DELETE FROM audit_log WHERE action = 'CREATED' AND sku = 'TABLE'",
		want: []issue{{chain, table, "", 1, 2, false}}, inconsistent: 1,
	},

	// 5
	{
		name: "TwoReservationsUnderOneToken",
		do: `DELETE FROM client_tokens WHERE command_id = '$released';
			UPDATE reservations SET client_token = 'held' WHERE id = '$released'`,
		want: []issue{{token, "", "$released", 1, 0, false}}, inconsistent: 2,
	},
	{
		name: "ReservationUnderAnotherTokenThanItSays",
		do:   "UPDATE reservations SET client_token = 'held' WHERE id = '$released'",
		want: []issue{{token, "", "$released", nil, nil, false}}, inconsistent: 2, torn: true,
	},
	{
		name: "TokenWithoutEffect",
		do:   "INSERT INTO client_tokens SELECT gen_random_uuid(), principal, action, fields, gen_random_uuid(), now() FROM client_tokens LIMIT 1",
		want: []issue{{token, "", "", 1, 0, false}}, untraceable: true,
	},
	{
		name: "TokenThatMadeAReservationAndAChange",
		do: `UPDATE audit_log SET token_key = (SELECT key FROM client_tokens WHERE command_id = '$held')
			WHERE token_key IS NOT NULL`,
		want: []issue{{token, north, "$held", 1, 2, false}, {token, "", "", 1, 0, false}}, inconsistent: 1, torn: true,
	},
	{
		name: "TwoChangesUnderOneToken",
		do: `DROP INDEX audit_log_token;
			UPDATE audit_log SET token_key = (SELECT token_key FROM audit_log WHERE token_key IS NOT NULL) WHERE sku = 'LAMP'`,
		want: []issue{{token, north, "", 1, 2, false}, {token, lamp, "", 1, 2, false}}, inconsistent: 2, torn: true,
	},
	{
		name: "ChangeWithoutItsToken",
		do:   "DELETE FROM client_tokens WHERE action = 'ADJUSTED'",
		want: []issue{{token, north, "", 1, 0, false}}, inconsistent: 1,
	},
	{
		name: "ChangeThatLostItsToken",
		do:   "UPDATE audit_log SET token_key = NULL WHERE token_key IS NOT NULL",
		want: []issue{{token, north, "", 1, 0, false}, {token, "", "", 1, 0, false}}, inconsistent: 1, torn: true,
	},
	{
		name: "ChangeByAnotherCommandThanItsTokenNames",
		do:   "UPDATE audit_log SET command_id = gen_random_uuid() WHERE token_key IS NOT NULL",
		want: []issue{{token, north, "", nil, nil, false}}, inconsistent: 1, torn: true,
	},

	// 6
	{
		name: "HeldAndClosed",
		do:   "UPDATE reservations SET status = 'HELD', completed_at = NULL WHERE id = '$converted'",
		want: []issue{
			{reserved, chair, "", 9, 6, true}, {reserved, table, "", 3, 2, true},
			{allocated, chair, "", 3, 6, true}, {allocated, table, "", 1, 2, true},
			{closed, chair, "$converted", 0, 1, false}, {closed, table, "$converted", 0, 1, false},
		},
		inconsistent: 2,
	},
	{
		name: "ClosedAnotherWayThanItsStatusTells",
		do:   "UPDATE reservations SET status = 'EXPIRED', expires_at = completed_at WHERE id = '$released'",
		want: []issue{{closed, chair, "$released", 1, 0, false}, {closed, table, "$released", 1, 0, false}}, inconsistent: 2,
	},
	{
		name: "ClosedWithoutEntries",
		do:   "UPDATE audit_log SET action = 'EXTENDED' WHERE action = 'RELEASED'",
		want: []issue{{closed, chair, "$released", 1, 0, false}, {closed, table, "$released", 1, 0, false}}, inconsistent: 2,
	},
	{
		name: "OneLineClosedWithoutEntry",
		do:   "UPDATE audit_log SET action = 'EXTENDED' WHERE action = 'EXPIRED' AND sku = 'TABLE'",
		want: []issue{{closed, table, "$expired", 1, 0, false}}, inconsistent: 1,
	},
	{
		name: "OneLineClosedInPlaceOfAnother",
		do: `DROP INDEX audit_log_level;
			UPDATE audit_log SET sku = 'CHAIR', reserved_delta = -3 WHERE action = 'RELEASED' AND sku = 'TABLE'`,
		want: []issue{{closed, chair, "$released", 1, 2, false}, {closed, table, "$released", 1, 0, false}}, only: closed, inconsistent: 2,
	},
	{
		name: "WithoutTheTimeItLeftHeld",
		do:   "UPDATE reservations SET completed_at = NULL WHERE id = '$released'",
		want: []issue{{closed, "", "$released", nil, nil, false}}, inconsistent: 2,
	},
	{
		name: "HeldWithATimeItLeftHeld",
		do:   "UPDATE reservations SET completed_at = now() WHERE id = '$held'",
		want: []issue{{closed, "", "$held", nil, nil, false}}, inconsistent: 2,
	},
	{
		name: "ClosedAtAnotherTime",
		do:   "UPDATE audit_log SET at = at + interval '1 second' WHERE action = 'CONVERTED' AND sku = 'TABLE'",
		want: []issue{{closed, table, "$converted", nil, nil, false}}, inconsistent: 1,
	},
	{
		name: "FulfilledWithoutEntries",
		do:   "UPDATE audit_log SET action = 'EXTENDED' WHERE action = 'FULFILLED' AND sku = 'TABLE'",
		want: []issue{{closed, table, "$fulfilled", 1, 0, false}}, inconsistent: 1,
	},
	{
		name: "FulfilledThoughCancelled",
		do:   "UPDATE reservations SET status = 'CANCELLED' WHERE id = '$fulfilled'",
		want: []issue{{closed, chair, "$fulfilled", 1, 0, false}, {closed, table, "$fulfilled", 1, 0, false}}, inconsistent: 2,
	},

	{
		name: "ClosedWithOtherUnits",
		do:   "UPDATE audit_log SET reserved_delta = -2 WHERE action = 'RELEASED' AND sku = 'TABLE'",
		want: []issue{{closed, table, "$released", 1, 2, false}}, only: closed, inconsistent: 1,
	},
	{
		name: "FulfilledWithOtherUnits",
		do:   "UPDATE audit_log SET allocated_delta = -2 WHERE action = 'FULFILLED' AND sku = 'TABLE'",
		want: []issue{{closed, table, "$fulfilled", 1, 2, false}}, only: closed, inconsistent: 1,
	},
	{
		name: "ClosedLineMissing",
		do:   "DELETE FROM reservation_lines WHERE reservation_id = '$released' AND sku = 'TABLE'",
		want: []issue{
			{closed, table, "$released", nil, nil, false},
			{orphaned, "", "$released", 2, 1, false}, {orphaned, table, "$released", nil, nil, false},
		},
		inconsistent: 2,
	},

	// 7
	{
		name: "ConvertedAtItsDeadline",
		do:   "UPDATE reservations SET expires_at = completed_at WHERE id = '$converted'",
		want: []issue{{deadline, "", "$converted", nil, nil, false}}, inconsistent: 2,
	},
	{
		name: "ExpiredBeforeItsDeadline",
		do:   "UPDATE reservations SET expires_at = completed_at + interval '1 microsecond' WHERE id = '$expired'",
		want: []issue{{deadline, "", "$expired", nil, nil, false}}, inconsistent: 2,
	},

	// 8
	{
		name: "LineMissing",
		do:   "DELETE FROM reservation_lines WHERE reservation_id = '$held' AND sku = 'TABLE'",
		want: []issue{
			{reserved, table, "", 1, 2, true},
			{orphaned, "", "$held", 2, 1, false}, {orphaned, table, "$held", nil, nil, false},
		},
		inconsistent: 2,
	},
	{
		name: "LineOfAnotherQuantity",
		do:   "UPDATE reservation_lines SET quantity = 2 WHERE reservation_id = '$allocated' AND sku = 'TABLE'",
		want: []issue{{allocated, table, "", 3, 2, true}, {orphaned, table, "$allocated", 2, 1, false}}, inconsistent: 1,
	},
	{
		name: "HeaderWithAnotherLineCount",
		do:   "UPDATE reservations SET line_count = 3 WHERE id = '$allocated'",
		want: []issue{{orphaned, "", "$allocated", 3, 2, false}}, inconsistent: 2,
	},
	{
		name: "ReservationWithNothing",
		do: `INSERT INTO reservations SELECT '00000000-0000-7000-8000-000000000001', principal, 'nothing', 'ALLOCATED', 1, 2, now() FROM reservations LIMIT 1;
			INSERT INTO client_tokens SELECT holdfast_token_key('default', 'nothing'), principal, action, fields,
				'00000000-0000-7000-8000-000000000001', now() FROM client_tokens LIMIT 1`,
		want: []issue{{orphaned, "", "00000000-0000-7000-8000-000000000001", 2, 0, false}}, untraceable: true,
	},
	{
		name: "LinesAndEntriesWithoutReservation",
		do:   `DELETE FROM reservations WHERE id = '$released'; DELETE FROM client_tokens WHERE command_id = '$released'`,
		want: []issue{
			{orphaned, chair, "$released", nil, nil, false}, {orphaned, table, "$released", nil, nil, false}, {orphaned, "", "$released", nil, nil, false},
		},
		inconsistent: 2,
	},
	{
		name: "EntriesOfNoReservation",
		do: `DELETE FROM reservations WHERE id = '$released'; DELETE FROM client_tokens WHERE command_id = '$released';
			DELETE FROM reservation_lines WHERE reservation_id = '$released'`,
		want: []issue{{orphaned, "", "$released", nil, nil, false}}, inconsistent: 2,
	},
	{
		name: "OpeningEntryMissing",
		do:   "UPDATE audit_log SET action = 'EXTENDED' WHERE reservation_id = '$held' AND sku = 'TABLE'",
		want: []issue{{orphaned, table, "$held", 1, 0, false}}, inconsistent: 1,
	},
	{
		name: "OpenedAnotherWayThanItWasMade",
		do:   "UPDATE audit_log SET action = 'ALLOCATED' WHERE reservation_id = '$held' AND sku = 'TABLE'",
		want: []issue{{orphaned, table, "$held", 1, 0, false}}, inconsistent: 1,
	},
	{
		name: "HeldWithoutADeadline",
		do:   "UPDATE reservations SET expires_at = NULL WHERE id = '$held'",
		want: []issue{{orphaned, "", "$held", nil, nil, false}}, inconsistent: 2,
	},
	{
		name: "LevelOfNoSKU",
		do:   "DELETE FROM skus WHERE sku = 'LAMP'",
		want: []issue{{orphaned, lamp, "", nil, nil, false}}, inconsistent: 1,
	},
	{
		name: "LevelAtNoLocation",
		do:   "DELETE FROM locations WHERE code = 'north'",
		want: []issue{{orphaned, north, "", nil, nil, false}}, inconsistent: 1,
	},
}

func TestConsistencyNamesEachKindOfDamage(t *testing.T) {
	t.Parallel()
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			name := strings.NewReplacer("$held", s.held, "$extended", s.extended, "$converted", s.converted, "$released", s.released,
				"$expired", s.expired, "$allocated", s.allocated, "$fulfilled", s.fulfilled, "$cancelled", s.cancelled).Replace
			want := make([]issue, len(d.want))
			for i, w := range d.want {
				w.reservation = name(w.reservation)
				want[i] = w
			}
			execute(t, s.db, name(d.do))

			report := s.check(t)
			assert.ElementsMatch(t, want, found(report, d.only))
			assert.False(t, report.IsConsistent())
			assert.Equal(t, d.inconsistent, report.InconsistentSKUs)
			for _, i := range report.Issues {
				assertSentence(t, i)
			}

			s.repo.CheckInSmallParts()
			inParts := found(s.check(t), d.only)
			ofAll := found(s.check(t, "CHAIR", "TABLE", "LAMP", "BARE"), d.only)
			switch {
			case d.torn:
				assert.Equal(t, token, inParts[0].invariant)
				assert.Equal(t, token, ofAll[0].invariant)
			case d.untraceable:
				assert.ElementsMatch(t, want, inParts)
			default:
				assert.ElementsMatch(t, want, inParts)
				assert.ElementsMatch(t, want, ofAll)
			}
		})
	}
}

// assertSentence says that the detail names all that the fields have.
func assertSentence(t *testing.T, i inventory.ConsistencyIssue) {
	t.Helper()
	for _, named := range []*string{i.SKU, i.Location, i.ReservationID} {
		if named != nil {
			assert.Contains(t, i.Detail, *named)
		}
	}
	if i.Expected != nil && i.Actual != nil {
		assert.Contains(t, i.Detail, fmt.Sprintf("(%d, should be %d)", *i.Actual, *i.Expected))
	}
}

func TestConsistencyOfSomeSKUsLeavesTheOthersOut(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "UPDATE stock_levels SET reserved = reserved + 1 WHERE sku IN ('CHAIR', 'TABLE') AND location = 'default'")
	execute(t, s.db, "UPDATE reservations SET line_count = 3 WHERE id = ?", s.held)

	report := s.check(t, "TABLE", "LAMP", "TABLE")
	assert.ElementsMatch(t, []issue{
		{reserved, table, "", 2, 3, true}, {chain, table, "", 2, 3, true}, {orphaned, "", s.held, 3, 2, false},
	}, found(report, ""))
	assert.EqualValues(t, 2, report.TotalSKUs)
	assert.EqualValues(t, 1, report.InconsistentSKUs)
	assert.Empty(t, s.check(t, "LAMP", "BARE").Issues)
}

func TestConsistencyOfNoSKUsChecksNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "UPDATE stock_levels SET total = total + 1")
	report, err := s.repo.Consistency(t.Context(), []string{})
	require.NoError(t, err)
	assert.True(t, report.IsConsistent())
	assert.Zero(t, report.TotalSKUs)
}

func TestConsistencyRefusesWhatIsNoSKU(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	refused := func(skus []string, field ...string) {
		_, err := s.repo.Consistency(t.Context(), skus)
		var problem *inventory.Error
		require.ErrorAs(t, err, &problem)
		assert.Equal(t, inventory.InvalidInput, problem.Code)
		assert.Equal(t, field, problem.Field)
	}
	refused([]string{"CHAIR", "not a code"}, "skus", "1")
	refused([]string{"CHAIR", "TABLE", "GONE"}, "skus", "2")
	refused(make([]string, 251), "skus")

	// Gone, but with stock left behind, is there to be checked.
	execute(t, s.db, "DELETE FROM skus WHERE sku = 'LAMP'")
	assert.Len(t, s.check(t, "LAMP").Issues, 1)
}

func TestConsistencyReportIsBoundedAndHidesNoInvariant(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "INSERT INTO skus SELECT 'SKU-' || i, 'one of many', NULL, gen_random_uuid(), now() FROM generate_series(1, 2500) AS i")
	execute(t, s.db, "INSERT INTO stock_levels SELECT 'SKU-' || i, 'default', 0, 0, 0, 1, now() FROM generate_series(1, 2500) AS i")
	execute(t, s.db, "UPDATE reservations SET expires_at = completed_at WHERE id = ?", s.converted)

	report := s.check(t)
	assert.Len(t, report.Issues, 1000)
	assert.Contains(t, found(report, ""), issue{deadline, "", s.converted, nil, nil, false})
	assert.EqualValues(t, 2502, report.InconsistentSKUs)
	assert.EqualValues(t, 2504, report.TotalSKUs)
}

// Every statement sees one snapshot, so that nothing looks wrong while it
// changes.
func TestConsistencyRaisesNoFalseAlarmWhileHoldsGoOn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ctx, stop := context.WithCancel(t.Context())
	var buyers sync.WaitGroup
	for buyer := range 8 {
		buyers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				outcome, err := s.repo.Do(ctx, inventory.CreateHold{
					ClientToken: fmt.Sprintf("buyer %d, %d", buyer, n),
					Lines:       []inventory.LineRequest{line("CHAIR", 1), line("TABLE", 1)},
				}, []*inventory.Strategy{nil, new(inventory.Optimistic)}[n%2])
				if err != nil || outcome.Reservation == nil {
					continue
				}
				id := outcome.Reservation.ID
				_, _ = s.repo.Do(ctx, inventory.ExtendHold{ReservationID: id, TTLSeconds: 3600}, nil)
				if n%5 == 0 {
					_, _ = s.repo.Do(ctx, inventory.ConvertHold{ReservationID: id}, nil)
				}
				_, _ = s.repo.Do(ctx, inventory.ReleaseHold{ReservationID: id}, nil)
			}
		})
	}
	for n := range 20 {
		if n == 10 {
			s.repo.CheckInSmallParts()
		}
		assert.Empty(t, s.check(t).Issues)
		assert.Empty(t, s.check(t, "CHAIR").Issues)
	}
	stop()
	buyers.Wait()
	assert.Greater(t, count(t, s.db, "SELECT count(*) FROM reservations"), 20)
}

func TestConsistencyGoesOnWithoutItsCallerForTheNextOne(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	locker, err := s.db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = locker.Close() }()
	_, err = locker.ExecContext(t.Context(), "BEGIN; LOCK TABLE stock_levels")
	require.NoError(t, err)

	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := s.repo.Consistency(ctx, nil)
		left <- err
	}()
	require.Eventually(t, func() bool {
		return count(t, s.db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0
	}, patience, patience/1000)
	leave()
	require.ErrorIs(t, <-left, context.Canceled)

	joined := s.repo.JoinCheck()
	_, err = locker.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	report, err := joined()
	require.NoError(t, err)
	assert.True(t, report.IsConsistent())
	assert.EqualValues(t, 4, report.TotalSKUs)
}
