package repo_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// What the repository says of the past is held against what was seen when it
// was the present. A random history goes on as in the other model tests, and of
// each step it is written down when stock changed, and by how much:
//
//   - commands one by one, from the stock levels as they are after each;
//   - now and then a rush of many at once, by both strategies, whose groups
//     change a level many times at one moment: from what the callers are told.
//
// Snapshots are taken all the while. Later the log's oldest entries are trimmed
// behind a base, twice.

const (
	pastCommands = 600 // a strategy, one by one
	rushEvery    = 60
	rushCallers  = 16
	rushCommands = 4 // a caller
	pastPairs    = 10_000
)

func TestThePastIsWhatWasSeenWhenItWasThePresent(t *testing.T) {
	t.Parallel()
	for _, strategy := range inventory.Strategies {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			c := newChronicle(t, strategy)
			for n := 1; n <= pastCommands; n++ {
				if c.chance(20) {
					c.passDeadline()
				}
				c.commandOne()
				c.observe()
				if c.chance(3) {
					c.takeSnapshot()
				}
				if n%rushEvery == 0 {
					c.rush()
				}
			}
			c.requirePast(time.Time{}, pastPairs)
			for _, part := range []int{3, 2} {
				changes := c.changes["A"]
				base := changes[len(changes)/part].at
				c.trim(base)
				c.requirePast(base, pastPairs/2)
			}
		})
	}
}

// chronicle is a history, and when it changed what.
type chronicle struct {
	*history
	began   time.Time
	created map[string]time.Time
	// changes are by SKU.
	changes map[string][]change
}

type change struct {
	at time.Time
	by units
}

type units struct{ total, reserved, allocated int64 }

func (u units) plus(v units) units {
	return units{u.total + v.total, u.reserved + v.reserved, u.allocated + v.allocated}
}

func (u units) minus(v units) units { return u.plus(units{-v.total, -v.reserved, -v.allocated}) }

func newChronicle(t *testing.T, strategy inventory.Strategy) *chronicle {
	t.Helper()
	c := &chronicle{history: newHistory(t, strategy), created: map[string]time.Time{}, changes: map[string][]change{}}
	c.observe()
	c.began = c.created["A"]
	return c
}

// observe writes down what has changed since it was last called, which is by one
// command at most.
func (c *chronicle) observe() {
	c.Helper()
	var rows []struct {
		SKU                        string
		CreatedAt, UpdatedAt       time.Time
		Total, Reserved, Allocated int64
	}
	require.NoError(c, c.db.NewRaw(`SELECT s.sku, s.created_at, max(l.updated_at) AS updated_at,
			sum(l.total)::bigint AS total, sum(l.reserved)::bigint AS reserved, sum(l.allocated)::bigint AS allocated
		FROM skus AS s LEFT JOIN stock_levels AS l USING (sku) GROUP BY s.sku, s.created_at`).Scan(c.Context(), &rows))
	for _, row := range rows {
		c.created[row.SKU] = row.CreatedAt.UTC()
		by := units{row.Total, row.Reserved, row.Allocated}.minus(c.until(row.SKU, row.UpdatedAt))
		if by != (units{}) {
			c.changes[row.SKU] = append(c.changes[row.SKU], change{row.UpdatedAt.UTC(), by})
		}
	}
}

// until is what the changes until a moment, and at it, have come to.
func (c *chronicle) until(sku string, moment time.Time) units {
	var sum units
	for _, change := range c.changes[sku] {
		if !change.at.After(moment) {
			sum = sum.plus(change.by)
		}
	}
	return sum
}

// changesAt is how many changes were made at just this moment.
func (c *chronicle) changesAt(sku string, moment time.Time) int {
	n := 0
	for _, change := range c.changes[sku] {
		if change.at.Equal(moment) {
			n++
		}
	}
	return n
}

// rush adjusts and holds the same few levels from many callers at once, while
// snapshots are taken.
func (c *chronicle) rush() {
	c.Helper()
	commands := make([][]inventory.Command, rushCallers)
	outcomes := make([][]inventory.Outcome, rushCallers)
	var callers sync.WaitGroup
	for i := range commands {
		outcomes[i] = make([]inventory.Outcome, rushCommands)
		for range rushCommands {
			commands[i] = append(commands[i], c.anyRushed())
		}
		callers.Go(func() {
			for n, command := range commands[i] {
				var err error
				outcomes[i][n], err = c.repos[i%2].Do(c.Context(), command, &inventory.Strategies[(i/2+n)%2])
				assert.NoError(c, err)
			}
		})
	}
	c.takeSnapshot()
	callers.Wait()
	require.False(c, c.Failed())

	for i := range commands {
		for n, command := range commands[i] {
			c.note(command, outcomes[i][n], nil)
			c.writeDown(command, outcomes[i][n])
		}
	}
	known := len(c.changes["A"]) + len(c.changes["A/B"])
	c.observe()
	require.Equal(c, known, len(c.changes["A"])+len(c.changes["A/B"]), "callers weren't told of all that changed")
	c.model = c.read()
}

