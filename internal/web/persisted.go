package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	// queriesMax and persistedMax bound how many parsed and persisted queries
	// are remembered, and rememberedBytesMax each of them: strangers send them.
	queriesMax         = 500
	persistedMax       = 500
	rememberedBytesMax = 16 << 10
)

// cache remembers the latest of what it was given, by query or by its hash.
type cache[T any] struct {
	*lru.LRU[T]
	// length is what an entry weighs.
	length func(key string, value T) int
}

// Add implements graphql.Cache.
func (c cache[T]) Add(ctx context.Context, key string, value T) {
	if c.length(key, value) <= rememberedBytesMax {
		c.LRU.Add(ctx, key, value)
	}
}

// persistedQueries lets clients send a query's hash for the query, once they
// have sent both: Apollo's automatic persisted queries.
type persistedQueries struct{ queries graphql.Cache[string] }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = persistedQueries{}

func newPersistedQueries() persistedQueries {
	return persistedQueries{cache[string]{lru.New[string](persistedMax), func(_, query string) int { return len(query) }}}
}

// ExtensionName implements graphql.HandlerExtension.
func (persistedQueries) ExtensionName() string { return "PersistedQueries" }

// Validate implements graphql.HandlerExtension.
func (persistedQueries) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator.
func (p persistedQueries) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	given := params.Extensions["persistedQuery"]
	if given == nil {
		return nil
	}
	object, _ := given.(map[string]any)
	hash, isText := object["sha256Hash"].(string)
	switch {
	case !isText || object["version"] != json.Number("1"):
		return withCode(gqlerror.Errorf("persistedQuery has a version, which is 1, and a sha256Hash"), errcode.ParseFailed)
	case params.Query != "" && !isHash(hash, params.Query):
		return withCode(gqlerror.Errorf("the sha256Hash of persistedQuery is not that of the query"), errcode.ParseFailed)
	case params.Query != "":
		p.queries.Add(ctx, hash, params.Query)
		return nil
	}
	query, known := p.queries.Get(ctx, hash)
	if !known { // clients know the message
		return withCode(gqlerror.Errorf("PersistedQueryNotFound"), codeNotPersisted)
	}
	params.Query = query
	return nil
}

func isHash(hash, query string) bool {
	sum := sha256.Sum256([]byte(query))
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	return hash == string(text[:])
}
