package resolvers

import (
	"context"
	"time"

	"holdfast/graph"
	"holdfast/graph/model"
	"holdfast/internal/inventory"
)

// Fields that cost a query of their own, and are only worked out when asked
// for.

type sku struct{ *Root }

var _ graph.SkuResolver = (*sku)(nil)

func (r *sku) Availability(ctx context.Context, sku *inventory.SKU) (*inventory.Availability, error) {
	return loadersOf(ctx).availabilities.load(ctx, sku.Code)
}

type reservationLine struct{ *Root }

var _ graph.ReservationLineResolver = (*reservationLine)(nil)

func (r *reservationLine) Product(ctx context.Context, line *inventory.Line) (*inventory.SKU, error) {
	return loadersOf(ctx).skus.load(ctx, line.SKU)
}

type auditEntry struct{ *Root }

var _ graph.AuditEntryResolver = (*auditEntry)(nil)

func (r *auditEntry) Reservation(ctx context.Context, entry *inventory.LoggedEntry) (*inventory.Reservation, error) {
	if entry.ReservationID == nil {
		return nil, nil
	}
	return loadersOf(ctx).reservations.load(ctx, *entry.ReservationID)
}

func (r *auditEntry) Product(ctx context.Context, entry *inventory.LoggedEntry) (*inventory.SKU, error) {
	if entry.SKU == nil {
		return nil, nil
	}
	return loadersOf(ctx).skus.load(ctx, *entry.SKU)
}

type insufficientStock struct{ *Root }

var _ graph.InsufficientStockErrorResolver = (*insufficientStock)(nil)

func (r *insufficientStock) NextExpiryAt(ctx context.Context, short *model.InsufficientStockError) (*time.Time, error) {
	next, err := r.Repo.NextExpiry(ctx, short.Sku, short.Location)
	return next, fault(err)
}