func (c *chronicle) anyRushed() inventory.Command {
	c.tokens++
	token := fmt.Sprint("token ", c.tokens)
	sku, location := pick(c.Rand, "A", "A/B"), pick(c.Rand, nil, nil, new("annex"))
	if c.chance(50) {
		return inventory.CreateHold{ClientToken: token, Lines: []inventory.LineRequest{{SKU: sku, Location: location, Quantity: pick[int32](c.Rand, 1, 2)}}}
	}
	return inventory.AdjustStock{ClientToken: token, SKU: sku, Location: location, Delta: pick[int64](c.Rand, 1, 2, -1), Reason: "OTHER"}
}

// writeDown writes down what a caller was told of its command.
func (c *chronicle) writeDown(command inventory.Command, told inventory.Outcome) {
	if len(told.Refused) > 0 {
		return
	}
	switch command := command.(type) {
	case inventory.AdjustStock:
		c.changes[command.SKU] = append(c.changes[command.SKU], change{told.At.UTC(), units{total: command.Delta}})
	case inventory.CreateHold:
		for _, line := range told.Reservation.Lines {
			c.changes[line.SKU] = append(c.changes[line.SKU], change{told.At.UTC(), units{reserved: int64(line.Quantity)}})
		}
	}
}

// takeSnapshot takes one of everything, or of the SKUs that are known for sure.
func (c *chronicle) takeSnapshot() {
	c.Helper()
	outcome, err := pick(c.Rand, c.repos[:]...).TakeSnapshot(c.Context(), inventory.TakeSnapshot{SKUs: pick(c.Rand, nil, []string{"A/B", "A"})})
	require.NoError(c, err)
	require.Empty(c, outcome.Refused)
}

// trim takes away the entries until base, and keeps what they led to.
func (c *chronicle) trim(base time.Time) {
	c.Helper()
	execute(c, c.db, `INSERT INTO snapshots (taken_at, level_count, is_base) VALUES (?, 0, true)
		ON CONFLICT (is_base) WHERE is_base DO UPDATE SET taken_at = excluded.taken_at`, base)
	execute(c, c.db, `INSERT INTO snapshot_levels (snapshot_id, sku, location, total, reserved, allocated, version)
		SELECT DISTINCT ON (e.sku, e.location) b.id, e.sku, e.location, e.total, e.reserved, e.allocated, e.version
		FROM audit_log AS e JOIN snapshots AS b ON b.is_base
		WHERE e.version IS NOT NULL AND e.at <= ? ORDER BY e.sku, e.location, e.version DESC
		ON CONFLICT (sku, location, snapshot_id) DO UPDATE SET
			total = excluded.total, reserved = excluded.reserved, allocated = excluded.allocated, version = excluded.version`, base)
	execute(c, c.db, "DELETE FROM audit_log WHERE at <= ?", base)
}

// requirePast asks for so many pairs of a SKU and a moment, and compares.
// History is kept since the moment given.
func (c *chronicle) requirePast(since time.Time, pairs int) {
	c.Helper()
	var now time.Time
	require.NoError(c, c.db.NewRaw("SELECT clock_timestamp()").Scan(c.Context(), &now))
	met := map[string]int{}
	for asked := 0; asked < pairs; asked += len(anySKU) {
		at := c.anyMoment(now.UTC())
		got, err := pick(c.Rand, c.repos[:]...).AvailabilityAt(c.Context(), anySKU, at)
		if at.Before(since) {
			requireRefused(c, err, "at")
			met["refused"]++
			continue
		}
		require.NoError(c, err)
		for i, sku := range anySKU {
			want := c.past(sku, at)
			require.Equal(c, want, got[i], "%s at %s", sku, at)
			met[fmt.Sprint("known ", want != nil)]++
			met[fmt.Sprint("changes at it ", min(2, c.changesAt(sku, at)))]++
		}
	}
	c.Logf("seed %d met %v", c.seed, met)
	require.Positive(c, met["known true"])
	require.Positive(c, met["known false"])
	require.Positive(c, met["changes at it 2"], "no group changed a SKU twice")
	require.Equal(c, !since.IsZero(), met["refused"] > 0)
}

// past is what was seen.
func (c *chronicle) past(sku string, at time.Time) *inventory.PastAvailability {
	created, known := c.created[sku]
	if !known || at.Before(created) {
		return nil
	}
	then := c.until(sku, at)
	return &inventory.PastAvailability{SKU: sku, At: at, Total: then.total, Reserved: then.reserved, Allocated: then.allocated}
}

// anyMoment is that of a change, or the last before it, or one around a SKU's
// creation, or any from a second before the first one to now.
func (c *chronicle) anyMoment(now time.Time) time.Time {
	before := pick(c.Rand, 0, -time.Microsecond)
	switch sku := pick(c.Rand, "A", "A/B"); c.IntN(4) {
	case 0, 1:
		return pick(c.Rand, c.changes[sku]...).at.Add(before)
	case 2:
		if created, known := c.created[pick(c.Rand, anySKU...)]; known {
			return created.Add(before)
		}
		fallthrough
	default:
		first := c.began.Add(-time.Second)
		return first.Add(time.Duration(c.Int64N(int64(now.Sub(first))))).Truncate(time.Microsecond)
	}
}

// requireRefused says that a query was refused, because of this argument.
func requireRefused(t testing.TB, err error, field ...string) {
	t.Helper()
	var refused *inventory.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, inventory.InvalidInput, refused.Code)
	require.Equal(t, field, refused.Field)
}
