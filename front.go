package main

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"holdfast/internal/config"
	"holdfast/internal/metrics"
	"holdfast/internal/web"
	"holdfast/internal/web/limits"
	"holdfast/internal/web/origin"
	"holdfast/internal/web/playground"
	"holdfast/internal/web/streams"
	"holdfast/resolvers"
)

// front is the part of a server that clients reach, and that is there before the
// database is.
type front struct {
	settings config.Config
	log      *slog.Logger
	measured *metrics.Metrics
	streams  *streams.Streams
	proxies  origin.Proxies
	server   *web.Server
}

func newFront(settings config.Config, log *slog.Logger) *front {
	f := &front{settings: settings, log: log, measured: metrics.New(builtAs()), proxies: origin.Proxies(settings.TrustedProxies)}
	f.streams = streams.New(streams.Options{
		SubscriptionsMax: settings.SubscriptionsMax, WatchedSKUsMax: settings.WatchedSKUsMax, ConnectionsMax: settings.ConnectionsMax,
		RequestTimeout: settings.RequestTimeout, MessageBytesMax: boundsOf(settings).BodyBytes, Observer: f.measured.Streams, Log: log,
	})
	f.server = web.NewServer(web.Options{
		RequestTimeout: settings.RequestTimeout, Streams: f.streams, Metrics: f.measured.Handler(), Home: home(settings),
		Client: func(r *http.Request) string { return f.proxies.Client(r).String() }, Log: log,
	})
	return f
}

// open has GraphQL answered by the engine.
func (f *front) open(e *engine) {
	root := &resolvers.Root{Repo: e.store, Feed: e.feed}
	extensions := slices.Concat(e.traces.Extensions(), introspection(f.settings), []graphql.HandlerExtension{resolvers.Loaders{Repo: e.store}})
	api := web.GraphQL(root, f.streams, boundsOf(f.settings), f.log, extensions...)
	f.server.Open(e.traces.HTTP(origin.Guard(api, f.settings.CORSOrigins, f.proxies)), e.store.Ready)
}

// boundsOf are the limits of what a request may ask for.
func boundsOf(settings config.Config) limits.Limits {
	return limits.Limits{
		BodyBytes: int64(settings.BodyBytesMax),
		Tokens:    settings.QueryTokensMax, Depth: settings.QueryDepthMax, IntrospectionDepth: settings.IntrospectionDepthMax,
		Aliases: settings.QueryAliasesMax, Directives: settings.QueryDirectivesMax, Fields: settings.QueryFieldsMax,
		IntrospectionFields: settings.IntrospectionFieldsMax,
		Cost:                settings.QueryCostMax,
	}
}

// home is what answers at /.
func home(settings config.Config) http.Handler {
	if !settings.Playground {
		return playground.Off("/graphql")
	}
	return playground.Handler("/graphql", settings.Introspection)
}

// introspection has GraphQL tell its schema or not.
func introspection(settings config.Config) []graphql.HandlerExtension {
	if settings.Introspection {
		return nil
	}
	return []graphql.HandlerExtension{web.NoIntrospection{}}
}
