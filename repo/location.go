package repo

import (
	"context"
	"fmt"
	"time"

	"holdfast/internal/inventory"
)

// CreateLocation adds a location. The errors are ErrOverloaded and
// ErrUnknownOutcome, and faults; after an unknown outcome, a repeat that is
// refused as taken may have met its own first try.
func (r *Repo) CreateLocation(ctx context.Context, location inventory.CreateLocation) (inventory.Outcome, error) {
	if invalid := location.Validate(); len(invalid) > 0 {
		return inventory.Outcome{Refused: invalid}, nil
	}
	var created string
	err := r.write(ctx, `INSERT INTO locations (code, name, command_id, created_at) VALUES (?, ?, ?, clock_timestamp())
		ON CONFLICT DO NOTHING RETURNING code`, []any{location.Code, location.Name, newID(time.Now())}, &created)
	if err != nil {
		return inventory.Outcome{}, fmt.Errorf("create location: %w", err)
	}
	if created == "" {
		return inventory.Outcome{Refused: []*inventory.Error{location.Taken()}}, nil
	}
	return inventory.Outcome{Location: &inventory.Location{Code: location.Code, Name: location.Name}}, nil
}

var locationCursors = cursorKind{"location", inventory.ValidCode}

// Locations answers the locations in the order of their codes.
func (r *Repo) Locations(ctx context.Context, page Page) (List[inventory.Location], error) {
	after, problem := page.after(locationCursors)
	if problem != nil {
		return List[inventory.Location]{}, problem
	}
	var rows []inventory.Location
	err := r.query(ctx, "SELECT code, name FROM locations WHERE code > ? ORDER BY code LIMIT ?", []any{after, page.First + 1}, &rows)
	if err != nil {
		return List[inventory.Location]{}, fmt.Errorf("locations: %w", err)
	}
	return listOf(page, rows, locationCursors, func(l inventory.Location) string { return l.Code }), nil
}
