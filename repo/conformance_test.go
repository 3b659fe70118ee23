package repo_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// A strategy is finished when it passes this suite. Its cases are in the files
// conformance_*_test.go, by what they are about.

type conformanceCase struct {
	outcome string
	run     func(*world)
}

func TestStrategyConforms(t *testing.T) {
	t.Parallel()
	for about, cases := range map[string][]conformanceCase{
		"claims": claimCases, "endings": endingCases, "overdue": overdueCases,
		"stock": stockCases, "imports": importCases, "tokens": tokenCases, "text": textCases,
	} {
		for _, strategy := range inventory.Strategies {
			t.Run(string(strategy)+"/"+about, func(t *testing.T) {
				t.Parallel()
				db := pgtest.Open(t)
				requireIDsBeforeEntries(t, db)
				r := newRepo(t, db, func(o *repo.Options) { o.Strategy = strategy })
				for _, c := range cases {
					t.Run(c.outcome, func(t *testing.T) {
						w := newWorld(t, db, r, strategy)
						c.run(w)
						requireSound(t, db)
						requireConsistent(t, r)
					})
				}
			})
		}
	}
}

// requireIDsBeforeEntries has every save fail that draws an entry's id before its
// transaction has an id of its own. Those who follow the log rely on that. The
// trigger runs before the first row is made.
func requireIDsBeforeEntries(t testing.TB, db *bun.DB) {
	t.Helper()
	execute(t, db, `CREATE FUNCTION has_id() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF pg_current_xact_id_if_assigned() IS NULL THEN
				RAISE 'an entry is drawn before the transaction has an id';
			END IF;
			RETURN NULL;
		END $$;
		CREATE TRIGGER has_id BEFORE INSERT ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION has_id()`)
}

// world is a database with locations annex, default and west, which stand in
// this order by their codes, and SKUs:
//
//	A  10 units at default
//	B   2 at annex, 3 at default, 4 at west
//
// and a repository over it that has the strategy under test.
type world struct {
	*testing.T
	db       *bun.DB
	repo     *repo.Repo
	strategy inventory.Strategy
	// begun is how many audit entries the stock above took.
	begun int
}

// newWorld clears the database, which is quicker than to make another.
func newWorld(t *testing.T, db *bun.DB, r *repo.Repo, strategy inventory.Strategy) *world {
	t.Helper()
	execute(t, db, `DELETE FROM stock_levels; DELETE FROM reservations; DELETE FROM reservation_lines; DELETE FROM client_tokens;
		DELETE FROM audit_log; DELETE FROM skus; DELETE FROM locations WHERE code <> 'default'`)
	w := &world{T: t, db: db, repo: r, strategy: strategy}
	createLocations(t, db, "annex", "west")
	createSKU(t, r, "A", 10)
	createSKU(t, r, "B", 3)
	w.adjust("stock of annex", "B", "annex", 2)
	w.adjust("stock of west", "B", "west", 4)
	w.begun = len(auditLog(t, db))
	return w
}

func (w *world) adjust(token, sku, location string, delta int64) inventory.StockLevel {
	w.Helper()
	return *done(w, w.repo, inventory.AdjustStock{ClientToken: token, SKU: sku, Location: &location, Delta: delta, Reason: "RECEIVED"}).Level
}

func (w *world) hold(token string, lines ...inventory.LineRequest) inventory.Reservation {
	w.Helper()
	return hold(w, w.repo, token, lines...)
}

func (w *world) allocate(token string, lines ...inventory.LineRequest) inventory.Reservation {
	w.Helper()
	return *done(w, w.repo, inventory.CreateAllocation{ClientToken: token, Lines: lines}).Reservation
}

func (w *world) convert(id string) inventory.Outcome {
	w.Helper()
	return do(w, w.repo, inventory.ConvertHold{ReservationID: id})
}

func (w *world) release(id string) inventory.Outcome {
	w.Helper()
	return do(w, w.repo, inventory.ReleaseHold{ReservationID: id})
}

func (w *world) extend(id string, ttlSeconds int32) inventory.Outcome {
	w.Helper()
	return do(w, w.repo, inventory.ExtendHold{ReservationID: id, TTLSeconds: ttlSeconds})
}

func (w *world) fulfil(id string) inventory.Outcome {
	w.Helper()
	return do(w, w.repo, inventory.FulfillAllocation{ReservationID: id})
}

func (w *world) cancel(id string) inventory.Outcome {
	w.Helper()
	return do(w, w.repo, inventory.CancelAllocation{ReservationID: id})
}

// byAnother runs a command by another strategy than the one under test.
func (w *world) byAnother(command inventory.Command) inventory.Outcome {
	w.Helper()
	another := inventory.Strategies[(slices.Index(inventory.Strategies, w.strategy)+1)%len(inventory.Strategies)]
	outcome, err := w.repo.Do(w.Context(), command, &another)
	require.NoError(w, err)
	return outcome
}

// refused runs a command that must be refused, and answers why.
func (w *world) refused(command inventory.Command) []*inventory.Error {
	w.Helper()
	return w.requireRefused(do(w, w.repo, command))
}

// requireRefused answers the refusals of an outcome, which must have nothing
// beside them, without their sentences, which must be there.
func (w *world) requireRefused(outcome inventory.Outcome) []*inventory.Error {
	w.Helper()
	require.NotEmpty(w, outcome.Refused)
	require.Nil(w, outcome.Reservation)
	require.Nil(w, outcome.Level)
	require.Nil(w, outcome.SKU)
	require.False(w, outcome.Replayed)
	refusals := make([]*inventory.Error, len(outcome.Refused))
	for i, e := range outcome.Refused {
		require.NotEmpty(w, e.Message)
		silent := *e
		silent.Message = ""
		refusals[i] = &silent
	}
	return refusals
}

// requireLogged says what the audit log must have beside the beginning.
func (w *world) requireLogged(entries ...string) {
	w.Helper()
	logged := auditLog(w, w.db)[w.begun:]
	require.Equal(w, append([]string{}, entries...), append([]string{}, logged...))
}

// requireCounters says what the level's total, reserved and allocated must be.
func (w *world) requireCounters(sku, location string, total, reserved, allocated int64) {
	w.Helper()
	l := level(w, w.db, sku, location)
	require.Equal(w, [3]int64{total, reserved, allocated}, [3]int64{l.Total, l.Reserved, l.Allocated}, "%s@%s", sku, location)
}

// stored reads a reservation by its id; it must exist.
func (w *world) stored(id string) inventory.Reservation {
	w.Helper()
	r, err := w.repo.ReservationByID(w.Context(), id)
	require.NoError(w, err)
	require.NotNil(w, r)
	return *r
}

func field(path ...string) []string { return append([]string{"input"}, path...) }
