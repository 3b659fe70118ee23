// Package web is the front door: HTTP around the schema's resolvers.
package web

import (
	"log/slog"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"holdfast/graph"
	"holdfast/internal/web/streams"
)

const (
	// queriesMax and persistedMax bound what is remembered of parsed and of
	// persisted queries.
	queriesMax   = 500
	persistedMax = 500

	// tokensMax bounds a query before it is parsed.
	tokensMax = 10_000
)

// GraphQL answers the schema over POST, GET (queries only) and the streams. The
// extensions are those that the resolvers need.
func GraphQL(resolvers graph.ResolverRoot, streams *streams.Streams, log *slog.Logger, extensions ...graphql.HandlerExtension) http.Handler {
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: resolvers})
	server := handler.New(schema)
	for _, t := range streams.Transports() {
		server.AddTransport(t)
	}
	server.AddTransport(transport.GET{UseGrapQLResponseJsonByDefault: true})
	server.AddTransport(transport.POST{UseGrapQLResponseJsonByDefault: true})
	server.AddTransport(unsupported{})

	server.SetQueryCache(lru.New[*ast.QueryDocument](queriesMax))
	server.SetParserTokenLimit(tokensMax)
	server.Use(operationByMethod{})
	server.Use(extension.Introspection{})
	server.Use(extension.AutomaticPersistedQuery{Cache: lru.New[string](persistedMax)})
	for _, e := range extensions {
		server.Use(e)
	}

	presenter := errorPresenter{schema.Schema(), log}
	server.SetErrorPresenter(presenter.present)
	server.SetRecoverFunc(presenter.recovered)
	return withWay(server)
}
