// Package resolvers answers the schema's fields. Each takes its input, calls
// one verb, and returns; what is decided, is decided further down.
package resolvers

import (
	"holdfast/graph"
	"holdfast/internal/feed"
	"holdfast/repo"
)

//go:generate go -C .. tool gqlgen generate

// Root resolves the schema. The server needs Loaders as an extension.
type Root struct {
	Repo *repo.Repo
	Feed *feed.Feed
}

var _ graph.ResolverRoot = (*Root)(nil)

// Query implements graph.ResolverRoot.
func (r *Root) Query() graph.QueryResolver { return &query{r} }

// Mutation implements graph.ResolverRoot.
func (r *Root) Mutation() graph.MutationResolver { return &mutation{r} }

// Subscription implements graph.ResolverRoot.
func (r *Root) Subscription() graph.SubscriptionResolver { return &subscription{r} }

// Sku implements graph.ResolverRoot.
func (r *Root) Sku() graph.SkuResolver { return &sku{r} }

// ReservationLine implements graph.ResolverRoot.
func (r *Root) ReservationLine() graph.ReservationLineResolver { return &reservationLine{r} }

// AuditEntry implements graph.ResolverRoot.
func (r *Root) AuditEntry() graph.AuditEntryResolver { return &auditEntry{r} }

// InsufficientStockError implements graph.ResolverRoot.
func (r *Root) InsufficientStockError() graph.InsufficientStockErrorResolver {
	return &insufficientStock{r}
}
