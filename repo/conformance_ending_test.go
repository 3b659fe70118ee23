package repo_test

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

var endingCases = []conformanceCase{
	{"ConvertedHoldIsAllocated", func(w *world) {
		held := w.hold("t", line("A", 3), line("B", 1))
		outcome := done(w, w.repo, inventory.ConvertHold{ReservationID: held.ID, Reference: new("order-7")})
		require.False(w, outcome.Replayed)
		want := held
		want.Status, want.Revision, want.CompletedAt = inventory.Allocated, 2, new(outcome.At)
		require.Equal(w, want, *outcome.Reservation)
		require.Equal(w, want, w.stored(held.ID))
		w.requireCounters("A", "default", 10, 0, 3)
		w.requireLogged(
			"HELD A@default +0/+3/+0 -> 10/3/0",
			"HELD B@default +0/+1/+0 -> 3/1/0",
			"CONVERTED A@default +0/-3/+3 -> 10/0/3 order-7",
			"CONVERTED B@default +0/-1/+1 -> 3/0/1 order-7",
		)
	}},

	{"ReleasedHoldGivesItsUnitsBack", func(w *world) {
		held := w.hold("t", line("A", 10))
		outcome := done(w, w.repo, inventory.ReleaseHold{ReservationID: held.ID, Reference: new("changed my mind")})
		want := held
		want.Status, want.Revision, want.CompletedAt = inventory.Released, 2, new(outcome.At)
		require.Equal(w, want, *outcome.Reservation)
		require.Equal(w, want, w.stored(held.ID))
		w.requireLogged(
			"HELD A@default +0/+10/+0 -> 10/10/0",
			"RELEASED A@default +0/-10/+0 -> 10/0/0 changed my mind",
		)
		w.hold("again", line("A", 10))
	}},

	{"RepeatedConversionIsReplayed", func(w *world) {
		held := w.hold("t", line("A", 1))
		first := w.convert(held.ID)
		again := w.convert(held.ID)
		require.True(w, again.Replayed)
		require.Equal(w, first.Reservation, again.Reservation)
		require.True(w, w.byAnother(inventory.ConvertHold{ReservationID: held.ID}).Replayed)
		w.requireCounters("A", "default", 10, 0, 1)
		require.Equal(w, 1, count(w, w.db, "SELECT count(*) FROM audit_log WHERE action = 'CONVERTED'"))
	}},

	{"RepeatedReleaseIsReplayed", func(w *world) {
		held := w.hold("t", line("A", 1))
		first := w.release(held.ID)
		again := w.release(held.ID)
		require.True(w, again.Replayed)
		require.Equal(w, first.Reservation, again.Reservation)
		require.True(w, w.byAnother(inventory.ReleaseHold{ReservationID: held.ID}).Replayed)
		w.requireCounters("A", "default", 10, 0, 0)
		require.Equal(w, 1, count(w, w.db, "SELECT count(*) FROM audit_log WHERE action = 'RELEASED'"))
	}},

	{"FulfilledAllocationHasItsUnitsLeave", func(w *world) {
		converted := *w.convert(w.hold("t", line("A", 3), line("B", 1)).ID).Reservation
		outcome := done(w, w.repo, inventory.FulfillAllocation{ReservationID: converted.ID, Reference: new("parcel 7")})
		require.False(w, outcome.Replayed)
		want := converted
		want.Status, want.Revision = inventory.Fulfilled, 3
		require.Equal(w, want, *outcome.Reservation)
		require.Equal(w, want, w.stored(converted.ID))
		w.requireCounters("A", "default", 7, 0, 0)
		w.requireCounters("B", "default", 2, 0, 0)
		w.requireLogged(
			"HELD A@default +0/+3/+0 -> 10/3/0",
			"HELD B@default +0/+1/+0 -> 3/1/0",
			"CONVERTED A@default +0/-3/+3 -> 10/0/3",
			"CONVERTED B@default +0/-1/+1 -> 3/0/1",
			"FULFILLED A@default -3/+0/-3 -> 7/0/0 parcel 7",
			"FULFILLED B@default -1/+0/-1 -> 2/0/0 parcel 7",
		)
	}},

	{"CancelledAllocationGivesItsUnitsBack", func(w *world) {
		allocated := w.allocate("t", line("A", 10))
		outcome := done(w, w.repo, inventory.CancelAllocation{ReservationID: allocated.ID, Reference: new("lost in the post")})
		require.False(w, outcome.Replayed)
		want := allocated
		want.Status, want.Revision = inventory.Cancelled, 2
		require.Equal(w, want, *outcome.Reservation)
		require.Equal(w, want, w.stored(allocated.ID))
		w.requireLogged(
			"ALLOCATED A@default +0/+0/+10 -> 10/0/10",
			"CANCELLED A@default +0/+0/-10 -> 10/0/0 lost in the post",
		)
		w.hold("again", line("A", 10))
	}},

	{"RepeatedFulfilmentIsReplayed", func(w *world) {
		allocated := w.allocate("t", line("B", 9))
		first := w.fulfil(allocated.ID)
		again := w.fulfil(allocated.ID)
		require.True(w, again.Replayed)
		require.Equal(w, first.Reservation, again.Reservation)
		require.True(w, w.byAnother(inventory.FulfillAllocation{ReservationID: allocated.ID}).Replayed)
		for _, location := range []string{"annex", "default", "west"} {
			w.requireCounters("B", location, 0, 0, 0)
		}
		require.Equal(w, 3, count(w, w.db, "SELECT count(*) FROM audit_log WHERE action = 'FULFILLED'"))
	}},

	{"RepeatedCancellationIsReplayed", func(w *world) {
		converted := *w.convert(w.hold("t", line("B", 9)).ID).Reservation
		first := w.cancel(converted.ID)
		again := w.cancel(converted.ID)
		require.True(w, again.Replayed)
		require.Equal(w, first.Reservation, again.Reservation)
		require.True(w, w.byAnother(inventory.CancelAllocation{ReservationID: converted.ID}).Replayed)
		w.requireCounters("B", "default", 3, 0, 0)
		require.Equal(w, 3, count(w, w.db, "SELECT count(*) FROM audit_log WHERE action = 'CANCELLED'"))
	}},

	{"ConversionIsReplayedThoughItsAllocationHasEnded", func(w *world) {
		fulfilled, cancelled := w.hold("f", line("A", 1)).ID, w.hold("c", line("A", 2)).ID
		w.convert(fulfilled)
		w.convert(cancelled)
		for _, ended := range []inventory.Outcome{w.fulfil(fulfilled), w.cancel(cancelled)} {
			command := inventory.ConvertHold{ReservationID: ended.Reservation.ID}
			for _, again := range []inventory.Outcome{do(w, w.repo, command), w.byAnother(command)} {
				require.True(w, again.Replayed)
				require.Equal(w, ended.Reservation, again.Reservation)
			}
		}
		w.requireCounters("A", "default", 9, 0, 0)
	}},

	{"OtherEndingsAreInvalid", func(w *world) {
		held := w.hold("h", line("A", 1))
		converted, released := w.hold("c", line("A", 1)), w.hold("r", line("A", 2))
		converted = *w.convert(converted.ID).Reservation
		released = *w.release(released.ID).Reservation
		allocated := w.allocate("a", line("A", 3))
		fulfilled, cancelled := w.allocate("f", line("A", 1)), w.allocate("x", line("A", 1))
		fulfilled = *w.fulfil(fulfilled.ID).Reservation
		cancelled = *w.cancel(cancelled.ID).Reservation
		before := auditLog(w, w.db)

		for _, c := range []struct {
			r       inventory.Reservation
			command inventory.Command
		}{
			{converted, inventory.ReleaseHold{ReservationID: converted.ID}},
			{converted, inventory.ExtendHold{ReservationID: converted.ID, TTLSeconds: 60}},
			{released, inventory.ConvertHold{ReservationID: released.ID}},
			{released, inventory.ExtendHold{ReservationID: released.ID, TTLSeconds: 60}},
			{allocated, inventory.ConvertHold{ReservationID: allocated.ID}},
			{allocated, inventory.ReleaseHold{ReservationID: allocated.ID}},
			{allocated, inventory.ExtendHold{ReservationID: allocated.ID, TTLSeconds: 60}},
			{held, inventory.FulfillAllocation{ReservationID: held.ID}},
			{held, inventory.CancelAllocation{ReservationID: held.ID}},
			{released, inventory.FulfillAllocation{ReservationID: released.ID}},
			{released, inventory.CancelAllocation{ReservationID: released.ID}},
			{fulfilled, inventory.ConvertHold{ReservationID: fulfilled.ID}},
			{fulfilled, inventory.ReleaseHold{ReservationID: fulfilled.ID}},
			{fulfilled, inventory.CancelAllocation{ReservationID: fulfilled.ID}},
			{cancelled, inventory.ConvertHold{ReservationID: cancelled.ID}},
			{cancelled, inventory.ExtendHold{ReservationID: cancelled.ID, TTLSeconds: 60}},
			{cancelled, inventory.FulfillAllocation{ReservationID: cancelled.ID}},
		} {
			require.Equal(w, []*inventory.Error{
				{Code: inventory.InvalidState, Field: field("reservationId"), Reservation: &c.r},
			}, w.refused(c.command), "%T of %s", c.command, c.r.Status)
		}
		require.Equal(w, before, auditLog(w, w.db))
	}},

	{"ExtensionCountsFromNow", func(w *world) {
		held := w.hold("t", line("A", 1))
		outcome := w.extend(held.ID, 3600)
		require.Empty(w, outcome.Refused)
		want := held
		want.Revision, want.ExpiresAt = 2, new(outcome.At.Add(time.Hour))
		require.Equal(w, want, *outcome.Reservation)
		require.Equal(w, want, w.stored(held.ID))
		w.requireLogged("HELD A@default +0/+1/+0 -> 10/1/0", "EXTENDED")
		require.Equal(w, 1, count(w, w.db, "SELECT count(*) FROM audit_log WHERE action = 'EXTENDED' AND reservation_id = ?", held.ID))
	}},

	{"ExtensionNeverShortens", func(w *world) {
		held := w.hold("t", line("A", 1))
		outcome := w.extend(held.ID, 60)
		require.Empty(w, outcome.Refused)
		require.Equal(w, held, *outcome.Reservation)
		w.requireLogged("HELD A@default +0/+1/+0 -> 10/1/0")
	}},

	{"ExtensionBeyondTheLongestHoldIsRefused", func(w *world) {
		held := w.hold("t", line("A", 1))
		refusals := w.refused(inventory.ExtendHold{ReservationID: held.ID, TTLSeconds: 24 * 60 * 60})
		require.Equal(w, []*inventory.Error{{Code: inventory.InvalidInput, Field: field("ttlSeconds")}}, refusals)
		require.Equal(w, held, w.stored(held.ID))
	}},

	{"IdMayBeWrittenInUpperCase", func(w *world) {
		held := w.hold("t", line("A", 1))
		upper := strings.ToUpper(held.ID)
		require.Equal(w, held, w.stored(upper))
		require.Equal(w, held.ID, w.extend(upper, 3600).Reservation.ID)
		require.Equal(w, held.ID, w.convert(upper).Reservation.ID)
		require.True(w, w.convert(held.ID).Replayed)
	}},

	{"UnknownIdIsNotFound", func(w *world) {
		requireNotFound(w, uuid.NewString())
		w.requireLogged()
	}},

	{"SomebodyElsesReservationIsNotFound", func(w *world) {
		held := w.hold("t", line("A", 1))
		execute(w, w.db, "UPDATE reservations SET principal = 'somebody'")
		execute(w, w.db, "UPDATE client_tokens SET principal = 'somebody', key = ? WHERE command_id = ?", inventory.TokenKey("somebody", "t"), held.ID)

		requireNotFound(w, held.ID)
		byToken, err := w.repo.Reservation(w.Context(), reservationBy("", "t"))
		require.NoError(w, err)
		require.Nil(w, byToken)
		w.requireLogged("HELD A@default +0/+1/+0 -> 10/1/0")

		mine := done(w, w.repo, inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{line("A", 1)}})
		require.False(w, mine.Replayed)
		require.NotEqual(w, held.ID, mine.Reservation.ID)
	}},
}

