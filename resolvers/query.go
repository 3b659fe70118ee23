package resolvers

import (
	"context"
	"time"

	"holdfast/graph"
	"holdfast/graph/model"
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

func (r *query) Snapshots(ctx context.Context, first *int32, after *string) (*model.SnapshotConnection, error) {
	list, err := r.Repo.Snapshots(ctx, page(first, after))
	if err != nil {
		return nil, fault(err)
	}
	return snapshotConnection(list, after), nil
}

func (r *query) Sku(ctx context.Context, sku string) (*inventory.SKU, error) {
	answer, err := r.Repo.SKU(ctx, sku)
	return answer, fault(err)
}

func (r *query) Reservation(ctx context.Context, by repo.ReservationBy) (*inventory.Reservation, error) {
	answer, err := r.Repo.Reservation(ctx, by)
	return answer, fault(err)
}

func (r *query) Reservations(ctx context.Context, first *int32, after *string, filter *repo.ReservationFilter) (*model.ReservationConnection, error) {
	list, err := r.Repo.Reservations(ctx, page(first, after), filter)
	if err != nil {
		return nil, fault(err)
	}
	return reservationConnection(list, after), nil
}

func (r *query) Locations(ctx context.Context, first *int32, after *string) (*model.LocationConnection, error) {
	list, err := r.Repo.Locations(ctx, page(first, after))
	if err != nil {
		return nil, fault(err)
	}
	return locationConnection(list, after), nil
}

func (r *query) Consistency(ctx context.Context, skus []string) (*inventory.ConsistencyReport, error) {
	report, err := r.Repo.Consistency(ctx, skus)
	return &report, fault(err)
}

func (r *query) ReconciliationRuns(ctx context.Context, first *int32, after *string) (*model.ReconciliationRunConnection, error) {
	list, err := r.Repo.ReconciliationRuns(ctx, page(first, after))
	if err != nil {
		return nil, fault(err)
	}
	return reconciliationRunConnection(list, after), nil
}
