package repo_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// Somebody at a psql prompt keeps rows locked. Who doesn't want those rows
// hardly notices.

// unharmedWithin is how long a command may take beside others that wait for a
// lock, on a busy machine.
const unharmedWithin = 4 * time.Second

// keepOpen runs a statement in a transaction that stays open until it is ended,
// by COMMIT or ROLLBACK, at the latest with the test.
func (w *faultWorld) keepOpen(statement string, args ...any) (end func(with string)) {
	w.Helper()
	conn, err := w.db.Conn(w.Context())
	require.NoError(w, err)
	var once sync.Once
	end = func(with string) {
		once.Do(func() {
			_, err := conn.ExecContext(context.WithoutCancel(w.Context()), with)
			assert.NoError(w, err)
			_ = conn.Close()
		})
	}
	w.Cleanup(func() { end("ROLLBACK") })
	_, err = conn.ExecContext(w.Context(), "BEGIN; "+statement, args...)
	require.NoError(w, err)
	return end
}

// groupLockTimeout is how long a group waits for locks.
const groupLockTimeout = time.Second

const lockLevelA = "SELECT FROM stock_levels WHERE sku = 'A' FOR UPDATE"

func TestLockedLevelDelaysOnlyThoseWhoWantIt(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		const wanting = 12 // more than are tried alone at once
		end := w.keepOpen(lockLevelA)
		var commands []inventory.Command
		for i := range wanting {
			commands = append(commands, oneOf("A", fmt.Sprint("A-", i)))
		}
		delayed := w.join(commands...)
		batch := inventory.CreateHold{ClientToken: "batch", Lines: []inventory.LineRequest{line("C", 1), line("A", 1), line("B", 1)}}
		delayed = append(delayed, w.join(batch)...)

		for i, sku := range []string{"B", "C", "B"} {
			told := awaitWithin(t, unharmedWithin, start(t.Context(), w.repo, oneOf(sku, fmt.Sprint("other-", i))))
			require.True(t, told.wasDone(), "%+v", told)
		}
		end("COMMIT")
		held := 0
		for _, answers := range delayed {
			told := await(t, answers)
			if told.wasDone() {
				held++
				continue
			}
			assert.True(t, told.refusedAs(inventory.InsufficientStock), "%+v", told)
		}
		assert.Equal(t, 10, held)
		requireSound(t, w.db)
	})
}

func TestLevelLockedBeyondTheTimeoutIsContended(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy, func(o *repo.Options) { o.LockTimeout = 200 * time.Millisecond })
		end := w.keepOpen(lockLevelA)
		before := w.entries()
		commands := []inventory.Command{oneOf("B", "B")}
		for i := range 6 {
			commands = append(commands, oneOf("A", fmt.Sprint("A-", i)))
		}
		told := w.groupOf(commands...)
		assert.True(t, told[0].wasDone(), "%+v", told[0])
		for _, one := range told[1:] {
			assert.True(t, one.refusedAs(inventory.Contended), "%+v", one)
		}
		end("ROLLBACK")
		assert.Equal(t, 1, w.entries()-before)
		assert.True(t, w.do(w.repo, oneOf("A", "A-0")).wasDone(), "it was safe to repeat")
		requireSound(t, w.db)
	})
}

func TestLockedReservationDelaysOnlyItsOwnCommands(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		locked, free := hold(t, w.other, "locked", line("A", 1)), hold(t, w.other, "free", line("A", 1))
		end := w.keepOpen("SELECT FROM reservations WHERE id = ? FOR UPDATE", locked.ID)
		delayed := w.join(inventory.ConvertHold{ReservationID: locked.ID}, inventory.ReleaseHold{ReservationID: locked.ID})

		told := awaitWithin(t, unharmedWithin, start(t.Context(), w.repo, inventory.ConvertHold{ReservationID: free.ID}))
		require.True(t, told.wasDone(), "%+v", told)
		end("ROLLBACK")
		first, second := await(t, delayed[0]), await(t, delayed[1])
		assert.NotEqual(t, first.wasDone(), second.wasDone())
		assert.True(t, first.wasDone() || first.refusedAs(inventory.InvalidState), "%+v", first)
		assert.True(t, second.wasDone() || second.refusedAs(inventory.InvalidState), "%+v", second)
		requireSound(t, w.db)
	})
}

