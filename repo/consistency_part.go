package repo

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"
)

// A check looks at a part of the tables at a time, so that no snapshot is held
// for long: while one is, old versions of hot rows can't be cleared away.
//
// A query doesn't know about parts. In front of it goes a WITH that gives the
// tables' names to parts of them, which the planner then reads by the index:
//
//	WITH stock_levels AS NOT MATERIALIZED (SELECT * FROM stock_levels WHERE sku >= 'A' AND sku < 'B'), …

// walk is by what the tables are divided. All that a query compares must lie in
// one part.
type walk int

const (
	// bySKU divides stock and its history.
	bySKU walk = iota
	// byReservation divides reservations, with their lines and entries.
	byReservation
	// byCommand divides client tokens and what they made. A reservation has the
	// id of the command that made it.
	byCommand
	walkCount
)

// column is a table, and the column by which it is divided.
type column struct{ table, name string }

var divided = [walkCount][]column{
	bySKU:         {{"skus", "sku"}, {"stock_levels", "sku"}, {"reservation_lines", "sku"}, {"audit_log", "sku"}, {"base_levels", "sku"}},
	byReservation: {{"reservations", "id"}, {"reservation_lines", "reservation_id"}, {"audit_log", "reservation_id"}},
	byCommand:     {{"reservations", "id"}, {"client_tokens", "command_id"}, {"audit_log", "command_id"}},
}

// partSizes are how much lies in one part, or so.
type partSizes struct {
	// entries in the audit log, of the part's SKUs. Every part reads the whole
	// log and all reservations, so that smaller ones make the check longer.
	entries int64
	// reservations, with all that belongs to them.
	reservations int64
	// settledAfter is how old a command is when all that it did is visible or
	// undone. What is older never changes, and is added up in steps.
	settledAfter time.Duration
}

// Each makes a few seconds' work at most.
var defaultPartSizes = partSizes{entries: 3_000_000, reservations: 500_000, settledAfter: mintedBeforeMax}

// part is what a query is narrowed to; to nothing less than all without rows.
type part struct {
	rows []narrowing
	// pageCost is what the planner is to think that a page out of order costs,
	// against one in order.
	pageCost string
}

const (
	// A few rows here and there are best fetched by an index, and so are the
	// rows of a range of ids: they lie together, for ids rise with time.
	pageCostNear = "1.1"
	// The history of a range of SKUs is in every page of its table. To read all
	// of that in order is several times as fast as to fetch so many rows one by
	// one, even where every page is in memory.
	pageCostFar = "4"
)

// narrowing is rows that are given a name: that of the table they are part of,
// or one that others go on from.
type narrowing struct {
	name string
	rows string
	args []any
}

// narrow adds the WITH that goes in front of a query.
func (p part) narrow(m *message) {
	separator := "WITH "
	for _, n := range p.rows {
		m.add(separator+n.name+" AS "+n.rows, n.args...)
		separator = ", "
	}
	m.add("\n")
}

// partsOfAll divides each walk into parts that cover everything, whatever is in
// the tables.
func (r *Repo) partsOfAll(ctx context.Context) (parts [walkCount][]part, err error) {
	var bounds [walkCount][]string
	// A level's version is the number of its entries, with those that retention
	// has trimmed.
	err = r.queryWith(ctx, invariantPatience, `
		SELECT min(sku) FROM (
			SELECT sku, floor(sum(level.version - coalesce(base.version, 0)) OVER (ORDER BY sku, location) / ?) AS part
			FROM stock_levels AS level LEFT JOIN (
				SELECT * FROM snapshot_levels WHERE snapshot_id = (SELECT id FROM snapshots WHERE is_base)) AS base USING (sku, location)) AS l
		GROUP BY part ORDER BY 1`, []any{r.partSizes.entries}, &bounds[bySKU])
	if err != nil {
		return parts, err
	}
	err = r.queryWith(ctx, invariantPatience, `
		SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM reservations) AS r
		WHERE n % ? = 0 ORDER BY id`, []any{r.partSizes.reservations}, &bounds[byReservation])
	if err != nil {
		return parts, err
	}
	parts[bySKU] = ranges(bySKU, bounds[bySKU], pageCostFar)
	parts[byReservation] = ranges(byReservation, bounds[byReservation], pageCostNear)
	parts[byCommand] = ranges(byCommand, bounds[byReservation], pageCostNear)
	return parts, nil
}

