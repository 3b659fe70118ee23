package repo_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// A random history is commanded of the repository and of a model at once. The
// model is the domain's pure functions over plain maps: what the repository
// adds to those, that is loading, saving, locking and repeating, must not show.
//
//   - One by one, each command's outcome is the model's, ids and times included.
//   - Now and then many are commanded at once, of two repositories and by both
//     strategies. Then all that was answered as done is there, and nothing else.
//   - All the while the invariants hold, and what is read is what the model has.

const (
	historyCommands = 2000 // a strategy, one by one
	stormEvery      = 250
	stormCallers    = 12
	stormCommands   = 12 // a caller
	compareEvery    = 50
)

var historySeed = flag.Uint64("seed", 0, "seed of the random histories; 0 draws one")

func TestRandomHistoryMatchesTheDomain(t *testing.T) {
	t.Parallel()
	for _, strategy := range inventory.Strategies {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, strategy)
			for n := 1; n <= historyCommands; n++ {
				if h.chance(30) {
					h.passDeadline()
				}
				h.commandOne()
				if n%compareEvery == 0 {
					requireSound(t, h.db)
					h.compare()
				}
				if n%stormEvery == 0 {
					h.storm()
				}
			}
			t.Logf("seed %d met %v", h.seed, h.met)
			for _, kind := range []string{
				"done", "replayed", "expired", "INSUFFICIENT_STOCK", "INVALID_STATE", "VERSION_CONFLICT", "IDEMPOTENCY_CONFLICT",
				"UNKNOWN_SKU", "UNKNOWN_LOCATION", "NOT_FOUND", "ALREADY_EXISTS", "INVALID_INPUT",
				"fulfilled", "cancelled", "set", "imported CHANGED", "imported UNCHANGED",
			} {
				require.Positive(t, h.met[kind], kind)
			}
		})
	}
}

type history struct {
	*testing.T
	db       *bun.DB
	strategy inventory.Strategy
	// repos are two servers on the database.
	repos [2]*repo.Repo
	seed  uint64
	*rand.Rand
	model *model
	// commands are all that were made, and held the ids of what they made, for
	// others to come back to.
	commands []inventory.Command
	made     []string
	tokens   int
	met      map[string]int
	// log has the last of the commands with their outcomes.
	log []string
}

func newHistory(t *testing.T, strategy inventory.Strategy) *history {
	t.Helper()
	url := pgtest.URL(t)
	h := &history{T: t, db: openPool(t, url), strategy: strategy, seed: *historySeed, met: map[string]int{}}
	h.repos = [2]*repo.Repo{newRepo(t, h.db), newRepo(t, openPool(t, url))}
	if h.seed == 0 {
		h.seed = rand.Uint64()
	}
	h.Rand = rand.New(rand.NewPCG(h.seed, uint64(len(strategy))))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with -seed %d; the last commands were:\n%s", h.seed, strings.Join(h.log, "\n"))
		}
	})
	createLocations(t, h.db, "annex", "west")
	createSKU(t, h.repos[0], "A", 30)
	createSKU(t, h.repos[0], "A/B", 8)
	h.model = h.read()
	return h
}

// commandOne commands one thing of a repository, mostly by the strategy under
// test, and of the model.
func (h *history) commandOne() {
	h.Helper()
	command := h.anyCommand()
	strategy := h.strategy
	if h.chance(10) {
		strategy = pick(h.Rand, inventory.Strategies...)
	}
	got, err := h.repos[h.IntN(2)].Do(h.Context(), command, &strategy)
	h.note(command, got, err)
	require.NoError(h, err)
	require.Equal(h, h.model.decide(command, got), plain(got))
}

func (h *history) note(command inventory.Command, got inventory.Outcome, err error) {
	h.commands = append(h.commands, command)
	entry := fmt.Sprintf("%s -> %s", spell(command), spell(got))
	if err != nil {
		entry += " " + err.Error()
	}
	h.log = append(h.log[max(0, len(h.log)-20):], entry)

	for _, refusal := range got.Refused {
		h.met[string(refusal.Code)]++
	}
	if got.Import != "" {
		h.met["imported "+string(got.Import)]++
	}
	switch {
	case len(got.Refused) > 0:
	case got.Replayed:
		h.met["replayed"]++
	default:
		h.met["done"]++
	}
	if r := got.Reservation; r != nil && !slices.Contains(h.made, r.ID) {
		h.made = append(h.made, r.ID)
	}
}

