package repo_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// What a list reads must not grow with its table. The statements are those that
// the repository sends, on a million reservations, planned and run by
// PostgreSQL. The data is made to mislead: what a filter wants lies where a walk
// from the other end would find it last.

// rowsMax is how many rows a page of 20 may read, beside what a filter's second
// half leaves out: lines, a row more, and what is read to be verified.
const rowsMax = 250

// oldOnes are the first reservations, which have nothing in common with those
// that came after.
const oldOnes = 1000

func TestListsReadNoMoreThanAPageOfAMillionReservations(t *testing.T) {
	if testing.Short() {
		t.Skip("a million reservations take their time")
	}
	t.Parallel()
	m := newMillion(t)

	after := func(kind, key string) *string {
		return new(base64.RawURLEncoding.EncodeToString([]byte(kind + "|" + key)))
	}
	var reservation string
	require.NoError(t, m.db.QueryRowContext(t.Context(), "SELECT id FROM reservations ORDER BY id OFFSET 500000 LIMIT 1").Scan(&reservation))
	middle := millionBegan.Add(500_000 * millionEvery)
	const anHour = int(time.Hour / millionEvery) // reservations, all of which may be looked at
	hour := middle.Add(time.Hour)

	for name, c := range map[string]struct {
		filter *repo.ReservationFilter
		rows   int // 0: rowsMax
	}{
		"all":                         {nil, 0},
		"held":                        {&repo.ReservationFilter{Status: new(inventory.Held)}, 0},
		"expired":                     {&repo.ReservationFilter{Status: new(inventory.Expired)}, 0},
		"long cancelled":              {&repo.ReservationFilter{Status: new(inventory.Cancelled)}, 0},
		"in no reservation":           {&repo.ReservationFilter{Status: new(inventory.Released)}, 0},
		"hot SKU":                     {&repo.ReservationFilter{SKU: new("HOT")}, 0},
		"SKU":                         {&repo.ReservationFilter{SKU: new("SKU-7")}, 0},
		"old SKU":                     {&repo.ReservationFilter{SKU: new("OLD")}, 0},
		"unknown SKU":                 {&repo.ReservationFilter{SKU: new("GHOST")}, 0},
		"busy holder":                 {&repo.ReservationFilter{Holder: new("guest")}, 0},
		"holder":                      {&repo.ReservationFilter{Holder: new("holder-9000")}, 0},
		"old holder":                  {&repo.ReservationFilter{Holder: new("old")}, 0},
		"reference":                   {&repo.ReservationFilter{Reference: new("order-90000")}, 0},
		"old reference":               {&repo.ReservationFilter{Reference: new("old")}, 0},
		"created after":               {&repo.ReservationFilter{CreatedAfter: &middle}, 0},
		"created before":              {&repo.ReservationFilter{CreatedBefore: &middle}, 0},
		"created between":             {&repo.ReservationFilter{CreatedAfter: &middle, CreatedBefore: new(middle.Add(time.Minute))}, 0},
		"expires before":              {&repo.ReservationFilter{ExpiresBefore: &middle}, 500}, // some were made in the 15 minutes before
		"held, expires before":        {&repo.ReservationFilter{Status: new(inventory.Held), ExpiresBefore: &middle}, 0},
		"held of the hot SKU":         {&repo.ReservationFilter{Status: new(inventory.Held), SKU: new("HOT")}, 0},
		"expired of the hot SKU":      {&repo.ReservationFilter{Status: new(inventory.Expired), SKU: new("HOT")}, 2 * rowsMax},
		"expired of a SKU":            {&repo.ReservationFilter{Status: new(inventory.Expired), SKU: new("SKU-7")}, 0},
		"hot SKU, created between":    {&repo.ReservationFilter{SKU: new("HOT"), CreatedAfter: &middle, CreatedBefore: &hour}, 2*anHour + rowsMax},
		"held of a busy holder":       {&repo.ReservationFilter{Status: new(inventory.Held), Holder: new("guest")}, 0},
		"expired of a busy holder":    {&repo.ReservationFilter{Status: new(inventory.Expired), Holder: new("guest")}, 0},
		"holder and reference":        {&repo.ReservationFilter{Holder: new("guest"), Reference: new("order-90000")}, 0},
		"busy holder, hot SKU":        {&repo.ReservationFilter{Holder: new("guest"), SKU: new("HOT")}, 0},
		"holder, created after":       {&repo.ReservationFilter{Holder: new("guest"), CreatedAfter: &middle}, 0},
		"status, created before":      {&repo.ReservationFilter{Status: new(inventory.Expired), CreatedBefore: &middle}, 0},
		"released, all of them older": {&repo.ReservationFilter{Status: new(inventory.Released), CreatedAfter: &middle}, 0},
		"reference and hot SKU":       {&repo.ReservationFilter{Reference: new("order-90000"), SKU: new("HOT")}, 0},
		"old holder, long cancelled":  {&repo.ReservationFilter{Holder: new("old"), Status: new(inventory.Cancelled)}, oldOnes + rowsMax},
	} {
		m.require("reservations: "+name, c.rows, after("reservation", reservation), func(page repo.Page) error {
			_, err := m.repo.Reservations(t.Context(), page, c.filter)
			return err
		})
	}

	for name, c := range map[string]struct {
		filter *repo.AuditEntryFilter
		rows   int
	}{
		"all":                    {nil, 0},
		"hot SKU":                {&repo.AuditEntryFilter{SKU: new("HOT")}, 0},
		"SKU":                    {&repo.AuditEntryFilter{SKU: new("SKU-7")}, 0},
		"old SKU":                {&repo.AuditEntryFilter{SKU: new("OLD")}, 0},
		"SKU at its location":    {&repo.AuditEntryFilter{SKU: new("HOT"), Location: new("default")}, 0},
		"location":               {&repo.AuditEntryFilter{Location: new("annex")}, 0},
		"default location":       {&repo.AuditEntryFilter{Location: new("default")}, 0},
		"unknown location":       {&repo.AuditEntryFilter{Location: new("ghost")}, 0},
		"reservation":            {&repo.AuditEntryFilter{ReservationID: &reservation}, 0},
		"held":                   {&repo.AuditEntryFilter{Action: new(inventory.ActionHeld)}, oldOnes + rowsMax},
		"long adjusted":          {&repo.AuditEntryFilter{Action: new(inventory.ActionAdjusted)}, 0},
		"never repaired":         {&repo.AuditEntryFilter{Action: new(inventory.ActionRepaired)}, 0},
		"since":                  {&repo.AuditEntryFilter{Since: &middle}, 0},
		"until":                  {&repo.AuditEntryFilter{Until: &middle}, 0},
		"between":                {&repo.AuditEntryFilter{Since: &middle, Until: new(middle.Add(time.Minute))}, 0},
		"hot SKU, between":       {&repo.AuditEntryFilter{SKU: new("HOT"), Since: &middle, Until: &hour}, 0},
		"adjusted, since":        {&repo.AuditEntryFilter{Action: new(inventory.ActionAdjusted), Since: &middle}, 0},
		"held of the hot SKU":    {&repo.AuditEntryFilter{Action: new(inventory.ActionHeld), SKU: new("HOT")}, 0},
		"location, until":        {&repo.AuditEntryFilter{Location: new("annex"), Until: &middle}, 0},
		"reservation and action": {&repo.AuditEntryFilter{ReservationID: &reservation, Action: new(inventory.ActionHeld)}, 0},
	} {
		for _, order := range inventory.AuditOrders {
			m.require("auditLog: "+name+", "+string(order), c.rows, after("entry", "500000"), func(page repo.Page) error {
				_, err := m.repo.AuditLog(t.Context(), page, order, c.filter)
				return err
			})
		}
	}

	const window = 1000 // SKUs that are looked at before the index of words is
	for name, c := range map[string]struct {
		filter *repo.SKUFilter
		rows   int
	}{
		"all":                         {nil, 0},
		"word of all":                 {&repo.SKUFilter{Search: new("chair")}, rowsMax},
		"words of some":               {&repo.SKUFilter{Search: new("chair sku-1")}, 3*window + 12_000},
		"word of few":                 {&repo.SKUFilter{Search: new("kind777")}, 3*window + rowsMax},
		"word of none":                {&repo.SKUFilter{Search: new("ghost")}, 3*window + rowsMax},
		"few available":               {&repo.SKUFilter{BelowAvailable: new(int64(5))}, 0},
		"one available":               {&repo.SKUFilter{BelowAvailable: new(int64(2))}, 0},
		"many available":              {&repo.SKUFilter{BelowAvailable: new(int64(100_000))}, rowsMax + 20},
		"word of all, few available":  {&repo.SKUFilter{Search: new("chair"), BelowAvailable: new(int64(5))}, 5*window + rowsMax},
		"word of few, many available": {&repo.SKUFilter{Search: new("kind777"), BelowAvailable: new(int64(100_000))}, 5*window + rowsMax},
	} {
		m.require("skus: "+name, c.rows, after("sku", "SKU-5"), func(page repo.Page) error {
			_, err := m.repo.SKUs(t.Context(), page, c.filter)
			return err
		})
	}

	// What is read of the end of the log: one late entry, and some new ones.
	for name, read := range map[string]func() error{
		"look": func() error { _, err := m.repo.Look(t.Context()); return err },
		"news": func() error {
			_, err := m.repo.News(t.Context(), []inventory.LogSpan{{From: 500_000, Through: 500_000}, {From: 1_000_000, Through: 1_000_050}}, 1000, true)
			return err
		},
		"changes from now on": func() error { _, err := m.repo.Changes(t.Context(), nil, []string{"SKU-7"}, 1_000_000); return err },
		"changes": func() error {
			changes, err := m.repo.Changes(t.Context(), after("entry", "1000000"), []string{"SKU-7"}, 0)
			if err == nil {
				_, err = changes.Next(t.Context(), 1_000_050)
			}
			return err
		},
	} {
		require.NoError(t, read(), name)
		m.requirePlan(name, rowsMax)
	}

	m.require("locations", 0, after("location", "c"), func(page repo.Page) error {
		_, err := m.repo.Locations(t.Context(), page)
		return err
	})
}

