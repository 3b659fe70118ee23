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
	answer, err := r.Repo.Availability(ctx, []string{sku.Code}, nil)
	if err != nil {
		return nil, fault(err)
	}
	return answer[0], nil
}

type insufficientStock struct{ *Root }

var _ graph.InsufficientStockErrorResolver = (*insufficientStock)(nil)

func (r *insufficientStock) NextExpiryAt(ctx context.Context, short *model.InsufficientStockError) (*time.Time, error) {
	next, err := r.Repo.NextExpiry(ctx, short.Sku, short.Location)
	return next, fault(err)
}