func requireNotFound(w *world, id string) {
	w.Helper()
	for _, command := range []inventory.Command{
		inventory.ConvertHold{ReservationID: id},
		inventory.ReleaseHold{ReservationID: id},
		inventory.ExtendHold{ReservationID: id, TTLSeconds: 3600},
		inventory.FulfillAllocation{ReservationID: id},
		inventory.CancelAllocation{ReservationID: id},
	} {
		require.Equal(w, []*inventory.Error{{Code: inventory.NotFound, Field: field("reservationId")}}, w.refused(command), "%T", command)
	}
	r, err := w.repo.ReservationByID(w.Context(), id)
	require.NoError(w, err)
	require.Nil(w, r)
}

// Whoever meets a hold past its deadline ends it first.
var overdueCases = []conformanceCase{
	{"OverdueHoldIsNotConverted", func(w *world) { w.requireExpiredBy(w.convert) }},
	{"OverdueHoldIsNotReleased", func(w *world) { w.requireExpiredBy(w.release) }},
	{"OverdueHoldIsNotFulfilled", func(w *world) { w.requireExpiredBy(w.fulfil) }},
	{"OverdueHoldIsNotCancelled", func(w *world) { w.requireExpiredBy(w.cancel) }},
	{"OverdueHoldIsNotExtended", func(w *world) {
		w.requireExpiredBy(func(id string) inventory.Outcome { return w.extend(id, 3600) })
	}},

	{"ReplayOfAnOverdueHoldReadsExpired", func(w *world) {
		held := w.overdue()
		again := done(w, w.repo, inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{line("A", 4), line("B", 1)}})
		require.True(w, again.Replayed)
		require.Equal(w, held.ID, again.Reservation.ID)
		require.Equal(w, inventory.Expired, again.Reservation.Status)
		w.requireGivenBack(*again.Reservation)
	}},

	{"OverdueHoldReadByItsIdIsExpired", func(w *world) {
		w.requireGivenBack(w.stored(w.overdue().ID))
	}},

	{"OverdueHoldReadByItsTokenIsExpired", func(w *world) {
		w.overdue()
		r, err := w.repo.Reservation(w.Context(), reservationBy("", "t"))
		require.NoError(w, err)
		w.requireGivenBack(*r)
	}},

	{"HoldEndsByItselfOnceItsTimeIsOver", func(w *world) {
		held := done(w, w.repo, inventory.CreateHold{
			ClientToken: "t", Lines: []inventory.LineRequest{line("A", 4), line("B", 1)}, TTLSeconds: new(int32(1)),
		}).Reservation
		// The database waits: the deadline is by its clock.
		execute(w, w.db, "SELECT pg_sleep_until(?)", *held.ExpiresAt)
		refusals := w.requireRefused(w.convert(held.ID))
		require.Equal(w, inventory.InvalidState, refusals[0].Code)
		w.requireGivenBack(*refusals[0].Reservation)
	}},
}

