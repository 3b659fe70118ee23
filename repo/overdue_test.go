package repo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// A hold past its deadline is ended before anybody is shown it.

func TestReaderIsNotToldOfSomebodyElsesLockAsABadArgument(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) { o.LockTimeout = 100 * time.Millisecond })
	held := hold(t, w.repo, "t", line("A", 1))
	makeOverdue(t, w.db, held.ID)
	w.keepOpen("SELECT FROM reservations WHERE id = ? FOR UPDATE", held.ID)

	_, err := w.repo.ReservationByID(t.Context(), held.ID)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	var refused *inventory.Error
	require.NotErrorAs(t, err, &refused)
}

func TestReaderWhoseExpiryIsInDoubtMayJustReadAgain(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) { o.RequestTimeout = time.Second })
	held := hold(t, w.repo, "t", line("A", 1))
	makeOverdue(t, w.db, held.ID)
	w.proxy.next(isSave, func(x *exchange) {
		x.hangUp()
		w.proxy.cut()
	})
	_, err := w.repo.ReservationByID(t.Context(), held.ID)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	require.NotErrorIs(t, err, repo.ErrUnknownOutcome)

	w.proxy.mend()
	read, err := w.repo.ReservationByID(t.Context(), held.ID)
	require.NoError(t, err)
	assert.Equal(t, inventory.Expired, read.Status)
}

func TestHoldWhoseCommitWasFoundOutPastItsDeadlineIsExpired(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	w.proxy.next(isSave, func(x *exchange) {
		x.send()
		x.answer()
		makeOverdue(t, w.db, w.reservationOf("t"))
		x.hangUp()
	})
	told := w.do(w.repo, oneOf("A", "t"))
	require.True(t, told.wasDone(), "%+v", told)
	assert.Equal(t, inventory.Expired, told.Reservation.Status)
	requireSound(t, w.db)
}

// What was done is not answered as if nothing had been.
func TestHoldWhoseExpiryFailsIsInDoubtIfItWasMadeJustNow(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) { o.LockTimeout = 100 * time.Millisecond })
	w.proxy.next(isSave, func(x *exchange) {
		x.send()
		x.answer()
		makeOverdue(t, w.db, w.reservationOf("t"))
		// The re-run loads; then somebody locks what the expiry would end.
		w.proxy.next(isLoad, func(x *exchange) {
			x.pass()
			w.proxy.next(isLoad, func(x *exchange) {
				w.keepOpen("SELECT FROM reservations WHERE client_token = 't' FOR UPDATE")
				x.pass()
			})
		})
		x.hangUp()
	})
	told := w.do(w.repo, oneOf("A", "t"))
	require.ErrorIs(t, told.err, repo.ErrUnknownOutcome)
	require.NotErrorIs(t, told.err, repo.ErrOverloaded)
}

// reservationOf answers the id of what a client token made.
func (w *faultWorld) reservationOf(token string) string {
	w.Helper()
	var id string
	require.NoError(w, w.db.QueryRowContext(w.Context(), "SELECT id FROM reservations WHERE client_token = ?", token).Scan(&id))
	return id
}