// million is a repository on a database of a million reservations, that notes
// the statement it sent last.
type million struct {
	*testing.T
	db   *bun.DB
	repo *repo.Repo
	sent string
}

var millionBegan = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

const millionEvery = 2600 * time.Millisecond

func newMillion(t *testing.T) *million {
	m := &million{T: t, db: openPool(t, pgtest.URL(t))}
	m.repo = newRepo(t, m.db.WithQueryHook(m))
	withoutIndexes(t, m.db, []string{"reservations", "reservation_lines", "audit_log", "skus", "stock_levels"}, func() {
		execute(t, m.db, `
			INSERT INTO reservations (id, principal, client_token, status, revision, line_count, created_at, expires_at, completed_at, holder, reference)
			SELECT (lpad(to_hex((extract(epoch FROM t) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(i), 12, '0'))::uuid, 'default', 't' || i,
				CASE WHEN i <= 1000 THEN 'CANCELLED' WHEN i > 999000 THEN 'HELD' WHEN i BETWEEN 200000 AND 300000 THEN 'RELEASED' WHEN i % 5 < 2 THEN 'EXPIRED' ELSE 'FULFILLED' END,
				1, 1, t, t + interval '15 minutes', CASE WHEN i <= 999000 THEN t END,
				CASE WHEN i <= 1000 THEN 'old' WHEN i % 7 = 0 THEN 'guest' WHEN i % 7 = 1 THEN 'holder-' || i / 100 END,
				CASE WHEN i <= 1000 THEN 'old' WHEN i % 2 = 0 THEN 'order-' || i / 10 END
			FROM generate_series(1, 1000000) AS i, LATERAL (SELECT ?::timestamptz + i * interval '2.6 seconds' AS t) AS m`, millionBegan)
		execute(t, m.db, `
			INSERT INTO reservation_lines
			SELECT id, CASE WHEN i <= 1000 THEN 'OLD' WHEN i % 3 = 0 THEN 'HOT' ELSE 'SKU-' || i % 50000 END, location, 1
			FROM (SELECT id, row_number() OVER (ORDER BY id) AS i FROM reservations) AS r,
				unnest(CASE WHEN i % 100 = 0 THEN ARRAY['default', 'annex'] ELSE ARRAY['default'] END) AS location`)
		execute(t, m.db, `
			INSERT INTO audit_log (at, action, sku, location, reservation_id, total_delta, reserved_delta, allocated_delta,
				total, reserved, allocated, version, actor, command_id)
			SELECT r.created_at, CASE WHEN r.reference = 'old' THEN 'ADJUSTED' ELSE 'HELD' END, l.sku, l.location, r.id, 0, 1, 0, 1, 1, 0,
				row_number() OVER (ORDER BY r.id), 'default', r.id
			FROM reservations AS r JOIN reservation_lines AS l ON l.reservation_id = r.id`)
		execute(t, m.db, `
			INSERT INTO skus (sku, name, command_id, created_at)
			SELECT 'SKU-' || i, 'Chair of kind' || i % 1000, gen_random_uuid(), now() FROM generate_series(1, 100000) AS i`)
		execute(t, m.db, `
			INSERT INTO stock_levels (sku, location, total, reserved, allocated, version, updated_at)
			SELECT 'SKU-' || i, location, i % 1000, 0, 0, 1, now() FROM generate_series(1, 99900) AS i,
				unnest(CASE WHEN i % 10 = 0 THEN ARRAY['default', 'annex'] ELSE ARRAY['default'] END) AS location`)
	})
	execute(t, m.db, "INSERT INTO locations SELECT 'place-' || i, 'Place', gen_random_uuid(), now() FROM generate_series(1, 2000) AS i")
	// A larger sample than is usual: the plans must not be a matter of luck.
	execute(t, m.db, "SET default_statistics_target = 1000; ANALYZE; RESET default_statistics_target")
	return m
}

