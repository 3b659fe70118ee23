// Holdfast decides who gets the last unit: an inventory reservation service
// that speaks GraphQL and keeps its stock in PostgreSQL.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"holdfast/internal/config"
	"holdfast/internal/demo"
	"holdfast/internal/garbage"
	"holdfast/internal/localpg"
	"holdfast/internal/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	go garbage.Tune(ctx)
	// Once a stop is under way, a second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	p := program{environ: os.Environ(), in: os.Stdin, out: os.Stdout, log: os.Stderr}
	if err := p.command().Run(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		os.Exit(exitStatus(err))
	}
}

// stopSignals are those that a server stops at, in order. A terminal that is closed
// sends SIGHUP; nohup has it ignored.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// program is what the process was given.
type program struct {
	environ  []string
	in       io.Reader
	out, log io.Writer
}

// settings is the environment, read and checked.
func (p program) settings() (config.Config, error) { return config.Load(p.environ, ".env") }

// serve runs a server until ctx ends, and then lets it finish what it has.
func (p program) serve(ctx context.Context) error {
	settings, err := p.settings()
	if err != nil {
		return err
	}
	log, flush := p.serverLog(settings)
	defer flush()
	// Taken first, so that a port in use is told before a database is started,
	// and the process is seen to be alive while that takes its time.
	listener, err := web.Listen(ctx, settings.Addr)
	if err != nil {
		return fmt.Errorf("HOLDFAST_ADDR: %w", err)
	}
	front := newFront(settings, log)
	served := make(chan error, 1)
	go func() { served <- front.server.Serve(listener) }()
	defer func() { _ = listener.Close() }()
	db, err := open(ctx, settings, log)
	if err != nil {
		return err
	}
	defer db.close(log)
	front.measured.WatchPool(db.db.Stats)
	applied, err := db.migrate(ctx)
	if err != nil {
		return err
	}
	if len(applied) > 0 {
		log.Info("migrated the database", "applied", applied)
	}
	engine := newEngine(ctx, db.db, settings, front.measured, log)
	if settings.Demo {
		if err := demo.Load(ctx, engine.store); err != nil {
			return err
		}
	}
	engine.start()
	front.open(engine)
	log.Info("serving", "address", listener.Addr().String(), "version", builtAs().Version)
	printWelcome(p.out, listener.Addr(), settings.Playground, db.private)

	select {
	case err = <-served:
	case <-ctx.Done():
		log.Info("stopping; a second signal stops at once", "grace", settings.ShutdownGrace)
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), settings.ShutdownGrace)
	defer cancel()
	if unfinished := front.server.Drain(grace); unfinished != nil {
		err = errors.Join(err, fmt.Errorf("HOLDFAST_SHUTDOWN_GRACE: requests were broken off after %s: %w", settings.ShutdownGrace, unfinished))
	}
	engine.stop(grace)
	log.Info("stopped")
	return err
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
