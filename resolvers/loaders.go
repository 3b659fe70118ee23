package resolvers

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vikstrous/dataloadgen"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// loadWait is how long the first item of a list waits for the others to ask too.
// They do so within microseconds; on a busy machine some may be late, and are
// then loaded by another statement.
const loadWait = 2 * time.Millisecond

// Loaders is an extension of the server: with it the items of a list get their
// nested fields from one query for each level, not from one for each item.
//
// Each operation has its own, and they remember nothing: a subscription's next
// event, and a field after a mutation, read anew.
type Loaders struct {
	Repo *repo.Repo
	// Wait is how long the first item of a list waits for the others; 2 ms
	// unless it is given.
	Wait time.Duration
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
} = Loaders{}

// ExtensionName implements graphql.HandlerExtension.
func (Loaders) ExtensionName() string { return "Loaders" }

// Validate implements graphql.HandlerExtension.
func (Loaders) Validate(graphql.ExecutableSchema) error { return nil }

type loadersKey struct{}

// InterceptOperation implements graphql.OperationInterceptor.
func (l Loaders) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(context.WithValue(ctx, loadersKey{}, &loaders{Loaders: l}))
}

// loaders are those of one operation. They are made when they are first needed,
// for most operations need none.
type loaders struct {
	Loaders
	once           sync.Once
	skus           loader[inventory.SKU]
	availabilities loader[inventory.Availability]
	reservations   loader[inventory.Reservation]
}

func loadersOf(ctx context.Context) *loaders {
	l := ctx.Value(loadersKey{}).(*loaders)
	l.once.Do(func() {
		wait := dataloadgen.WithWait(cmp.Or(l.Wait, loadWait))
		l.skus = newLoader(l.Repo.SKUsByCode, wait)
		l.availabilities = newLoader(l.Repo.AvailabilityBySKU, wait)
		l.reservations = newLoader(l.Repo.ReservationsByID, wait)
	})
	return l
}

// find answers, by key, those that there are. It takes as many keys as a page
// has reservations with lines.
type find[T any] func(ctx context.Context, keys []string) (map[string]*T, error)

type loader[T any] struct {
	find     find[T]
	gathered *dataloadgen.Loader[string, *T]
}

func newLoader[T any](find find[T], wait dataloadgen.Option) loader[T] {
	fetch := func(ctx context.Context, keys []string) ([]*T, []error) {
		found, err := find(ctx, keys)
		if err != nil {
			return nil, []error{err}
		}
		values := make([]*T, len(keys))
		for i, key := range keys {
			values[i] = found[key]
		}
		return values, nil
	}
	return loader[T]{find, dataloadgen.NewLoader(fetch, dataloadgen.WithoutCache(), wait)}
}

// load answers what has the key, or nil where nothing has. What isn't in a list
// has nobody to wait for.
func (l loader[T]) load(ctx context.Context, key string) (*T, error) {
	if inList(ctx) {
		value, err := l.gathered.Load(ctx, key)
		return value, fault(err)
	}
	found, err := l.find(ctx, []string{key})
	return found[key], fault(err)
}

func inList(ctx context.Context) bool {
	return slices.ContainsFunc(graphql.GetPath(ctx), func(element ast.PathElement) bool {
		_, isIndex := element.(ast.PathIndex)
		return isIndex
	})
}
