// Package web is the front door: HTTP around the schema's resolvers.
package web

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"

	"holdfast/graph"
	"holdfast/internal/web/limits"
	"holdfast/internal/web/streams"
)

// GraphQL answers the schema over POST, GET (queries only) and the streams,
// within the limits. The extensions are those that the resolvers need.
func GraphQL(resolvers graph.ResolverRoot, streams *streams.Streams, bounds limits.Limits, log *slog.Logger, extensions ...graphql.HandlerExtension) http.Handler {
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: resolvers})
	server := handler.New(schema)
	for _, t := range streams.Transports() {
		server.AddTransport(t)
	}
	server.AddTransport(exchange{bounds.BodyBytes})

	server.SetQueryCache(newParsedQueries())
	server.Use(extension.Introspection{})
	server.Use(newPersistedQueries())
	server.Use(limits.New(bounds))
	for _, e := range extensions {
		server.Use(e)
	}
	server.SetDisableSuggestion(slices.Contains(extensions, graphql.HandlerExtension(NoIntrospection{})))

	presenter := errorPresenter{schema.Schema(), log}
	server.SetErrorPresenter(presenter.present)
	server.SetRecoverFunc(presenter.recovered)
	return server
}