// ranges returns the parts below the first bound, between each two, and from
// the last one on.
func ranges(by walk, bounds []string, pageCost string) []part {
	bounds = slices.Compact(bounds)
	parts := make([]part, len(bounds)+1)
	for i := range parts {
		parts[i].pageCost = pageCost
		for _, c := range divided[by] {
			var conditions []string
			var args []any
			if i > 0 {
				conditions = append(conditions, c.name+" >= ?")
				args = append(args, bounds[i-1])
			}
			if i < len(bounds) {
				conditions = append(conditions, c.name+" < ?")
				args = append(args, bounds[i])
			}
			if len(conditions) > 0 {
				parts[i].rows = append(parts[i].rows, rowsWhere(c.table, strings.Join(conditions, " AND "), args...))
			}
		}
	}
	return parts
}

// partsOfSKUs are the rows that have to do with any of the SKUs.
func partsOfSKUs(list []string) (parts [walkCount][]part) {
	skus := pgdialect.Array(list)
	var stock []narrowing
	for _, c := range divided[bySKU] {
		stock = append(stock, rowsWhere(c.table, c.name+" = ANY(?::text[])", skus))
	}
	parts[bySKU] = []part{{stock, pageCostNear}}

	// What is about a SKU has a version, and only that is in the index.
	reservations := []narrowing{keys("touched", `
		SELECT reservation_id AS id FROM reservation_lines WHERE sku = ANY(?::text[])
		UNION SELECT reservation_id FROM audit_log WHERE sku = ANY(?::text[]) AND version IS NOT NULL AND reservation_id IS NOT NULL`,
		skus, skus)}
	for _, c := range divided[byReservation] {
		reservations = append(reservations, rowsWhere(c.table, c.name+" IN (SELECT id FROM touched)"))
	}
	parts[byReservation] = []part{{reservations, pageCostNear}}

	commands := []narrowing{
		rowsWhere("reservations", "id IN (SELECT reservation_id FROM reservation_lines WHERE sku = ANY(?::text[]))", skus),
		rowsWhere("audit_log", "sku = ANY(?::text[]) AND version IS NOT NULL", skus),
		keys("made", `
			SELECT id AS command_id, holdfast_token_key(principal, client_token) AS key FROM reservations
			UNION SELECT command_id, token_key FROM audit_log WHERE token_key IS NOT NULL`),
		// A token that names a command beyond these may well have its effect there.
		rowsWhere("client_tokens", "key IN (SELECT key FROM made) AND command_id IN (SELECT command_id FROM made)"),
	}
	parts[byCommand] = []part{{commands, pageCostNear}}
	return parts
}

// partOfBuckets are the SKUs in some of the sieves' buckets.
func partOfBuckets(buckets []int64) part {
	var stock []narrowing
	for _, c := range divided[bySKU] {
		stock = append(stock, rowsWhere(c.table, "hashtext("+c.name+") & 255 = ANY(?::integer[])", pgdialect.Array(buckets)))
	}
	return part{stock, pageCostFar}
}

// rowsWhere is the rows of a table that meet a condition, under its name. They
// are not set aside first, so that a query's own conditions can use an index.
func rowsWhere(table, condition string, args ...any) narrowing {
	return narrowing{table, "NOT MATERIALIZED (SELECT * FROM " + table + " WHERE " + condition + ")", args}
}

// keys is rows to go on from, looked up once.
func keys(name, query string, args ...any) narrowing {
	return narrowing{name, "MATERIALIZED (" + query + ")", args}
}
