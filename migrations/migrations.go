// Package migrations holds the database's schema as SQL files, and applies
// them.
package migrations

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

//go:embed *.sql
var files embed.FS

// lockKey names the advisory lock that lets one migrator in at a time. Any
// constant does, as long as every server has the same.
const lockKey = 0x686f6c6466617374 // "holdfast"

// lockPause is how long a migrator that has to wait rests between two looks.
const lockPause = 100 * time.Millisecond

// Apply brings the database up to the newest schema and returns the names of
// the migrations that it applied: none where there was nothing to do. Several
// servers may call it at once; the others wait for the first.
func Apply(ctx context.Context, db *bun.DB) ([]string, error) {
	// A lock of the session, on a connection of its own: it goes when the
	// migrator dies, which the library's lock table does not.
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := lock(ctx, conn); err != nil {
		return nil, fmt.Errorf("migrate: wait for other servers: %w", err)
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(?)", lockKey)
	}()

	known, err := discover()
	if err != nil {
		return nil, err
	}
	migrator := migrate.NewMigrator(db, known, migrate.WithMarkAppliedOnSuccess(true))
	if err := migrator.Init(ctx); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	group, err := migrator.Migrate(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	names := make([]string, 0, len(group.Migrations))
	for _, migration := range group.Migrations {
		names = append(names, title(migration))
	}
	return names, nil
}

// lock asks again and again: one statement that waits would end with the
// driver's read timeout, while another server migrates a large table.
func lock(ctx context.Context, conn bun.Conn) error {
	for {
		var locked bool
		err := conn.NewRaw("SELECT pg_try_advisory_lock(?)", lockKey).Scan(ctx, &locked)
		if err != nil || locked {
			return err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Pending returns the names of the migrations that Apply would apply.
func Pending(ctx context.Context, db *bun.DB) ([]string, error) {
	known, err := discover()
	if err != nil {
		return nil, err
	}
	var applied []string
	var initialised bool
	err = db.NewRaw("SELECT to_regclass('bun_migrations') IS NOT NULL").Scan(ctx, &initialised)
	if err == nil && initialised {
		err = db.NewRaw("SELECT name FROM bun_migrations").Scan(ctx, &applied)
	}
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	var pending []string
	for _, migration := range known.Sorted() {
		if !slices.Contains(applied, migration.Name) {
			pending = append(pending, title(migration))
		}
	}
	return pending, nil
}

func discover() (*migrate.Migrations, error) {
	known := migrate.NewMigrations()
	if err := known.Discover(files); err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return known, nil
}

func title(migration migrate.Migration) string {
	return migration.Name + "_" + migration.Comment
}
