package inventory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func set(token string, total int64) inventory.SetStock {
	return inventory.SetStock{ClientToken: token, SKU: "A", Total: total, Reason: "CORRECTION"}
}

// claimFive holds 3 units and allocates 2.
func (s *shop) claimFive() {
	s.t.Helper()
	s.hold(3)
	s.done(inventory.CreateAllocation{ClientToken: "allocation", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 2}}})
}

func TestSetTotalIsWhatWasCounted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ total, delta int64 }{
		"lower":             {7, -3},
		"all that's free":   {5, -5},
		"higher":            {11, 1},
		"as it is":          {10, 0},
		"the largest there": {inventory.CounterMax, inventory.CounterMax - 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			s.claimFive()
			before := s.level()
			s.now = s.now.Add(time.Minute)

			level := s.done(set("1", test.total)).Level

			want := before
			want.Total, want.Version, want.UpdatedAt = test.total, before.Version+1, s.now
			require.Equal(t, &want, level)
			entry := s.db.log[len(s.db.log)-1]
			require.Equal(t, inventory.ActionSet, entry.Action)
			require.Equal(t, test.delta, entry.TotalDelta)
			require.Equal(t, level, entry.After)
		})
	}
}

func TestTotalBelowWhatIsClaimedIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ total, requested int64 }{
		"one less": {4, 6},
		"nothing":  {0, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			s.claimFive()

			e := s.refused(set("1", test.total))

			require.Equal(t, inventory.InsufficientStock, e.Code)
			require.Equal(t, path("total"), e.Field)
			require.Equal(t, "A", e.SKU)
			require.Equal(t, "default", e.Location)
			require.Equal(t, test.requested, e.Requested, "the units to take away")
			require.EqualValues(t, 5, e.Available)
		})
	}
}

func TestSetTotalMayBeNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	level := s.done(set("1", 0)).Level
	require.Zero(t, level.Total)
	require.EqualValues(t, 2, level.Version)

	c := set("2", 0)
	c.Location = new("west")
	level = s.done(c).Level
	require.Equal(t, &inventory.StockLevel{SKU: "A", Location: "west", Version: 1, UpdatedAt: noon}, level, "counted, and nothing was there")
}

func TestCountsInAGroupEachMeetWhatThoseBeforeLeft(t *testing.T) {
	t.Parallel()
	state := stateOf(inventory.StockLevel{SKU: "A", Location: "default", Total: 10, Version: 1})
	hold := inventory.CreateHold{ClientToken: "hold", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 4}}}

	outcomes, changes := inventory.Decide(limits, state, []inventory.Request{
		request(1, set("1", 4)), request(2, hold), request(3, set("3", 3)), request(4, adjust("4", 2)), request(5, set("5", 4)),
	})

	e := requireRefused(t, outcomes[2])
	require.EqualValues(t, 1, e.Requested)
	require.Zero(t, e.Available)
	var deltas []int64
	for _, entry := range changes.Entries {
		deltas = append(deltas, entry.TotalDelta)
	}
	require.Equal(t, []int64{-6, 0, 2, -2}, deltas)
	require.EqualValues(t, 4, outcomes[4].Level.Total)
	require.Zero(t, outcomes[4].Level.Available())
}
