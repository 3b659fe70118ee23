package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/urfave/cli/v3"

	"holdfast/internal/config"
	"holdfast/internal/inventory"
	"holdfast/internal/metrics"
	"holdfast/migrations"
	"holdfast/repo"
)

// command is the program as its user calls it.
func (p program) command() *cli.Command {
	root := &cli.Command{
		Name:            "holdfast",
		Usage:           "decides who gets the last unit",
		Description:     "An inventory reservation service: GraphQL on PostgreSQL. Without a command it serves.\n\nThe environment, which a .env file in the working directory adds to:\n\n" + config.Usage(),
		Writer:          p.out,
		ErrWriter:       p.log,
		HideVersion:     true,
		HideHelpCommand: true,
		Action:          withoutArguments(p.serve),
		Commands: []*cli.Command{
			{
				Name:   "serve",
				Usage:  "serve until SIGINT or SIGTERM; the default",
				Action: withoutArguments(p.serve),
			},
			{
				Name:   "migrate",
				Usage:  "bring the database up to the newest schema, and exit",
				Action: withoutArguments(p.migrate),
			},
			{
				Name:   "check",
				Usage:  "check what must always hold, report every breach, and exit with 1 if there is one",
				Action: withoutArguments(p.check),
			},
			p.importCommand(),
			p.exportCommand(),
			{
				Name:   "version",
				Usage:  "print the version, and exit",
				Action: withoutArguments(p.printVersion),
			},
		},
	}
	for _, command := range append(root.Commands, root) {
		command.OnUsageError = refuseUsage
	}
	return root
}

// refuseUsage takes the place of the library's own answer, whose reason scrolls
// away above or below the whole help.
func refuseUsage(_ context.Context, _ *cli.Command, err error, _ bool) error {
	return fmt.Errorf("%w; -h tells more", err)
}

func withoutArguments(action func(context.Context) error) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		if c.Args().Present() {
			return fmt.Errorf("there is no command %q; -h lists them", c.Args().First())
		}
		return action(ctx)
	}
}

// withDatabase runs an action on the database that the environment names.
func (p program) withDatabase(ctx context.Context, action func(opened, config.Config, *slog.Logger) error) error {
	settings, err := p.settings()
	if err != nil {
		return err
	}
	log := p.commandLog(settings)
	db, err := open(ctx, settings, log)
	if err != nil {
		return err
	}
	defer db.close(log)
	return action(db, settings, log)
}

func (p program) migrate(ctx context.Context) error {
	return p.withDatabase(ctx, func(db opened, _ config.Config, _ *slog.Logger) error {
		applied, err := db.migrate(ctx)
		if err != nil {
			return err
		}
		for _, name := range applied {
			fmt.Fprintln(p.out, "applied", name)
		}
		if len(applied) == 0 {
			fmt.Fprintln(p.out, "nothing to apply: the schema is the newest")
		}
		return nil
	})
}

// errDrift is the finding of a check, not its failure.
var errDrift = errors.New("the database is not consistent")

// exitStatus tells drift and skipped rows, 1, from what kept the program from
// its work, 2.
func exitStatus(err error) int {
	if errors.Is(err, errDrift) || errors.Is(err, errSkipped) {
		return 1
	}
	return 2
}

func (p program) check(ctx context.Context) error {
	return p.withExisting(ctx, func(store *repo.Repo) error {
		report, err := store.Consistency(ctx, nil)
		if err != nil {
			return err
		}
		printReport(p.out, report)
		if !report.IsConsistent() {
			return errDrift
		}
		return nil
	})
}

// withExisting runs an action on a repository, and neither creates nor migrates
// the database that the action is to look at.
func (p program) withExisting(ctx context.Context, action func(*repo.Repo) error) error {
	if err := p.databaseExists(); err != nil {
		return err
	}
	return p.withDatabase(ctx, func(db opened, settings config.Config, log *slog.Logger) error {
		pending, err := migrations.Pending(ctx, db.db)
		if err != nil {
			return err
		}
		if len(pending) > 0 {
			return fmt.Errorf("the schema is not the newest: run holdfast migrate first (%d to apply)", len(pending))
		}
		store := newRepo(db.db, settings, nil, nil, log)
		defer store.Close(ctx)
		return action(store)
	})
}

// withMigrated runs an action on a repository, once the schema is the newest.
func (p program) withMigrated(ctx context.Context, action func(*repo.Repo) error) error {
	return p.withDatabase(ctx, func(db opened, settings config.Config, log *slog.Logger) error {
		if _, err := db.migrate(ctx); err != nil {
			return err
		}
		store := newRepo(db.db, settings, nil, nil, log)
		defer store.Close(context.WithoutCancel(ctx)) // an import that was interrupted has nothing under way
		return action(store)
	})
}

func (p program) databaseExists() error {
	settings, err := p.settings()
	if err != nil || settings.DatabaseURL != "" {
		return err
	}
	if _, err := os.Stat(settings.DataDir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database in %s: set DATABASE_URL or HOLDFAST_DATA_DIR, or serve first", settings.DataDir)
	}
	return nil
}

func printReport(out io.Writer, report inventory.ConsistencyReport) {
	for _, issue := range report.Issues {
		fmt.Fprintf(out, "%s: %s", issue.Invariant, issue.Detail)
		if issue.Repairable {
			fmt.Fprint(out, " (repairable)")
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "%d SKUs checked in %d ms: %d inconsistent, %d issues\n",
		report.TotalSKUs, report.DurationMs, report.InconsistentSKUs, len(report.Issues))
}

// printVersion prints what the build knows of itself.
func (p program) printVersion(context.Context) error {
	built := builtAs()
	if built == (metrics.Build{}) {
		return errors.New("this build carries no version")
	}
	version := "holdfast " + built.Version
	if built.Revision != "" {
		version += " " + built.Revision
	}
	fmt.Fprintln(p.out, version, built.GoVersion)
	return nil
}

// builtAs is the module's version and the commit, as far as the build knows
// them.
func builtAs() metrics.Build {
	var built metrics.Build
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return built
	}
	built.Version, built.GoVersion = info.Main.Version, info.GoVersion
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			built.Revision = setting.Value
		}
	}
	return built
}
