package repo_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// observed counts what a repository tells its observer.
type observed struct {
	mu       sync.Mutex
	counts   map[string]int
	lateness []time.Duration
}

func newObserved() *observed { return &observed{counts: map[string]int{}} }

func (o *observed) observe(options *repo.Options) { options.Observer = o }

func (o *observed) add(n int, what ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts[fmt.Sprint(what...)] += n
}

func (o *observed) of(what string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[what]
}

// Command and the others implement repo.Observer.
func (o *observed) Command(command inventory.Command, result string) {
	o.add(1, fmt.Sprintf("%T ", command), result)
}
func (o *observed) Group(lane inventory.Strategy, group groupcommit.Group) {
	o.add(group.Size, "in groups of ", lane)
}
func (o *observed) Loaded(by inventory.Strategy, _ time.Duration)    { o.add(1, "loaded ", by) }
func (o *observed) Committed(by inventory.Strategy, _ time.Duration) { o.add(1, "committed ", by) }
func (o *observed) Conflict(commands int)                            { o.add(commands, "conflicts") }
func (o *observed) Retry(reason string)                              { o.add(1, "retry ", reason) }
func (o *observed) SetAside()                                        { o.add(1, "set aside") }
func (o *observed) Expired(holds int)                                { o.add(holds, "expired") }
func (o *observed) Late(by time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lateness = append(o.lateness, by)
}

func TestCommandsAreObservedByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	o := newObserved()
	r := newRepo(t, pgtest.Open(t), o.observe)
	createSKU(t, r, "A", 3)
	command := inventory.CreateHold{ClientToken: "first", Lines: []inventory.LineRequest{line("A", 2)}}
	done(t, r, command)
	done(t, r, command)
	command.ClientToken = "second"
	require.NotEmpty(t, do(t, r, command).Refused)
	command.ClientToken = ""
	require.NotEmpty(t, do(t, r, command).Refused)
	r.Close(t.Context())
	command.ClientToken = "third"
	_, err := r.Do(t.Context(), command, nil)
	require.ErrorIs(t, err, repo.ErrOverloaded)

	require.Equal(t, map[string]int{
		"inventory.CreateSKU done":                1,
		"inventory.CreateHold done":               1,
		"inventory.CreateHold replayed":           1,
		"inventory.CreateHold INSUFFICIENT_STOCK": 1,
		"inventory.CreateHold INVALID_INPUT":      1,
		"inventory.CreateHold overloaded":         1,
		"in groups of PESSIMISTIC":                4,
		"loaded PESSIMISTIC":                      4,
		"committed PESSIMISTIC":                   2,
	}, o.counts)
}

func TestOvertakenCommandIsObserved(t *testing.T) {
	t.Parallel()
	r := newRivalry(t, inventory.Optimistic, 1)
	o := newObserved()
	r.repo = newRepo(t, r.db, o.observe, func(options *repo.Options) {
		options.Strategy, options.OptimisticRetries = inventory.Optimistic, 1
	})
	require.Empty(t, r.meetRival("A").Refused)
	r.repo.Close(t.Context()) // a group is told of once it is answered
	require.Equal(t, map[string]int{
		"inventory.CreateHold done": 1,
		"conflicts":                 1,
		"retry moved":               1,
		"in groups of OPTIMISTIC":   2,
		"loaded OPTIMISTIC":         1,
		"loaded PESSIMISTIC":        1, // the last retry locks
		"committed PESSIMISTIC":     1,
	}, o.counts)
}

func TestCommandSetAsideIsObserved(t *testing.T) {
	t.Parallel()
	r := newRivalry(t, inventory.Pessimistic, 0)
	o := newObserved()
	r.repo = newRepo(t, r.db, o.observe, func(options *repo.Options) { options.LockTimeout = 100 * time.Millisecond })
	unlock := r.lock("A")
	defer unlock()
	require.NotEmpty(t, (<-r.start("A", "token")).Refused)
	require.Equal(t, 1, o.of("set aside"))
	require.Equal(t, 1, o.of("retry lock_timeout"))
	require.Equal(t, 1, o.of("inventory.CreateHold CONTENDED"))
}

func TestExpiredHoldsAreObservedWithTheirLateness(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	o := newObserved()
	r := newRepo(t, db, o.observe)
	createSKU(t, r, "A", 3)
	swept, met := hold(t, r, "swept", line("A", 1)), hold(t, r, "met", line("A", 1))
	began := time.Now()
	makeOverdue(t, db, swept.ID)
	found, err := repo.NewSweeper(r).Sweep(t.Context(), fromTheBeginning, 10)
	require.NoError(t, err)
	require.Equal(t, 1, found.Ended)
	require.Equal(t, 1, o.of("expired"))
	require.Len(t, o.lateness, 1)
	require.GreaterOrEqual(t, o.lateness[0], time.Second)
	// The way of the question counts twice.
	require.Less(t, o.lateness[0], time.Second+2*time.Since(began))

	makeOverdue(t, db, met.ID)
	require.NotEmpty(t, do(t, r, inventory.ConvertHold{ReservationID: met.ID}).Refused)
	require.Equal(t, 2, o.of("expired"))
	require.Len(t, o.lateness, 1, "of holds that a sweep ended")
	require.Equal(t, 1, o.of("inventory.ConvertHold INVALID_STATE"))
}
