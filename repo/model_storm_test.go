package repo_test

import (
	"slices"
	"sync"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// answered is a command and what its caller was told.
type answered struct {
	command inventory.Command
	inventory.Outcome
}

// storm commands many things at once, of both repositories and by both
// strategies. What comes of it decides the race; it must be what was answered,
// and the model goes on from there.
func (h *history) storm() {
	h.Helper()
	answers := make([][]answered, stormCallers)
	var callers sync.WaitGroup
	for i := range answers {
		for range stormCommands {
			answers[i] = append(answers[i], answered{command: h.anyCommand()})
		}
		callers.Go(func() {
			for n := range answers[i] {
				a := &answers[i][n]
				strategy := inventory.Strategies[(i+n)%2]
				var err error
				a.Outcome, err = h.repos[i/2%2].Do(h.Context(), a.command, &strategy)
				assert.NoError(h, err)
			}
		})
	}
	callers.Wait()

	all := slices.Concat(answers...)
	for _, a := range all {
		h.note(a.command, a.Outcome, nil)
	}
	require.False(h, h.Failed())
	requireSound(h, h.db)
	requireConsistent(h, h.repos[0])
	stored := h.read()
	h.requireAnswered(all, h.model, stored)
	h.model = stored
}

// requireAnswered says that all that was answered as done is stored, once, and
// that nothing else is.
func (h *history) requireAnswered(all []answered, before, after *model) {
	h.Helper()
	made, tokens, skus := len(before.Reservations), len(before.Tokens), len(before.SKUs)
	totals := map[inventory.LevelKey]int64{}
	for key, level := range before.Levels {
		totals[key] = level.Total
	}
	ended := map[string][]inventory.Status{}

	for _, a := range all {
		for _, refusal := range a.Refused {
			require.NotEqual(h, inventory.Contended, refusal.Code, spell(a))
			if refusal.Code == inventory.InvalidState {
				requireSameEnd(h, *refusal.Reservation, after.Reservations[refusal.Reservation.ID])
			}
		}
		if a.Reservation != nil {
			requireSameEnd(h, *a.Reservation, after.Reservations[a.Reservation.ID])
		}
		if len(a.Refused) > 0 || a.Replayed {
			continue
		}
		switch c := a.command.(type) {
		case inventory.CreateHold, inventory.CreateAllocation:
			require.NotContains(h, before.Reservations, a.Reservation.ID)
			made++
			tokens++
		case inventory.ConvertHold, inventory.ReleaseHold:
			require.Equal(h, inventory.Held, heldBefore(before, a.Reservation.ID))
			ended[a.Reservation.ID] = append(ended[a.Reservation.ID], a.Reservation.Status)
		case inventory.FulfillAllocation, inventory.CancelAllocation:
			require.Contains(h, []inventory.Status{inventory.Held, inventory.Allocated}, heldBefore(before, a.Reservation.ID))
			ended[a.Reservation.ID] = append(ended[a.Reservation.ID], a.Reservation.Status)
			if a.Reservation.Status == inventory.Fulfilled {
				for _, line := range a.Reservation.Lines {
					totals[line.Key()] -= int64(line.Quantity)
				}
			}
		case inventory.AdjustStock:
			totals[a.Level.Key()] += c.Delta
			tokens++
		case inventory.SetStock:
			require.Equal(h, c.Total, a.Level.Total)
			totals[a.Level.Key()] += h.setDelta(*a.Level)
			tokens++
		case inventory.CreateSKU:
			skus++
			if c.InitialStock != nil || c.Location != nil {
				key := inventory.LevelKey{SKU: c.SKU, Location: inventory.DefaultLocation}
				if c.Location != nil {
					key.Location = *c.Location
				}
				totals[key] += *orZero(c.InitialStock)
			}
		case inventory.ImportSKU:
			switch {
			case a.Import == inventory.ImportCreated:
				skus++
				if c.Total != nil {
					key := inventory.LevelKey{SKU: c.SKU, Location: inventory.DefaultLocation}
					if c.Location != nil {
						key.Location = *c.Location
					}
					totals[key] += *c.Total
				}
			case a.Level != nil:
				require.Equal(h, *c.Total, a.Level.Total)
				totals[a.Level.Key()] += h.setDelta(*a.Level)
				tokens++
			}
		}
	}
	require.Len(h, after.Reservations, made)
	require.Len(h, after.Tokens, tokens)
	require.Len(h, after.SKUs, skus)
	require.Len(h, after.Levels, len(totals))
	for key, total := range totals {
		require.Equal(h, total, after.Levels[key].Total, "%v", key)
	}
	for id, statuses := range ended {
		slices.Sort(statuses) // ALLOCATED comes before what an allocation ends as
		require.Len(h, slices.Compact(statuses), len(statuses), "ended twice: %v", statuses)
		if len(statuses) > 1 {
			require.Len(h, statuses, 2)
			require.Equal(h, inventory.Allocated, statuses[0])
			require.NotEqual(h, inventory.Released, statuses[1])
		}
		last := statuses[len(statuses)-1]
		require.Equal(h, last, after.Reservations[id].Status)
	}
}

// setDelta is what it took to set the total that the level has: that depends on
// those who came first.
func (h *history) setDelta(level inventory.StockLevel) int64 {
	h.Helper()
	return int64(count(h, h.db, "SELECT total_delta FROM audit_log WHERE action = 'SET' AND sku = ? AND location = ? AND version = ?",
		level.SKU, level.Location, level.Version))
}

// requireSameEnd says that a reservation that was answered is the one stored,
// and that it still stands as answered if it had ended for good.
func requireSameEnd(h *history, got, stored inventory.Reservation) {
	h.Helper()
	require.Equal(h, got.ID, stored.ID)
	require.Equal(h, got.ClientToken, stored.ClientToken)
	require.Equal(h, got.Lines, stored.Lines)
	require.LessOrEqual(h, got.Revision, stored.Revision)
	switch got.Status {
	case inventory.Held:
	case inventory.Allocated:
		require.Contains(h, []inventory.Status{inventory.Allocated, inventory.Fulfilled, inventory.Cancelled}, stored.Status)
		require.Equal(h, got.CompletedAt, stored.CompletedAt)
	default:
		require.Equal(h, got.Status, stored.Status)
		require.Equal(h, got.CompletedAt, stored.CompletedAt)
	}
}

// heldBefore is the status that a reservation had; HELD for one that wasn't
// there, for it was made meanwhile.
func heldBefore(before *model, id string) inventory.Status {
	if r, ok := before.Reservations[id]; ok {
		return r.Status
	}
	return inventory.Held
}

func orZero(n *int64) *int64 {
	if n == nil {
		return new(int64(0))
	}
	return n
}
