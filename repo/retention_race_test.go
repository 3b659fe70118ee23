package repo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// Two servers trim what was there before, a few entries a step, while others
// hold, end and repeat. Whatever is interleaved: no command fails, the check
// finds nothing at any time, and what lives is untouched.
func TestTwoServersTrimWhileCommandsGoOn(t *testing.T) {
	t.Parallel()
	s := newServers(t, inventory.Strategies)
	createSKU(t, s.repos[0], "A", 100_000)
	createSKU(t, s.repos[0], "B", 100_000)
	lines := []inventory.LineRequest{line("B", 1), line("A", 2)}
	const callers, each = 8, 20
	claim := func(caller, n int, when string) inventory.Command {
		token := fmt.Sprint(when, caller, "-", n)
		if n%3 == 0 {
			return inventory.CreateAllocation{ClientToken: token, Lines: lines}
		}
		return inventory.CreateHold{ClientToken: token, Lines: lines}
	}
	// Of five, two stay as they are.
	act := func(caller, n int, when string) {
		made := s.do(caller, claim(caller, n, when))
		if made.Reservation == nil {
			return
		}
		id := made.Reservation.ID
		switch {
		case n%5 < 2:
		case n%3 == 0:
			s.do(caller, inventory.CancelAllocation{ReservationID: id})
		case n%2 == 0:
			s.do(caller, inventory.ReleaseHold{ReservationID: id})
		default:
			s.do(caller, inventory.ConvertHold{ReservationID: id})
			s.do(caller, inventory.FulfillAllocation{ReservationID: id})
		}
	}
	s.callers(callers, func(caller int) {
		for n := range each {
			act(caller, n, "before")
		}
	})
	before := readKept(t, s.db)
	cutoff := now(t, s.db)

	s.callers(callers+3, func(caller int) {
		switch {
		case caller < callers:
			for n := range each {
				act(caller, n, "during")
				s.do(caller, claim(caller, n, "before")) // again, or anew
			}
		case caller < callers+2:
			assert.NoError(s, trimBeside(s.Context(), s.repos[caller%2], cutoff, 7))
		default:
			for range 10 {
				requireConsistent(s, s.repos[0])
			}
		}
	})
	requireSound(t, s.db)
	requireConsistent(t, s.repos[1])
	after := readKept(t, s.db)
	require.False(t, after.entries[0].At.Before(cutoff))
	for id, r := range before.reservations {
		if r.Status == inventory.Held || r.Status == inventory.Allocated {
			assert.Equal(t, r.Lines, after.reservations[id].Lines)
			assert.True(t, after.tokens[r.Token])
		} else {
			assert.NotContains(t, after.reservations, id)
		}
	}
	s.requireNoDeadlock()
}

func TestAStepThatIsKilledMidwayHasDoneNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, `CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN OLD; END $$;
		CREATE TRIGGER die BEFORE DELETE ON audit_log FOR EACH ROW WHEN (OLD.action = 'FULFILLED') EXECUTE FUNCTION die()`)
	before := readKept(t, s.db)
	_, err := s.repo.BeginTrim(now(t, s.db)).Log(t.Context(), 1000)
	require.Error(t, err)
	assert.Equal(t, before, readKept(t, s.db))

	execute(t, s.db, "DROP TRIGGER die ON audit_log")
	trimAll(t, s.db, s.repo, now(t, s.db), 1000)
	assert.Empty(t, readKept(t, s.db).entries)
}

func TestTrimLeavesALockedReservationToTheNextPass(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	before := readKept(t, s.db)
	locker, err := s.db.Begin()
	require.NoError(t, err)
	defer func() { _ = locker.Rollback() }()
	_, err = locker.Exec("SELECT 1 FROM reservations WHERE id = ? FOR NO KEY UPDATE", s.released)
	require.NoError(t, err)
	// All that is there is of the past.
	require.NoError(t, s.repo.Trim(t.Context(), time.Microsecond))
	assert.Equal(t, before, readKept(t, s.db))
	require.NoError(t, locker.Rollback())
	require.NoError(t, s.repo.Trim(t.Context(), time.Microsecond))
	assert.Empty(t, readKept(t, s.db).entries)
}

func TestOneServerAtATimeTrims(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	before := readKept(t, s.db)
	other, err := s.db.Begin()
	require.NoError(t, err)
	defer func() { _ = other.Rollback() }()
	_, err = other.Exec("SELECT pg_advisory_xact_lock(?)", 0x72657461696e6564)
	require.NoError(t, err)
	require.NoError(t, s.repo.Trim(t.Context(), time.Microsecond))
	assert.Equal(t, before, readKept(t, s.db))
}

// Whoever repeats a command at the moment its reservation goes is answered as
// before that moment or as after it.
func TestARepeatWhileItsReservationGoesIsAnsweredEitherWay(t *testing.T) {
	t.Parallel()
	for _, strategy := range inventory.Strategies {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			db := pgtest.Open(t)
			r := newRepo(t, db, func(options *repo.Options) { options.Strategy = strategy })
			createSKU(t, r, "A", 1000)
			const reservations = 60
			first := make([]string, reservations)
			command := func(n int) inventory.Command {
				return inventory.CreateHold{ClientToken: fmt.Sprint("token ", n), Lines: []inventory.LineRequest{line("A", 1)}}
			}
			for n := range first {
				first[n] = done(t, r, command(n)).Reservation.ID
				done(t, r, inventory.ReleaseHold{ReservationID: first[n]})
			}
			cutoff, trimmed := now(t, db), make(chan error, 1)
			go func() { trimmed <- trimBeside(t.Context(), r, cutoff, 2) }()
			outcomes := together(t, r, 3*reservations, func(caller int) inventory.Command {
				n := caller % reservations
				if caller < 2*reservations {
					return command(n)
				}
				return inventory.ReleaseHold{ReservationID: first[n]}
			})
			require.NoError(t, <-trimmed)
			for caller, outcome := range outcomes {
				n := caller % reservations
				switch {
				case caller >= 2*reservations && outcome.Reservation == nil:
					require.Len(t, outcome.Refused, 1)
					require.Equal(t, inventory.NotFound, outcome.Refused[0].Code)
				case outcome.Replayed && outcome.Reservation.ID == first[n]:
					require.Equal(t, inventory.Released, outcome.Reservation.Status)
				default:
					require.NotNil(t, outcome.Reservation)
					require.Equal(t, inventory.Held, outcome.Reservation.Status)
				}
			}
			requireSound(t, db)
			requireConsistent(t, r)
		})
	}
}
