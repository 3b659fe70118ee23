// Command ceiling serves Holdfast's schema with resolvers that do nothing, over
// the HTTP and the GraphQL of the program, and logs as that does. What it lets
// through is the most that any resolver could, so that a figure of the program
// can be told as a share of it. The benchmark starts it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"holdfast/graph"
	"holdfast/graph/model"
	"holdfast/internal/config"
	"holdfast/internal/garbage"
	"holdfast/internal/inventory"
	"holdfast/internal/requestlog"
	"holdfast/internal/web"
	"holdfast/internal/web/limits"
	"holdfast/internal/web/streams"
)

func main() {
	go garbage.Tune(context.Background())
	fmt.Fprintln(os.Stderr, "ceiling:", serve())
	os.Exit(1)
}

func serve() error {
	settings, err := config.Load(os.Environ(), ".env")
	if err != nil {
		return err
	}
	listener, err := web.Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("GraphQL  http://%s/graphql\n", listener.Addr())
	return newServer(settings, requestlog.NewBuffer(os.Stderr)).Serve(listener)
}

func newServer(settings config.Config, lines *requestlog.Buffer) *web.Server {
	logger := slog.New(requestlog.Handler(slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: settings.LogLevel}), lines))
	bounds := limits.Default()
	clients := streams.New(streams.Options{
		SubscriptionsMax: 1, ConnectionsMax: 1, RequestTimeout: settings.RequestTimeout, MessageBytesMax: bounds.BodyBytes,
	})
	server := web.NewServer(web.Options{RequestTimeout: settings.RequestTimeout, Streams: clients, Log: logger})
	server.Open(web.GraphQL(root{}, clients, bounds, logger), func(context.Context) error { return nil })
	return server
}

// root resolves what the benchmark asks for. Everything else is an internal
// error, as whatever panics is.
type root struct{ graph.ResolverRoot }

func (root) Query() graph.QueryResolver { return query{} }

func (root) Mutation() graph.MutationResolver { return mutation{} }

type query struct{ graph.QueryResolver }

// Availability answers the same counters of whatever is asked for.
func (query) Availability(_ context.Context, skus []string, _ *string) ([]*inventory.Availability, error) {
	all := make([]*inventory.Availability, len(skus))
	for i, sku := range skus {
		all[i] = &inventory.Availability{SKU: sku, Locations: []inventory.StockLevel{{
			SKU: sku, Location: inventory.DefaultLocation, Total: 1_000_000_000, Version: 1,
		}}}
	}
	return all, nil
}

type mutation struct{ graph.MutationResolver }

// CreateHold refuses, as where nothing is left.
func (mutation) CreateHold(ctx context.Context, input inventory.CreateHold) (*model.CreateHoldPayload, error) {
	requestlog.From(ctx).Refused(string(inventory.InsufficientStock))
	sku := input.Lines[0].SKU
	return &model.CreateHoldPayload{UserErrors: []model.UserError{model.InsufficientStockError{
		Code: inventory.InsufficientStock, Message: "1 of " + sku + " wanted, 0 available",
		Field: []string{"input", "lines", "0", "quantity"}, Sku: sku, Requested: 1,
	}}}, nil
}
