package web

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// parsedMax and persistedMax bound how many queries are remembered as parsed,
	// and by their hash, and rememberedBytesMax each of them: strangers send them,
	// and parsed a query takes up to 80 times its length, so 160 MB in all.
	parsedMax          = 250
	persistedMax       = 500
	rememberedBytesMax = 8 << 10
)

// cache remembers what it was given lately, unless the query is a long one.
type cache[T any] struct {
	*lru.LRU[T]
	query func(key string, value T) string
}

var _ graphql.Cache[string] = cache[string]{}

// newParsedQueries remembers parsed queries, by what was parsed.
func newParsedQueries() cache[*ast.QueryDocument] {
	return cache[*ast.QueryDocument]{lru.New[*ast.QueryDocument](parsedMax), func(query string, _ *ast.QueryDocument) string { return query }}
}

// Add implements graphql.Cache.
func (c cache[T]) Add(ctx context.Context, key string, value T) {
	if len(c.query(key, value)) <= rememberedBytesMax {
		c.LRU.Add(ctx, key, value)
	}
}
