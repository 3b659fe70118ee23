package repo_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// A COMMIT is never guessed: where its answer is lost, the command is run again
// and finds out.

// faultCommands are one of each kind, on the SKU given, of which there are 10
// units, with the audit entries that its one effect has. They prepare what they
// need.
var faultCommands = []struct {
	name    string
	entries int
	prepare func(w *faultWorld, sku string) inventory.Command
}{
	{"hold", 2, func(w *faultWorld, sku string) inventory.Command {
		return inventory.CreateHold{ClientToken: sku, Lines: []inventory.LineRequest{line(sku, 10), line("A", 1)}}
	}},
	{"allocation", 1, func(w *faultWorld, sku string) inventory.Command {
		return inventory.CreateAllocation{ClientToken: sku, Lines: []inventory.LineRequest{line(sku, 10, "default")}}
	}},
	{"convert", 1, func(w *faultWorld, sku string) inventory.Command {
		return inventory.ConvertHold{ReservationID: hold(w, w.other, sku, line(sku, 1)).ID}
	}},
	{"release", 1, func(w *faultWorld, sku string) inventory.Command {
		return inventory.ReleaseHold{ReservationID: hold(w, w.other, sku, line(sku, 1)).ID}
	}},
	{"extend", 1, func(w *faultWorld, sku string) inventory.Command {
		return inventory.ExtendHold{ReservationID: hold(w, w.other, sku, line(sku, 1)).ID, TTLSeconds: 3600}
	}},
	{"adjust", 1, func(w *faultWorld, sku string) inventory.Command {
		return inventory.AdjustStock{ClientToken: sku, SKU: sku, Delta: -10, Reason: "LOST"}
	}},
	{"adjust a new level", 1, func(w *faultWorld, sku string) inventory.Command {
		createLocations(w, w.db, sku)
		return inventory.AdjustStock{ClientToken: sku, SKU: sku, Location: &sku, Delta: 5, Reason: "FOUND", ExpectedVersion: new(int64)}
	}},
	{"repair", 1, func(w *faultWorld, sku string) inventory.Command {
		execute(w, w.db, "UPDATE stock_levels SET total = total + 5 WHERE sku = ?", sku)
		return inventory.RepairLevel{
			Key: inventory.LevelKey{SKU: sku, Location: "default"}, Drift: inventory.Drift{Total: 5}, Actor: repo.DefaultPrincipal,
		}
	}},
	{"createSku", 1, func(_ *faultWorld, sku string) inventory.Command {
		return inventory.CreateSKU{SKU: "new:" + sku, Name: "New"}
	}},
	{"createSku with stock", 1, func(_ *faultWorld, sku string) inventory.Command {
		stock := int64(7)
		return inventory.CreateSKU{SKU: "new:" + sku, Name: "New", InitialStock: &stock}
	}},
}

// harms are what can happen between a repository and its COMMIT.
var harms = []struct {
	name string
	harm func(*exchange)
}{
	{"answer lost", func(x *exchange) {
		x.send()
		x.answer()
		x.hangUp()
	}},
	{"cut before it was sent", (*exchange).hangUp},
	{"cut in the middle of the answer", func(x *exchange) {
		x.send()
		whole := x.answer()
		x.reply(whole[:len(whole)-8])
		x.hangUp()
	}},
}

func TestCommandWhoseCommitIsInDoubtHasOneEffect(t *testing.T) {
	t.Parallel()
	for _, h := range harms {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			underEach(t, func(t *testing.T, strategy inventory.Strategy) {
				w := newFaultWorld(t, strategy)
				for i, c := range faultCommands {
					command := c.prepare(w, w.newSKU(i))
					before := w.entries()
					harmed := w.proxy.next(isSave, h.harm)
					first := w.do(w.repo, command)
					await(t, harmed)
					w.requireOneEffect(c.name, command, first, c.entries, before)
				}
			})
		})
	}
}

// What no lock holds back is run again at once; a save that was delayed on its
// way then finds that the versions have moved on.
func TestSaveThatArrivesAfterItsRerunChangesNothing(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Optimistic)
	for i, c := range faultCommands {
		command := c.prepare(w, w.newSKU(i))
		if len(command.Footprint(repo.DefaultPrincipal).Reservations) > 0 {
			continue // reservations are locked under either strategy
		}
		before := w.entries()
		arrive := w.delayNextSave()
		first := w.do(w.repo, command)
		arrive()
		w.requireOneEffect(c.name, command, first, c.entries, before)
	}
}

