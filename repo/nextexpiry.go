package repo

import (
	"context"
	"fmt"
	"time"
)

// NextExpiry answers when the next hold on the SKU, or on its stock at one
// location, is due to expire; nil where there is none. It is best effort: the
// hold may be converted, or extended.
func (r *Repo) NextExpiry(ctx context.Context, sku string, location *string) (*time.Time, error) {
	var next *time.Time
	err := r.query(ctx, `
		SELECT min(r.expires_at) FROM reservation_lines AS l
		JOIN reservations AS r ON r.id = l.reservation_id AND r.status = 'HELD'
		WHERE l.sku = ?0 AND (?1 IS NULL OR l.location = ?1)`, []any{sku, location}, &next)
	if err != nil {
		return nil, fmt.Errorf("next expiry: %w", err)
	}
	return utc(next), nil
}
