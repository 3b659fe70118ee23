package resolvers

import (
	"context"
	"time"

	"holdfast/graph"
	"holdfast/internal/inventory"
	"holdfast/repo"
)

type query struct{ *Root }

var _ graph.QueryResolver = (*query)(nil)

func (r *query) Availability(ctx context.Context, skus []string, location *string) ([]*inventory.Availability, error) {
	answer, err := r.Repo.Availability(ctx, skus, location)
	return answer, fault(err)
}

func (r *query) AvailabilityAt(ctx context.Context, skus []string, at time.Time) ([]*inventory.PastAvailability, error) {
	answer, err := r.Repo.AvailabilityAt(ctx, skus, at)
	return answer, fault(err)
}

func (r *query) Snapshots(ctx context.Context, first *int32, after *string) (*repo.SnapshotList, error) {
	list, err := r.Repo.Snapshots(ctx, page(first, after))
	return &list, fault(err)
}

func (r *query) Sku(ctx context.Context, sku string) (*inventory.SKU, error) {
	answer, err := r.Repo.SKU(ctx, sku)
	return answer, fault(err)
}

func (r *query) Reservation(ctx context.Context, by repo.ReservationBy) (*inventory.Reservation, error) {
	answer, err := r.Repo.Reservation(ctx, by)
	return answer, fault(err)
}

func (r *query) Reservations(ctx context.Context, first *int32, after *string, filter *repo.ReservationFilter) (*repo.ReservationList, error) {
	list, err := r.Repo.Reservations(ctx, page(first, after), filter)
	return &list, fault(err)
}

func (r *query) AuditLog(ctx context.Context, first *int32, after *string, order inventory.AuditOrder, filter *repo.AuditEntryFilter) (*repo.AuditList, error) {
	list, err := r.Repo.AuditLog(ctx, page(first, after), order, filter)
	return &list, fault(err)
}

func (r *query) Skus(ctx context.Context, first *int32, after *string, filter *repo.SKUFilter) (*repo.SKUList, error) {
	list, err := r.Repo.SKUs(ctx, page(first, after), filter)
	return &list, fault(err)
}

func (r *query) Locations(ctx context.Context, first *int32, after *string) (*repo.LocationList, error) {
	list, err := r.Repo.Locations(ctx, page(first, after))
	return &list, fault(err)
}

func (r *query) Consistency(ctx context.Context, skus []string) (*inventory.ConsistencyReport, error) {
	report, err := r.Repo.Consistency(ctx, skus)
	return &report, fault(err)
}

func (r *query) ReconciliationRuns(ctx context.Context, first *int32, after *string) (*repo.RunList, error) {
	list, err := r.Repo.ReconciliationRuns(ctx, page(first, after))
	return &list, fault(err)
}