// BeforeQuery implements bun.QueryHook.
func (m *million) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	m.sent = event.Query
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (m *million) AfterQuery(context.Context, *bun.QueryEvent) {}

// require reads the first page of 20 and one far behind, and looks at how.
func (m *million) require(name string, rows int, after *string, read func(repo.Page) error) {
	m.Helper()
	if rows == 0 {
		rows = rowsMax
	}
	for where, cursor := range map[string]*string{"first page": nil, "deep page": after} {
		require.NoError(m, read(repo.Page{First: 20, After: cursor}), name)
		m.requirePlan(name+", "+where, rows)
	}
}

// requirePlan looks at how the statement was read that was sent last.
func (m *million) requirePlan(name string, rows int) {
	m.Helper()
	plan, text := m.explain()
	assert.Empty(m, plan.sequential(), "%s: %s", name, text)
	if !assert.LessOrEqual(m, plan.rowsRead(), float64(rows), name) {
		m.Log(text)
	}
}

// explain runs the statement that was sent last once more, behind its settings.
func (m *million) explain() (planNode, string) {
	m.Helper()
	last := strings.LastIndex(m.sent, "SET LOCAL ")
	_, statement, _ := strings.Cut(m.sent[last:], "; ")
	settings := strings.TrimSuffix(m.sent, statement)
	var text []byte
	require.NoError(m, m.db.QueryRowContext(m.Context(), settings+"EXPLAIN (ANALYZE, FORMAT JSON) "+statement).Scan(&text))
	var plans []struct{ Plan planNode }
	require.NoError(m, json.Unmarshal(text, &plans))
	return plans[0].Plan, statement + "\n" + string(text)
}

