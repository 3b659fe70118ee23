package feed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/feed"
	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

func TestAFollowerGetsEveryEntryOfEveryServerInOrder(t *testing.T) {
	t.Parallel()
	one, other := newServers(t)
	one.createSKU("before", 10)
	entries := one.followLog(nil)
	other.createSKU("A", 10)
	id := one.hold("t", "A").ID
	other.do(inventory.ExtendHold{ReservationID: id, TTLSeconds: 3600})
	other.do(inventory.ReleaseHold{ReservationID: id})
	for _, action := range []inventory.Action{inventory.ActionCreated, inventory.ActionHeld, inventory.ActionExtended, inventory.ActionReleased} {
		require.Equal(t, action, await(t, entries).Node.Action)
	}
}

// The second entry is committed long before the first, and nothing of the cluster
// has ended between the two draws.
func TestAFollowerWaitsForAnEntryThatComesLate(t *testing.T) {
	t.Parallel()
	s := newServer(t, pgtest.NewCluster(t).URL(), true)
	s.createSKU("A", 10)
	s.createSKU("B", 10)
	entries := s.followLog(nil)
	first, second := s.draft("A"), s.draft("B")
	require.Less(t, first.id, second.id)
	s.awaitLooks(5)
	second.commit()
	s.awaitLooks(5)
	requireNone(t, entries)
	first.commit()
	require.Equal(t, first.id, await(t, entries).Node.Position)
	require.Equal(t, second.id, await(t, entries).Node.Position)
}

func TestAFollowerWaitsForWhoeverWrites(t *testing.T) {
	t.Parallel()
	s := newServer(t, pgtest.URL(t), true)
	s.createSKU("A", 10)
	entries := s.followLog(nil)
	busy := s.writing()
	s.hold("t", "A")
	s.awaitLooks(5)
	requireNone(t, entries)
	busy.commit()
	require.Equal(t, inventory.ActionHeld, await(t, entries).Node.Action)
}

func TestAnEntryThatIsRolledBackHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := newServer(t, pgtest.URL(t), true)
	s.createSKU("A", 10)
	entries := s.followLog(nil)
	gone := s.draft("A")
	require.NoError(t, gone.tx.Rollback())
	s.hold("t", "A")
	require.Equal(t, gone.id+1, await(t, entries).Node.Position)
}

func TestFromNowOnIsWhatIsCommittedFromNowOn(t *testing.T) {
	t.Parallel()
	s := newServer(t, pgtest.URL(t), true)
	s.createSKU("A", 10)
	s.createSKU("B", 10)
	busy := s.writing() // so that nothing of what follows is settled
	before := s.draft("A")
	s.createSKU("seen", 1)
	entries := s.followLog(nil)
	before.commit()
	after := s.draft("B")
	after.commit()
	busy.commit()
	require.Equal(t, before.id, await(t, entries).Node.Position, "it was under way when the follower came")
	require.Equal(t, after.id, await(t, entries).Node.Position)
}

func TestAFollowerResumesBehindItsCursor(t *testing.T) {
	t.Parallel()
	one, other := newServers(t)
	one.createSKU("A", 10)
	one.createSKU("B", 10)
	ctx, leave := context.WithCancel(t.Context())
	entries, err := one.stream(ctx, nil, "A")
	require.NoError(t, err)
	one.hold("1", "A")
	one.hold("2", "B")
	cursor := await(t, entries).Cursor
	leave()
	one.hold("3", "A")
	one.hold("4", "B")
	again := other.followLog(&cursor, "A")
	require.EqualValues(t, 3, *await(t, again).Node.Version)
	all := other.followLog(&cursor)
	for _, sku := range []string{"B", "A", "B"} {
		require.Equal(t, sku, *await(t, all).Node.SKU)
	}
	one.hold("5", "A")
	require.EqualValues(t, 4, *await(t, again).Node.Version)
}

func TestAFollowerThatRetentionOvertakesIsToldToResync(t *testing.T) {
	t.Parallel()
	s := newServer(t, pgtest.URL(t), true)
	s.createSKU("A", 1000)
	told := make(chan *error, 1)
	ctx := feed.WithFailure(t.Context(), func(err error) { told <- &err })
	entries, err := s.stream(ctx, nil)
	require.NoError(t, err)
	for n := range 600 { // more than a page
		s.hold(string(rune('a'+n%26))+time.Duration(n).String(), "A")
	}
	cursor := await(t, entries).Cursor
	// It reads no more. All that is there is of the past.
	require.NoError(t, s.repo.Trim(t.Context(), time.Microsecond))
	read := 1
	for range entries {
		read++
	}
	require.Less(t, read, 600)
	require.ErrorIs(t, *await(t, told), repo.ErrResync)

	_, err = s.stream(t.Context(), &cursor)
	require.ErrorIs(t, err, repo.ErrResync)
	anew := s.followLog(nil)
	s.createSKU("B", 1)
	require.Equal(t, "B", *await(t, anew).Node.SKU)
}

func TestAFollowerOfADatabaseThatWasRestoredIsToldToResync(t *testing.T) {
	t.Parallel()
	s := newServer(t, pgtest.URL(t), true)
	s.createSKU("A", 10)
	told := make(chan *error, 1)
	ctx := feed.WithFailure(t.Context(), func(err error) { told <- &err })
	entries, err := s.stream(ctx, nil)
	require.NoError(t, err)
	s.hold("1", "A")
	s.hold("2", "A")
	await(t, entries)
	cursor := await(t, entries).Cursor
	s.execute("DELETE FROM audit_log WHERE id > 1; SELECT setval('audit_log_id_seq', 1)")
	require.ErrorIs(t, *await(t, told), repo.ErrResync)
	_, err = s.stream(t.Context(), &cursor)
	require.ErrorIs(t, err, repo.ErrResync)
	anew := s.followLog(nil)
	s.createSKU("B", 10)
	require.Equal(t, "B", *await(t, anew).Node.SKU)
}

func TestAFollowerOutlivesFailuresThatPass(t *testing.T) {
	t.Parallel()
	s := newServer(t, pgtest.URL(t), true)
	s.createSKU("A", 10)
	failures, told := 2, make(chan *error, 1)
	ctx := feed.WithFailure(t.Context(), func(err error) { told <- &err })
	broken := errors.New("broken")
	values := feed.Follow(ctx, s.Feed, func(context.Context, int64) ([]int, error) {
		switch failures--; {
		case failures >= 0:
			return nil, &feed.PassingError{Cause: errors.New("the database is away")}
		case failures == -1:
			return []int{1, 2}, nil
		default:
			return nil, broken
		}
	})
	require.Equal(t, 1, *await(t, values))
	require.Equal(t, 2, *await(t, values))
	_, open := <-values
	require.False(t, open)
	require.ErrorIs(t, *await(t, told), broken)
}

func TestAFollowerThatLeavesIsToldOfNoError(t *testing.T) {
	t.Parallel()
	s := newServer(t, pgtest.URL(t), true)
	ctx, leave := context.WithCancel(feed.WithFailure(t.Context(), func(err error) { t.Error(err) }))
	entries, err := s.stream(ctx, nil)
	require.NoError(t, err)
	leave()
	_, open := <-entries
	require.False(t, open)
}

func requireNone[T any](t testing.TB, from <-chan *T) {
	t.Helper()
	select {
	case value := <-from:
		require.FailNow(t, "something came", "%+v", value)
	default:
	}
}
