package inventory_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"holdfast/internal/inventory"
)

var levelA = inventory.LevelKey{SKU: "A", Location: "default"}

// repairOf is a repair of SKU A as measured now.
func (s *shop) repairOf() inventory.RepairLevel { return s.db.measure(levelA) }

// corrupt adds drift to a level behind the commands' back.
func (d *database) corrupt(key inventory.LevelKey, drift inventory.Drift) {
	level := d.levels[key]
	level.Total += drift.Total
	level.Reserved += drift.Reserved
	level.Allocated += drift.Allocated
	d.levels[key] = level
}

// measure compares a level with its lines and with what the log says was done.
func (d *database) measure(key inventory.LevelKey) inventory.RepairLevel {
	level, truth := d.levels[key], d.truth(key)
	return inventory.RepairLevel{
		Key: key,
		Drift: inventory.Drift{
			Total: level.Total - truth.Total, Reserved: level.Reserved - truth.Reserved, Allocated: level.Allocated - truth.Allocated,
		},
		SettledVersion: d.logEnd(key).SettledVersion,
		Actor:          inventory.ActorSystem,
		Reference:      "reconciliation run 1",
	}
}

// truth adds up lines, and what was done to the total since it was last said. No
// repair does anything.
func (d *database) truth(key inventory.LevelKey) (truth inventory.Drift) {
	for _, r := range d.reservations {
		for _, line := range r.Lines {
			switch {
			case line.Key() != key:
			case r.Status == inventory.Held:
				truth.Reserved += int64(line.Quantity)
			case r.Status == inventory.Allocated:
				truth.Allocated += int64(line.Quantity)
			}
		}
	}
	for _, e := range d.log {
		switch {
		case e.After == nil || e.After.Key() != key || e.Action == inventory.ActionRepaired:
		case e.Action == inventory.ActionSet:
			truth.Total = e.After.Total
		default:
			truth.Total += e.TotalDelta
		}
	}
	return truth
}

func TestRepairTakesDriftOffTheLevelAsItNowIs(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	s.hold(2)
	s.db.corrupt(levelA, inventory.Drift{Total: 5, Reserved: 1})
	repair := s.repairOf()
	assert.Equal(t, inventory.Drift{Total: 5, Reserved: 1}, repair.Drift)

	after := s.holdOf(1)
	after.ClientToken = "after"
	group := []inventory.Request{request(11, s.holdOf(3)), request(12, repair), request(13, after), request(14, repair)}
	outcomes, changes := inventory.Decide(limits, s.db.load(s.now, group, nil), group)
	require.NoError(t, s.db.apply(changes))
	for _, outcome := range outcomes {
		require.Empty(t, outcome.Refused)
	}
	assert.Equal(t, []bool{false, false, false, true}, []bool{
		outcomes[0].Replayed, outcomes[1].Replayed, outcomes[2].Replayed, outcomes[3].Replayed,
	})
	require.Len(t, changes.Entries, 3)
	entry := changes.Entries[1]
	assert.Equal(t, inventory.ActionRepaired, entry.Action)
	assert.Equal(t, [3]int64{-5, -1, 0}, [3]int64{entry.TotalDelta, entry.ReservedDelta, entry.AllocatedDelta}, "the hold before it wrote down the drift")
	assert.Equal(t, inventory.ActorSystem, entry.Actor)
	assert.Equal(t, "reconciliation run 1", entry.Reference)
	assert.Equal(t, [3]int64{10, 6, 0}, [3]int64{s.level().Total, s.level().Reserved, s.level().Allocated})
	assert.Empty(t, s.db.violations())
}

func TestRepairOfWhatTheLogNeverKnewHasNoDeltas(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	s.db.corrupt(levelA, inventory.Drift{Total: -4, Allocated: 3})
	s.done(s.repairOf())
	entry := s.db.log[len(s.db.log)-1]
	assert.Equal(t, [3]int64{}, [3]int64{entry.TotalDelta, entry.ReservedDelta, entry.AllocatedDelta})
	assert.Equal(t, int64(10), s.level().Total)
}

func TestRepairIsDoneOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	s.db.corrupt(levelA, inventory.Drift{Total: 5})
	repair := s.repairOf()
	assert.False(t, s.done(repair).Replayed)
	assert.False(t, s.again().Replayed, "its own first try is no replay")
	assert.True(t, s.done(repair).Replayed, "somebody else's is")
	assert.Equal(t, int64(10), s.level().Total)
	assert.Len(t, s.db.log, 2)
}