func (w *world) overdue() inventory.Reservation {
	w.Helper()
	held := w.hold("t", line("A", 4), line("B", 1))
	makeOverdue(w, w.db, held.ID)
	return held
}

func (w *world) requireExpiredBy(meet func(id string) inventory.Outcome) {
	w.Helper()
	held := w.overdue()
	refusals := w.requireRefused(meet(held.ID))
	require.Len(w, refusals, 1)
	require.Equal(w, inventory.InvalidState, refusals[0].Code)
	require.Equal(w, field("reservationId"), refusals[0].Field)
	w.requireGivenBack(*refusals[0].Reservation)

	// To meet it once more changes nothing.
	w.requireRefused(meet(held.ID))
	w.requireGivenBack(w.stored(held.ID))
}

// requireGivenBack says that the one hold there is, of 4 A and 1 B, expired.
func (w *world) requireGivenBack(r inventory.Reservation) {
	w.Helper()
	require.Equal(w, inventory.Expired, r.Status)
	require.Equal(w, int64(2), r.Revision)
	require.False(w, r.CompletedAt.Before(*r.ExpiresAt))
	w.requireCounters("A", "default", 10, 0, 0)
	w.requireCounters("B", "default", 3, 0, 0)
	w.requireLogged(
		"HELD A@default +0/+4/+0 -> 10/4/0",
		"HELD B@default +0/+1/+0 -> 3/1/0",
		"EXPIRED A@default +0/-4/+0 -> 10/0/0 by system",
		"EXPIRED B@default +0/-1/+0 -> 3/0/0 by system",
	)
}