// passDeadline moves one hold's deadline into the past.
func (h *history) passDeadline() {
	h.Helper()
	var held []string
	for _, id := range slices.Sorted(maps.Keys(h.model.Reservations)) {
		if h.model.Reservations[id].Status == inventory.Held {
			held = append(held, id)
		}
	}
	if len(held) == 0 {
		return
	}
	r := h.model.Reservations[pick(h.Rand, held...)]
	makeOverdue(h, h.db, r.ID)
	var created, expires time.Time
	require.NoError(h, h.db.NewRaw("SELECT created_at, expires_at FROM reservations WHERE id = ?", r.ID).Scan(h.Context(), &created, &expires))
	r.CreatedAt, r.ExpiresAt = created.UTC(), new(expires.UTC())
	h.model.Reservations[r.ID] = r
	h.log = append(h.log, r.ID+" is overdue")
}

// compare holds what the repository reads against the model.
func (h *history) compare() {
	h.Helper()
	stored := h.read()
	require.Equal(h, h.model.Levels, stored.Levels)
	require.Equal(h, h.model.SKUs, stored.SKUs)
	require.Equal(h, h.model.Tokens, stored.Tokens)
	require.Len(h, stored.Reservations, len(h.model.Reservations))
	for id, r := range h.model.Reservations {
		require.Equal(h, r, stored.Reservations[id])
	}
	require.Len(h, stored.log, len(h.model.log))
	for i, entry := range h.model.log {
		require.Equal(h, entry, stored.log[i])
	}
	h.met["expired"], h.met["fulfilled"], h.met["cancelled"], h.met["set"] = 0, 0, 0, 0
	for _, r := range stored.Reservations {
		switch r.Status {
		case inventory.Expired, inventory.Fulfilled, inventory.Cancelled:
			h.met[strings.ToLower(string(r.Status))]++
		}
	}
	for _, token := range stored.Tokens {
		if token.Action == inventory.ActionSet {
			h.met["set"]++
		}
	}
}

// read reads all there is, as clients would as far as they can.
func (h *history) read() *model {
	h.Helper()
	m := &model{log: auditLog(h, h.db)}
	m.Locations = map[string]bool{"annex": true, "default": true, "west": true}
	m.SKUs = map[string]inventory.SKU{}
	m.Levels = map[inventory.LevelKey]inventory.StockLevel{}
	m.Reservations = map[string]inventory.Reservation{}
	m.Tokens = map[string]inventory.Token{}

	r := pick(h.Rand, h.repos[:]...)
	available, err := r.Availability(h.Context(), anySKU, nil)
	require.NoError(h, err)
	for i, code := range anySKU {
		sku, err := r.SKU(h.Context(), code)
		require.NoError(h, err)
		require.Equal(h, sku == nil, available[i] == nil)
		if sku == nil {
			continue
		}
		sku.Metadata = plainJSON(sku.Metadata)
		m.SKUs[code] = *sku
		for _, level := range available[i].Locations {
			m.Levels[level.Key()] = level
		}
	}
	for page := (repo.Page{First: 100}); ; {
		list, err := r.Reservations(h.Context(), page, nil)
		require.NoError(h, err)
		for _, reservation := range list.Items {
			reservation.Metadata = plainJSON(reservation.Metadata)
			m.Reservations[reservation.ID] = reservation
		}
		if !list.More {
			break
		}
		page.After = &list.Cursors[len(list.Cursors)-1]
	}
	var tokens []struct {
		Key, Principal, Action, CommandID string
		Fields                            inventory.Fingerprint
	}
	require.NoError(h, h.db.NewRaw("SELECT key, principal, action, fields, CASE WHEN action NOT IN ('ADJUSTED', 'SET') THEN command_id END AS command_id FROM client_tokens").
		Scan(h.Context(), &tokens))
	for _, token := range tokens {
		m.Tokens[token.Key] = inventory.Token{
			Key: token.Key, Principal: token.Principal, Action: inventory.Action(token.Action), Fields: token.Fields, CommandID: token.CommandID,
		}
	}
	return m
}
