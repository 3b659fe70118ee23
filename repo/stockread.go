package repo

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/groupread"
	"holdfast/internal/inventory"
)

// Reads of stock that arrive together share one statement, which began after
// they came: it sees what was answered as done before, by whichever server.

const (
	// stockLanesMax is how many of these statements run at once. They have
	// connections of their own, so that no list holds a storefront up.
	stockLanesMax = 3

	// The largest statement: beyond it a bigger one is hardly cheaper for each
	// SKU, and a small query would wait longer for its large neighbours.
	stockQueriesMax = 512
	stockSKUsMax    = 2048
	// What may wait: a second's worth or so.
	stockQueueQueriesMax = 16384
	stockQueueSKUsMax    = 65536
)

// stockQuery asks for levels of SKUs: all, or those at one location.
type stockQuery struct {
	skus     []string
	location *string
	// caller is who asks, as the tracer knows them.
	caller any
}

func (q stockQuery) calledBy() any { return q.caller }

func (q stockQuery) weight() int { return max(1, len(q.skus)) }

func (r *Repo) newStockLanes() *groupread.Lanes[stockQuery, *stockRead] {
	read := func(ctx context.Context, group []stockQuery) (*stockRead, error) {
		defer r.logPanic()
		began := time.Now()
		read := r.options.Tracer.SharedMessage(ctx, messageRead, len(group), callersOf(group, stockQuery.calledBy))
		answer, err := r.selectStock(ctx, group)
		read(err)
		if err == nil {
			r.options.ObserveStock(len(group), time.Since(began))
		}
		return answer, err
	}
	return groupread.New(read, groupread.Options[stockQuery]{
		LanesMax:       stockLanesMax,
		GroupMax:       stockQueriesMax,
		GroupWeightMax: stockSKUsMax,
		QueueMax:       stockQueueQueriesMax,
		QueueWeightMax: stockQueueSKUsMax,
		Weight:         stockQuery.weight,
	})
}

// readStock answers a query from one statement. The error wraps ErrOverloaded
// where there is no room to wait, or no time, or the database can't be reached;
// else it is a fault.
func (r *Repo) readStock(ctx context.Context, query stockQuery) (*stockRead, error) {
	query.caller = r.options.Tracer.Caller(ctx)
	read, err := r.stock.Do(ctx, query)
	if errors.Is(err, groupread.ErrOverloaded) || errors.Is(err, groupread.ErrLeft) {
		err = fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
	if err != nil {
		return nil, fmt.Errorf("availability: %w", err)
	}
	return read, nil
}

// stockRead is what one statement saw. Those who share it only read it.
type stockRead struct {
	// bySKU has the SKUs that there are, with those of their levels that
	// somebody asked for.
	bySKU     map[string]*inventory.Availability
	locations map[string]bool
}

// of answers what a query of this location asked for, or nil for a SKU that isn't
// known.
func (s *stockRead) of(sku string, location *string) *inventory.Availability {
	all := s.bySKU[sku]
	if all == nil || location == nil {
		return all
	}
	there := *all
	there.Location = location
	at, found := slices.BinarySearchFunc(all.Locations, *location, func(level inventory.StockLevel, location string) int {
		return cmp.Compare(level.Location, location)
	})
	there.Locations = all.Locations[at:at:at]
	if found {
		there.Locations = all.Locations[at : at+1 : at+1]
	}
	return &there
}

// selectStock reads for a group of queries, in one snapshot.
func (r *Repo) selectStock(ctx context.Context, group []stockQuery) (*stockRead, error) {
	m := stockStatement(group)
	read := &stockRead{bySKU: map[string]*inventory.Availability{}, locations: map[string]bool{}}
	var row stockRow
	err := r.queryRows(ctx, patienceFor(readLockTimeout), m, func() { read.add(&row) },
		&row.sku, &row.createdAt, &row.location, &row.total, &row.reserved, &row.allocated, &row.version, &row.updatedAt)
	if err != nil {
		return nil, err
	}
	for _, availability := range read.bySKU {
		slices.SortFunc(availability.Locations, func(a, b inventory.StockLevel) int { return cmp.Compare(a.Location, b.Location) })
	}
	return read, nil
}

// stockStatement has a part for whole SKUs, and two for queries of a location,
// which don't read the others: a SKU may have thousands. It has those parts alone
// that the group needs, for to plan one costs what it costs to read ten SKUs.
func stockStatement(group []stockQuery) message {
	whole, levels, locations := map[string]bool{}, map[inventory.LevelKey]bool{}, map[string]bool{}
	for _, query := range group {
		if query.location != nil {
			locations[*query.location] = true
			for _, sku := range query.skus {
				levels[inventory.LevelKey{SKU: sku, Location: *query.location}] = true
			}
			continue
		}
		for _, sku := range query.skus {
			whole[sku] = true
		}
	}
	maps.DeleteFunc(levels, func(key inventory.LevelKey, _ bool) bool { return whole[key.SKU] })

	// OFFSET 0 has each SKU's levels looked up by their key. While the planner
	// knows little of new tables it would rather read all levels there are.
	const columns = "SELECT s.sku, s.created_at, l.location, l.total, l.reserved, l.allocated, l.version, l.updated_at FROM "
	var m message
	union := ""
	if len(whole) > 0 {
		m.add(columns+"skus AS s LEFT JOIN LATERAL (SELECT * FROM stock_levels WHERE sku = s.sku OFFSET 0) AS l ON true WHERE s.sku = ANY(?::text[])",
			pgdialect.Array(slices.Collect(maps.Keys(whole))))
		union = " UNION ALL "
	}
	if len(levels) > 0 {
		skus, at := splitKeys(slices.Collect(maps.Keys(levels)))
		m.add(union+columns+`unnest(?::text[], ?::text[]) AS k (sku, location) JOIN skus AS s ON s.sku = k.sku
			LEFT JOIN LATERAL (SELECT * FROM stock_levels WHERE sku = k.sku AND location = k.location OFFSET 0) AS l ON true`,
			pgdialect.Array(skus), pgdialect.Array(at))
		union = " UNION ALL "
	}
	if len(locations) > 0 {
		m.add(union+"SELECT NULL, NULL, code, NULL, NULL, NULL, NULL, NULL FROM locations WHERE code = ANY(?::text[])",
			pgdialect.Array(slices.Collect(maps.Keys(locations))))
	}
	return m
}

// stockRow is a SKU with one of its levels or none, or a location.
type stockRow struct {
	sku, location                       sql.NullString
	total, reserved, allocated, version sql.NullInt64
	createdAt, updatedAt                sql.NullTime
}

// add lays a row over what was read. Parts of the statement may answer the same
// SKU, but never the same level.
func (s *stockRead) add(row *stockRow) {
	if !row.sku.Valid {
		s.locations[row.location.String] = true
		return
	}
	availability := s.bySKU[row.sku.String]
	if availability == nil {
		availability = &inventory.Availability{
			SKU: row.sku.String, Locations: []inventory.StockLevel{}, CreatedAt: row.createdAt.Time.UTC(),
		}
		s.bySKU[availability.SKU] = availability
	}
	if row.location.Valid {
		availability.Locations = append(availability.Locations, inventory.StockLevel{
			SKU: availability.SKU, Location: row.location.String,
			Total: row.total.Int64, Reserved: row.reserved.Int64, Allocated: row.allocated.Int64,
			Version: row.version.Int64, UpdatedAt: row.updatedAt.Time.UTC(),
		})
	}
}
