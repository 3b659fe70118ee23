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
	ended := map[string]inventory.Status{}

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
			require.NotContains(h, ended, a.Reservation.ID, "ended twice")
			require.Equal(h, inventory.Held, heldBefore(before, a.Reservation.ID))
			ended[a.Reservation.ID] = a.Reservation.Status
		case inventory.AdjustStock:
			totals[a.Level.Key()] += c.Delta
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
		}
	}
	require.Len(h, after.Reservations, made)
	require.Len(h, after.Tokens, tokens)
	require.Len(h, after.SKUs, skus)
	require.Len(h, after.Levels, len(totals))
	for key, total := range totals {
		require.Equal(h, total, after.Levels[key].Total, "%v", key)
	}
	for id, status := range ended {
		require.Equal(h, status, after.Reservations[id].Status)
	}
}

// requireSameEnd says that a reservation that was answered is the one stored,
// and that it still stands as answered if it had ended.
func requireSameEnd(h *history, got, stored inventory.Reservation) {
	h.Helper()
	require.Equal(h, got.ID, stored.ID)
	require.Equal(h, got.ClientToken, stored.ClientToken)
	require.Equal(h, got.Lines, stored.Lines)
	require.LessOrEqual(h, got.Revision, stored.Revision)
	if got.Status != inventory.Held {
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
