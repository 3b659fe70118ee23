package repo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// NextExpiry answers when the next hold on the SKU, or on its stock at one
// location, is due to expire; nil where there is none. It is best effort: the
// hold may be converted, or extended.
func (r *Repo) NextExpiry(ctx context.Context, sku string, location *string) (*time.Time, error) {
	var next *time.Time
	// By deadline, which has an index of the holds alone: there is one nearby,
	// as a rule, and a SKU may have been in a million reservations.
	err := r.query(ctx, `
		SELECT r.expires_at FROM reservations AS r
		WHERE r.status = 'HELD' AND EXISTS (SELECT FROM reservation_lines AS l
			WHERE l.reservation_id = r.id AND l.sku = ?0 AND (?1 IS NULL OR l.location = ?1))
		ORDER BY r.expires_at, r.id LIMIT 1`, []any{sku, location}, &next)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("next expiry: %w", err)
	}
	return utc(next), nil
}
