package repo_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// A group that falls into parts is not run again as a whole.

func TestPartOfAGroupThatIsCommittedIsNotRunAgain(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	ended, extended := hold(t, w.other, "h", line("B", 1)), hold(t, w.other, "e", line("B", 1))
	bad := poison(w)
	// Who waits for this can't be seen, so that the group is halved.
	end := w.keepOpen("INSERT INTO client_tokens VALUES (?, 'default', 'HELD', '{}', gen_random_uuid(), now())",
		inventory.TokenKey(repo.DefaultPrincipal, "blocked"))

	release := w.keepLaneBusy()
	var answers []<-chan answer
	for _, command := range []inventory.Command{
		inventory.ReleaseHold{ReservationID: ended.ID},
		inventory.ExtendHold{ReservationID: extended.ID, TTLSeconds: 3600},
		oneOf("C", "blocked"),
		bad,
	} {
		answers = append(answers, w.join(command)...)
	}
	release()

	released := await(t, answers[0])
	assert.True(t, released.wasDone() && !released.Replayed, "%+v", released)
	assert.True(t, await(t, answers[1]).wasDone())
	assert.ErrorContains(t, await(t, answers[3]).err, "23514")
	end("ROLLBACK")
	assert.True(t, await(t, answers[2]).wasDone())
	assert.Equal(t, 1, count(t, w.db, "SELECT count(*) FROM audit_log WHERE action = 'EXTENDED'"))
	requireSound(t, w.db)
}

// What a command weighs that ends a reservation is known once that is loaded.
func TestGroupThatEndsTooManyLinesIsRunInParts(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	const groupLinesMax, size, holds = 2048, 100, 30
	var lines []inventory.LineRequest
	for i := range size {
		sku := fmt.Sprint("sku-", i)
		createSKU(t, w.other, sku, holds)
		lines = append(lines, line(sku, 1, inventory.DefaultLocation))
	}
	var commands []inventory.Command
	for i := range holds {
		commands = append(commands, inventory.ConvertHold{ReservationID: hold(t, w.other, fmt.Sprint("h-", i), lines...).ID})
	}
	for _, one := range w.groupOf(commands...) {
		assert.True(t, one.wasDone() && !one.Replayed, "%+v", one)
	}
	largest := "SELECT max(n) FROM (SELECT count(*) AS n FROM audit_log WHERE action = 'CONVERTED' GROUP BY at) AS groups"
	assert.LessOrEqual(t, count(t, w.db, largest), groupLinesMax)
	requireSound(t, w.db)
}

// An error names what moved only as far as it has room to.
func TestMovedLevelsThatAreNotNamedCountARetryForAll(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Optimistic)
	execute(t, w.db, `CREATE OR REPLACE FUNCTION holdfast_unmoved(moved json) RETURNS void LANGUAGE plpgsql AS
		$$ BEGIN RAISE 'stock levels moved' USING ERRCODE = 'HF002'; END $$`)
	// The last retry locks.
	told := await(t, start(t.Context(), w.repo, oneOf("A", "t")))
	require.True(t, told.wasDone(), "%+v", told)
}