// A row that somebody has inserted and not committed can't be seen, so that no
// query names those who wait for it.
func TestUncommittedRowDelaysOnlyThoseWhoInsertTheSame(t *testing.T) {
	t.Parallel()
	west := "west"
	rows := []struct {
		name     string
		strategy inventory.Strategy // they don't differ in what they insert
		insert   string
		args     []any
		want     func(n int) inventory.Command
	}{
		{"token", inventory.Optimistic, "INSERT INTO client_tokens VALUES (?, 'default', 'HELD', '{}', gen_random_uuid(), now())",
			[]any{inventory.TokenKey(repo.DefaultPrincipal, "same")},
			func(int) inventory.Command { return oneOf("A", "same") }},
		{"SKU", inventory.Pessimistic, "INSERT INTO skus VALUES ('new', 'n', NULL, gen_random_uuid(), now())", nil,
			func(int) inventory.Command { return inventory.CreateSKU{SKU: "new", Name: "n"} }},
		{"level", inventory.Pessimistic, "INSERT INTO stock_levels VALUES ('A', 'west', 1, 0, 0, 1, now())", nil,
			func(n int) inventory.Command {
				return inventory.AdjustStock{ClientToken: fmt.Sprint("west-", n), SKU: "A", Location: &west, Delta: 1, Reason: "FOUND"}
			}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newFaultWorld(t, row.strategy)
			createLocations(t, w.db, west)
			createSKU(t, w.other, "many", 100)
			const wanting, others = 6, 40
			end := w.keepOpen(row.insert, row.args...)
			release := w.keepLaneBusy()
			var delayed, unharmed []<-chan answer
			for i := range others {
				unharmed = append(unharmed, w.join(oneOf("many", fmt.Sprint("other-", i)))...)
				if i%(others/wanting) == 0 && len(delayed) < wanting {
					delayed = append(delayed, w.join(row.want(i))...)
				}
			}
			release()
			for _, answers := range unharmed {
				told := awaitWithin(t, 2*unharmedWithin, answers)
				assert.True(t, told.wasDone() && !told.Replayed, "%+v", told)
			}
			end("ROLLBACK")
			done := 0
			for _, answers := range delayed {
				if told := await(t, answers); told.wasDone() && !told.Replayed {
					done++
				}
			}
			assert.GreaterOrEqual(t, done, 1)
			requireSound(t, w.db)
		})
	}
}

func TestTableLockIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	end := w.keepOpen("LOCK TABLE stock_levels IN ACCESS EXCLUSIVE MODE")
	delayed := w.join(oneOf("A", "t"), oneOf("B", "u"))
	// Locks of whole tables are for migrations: one waits for the lane's turn.
	time.AfterFunc(groupLockTimeout+200*time.Millisecond, func() { end("COMMIT") })
	for _, answers := range delayed {
		told := await(t, answers)
		assert.True(t, told.wasDone(), "%+v", told)
	}
	requireSound(t, w.db)
}

// A retry that waits behind its own first attempt, for the last unit, must find
// that attempt, and not only that the unit is gone.
func TestRetryBehindItsFirstAttemptIsReplayed(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		createSKU(t, w.other, "last", 1)
		saved, commit := make(chan struct{}), make(chan struct{})
		release := sync.OnceFunc(func() { close(commit) })
		t.Cleanup(release)
		w.proxy.next(isSaveOf("mine"), func(x *exchange) {
			x.inTwo(func() {
				close(saved)
				<-commit
			})
		})
		first := start(t.Context(), w.repo, oneOf("last", "mine"))
		await(t, saved)
		retry := start(t.Context(), w.other, oneOf("last", "mine"))
		rival := start(t.Context(), w.other, oneOf("last", "rival"))
		w.awaitLockWaits(1)
		release()

		told, again, lost := await(t, first), await(t, retry), await(t, rival)
		require.True(t, told.wasDone() && !told.Replayed, "%+v", told)
		require.True(t, again.wasDone() && again.Replayed, "%+v", again)
		assert.Equal(t, told.Reservation, again.Reservation)
		assert.True(t, lost.refusedAs(inventory.InsufficientStock), "%+v", lost)
		requireSound(t, w.db)
	})
}

// awaitLockWaits returns when so many sessions of the test's database wait for
// a lock.
func (w *faultWorld) awaitLockWaits(sessions int) {
	w.Helper()
	require.Eventually(w, func() bool {
		return count(w, w.db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") >= sessions
	}, patience, 5*time.Millisecond)
}

// What an overdue hold has become can't be said while somebody keeps it locked.
func TestOverdueHoldThatIsLockedIsNotReadAsMissing(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) { o.LockTimeout = 100 * time.Millisecond })
	held := hold(t, w.repo, "t", line("A", 1))
	makeOverdue(t, w.db, held.ID)
	end := w.keepOpen("SELECT FROM reservations WHERE id = ? FOR UPDATE", held.ID)

	_, err := w.repo.ReservationByID(t.Context(), held.ID)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	require.ErrorIs(t, w.do(w.repo, oneOf("A", "t")).err, repo.ErrOverloaded, "a replay")

	end("ROLLBACK")
	again := w.do(w.repo, oneOf("A", "t"))
	require.True(t, again.wasDone() && again.Replayed, "%+v", again)
	assert.Equal(t, inventory.Expired, again.Reservation.Status)
}