// A count says what the total is, whatever it was. Drift that was measured before
// is drift no more.
func TestRepairLeavesATotalThatWasCountedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	s.db.corrupt(levelA, inventory.Drift{Total: -5})
	repair := s.repairOf()
	group := []inventory.Request{request(21, inventory.SetStock{ClientToken: "count", SKU: "A", Total: 10}), request(22, repair)}
	outcomes, changes := inventory.Decide(limits, s.db.load(s.now, group, nil), group)
	require.NoError(t, s.db.apply(changes))
	assert.True(t, outcomes[1].Replayed)
	assert.Equal(t, int64(10), s.level().Total)
	assert.Equal(t, inventory.Drift{}, s.repairOf().Drift)
}

func TestRepairThatWouldBreakARuleIsRefused(t *testing.T) {
	t.Parallel()
	for name, drift := range map[string]inventory.Drift{
		"Oversell":          {Total: 9},
		"NegativeTotal":     {Total: 11, Reserved: 2},
		"NegativeReserved":  {Reserved: 3},
		"NegativeAllocated": {Allocated: 1},
		"TooManyToCount":    {Total: -inventory.CounterMax},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			s.hold(2)
			assert.Equal(t, inventory.InsufficientStock, s.refused(inventory.RepairLevel{Key: levelA, Drift: drift}).Code)
		})
	}
	t.Run("NoLevel", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, inventory.NotFound, newShop(t, 0).refused(inventory.RepairLevel{Key: levelA}).Code)
	})
}

// Drift that is measured at one moment and taken off at any later one leaves the
// truth, whatever was commanded in between and however it was grouped, or is
// refused where the truth itself breaks a rule.
func TestRepairAmongRandomCommandsLeavesTheTruth(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	for met["repaired"] < 1000 || met["refused"] < 25 || met["set before it was repaired"] < 25 {
		rapid.Check(t, func(rt *rapid.T) {
			h := newHistory(rt, met)
			d := h.grouped
			decide := func(requests []inventory.Request) []inventory.Outcome {
				outcomes, changes := inventory.Decide(limits, d.load(h.now, requests, h.tried), requests)
				require.NoError(rt, d.apply(changes))
				for _, made := range changes.Made {
					h.made = append(h.made, made.ID)
				}
				return outcomes
			}
			randomly := func(label string) (requests []inventory.Request) {
				for range rapid.IntRange(0, 12).Draw(rt, label) {
					requests = append(requests, h.anyRequest(rt))
				}
				return requests
			}
			for range rapid.IntRange(1, 4).Draw(rt, "drifts") {
				decide(randomly("before"))
				key := rapid.SampledFrom([]inventory.LevelKey{levelA, {SKU: "A", Location: "annex"}, {SKU: "A/B", Location: "west"}}).Draw(rt, "level")
				some := rapid.SampledFrom([]int64{0, 0, 1, 4, -1, -4})
				d.corrupt(key, inventory.Drift{Total: some.Draw(rt, "total"), Reserved: some.Draw(rt, "reserved"), Allocated: some.Draw(rt, "allocated")})
				decide(randomly("between"))
				repair := d.measure(key)
				h.passTime(rt)

				requests := randomly("around")
				place := rapid.IntRange(0, len(requests)).Draw(rt, "place")
				mine := h.request(somebody, repair)
				requests = append(requests[:place:place], append([]inventory.Request{mine}, requests[place:]...)...)
				outcome := decide(requests)[place]
				switch {
				case len(outcome.Refused) > 0:
					met["refused"]++
					return // from here on what is sold may be sold twice
				case outcome.Replayed:
					met["set before it was repaired"]++
					return
				}
				met["repaired"]++
				level := d.levels[key]
				counters := inventory.Drift{Total: level.Total, Reserved: level.Reserved, Allocated: level.Allocated}
				require.Equal(rt, d.truth(key), counters)
				require.Empty(rt, brokenChains(d))

				h.tried[mine.ID] = true
				wasLast := d.logEnd(key).SettledBy == mine.ID
				require.Equal(rt, !wasLast, decide([]inventory.Request{mine})[0].Replayed)
				require.True(rt, decide([]inventory.Request{h.request(somebody, repair)})[0].Replayed)
				require.Equal(rt, level, d.levels[key])
			}
		})
	}
	t.Logf("met %v", met)
}
