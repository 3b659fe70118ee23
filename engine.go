package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"holdfast/internal/config"
	"holdfast/internal/expiry"
	"holdfast/internal/feed"
	"holdfast/internal/metrics"
	"holdfast/internal/tracing"
	"holdfast/internal/upkeep"
	"holdfast/repo"
)

// retentionInterval is how long what is older than the retention may be kept
// all the same. A pass that finds nothing is a few short queries.
const retentionInterval = time.Hour

// engine is the part of a server that works with the database: for clients, and
// by itself in the background.
type engine struct {
	settings                  config.Config
	traces                    *tracing.Tracing
	store                     *repo.Repo
	feed                      *feed.Feed
	expiry                    *expiry.Scheduler
	reconciliation, retention *upkeep.Loop
}

func newEngine(ctx context.Context, db *bun.DB, settings config.Config, measured *metrics.Metrics, log *slog.Logger) *engine {
	traces := tracing.Start(ctx, tracing.Options{
		Endpoint: settings.OTLPEndpoint, ServiceName: settings.ServiceName, Version: builtAs().Version, Log: log,
	})
	store := newRepo(db, settings, measured, traces, log)
	measured.WatchQueues(store.Queued, store.StockQueued)
	e := &engine{settings: settings, traces: traces, store: store}
	e.feed = feed.New(store, store, feed.Options{Log: log, Observe: func(look feed.Look) {
		measured.Feed.Looked(look.Overdue+look.Took, look.Entries, look.Lag)
	}})
	e.expiry = expiry.New(repo.NewSweeper(store), expiry.Options{Interval: settings.ExpiryInterval, Log: log})
	store.AnnounceTo(e.feed, e.expiry)
	e.reconciliation = upkeep.New("reconciliation", settings.ReconcileInterval, func(ctx context.Context) error {
		return store.ReconcileIfDue(ctx, settings.ReconcileInterval)
	}, log)
	e.retention = upkeep.New("retention", retentionInterval, func(ctx context.Context) error {
		return store.Trim(ctx, settings.Retention)
	}, log)
	return e
}

// start begins what is done in the background.
func (e *engine) start() {
	e.expiry.Start()
	e.feed.Start()
	if e.settings.ReconcileInterval > 0 {
		e.reconciliation.Start()
	}
	if e.settings.Retention > 0 {
		e.retention.Start()
	}
}

// stop finishes what is under way, or breaks it off when ctx ends. Nobody may
// ask for anything any more.
func (e *engine) stop(ctx context.Context) {
	e.expiry.Stop(ctx)
	e.feed.Stop(ctx)
	e.reconciliation.Stop(ctx)
	e.retention.Stop(ctx)
	e.store.Close(ctx)
	e.traces.Stop(ctx)
}
