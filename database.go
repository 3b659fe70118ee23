package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"holdfast/internal/config"
	"holdfast/internal/database"
	"holdfast/internal/inventory"
	"holdfast/internal/localpg"
	"holdfast/internal/metrics"
	"holdfast/internal/tracing"
	"holdfast/migrations"
	"holdfast/repo"
)

// connectionsMax bounds a server's pool: the lanes and what was set aside take
// a handful, the rest is for queries.
const connectionsMax = 24

// privateStopTimeout is how long the private PostgreSQL may take to write its
// last checkpoint. One that takes longer is taken over by the next start.
const privateStopTimeout = 10 * time.Second

// opened is the database, and the PostgreSQL under it if that is our own.
type opened struct {
	db      *bun.DB
	url     string
	private *localpg.Server
}

// open opens the database that the environment names, or starts a private one.
func open(ctx context.Context, settings config.Config, log *slog.Logger) (opened, error) {
	url := settings.DatabaseURL
	var private *localpg.Server
	if url == "" {
		log.Info("DATABASE_URL is not set: using a private PostgreSQL", "directory", settings.DataDir)
		var err error
		if private, err = localpg.Start(ctx, localpg.Options{Dir: settings.DataDir, Log: log}); err != nil {
			return opened{}, nameDataDir(err)
		}
		url = private.URL()
	}
	db, err := database.Open(url, connectionsMax)
	if err != nil {
		return opened{}, fmt.Errorf("DATABASE_URL: %w", err)
	}
	if err := db.PingContext(ctx); err != nil && private == nil {
		return opened{}, errors.Join(fmt.Errorf("DATABASE_URL: %w", err), db.Close())
	}
	return opened{db, url, private}, nil
}

// nameDataDir has an error of the file system name the variable that chose the
// place.
func nameDataDir(err error) error {
	var ofFile *fs.PathError
	if errors.As(err, &ofFile) {
		return fmt.Errorf("HOLDFAST_DATA_DIR: %w", err)
	}
	return err
}

// migrate brings the schema up to the newest, however long it takes.
func (o opened) migrate(ctx context.Context) ([]string, error) {
	// One connection holds the migrators' lock, the other migrates.
	db, err := database.OpenPatiently(o.url, 2)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	return migrations.Apply(ctx, db)
}

func (o opened) close(log *slog.Logger) {
	_ = o.db.Close()
	if o.private != nil {
		ctx, cancel := context.WithTimeout(context.Background(), privateStopTimeout)
		defer cancel()
		if err := o.private.Stop(ctx); err != nil {
			log.Error("the private PostgreSQL did not stop", "error", err)
		}
	}
}

// newRepo returns a repository that is measured and traced, unless those are
// nil.
func newRepo(db *bun.DB, settings config.Config, measured *metrics.Metrics, traces *tracing.Tracing, log *slog.Logger) *repo.Repo {
	options := repo.Options{
		Limits: inventory.Limits{
			HoldTTL: settings.HoldTTL, HoldTTLMax: settings.HoldTTLMax, LinesMax: settings.LinesMax,
		},
		Strategy:          inventory.Strategy(settings.LockStrategy),
		OptimisticRetries: settings.OptimisticRetries,
		LockTimeout:       settings.LockTimeout,
		RequestTimeout:    settings.RequestTimeout,
		Log:               log,
		Tracer:            traces,
	}
	if measured != nil {
		options.Observer, options.ObserveStock = measured.WritePath, measured.Reads.Stock
	}
	return repo.New(db, options)
}