// planNode is a step of a plan.
type planNode struct {
	Kind     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Again    float64 `json:"Rows Removed by Index Recheck"`
	Loops    float64 `json:"Actual Loops"`
	Plans    []planNode
}

// sequential names the tables that the plan may read from end to end. A sequence
// is one row.
func (n planNode) sequential() []string {
	var tables []string
	if n.Kind == "Seq Scan" && n.Relation != "audit_log_id_seq" {
		tables = append(tables, n.Relation)
	}
	for _, child := range n.Plans {
		tables = append(tables, child.sequential()...)
	}
	return tables
}

// rowsRead is how many rows of tables the plan looked at.
func (n planNode) rowsRead() float64 {
	var rows float64
	if n.Relation != "" {
		rows = (n.Rows + n.Removed + n.Again) * n.Loops
	}
	for _, child := range n.Plans {
		rows += child.rowsRead()
	}
	return rows
}

// withoutIndexes drops the tables' indexes, and makes them again once filled:
// that takes a tenth of the time.
func withoutIndexes(t *testing.T, db *bun.DB, tables []string, fill func()) {
	t.Helper()
	var definitions []string
	require.NoError(t, db.NewRaw("SELECT indexdef FROM pg_indexes WHERE tablename = ANY(?::text[])", pgdialect.Array(tables)).Scan(t.Context(), &definitions))
	for _, table := range tables {
		execute(t, db, "ALTER TABLE ? DROP CONSTRAINT ?", bun.Ident(table), bun.Ident(table+"_pkey"))
	}
	var others []string
	require.NoError(t, db.NewRaw("SELECT indexname FROM pg_indexes WHERE tablename = ANY(?::text[])", pgdialect.Array(tables)).Scan(t.Context(), &others))
	for _, index := range others {
		execute(t, db, "DROP INDEX ?", bun.Ident(index))
	}
	fill()
	for _, definition := range definitions {
		execute(t, db, fmt.Sprintf("SET maintenance_work_mem = '256MB'; %s; RESET maintenance_work_mem", definition))
	}
}
