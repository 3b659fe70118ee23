package repo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// What befalls a group befalls each of its commands in its own way.

func TestGroupWhoseCommitIsInDoubtIsAnsweredRight(t *testing.T) {
	t.Parallel()
	for _, h := range harms {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			underEach(t, func(t *testing.T, strategy inventory.Strategy) {
				w := newFaultWorld(t, strategy)
				ended := hold(t, w.other, "h", line("B", 1))
				var group string
				harmed := w.proxy.next(isSaveOf("buyer"), func(x *exchange) {
					group = x.query()
					h.harm(x)
				})
				var commands []inventory.Command
				for i := range 12 { // of 10 units
					commands = append(commands, oneOf("A", fmt.Sprint("buyer-", i)))
				}
				commands = append(commands, oneOf("A", "buyer-0"), // one of them asks twice
					inventory.ReleaseHold{ReservationID: ended.ID}, inventory.ConvertHold{ReservationID: ended.ID},
					oneOf("X", "buyer-of-nothing"))
				told := w.groupOf(commands...)

				await(t, harmed)
				require.Greater(t, strings.Count(group, "buyer"), 2, "there was no group")
				first, replayed := map[string]bool{}, 0
				for _, one := range told[:13] {
					switch {
					case one.wasDone() && one.Replayed:
						replayed++
					case one.wasDone():
						first[one.Reservation.ID] = true
					default:
						assert.True(t, one.refusedAs(inventory.InsufficientStock), "%+v", one)
					}
				}
				assert.Len(t, first, 10)
				assert.LessOrEqual(t, replayed, 1)
				assert.NotEqual(t, told[13].wasDone(), told[14].wasDone(), "a hold ends once")
				assert.True(t, told[15].refusedAs(inventory.UnknownSKU), "%+v", told[15])
				assert.EqualValues(t, 10, level(t, w.db, "A", "default").Reserved)
				requireSound(t, w.db)
			})
		})
	}
}

// isSaveOf matches a save that mentions the text.
func isSaveOf(text string) func(query string) bool {
	return func(query string) bool { return isSave(query) && strings.Contains(query, text) }
}

// poison is a command whose data the database alone refuses.
func poison(w *faultWorld) inventory.CreateHold {
	execute(w, w.db, "ALTER TABLE reservations ADD CHECK (holder <> 'poison')")
	command := oneOf("A", "poison")
	command.Holder = new("poison")
	return command
}

func TestCommandThatTheDatabaseRefusesFailsAlone(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		createSKU(t, w.other, "many", 100)
		var commands []inventory.Command
		for i := range 49 {
			commands = append(commands, oneOf("many", fmt.Sprint("buyer-", i)))
		}
		commands = append(commands[:20], append([]inventory.Command{poison(w)}, commands[20:]...)...)
		for i, one := range w.groupOf(commands...) {
			if i == 20 {
				require.ErrorContains(t, one.err, "23514")
				continue
			}
			assert.True(t, one.wasDone() && !one.Replayed, "%d: %+v", i, one)
		}
		assert.EqualValues(t, 49, level(t, w.db, "many", "default").Reserved)
		requireSound(t, w.db)

		// The connection is in order afterwards.
		require.True(t, w.do(w.repo, oneOf("many", "later")).wasDone())
	})
}

// Metadata that isn't JSON is stopped before it comes here; should some get
// through, it must not harm others.
func TestMetadataThatTheDatabaseRefusesFailsAlone(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	bad := oneOf("A", "bad")
	bad.Metadata = []byte("{")
	told := w.groupOf(bad, oneOf("A", "good"))
	assert.ErrorContains(t, told[0].err, "SQLSTATE=22")
	assert.True(t, told[1].wasDone(), "%+v", told[1])
	requireSound(t, w.db)
}

func TestMetadataIsGivenBackAsItWasTaken(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	for name, metadata := range map[string]string{
		"NUL": `{"a":"\u0000"}`, "surrogate": `{"a":"\ud800"}`, "number": `{"a":1e400000}`, "order": `{"b":1, "a":2}`,
	} {
		command := oneOf("A", name)
		command.Metadata = []byte(metadata)
		require.True(t, w.do(w.repo, command).wasDone(), name)
		again := w.do(w.repo, command)
		require.True(t, again.Replayed, name)
		require.Equal(t, metadata, string(again.Reservation.Metadata), name)
	}
}

// An error of the server says for certain that nothing was done.
func TestServerOutOfMeansIsNotAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) { o.RequestTimeout = 2 * time.Second })
	execute(t, w.db, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$`)
	execute(t, w.db, "CREATE TRIGGER full_disk BEFORE INSERT ON reservations EXECUTE FUNCTION full_disk()")
	first := w.do(w.repo, oneOf("A", "t"))
	require.ErrorIs(t, first.err, repo.ErrOverloaded)
	require.NotErrorIs(t, first.err, repo.ErrUnknownOutcome)
}

// More levels can move at once than an error of the server has room to name.
func TestGroupOfWhichEverythingMovedIsDecidedAgain(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Optimistic)
	const size = 100
	var lines [][]inventory.LineRequest
	for i := range 9 {
		var some []inventory.LineRequest
		for j := range size {
			some = append(some, line(fmt.Sprintf("%064d", i*size+j), 1))
		}
		lines = append(lines, some)
	}
	execute(t, w.db, "INSERT INTO skus SELECT lpad(n::text, 64, '0'), 'n', NULL, gen_random_uuid(), now() FROM generate_series(0, 899) AS n")
	execute(t, w.db, `WITH made AS (INSERT INTO stock_levels SELECT sku, 'default', 10, 0, 0, 1, created_at FROM skus WHERE sku LIKE '0%' RETURNING *)
		INSERT INTO audit_log (at, action, sku, location, total_delta, reserved_delta, allocated_delta, total, reserved, allocated, version, actor, command_id)
		SELECT updated_at, 'CREATED', sku, location, 10, 0, 0, 10, 0, 0, 1, 'test', gen_random_uuid() FROM made`)

	moved := w.proxy.next(isSaveOf("buyer"), func(x *exchange) {
		for i, some := range lines {
			hold(t, w.other, fmt.Sprint("faster-", i), some...)
		}
		x.pass()
	})
	var commands []inventory.Command
	for i, some := range lines {
		commands = append(commands, inventory.CreateHold{ClientToken: fmt.Sprint("buyer-", i), Lines: some})
	}
	for _, one := range w.groupOf(commands...) {
		assert.True(t, one.wasDone() && !one.Replayed, "%+v", one)
	}
	await(t, moved)
	requireSound(t, w.db)
}
