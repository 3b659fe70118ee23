// Holdfast decides who gets the last unit: an inventory reservation service
// that speaks GraphQL and keeps its stock in PostgreSQL.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/uptrace/bun"
	"golang.org/x/term"

	"holdfast/internal/config"
	"holdfast/internal/database"
	"holdfast/internal/demo"
	"holdfast/internal/expiry"
	"holdfast/internal/feed"
	"holdfast/internal/garbage"
	"holdfast/internal/inventory"
	"holdfast/internal/localpg"
	"holdfast/internal/metrics"
	"holdfast/internal/requestlog"
	"holdfast/internal/tracing"
	"holdfast/internal/upkeep"
	"holdfast/internal/web"
	"holdfast/internal/web/limits"
	"holdfast/internal/web/origin"
	"holdfast/internal/web/playground"
	"holdfast/internal/web/streams"
	"holdfast/migrations"
	"holdfast/repo"
	"holdfast/resolvers"
)

// connectionsMax bounds a server's pool: the lanes and what was set aside take
// a handful, the rest is for queries.
const connectionsMax = 24

// retentionInterval is how long what is older than the retention may be kept
// all the same. A pass that finds nothing is a few short queries.
const retentionInterval = time.Hour

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go garbage.Tune(ctx)
	// Once a stop is under way, a second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	p := program{environ: os.Environ(), in: os.Stdin, out: os.Stdout, log: os.Stderr}
	if err := p.command().Run(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		os.Exit(exitStatus(err))
	}
}

// program is what the process was given.
type program struct {
	environ  []string
	in       io.Reader
	out, log io.Writer
}

// serve runs a server until ctx ends, and then lets it finish what it has.
func (p program) serve(ctx context.Context) error {
	settings, _, err := p.configure()
	if err != nil {
		return err
	}
	lines := requestlog.NewBuffer(p.log)
	defer lines.Close()
	log := slog.New(requestlog.Handler(p.logHandler(lines, settings), lines))
	// Libraries that log by themselves do so in our form.
	slog.SetDefault(log)
	// Taken first, so that a port in use is told before a database is started,
	// and the process is seen to be alive while that takes its time.
	listener, err := web.Listen(ctx, settings.Addr)
	if err != nil {
		return fmt.Errorf("HOLDFAST_ADDR: %w", err)
	}
	measured := metrics.New(builtAs())
	bounds := boundsOf(settings)
	clients := streams.New(streams.Options{
		SubscriptionsMax: settings.SubscriptionsMax, WatchedSKUsMax: settings.WatchedSKUsMax, ConnectionsMax: settings.ConnectionsMax,
		RequestTimeout: settings.RequestTimeout, MessageBytesMax: bounds.BodyBytes, Observer: measured.Streams, Log: log,
	})
	proxies := origin.Proxies(settings.TrustedProxies)
	server := web.NewServer(web.Options{
		RequestTimeout: settings.RequestTimeout, Streams: clients, Metrics: measured.Handler(), Home: home(settings),
		Client: func(r *http.Request) string { return proxies.Client(r).String() }, Log: log,
	})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() { _ = listener.Close() }()
	db, err := open(ctx, settings, log)
	if err != nil {
		return err
	}
	defer db.close(log)
	measured.WatchPool(db.db.Stats)
	applied, err := db.migrate(ctx)
	if err != nil {
		return err
	}
	if len(applied) > 0 {
		log.Info("migrated the database", "applied", applied)
	}

	traces := tracing.Start(ctx, tracing.Options{
		Endpoint: settings.OTLPEndpoint, ServiceName: settings.ServiceName, Version: builtAs().Version, Log: log,
	})
	store := newRepo(db.db, settings, measured, traces, log)
	measured.WatchQueues(store.Queued, store.StockQueued)
	subscribers := feed.New(store, store, feed.Options{Log: log, Observe: func(look feed.Look) {
		measured.Feed.Looked(look.Overdue+look.Took, look.Entries, look.Lag)
	}})
	scheduler := expiry.New(repo.NewSweeper(store), expiry.Options{Interval: settings.ExpiryInterval, Log: log})
	store.AnnounceTo(subscribers, scheduler)
	if settings.Demo {
		if err := demo.Load(ctx, store); err != nil {
			return err
		}
	}
	scheduler.Start()
	subscribers.Start()
	reconciliation := upkeep.New("reconciliation", settings.ReconcileInterval, func(ctx context.Context) error {
		return store.ReconcileIfDue(ctx, settings.ReconcileInterval)
	}, log)
	if settings.ReconcileInterval > 0 {
		reconciliation.Start()
	}
	retention := upkeep.New("retention", retentionInterval, func(ctx context.Context) error { return store.Trim(ctx, settings.Retention) }, log)
	if settings.Retention > 0 {
		retention.Start()
	}
	root := &resolvers.Root{Repo: store, Feed: subscribers}
	extensions := append(traces.Extensions(), append(introspection(settings), resolvers.Loaders{Repo: store})...)
	api := web.GraphQL(root, clients, bounds, log, extensions...)
	server.Open(traces.HTTP(origin.Guard(api, settings.CORSOrigins, proxies)), store.Ready)
	printWelcome(p.out, listener.Addr(), settings.Playground, db.private)

	select {
	case err = <-served:
	case <-ctx.Done():
		log.Info("stopping; a second signal stops at once", "grace", settings.ShutdownGrace)
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), settings.ShutdownGrace)
	defer cancel()
	if unfinished := server.Drain(grace); unfinished != nil {
		err = errors.Join(err, fmt.Errorf("HOLDFAST_SHUTDOWN_GRACE: requests were broken off after %s: %w", settings.ShutdownGrace, unfinished))
	}
	scheduler.Stop(grace)
	subscribers.Stop(grace)
	reconciliation.Stop(grace)
	retention.Stop(grace)
	store.Close(grace)
	traces.Stop(grace)
	log.Info("stopped")
	return err
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

