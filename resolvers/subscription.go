package resolvers

import (
	"context"

	"holdfast/graph"
	"holdfast/internal/feed"
	"holdfast/internal/inventory"
	"holdfast/repo"
)

type subscription struct{ *Root }

var _ graph.SubscriptionResolver = (*subscription)(nil)

func (r *subscription) AvailabilityChanged(ctx context.Context, skus []string, location *string) (<-chan *inventory.Availability, error) {
	changes, err := r.Feed.Availability(feed.Translated(ctx, fault), skus, location)
	return changes, fault(err)
}

func (r *subscription) ReservationChanged(ctx context.Context, id string) (<-chan *inventory.Reservation, error) {
	changes, err := r.Feed.Reservation(feed.Translated(ctx, fault), id)
	return changes, fault(err)
}

func (r *subscription) StockChanges(ctx context.Context, after *string, skus []string) (<-chan *repo.AuditEdge, error) {
	past, err := r.Feed.Past(ctx)
	if err != nil {
		return nil, fault(err)
	}
	changes, err := r.Repo.Changes(ctx, after, skus, past)
	if err != nil {
		return nil, fault(err)
	}
	return feed.Follow(ctx, r.Feed, patiently(changes.Next)), nil
}
