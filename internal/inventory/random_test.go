package inventory_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"holdfast/internal/inventory"
)

// Whatever is commanded, by whomever, in whatever groups:
//
//   - The invariants hold after every group.
//   - Every outcome is the model's.
//   - A group ends as its commands would have one by one.
//   - A refused command changes nothing, except that it ends an overdue hold.
//   - The same arguments give the same answer, and aren't changed.
//   - A command needs no more loaded than its footprint.
//   - A request that is run again after it was committed answers as done.

const randomCommandsMin = 100_000

func TestRandomCommandsKeepEveryInvariantAndMatchTheModel(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	for met["commands"] < randomCommandsMin {
		rapid.Check(t, func(rt *rapid.T) {
			h := newHistory(rt, met)
			rt.Repeat(map[string]func(*rapid.T){
				"time passes":          h.passTime,
				"a group":              h.group,
				"the last group again": h.lastGroupAgain,
				"":                     h.check,
			})
		})
	}
	t.Logf("met %v", met)
	for _, kind := range []string{
		"done", "replayed", "done before", "expired on the way", "met at its deadline",
		"INSUFFICIENT_STOCK", "INVALID_STATE", "VERSION_CONFLICT", "IDEMPOTENCY_CONFLICT", "UNKNOWN_SKU",
		"UNKNOWN_LOCATION", "NOT_FOUND", "ALREADY_EXISTS", "INVALID_INPUT",
		"FulfillAllocation done", "FulfillAllocation replayed", "FulfillAllocation done before",
		"CancelAllocation done", "CancelAllocation replayed", "CancelAllocation done before",
		"SetStock done", "SetStock replayed", "SetStock done before",
		"converted again after its fulfilment", "converted again after its cancellation",
		"set lower", "set to the same", "set higher",
		"ImportSKU done", "ImportSKU done before",
		"imported CREATED", "imported CHANGED", "imported UNCHANGED",
	} {
		assert.Greater(t, met[kind], 25, kind)
	}
}

// history is a run of groups over one database. Beside it the same commands
// are decided one by one over another, and answered by the model.
type history struct {
	now     time.Time
	grouped *database
	single  *database
	model   *model
	// requests are all that were ever made, and tried the ids of those that may
	// have been committed.
	requests []inventory.Request
	last     []inventory.Request
	tried    map[string]bool
	made     []string // the ids of reservations
	tokens   int
	met      map[string]int
}

func newHistory(rt *rapid.T, met map[string]int) *history {
	h := &history{
		now:     noon,
		grouped: newDatabase("default", "annex", "west"),
		single:  newDatabase("default", "annex", "west"),
		model:   newModel("default", "annex", "west"),
		tried:   map[string]bool{},
		met:     met,
	}
	h.decide(rt, []inventory.Request{
		h.request(somebody, inventory.CreateSKU{SKU: "A", Name: "A", InitialStock: new(int64(80))}),
		h.request(somebody, inventory.CreateSKU{SKU: "A/B", Name: "A/B", InitialStock: new(int64(20)), Location: new("west")}),
		h.request(somebody, inventory.CreateSKU{SKU: "a", Name: "a", InitialStock: new(int64(5))}),
		h.request(somebody, inventory.AdjustStock{ClientToken: "0", SKU: "A", Location: new("annex"), Delta: 5}),
	})
	return h
}

func (h *history) request(principal string, command inventory.Command) inventory.Request {
	r := inventory.Request{ID: uuid(len(h.requests) + 1), Principal: principal, Command: command}
	h.requests = append(h.requests, r)
	return r
}

func (h *history) group(rt *rapid.T) {
	size := rapid.OneOf(rapid.Just(1), rapid.IntRange(2, 12), rapid.IntRange(30, 60)).Draw(rt, "size")
	requests := make([]inventory.Request, size)
	for i := range requests {
		requests[i] = h.anyRequest(rt)
	}
	h.decide(rt, requests)
}

// lastGroupAgain runs the last group once more, as after a COMMIT whose answer
// was lost, with others around it.
func (h *history) lastGroupAgain(rt *rapid.T) {
	again := slices.Clone(h.last)
	for _, r := range again {
		h.tried[r.ID] = true
	}
	for range rapid.IntRange(0, 4).Draw(rt, "others") {
		again = slices.Insert(again, rapid.IntRange(0, len(again)).Draw(rt, "place"), h.anyRequest(rt))
	}
	h.decide(rt, again)
}

func (h *history) passTime(rt *rapid.T) {
	step := rapid.SampledFrom([]time.Duration{
		time.Microsecond, time.Second, 20 * time.Second, limits.HoldTTL, limits.HoldTTLMax,
	}).Draw(rt, "step")
	if rapid.Bool().Draw(rt, "to a deadline") {
		beside := rapid.SampledFrom([]time.Duration{-time.Microsecond, 0, time.Microsecond}).Draw(rt, "beside")
		if due, ok := h.nextDeadline(); ok && due.Add(beside).After(h.now) {
			step = due.Add(beside).Sub(h.now)
		}
	}
	h.now = h.now.Add(step)
}

func (h *history) nextDeadline() (next time.Time, ok bool) {
	for _, r := range h.grouped.reservations {
		if r.Status == inventory.Held && r.ExpiresAt.After(h.now) && (!ok || r.ExpiresAt.Before(next)) {
			next, ok = *r.ExpiresAt, true
		}
	}
	return next, ok
}