func (p program) configure() (config.Config, *slog.Logger, error) {
	settings, err := config.Load(p.environ, ".env")
	if err != nil {
		return settings, nil, err
	}
	return settings, slog.New(p.logHandler(p.log, settings)), nil
}

// logHandler writes a log that is to end up in the program's to out.
func (p program) logHandler(out io.Writer, settings config.Config) slog.Handler {
	options := &slog.HandlerOptions{Level: settings.LogLevel, ReplaceAttr: readable}
	if settings.LogFormatOn(isTerminal(p.log)) == "text" {
		return slog.NewTextHandler(out, options)
	}
	return slog.NewJSONHandler(out, options)
}

func isTerminal(out io.Writer) bool {
	file, isFile := out.(*os.File)
	return isFile && term.IsTerminal(int(file.Fd()))
}

// readable has "1.5s" logged where JSON would have 1500000000, and errors
// without what isn't for the eyes of those who read logs.
func readable(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindDuration:
		return slog.String(a.Key, a.Value.Duration().String())
	case slog.KindAny:
		if err, isError := a.Value.Any().(error); isError {
			return slog.String(a.Key, database.Loggable(err))
		}
	}
	return a
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
			return opened{}, err
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

// privateStopTimeout is how long the private PostgreSQL may take to write its
// last checkpoint. One that takes longer is taken over by the next start.
const privateStopTimeout = 10 * time.Second

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

func printWelcome(out io.Writer, addr net.Addr, hasPlayground bool, private *localpg.Server) {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	at := net.JoinHostPort(host, port)
	fmt.Fprint(out, "\nHoldfast is ready.\n\n")
	if hasPlayground {
		fmt.Fprintf(out, "  Playground  http://%s/\n", at)
	}
	fmt.Fprintf(out, "  Live board  http://%s/live\n  GraphQL     http://%s/graphql\n", at, at)
	if private != nil {
		fmt.Fprintf(out, "  psql        psql '%s'\n", private.URL())
	}
	fmt.Fprintln(out)
}