// A server that is cut off leaves its locks behind. PostgreSQL takes them back
// long before it knows that the connection is dead.
func TestLocksOfServerThatIsCutOffAreGivenUp(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) {
		o.LockTimeout, o.RequestTimeout = 5*time.Second, 6*time.Second
	})
	held := hold(t, w.other, "h", line("A", 1))
	cutOff, never := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(never) })
	w.proxy.next(isSave, func(*exchange) {
		close(cutOff)
		<-never
	})
	lost := start(t.Context(), w.repo, inventory.ConvertHold{ReservationID: held.ID})
	await(t, cutOff)

	released := w.do(w.other, inventory.ReleaseHold{ReservationID: held.ID})
	require.True(t, released.wasDone(), "%+v", released)
	require.ErrorIs(t, await(t, lost).err, repo.ErrUnknownOutcome)
	requireSound(t, w.db)
}

// To say that nothing was done while the first try may still be carried out
// would be a guess.
func TestCommandInDoubtIsNotRefusedForItsOwnLocks(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) {
		o.LockTimeout, o.RequestTimeout = 100*time.Millisecond, time.Second
	})
	arrive := w.delayNextSave()
	first := w.do(w.repo, oneOf("A", "t"))
	require.ErrorIs(t, first.err, repo.ErrUnknownOutcome)
	arrive()

	again := w.do(w.repo, oneOf("A", "t"))
	require.True(t, again.wasDone() && again.Replayed, "%+v", again)
	assert.EqualValues(t, 1, level(t, w.db, "A", "default").Reserved)
	requireSound(t, w.db)
}

func TestDatabaseGoneAfterCommitLeavesOutcomeUnknownUntilAsked(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy, func(o *repo.Options) { o.RequestTimeout = 2 * time.Second })
		lost := w.proxy.next(isSave, func(x *exchange) {
			x.send()
			x.answer()
			w.proxy.cut()
		})
		first := w.do(w.repo, oneOf("A", "t"))
		await(t, lost)
		require.ErrorIs(t, first.err, repo.ErrUnknownOutcome)
		require.NotErrorIs(t, first.err, repo.ErrOverloaded)

		w.proxy.mend()
		again := w.do(w.repo, oneOf("A", "t"))
		require.True(t, again.wasDone() && again.Replayed, "%+v", again)
		assert.EqualValues(t, 1, level(t, w.db, "A", "default").Reserved)
	})
}

func TestDatabaseGoneBeforehandLeavesNothingDone(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy, func(o *repo.Options) { o.RequestTimeout = 2 * time.Second })
		w.proxy.cut()
		first := w.do(w.repo, oneOf("A", "t"))
		require.ErrorIs(t, first.err, repo.ErrOverloaded)
		require.NotErrorIs(t, first.err, repo.ErrUnknownOutcome)

		w.proxy.mend()
		again := w.do(w.repo, oneOf("A", "t"))
		require.True(t, again.wasDone() && !again.Replayed, "%+v", again)
	})
}

// delayNextSave cuts the connection while a save is on its way, which then
// arrives when the test says so.
func (w *faultWorld) delayNextSave() (arrive func()) {
	proceed := make(chan struct{})
	let := sync.OnceFunc(func() { close(proceed) })
	w.Cleanup(let)
	late := w.proxy.next(isSave, func(x *exchange) {
		x.hangUp()
		<-proceed
		x.send()
		x.answer()
	})
	return func() {
		w.Helper()
		let()
		await(w, late)
	}
}

// requireOneEffect checks that a command was done once and answered so, and
// that to repeat it finds the same.
func (w *faultWorld) requireOneEffect(name string, command inventory.Command, first answer, entries, before int) {
	w.Helper()
	require.True(w, first.wasDone(), "%s: %+v", name, first)
	assert.False(w, first.Replayed, "%s: it was the first time", name)
	assert.Equal(w, entries, w.entries()-before, name)
	requireSound(w, w.db)

	if _, extends := command.(inventory.ExtendHold); extends {
		return // another extension is another effect
	}
	second := w.do(w.other, command)
	assert.Equal(w, entries, w.entries()-before, "%s: a repetition changes nothing", name)
	if _, creates := command.(inventory.CreateSKU); creates {
		assert.True(w, second.refusedAs(inventory.AlreadyExists), "%s: %+v", name, second)
		return
	}
	assert.True(w, second.wasDone() && second.Replayed, "%s: %+v", name, second)
	assert.Equal(w, first.Reservation, second.Reservation, name)
	assert.Equal(w, first.Level, second.Level, name)
}
