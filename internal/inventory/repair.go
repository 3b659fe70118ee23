package inventory

import "fmt"

// Drift is how much more the counters of a stock level say than is true.
type Drift struct{ Total, Reserved, Allocated int64 }

// RepairLevel takes drift off a stock level. Commands change counters and truth
// by the same, so that drift which was measured earlier holds for the level as it
// now is. The exceptions are a repair, and a SetStock, which says what the total
// is whatever it was: if the level has been settled by one since, nothing is done,
// and the outcome is a replay.
//
// Its audit entry is a checkpoint: what is wrong with the counters before it no
// longer matters.
type RepairLevel struct {
	Key   LevelKey
	Drift Drift
	// SettledVersion is that of the level's last REPAIRED or SET entry when the
	// drift was measured; 0 if it had none.
	SettledVersion int64
	Actor          string
	Reference      string
}

// LogEnd is where the audit log of a stock level ends.
type LogEnd struct {
	// Total, Reserved and Allocated are what the last entry says; 0 if there is
	// none.
	Total, Reserved, Allocated int64
	// SettledVersion is that of the last REPAIRED or SET entry, SettledBy its
	// request's id; 0 and empty if there is none.
	SettledVersion int64
	SettledBy      string
}

// Validate implements Command.
func (c RepairLevel) Validate(Limits) []*Error { return nil }

// Footprint implements Command.
func (c RepairLevel) Footprint(string) Footprint {
	return Footprint{Levels: []LevelKey{c.Key}, LogEnds: []LevelKey{c.Key}}
}

func (c RepairLevel) decide(b *batch, request Request) Outcome {
	level, ok := b.level(c.Key)
	if !ok {
		return refused(&Error{Code: NotFound, Message: "there is no stock level of " + c.Key.SKU + " at " + c.Key.Location})
	}
	end := b.logEnd(c.Key)
	if end.SettledVersion != c.SettledVersion {
		return Outcome{Level: &level, Replayed: end.SettledBy != request.ID}
	}
	level.Total -= c.Drift.Total
	level.Reserved -= c.Drift.Reserved
	level.Allocated -= c.Drift.Allocated
	if problem := c.refusal(level); problem != nil {
		return refused(problem)
	}
	// The deltas lead on from the last entry, which may never have known of the
	// drift, so that the log is whole for who reads it.
	level = b.put(level, Entry{
		Action:         ActionRepaired,
		TotalDelta:     level.Total - end.Total,
		ReservedDelta:  level.Reserved - end.Reserved,
		AllocatedDelta: level.Allocated - end.Allocated,
		Actor:          c.Actor,
		Reference:      c.Reference,
		CommandID:      request.ID,
	})
	return Outcome{Level: &level}
}

func (c RepairLevel) refusal(repaired StockLevel) *Error {
	if min(repaired.Total, repaired.Reserved, repaired.Allocated, repaired.Available()) >= 0 && repaired.Total <= CounterMax {
		return nil
	}
	return &Error{
		Code: InsufficientStock,
		Message: fmt.Sprintf("of %d units of %s at %s there would be %d reserved and %d allocated",
			repaired.Total, c.Key.SKU, c.Key.Location, repaired.Reserved, repaired.Allocated),
		SKU: c.Key.SKU, Location: c.Key.Location,
		Requested: repaired.Reserved + repaired.Allocated, Available: repaired.Total,
	}
}

// logEnd is where the level's log ends with what was decided so far.
func (b *batch) logEnd(key LevelKey) LogEnd {
	end := b.state.LogEnds[key]
	for _, entry := range b.entries {
		if entry.After == nil || entry.After.Key() != key {
			continue
		}
		end.Total, end.Reserved, end.Allocated = entry.After.Total, entry.After.Reserved, entry.After.Allocated
		if entry.Action == ActionRepaired || entry.Action == ActionSet {
			end.SettledVersion, end.SettledBy = entry.After.Version, entry.CommandID
		}
	}
	return end
}
