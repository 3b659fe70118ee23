package repo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// skusMax bounds how many SKUs one query may name.
const skusMax = inventory.SKUsMax

// Availability answers the stock of the SKUs in the order asked, nil for one
// that isn't known, as of one moment. With a location it is what is kept there.
// What breaks a rule is an *inventory.Error.
func (r *Repo) Availability(ctx context.Context, skus []string, location *string) ([]*inventory.Availability, error) {
	if problem := checkSKUs(skus); problem != nil {
		return nil, problem
	}
	if location != nil && !inventory.ValidCode(*location) {
		return nil, badArgument("this is not a location's code", "location")
	}
	bySKU, err := r.availability(ctx, skus, location)
	if err != nil {
		return nil, err
	}
	answer := make([]*inventory.Availability, len(skus))
	for i, sku := range skus {
		answer[i] = bySKU[sku]
	}
	return answer, nil
}

// AvailabilityBySKU answers the stock of those of the SKUs that there are, over
// all their locations, as of one moment. It takes any number of them.
func (r *Repo) AvailabilityBySKU(ctx context.Context, skus []string) (map[string]*inventory.Availability, error) {
	return r.availability(ctx, skus, nil)
}

type availabilityRow struct {
	SKU           string     `bun:"sku"`
	CreatedAt     time.Time  `bun:"created_at"`
	Levels        []levelRow `bun:"levels"`
	LocationKnown bool       `bun:"location_known"`
}

func (r *Repo) availability(ctx context.Context, skus []string, location *string) (map[string]*inventory.Availability, error) {
	var rows []availabilityRow
	// One row where no SKU is known, so that the location is looked up even then.
	err := r.query(ctx, `
		SELECT s.sku, s.created_at, w.location_known,
			(SELECT json_agg(l ORDER BY l.location) FROM stock_levels AS l
			 WHERE l.sku = s.sku AND (?1 IS NULL OR l.location = ?1)) AS levels
		FROM (SELECT ?1 IS NULL OR EXISTS (SELECT FROM locations WHERE code = ?1) AS location_known) AS w
		LEFT JOIN skus AS s ON s.sku = ANY(?0::text[])`,
		[]any{pgdialect.Array(skus), location}, &rows)
	if err != nil {
		return nil, fmt.Errorf("availability: %w", err)
	}
	bySKU := make(map[string]*inventory.Availability, len(rows))
	for _, row := range rows {
		if !row.LocationKnown {
			return nil, badArgument("there is no location "+*location, "location")
		}
		if row.SKU == "" {
			continue
		}
		bySKU[row.SKU] = &inventory.Availability{
			SKU: row.SKU, Location: location, Locations: levels(row.Levels), CreatedAt: row.CreatedAt.UTC(),
		}
	}
	return bySKU, nil
}

func levels(rows []levelRow) []inventory.StockLevel {
	levels := make([]inventory.StockLevel, len(rows))
	for i, row := range rows {
		levels[i] = row.level()
	}
	return levels
}

func checkSKUs(skus []string) *inventory.Error {
	if len(skus) > skusMax {
		return badArgument(fmt.Sprintf("at most %d SKUs at once", skusMax), "skus")
	}
	for i, sku := range skus {
		if !inventory.ValidCode(sku) {
			return notASKU("skus", strconv.Itoa(i))
		}
	}
	return nil
}

// badArgument refuses an argument of a query.
func badArgument(message string, field ...string) *inventory.Error {
	return &inventory.Error{Code: inventory.InvalidInput, Message: message, Field: field}
}

func notASKU(field ...string) *inventory.Error {
	return badArgument(fmt.Sprintf("this is not a SKU: 1 to %d characters from ASCII letters, digits and -_.:/", inventory.CodeMax), field...)
}