func (h *history) check(rt *rapid.T) {
	require.Empty(rt, h.grouped.violations())
	for key := range h.model.shelves {
		require.Equal(rt, *h.model.level(key), h.grouped.levels[key])
	}
	require.Len(rt, h.grouped.levels, len(h.model.shelves))
	require.Equal(rt, h.model.skus, h.grouped.skus)
	require.Len(rt, h.grouped.reservations, len(h.model.claims))
	require.Len(rt, h.grouped.tokens, len(h.model.uses))
}

func (h *history) decide(rt *rapid.T, requests []inventory.Request) {
	state := h.grouped.load(h.now, requests, h.tried)
	same := h.grouped.load(h.now, requests, h.tried)
	outcomes, changes := inventory.Decide(limits, state, requests)
	require.Equal(rt, same, state, "the state was changed")
	outcomesAgain, changesAgain := inventory.Decide(limits, same, requests)
	require.Equal(rt, outcomes, outcomesAgain)
	require.Equal(rt, changes, changesAgain)
	require.Equal(rt, h.now, changes.At)
	require.NoError(rt, inOrder(changes))
	require.NoError(rt, h.grouped.apply(changes))

	h.model.now = h.now
	for i, r := range requests {
		rt.Logf("%s: %v -> %v", h.now.Format("15:04:05.000000"), text{r}, text{outcomes[i]})
		h.decideAlone(rt, r, outcomes[i])
		require.Equal(rt, h.model.answer(r), withoutMessages(rt, outcomes[i]))
		h.meet(r, outcomes[i])
	}
	h.last = requests

	require.Len(rt, h.single.log, len(h.grouped.log))
	before := len(h.grouped.log) - len(changes.Entries)
	require.Equal(rt, h.single.log[before:], h.grouped.log[before:])
	require.Equal(rt, h.single.levels, h.grouped.levels)
	require.Equal(rt, h.single.tokens, h.grouped.tokens)
	for _, made := range changes.Made {
		h.made = append(h.made, made.ID)
		require.Equal(rt, h.single.reservations[made.ID], made)
		require.Equal(rt, *h.model.claims[made.ID].now(), made)
	}
	for _, moved := range changes.Moved {
		require.Equal(rt, h.single.reservations[moved.After.ID], moved.After)
		require.Equal(rt, *h.model.claims[moved.After.ID].now(), moved.After)
	}
}

func (h *history) decideAlone(rt *rapid.T, r inventory.Request, inGroup inventory.Outcome) {
	alone := []inventory.Request{r}
	outcomes, changes := inventory.Decide(limits, h.single.load(h.now, alone, h.tried), alone)
	require.Equal(rt, inGroup, outcomes[0])
	nothing := len(changes.Levels)+len(changes.Made)+len(changes.Moved)+len(changes.Tokens)+len(changes.SKUs)+len(changes.UpdatedSKUs)+len(changes.Entries) == 0
	require.Equal(rt, nothing, changes.Empty())
	if len(inGroup.Refused) > 0 && !nothing {
		require.Empty(rt, changes.Made)
		require.Empty(rt, changes.Tokens)
		require.Empty(rt, changes.SKUs)
		require.Empty(rt, changes.UpdatedSKUs)
		require.Len(rt, changes.Moved, 1)
		require.Equal(rt, inventory.Expired, changes.Moved[0].After.Status)
		h.met["expired on the way"]++
	}
	for _, e := range changes.Entries {
		require.Equal(rt, h.now, e.At)
		if e.Action == inventory.ActionSet {
			h.met[[]string{"set lower", "set to the same", "set higher"}[1+cmp.Compare(e.TotalDelta, 0)]]++
		}
		if e.Action == inventory.ActionExpired {
			require.Equal(rt, inventory.ActorSystem, e.Actor)
			require.Equal(rt, e.ReservationID, e.CommandID)
			if before := h.single.reservations[e.ReservationID]; before.ExpiresAt.Equal(h.now) {
				h.met["met at its deadline"]++
			}
		} else {
			require.Equal(rt, r.Principal, e.Actor)
			require.Equal(rt, r.ID, e.CommandID)
		}
	}
	require.NoError(rt, h.single.apply(changes))
}

func (h *history) meet(r inventory.Request, outcome inventory.Outcome) {
	h.met["commands"]++
	for _, e := range outcome.Refused {
		h.met[string(e.Code)]++
	}
	how := "done"
	switch {
	case len(outcome.Refused) > 0:
		return
	case outcome.Replayed:
		how = "replayed"
	case h.tried[r.ID]:
		how = "done before"
	}
	h.met[how]++
	h.met[kind(r.Command)+" "+how]++
	if _, ok := r.Command.(inventory.ImportSKU); ok {
		h.met["imported "+string(outcome.Import)]++
	}
	if _, ok := r.Command.(inventory.ConvertHold); ok {
		switch outcome.Reservation.Status {
		case inventory.Fulfilled:
			h.met["converted again after its fulfilment"]++
		case inventory.Cancelled:
			h.met["converted again after its cancellation"]++
		}
	}
}

// withoutMessages is the outcome for comparison: a sentence must be there, and
// may be any.
func withoutMessages(rt *rapid.T, outcome inventory.Outcome) inventory.Outcome {
	for i, e := range outcome.Refused {
		require.NotEmpty(rt, e.Message)
		silent := *e
		silent.Message = ""
		outcome.Refused = slices.Clone(outcome.Refused)
		outcome.Refused[i] = &silent
	}
	return outcome
}

// text writes a value with what its pointers point at.
type text struct{ value any }

func (v text) String() string {
	encoded, err := json.Marshal(v.value)
	if err != nil {
		return err.Error()
	}
	if r, ok := v.value.(inventory.Request); ok {
		return strings.TrimPrefix(fmt.Sprintf("%T", r.Command), "inventory.") + " " + string(encoded)
	}
	return string(encoded)
}
