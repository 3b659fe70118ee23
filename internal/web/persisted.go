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

// persistedQueries lets clients send a query's hash for the query, once they
// have sent both: Apollo's automatic persisted queries.
type persistedQueries struct{ queries graphql.Cache[string] }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = persistedQueries{}

func newPersistedQueries() persistedQueries {
	return persistedQueries{cache[string]{lru.New[string](persistedMax), func(_, query string) string { return query }}}
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
