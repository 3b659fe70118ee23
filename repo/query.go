package repo

import (
	"context"
	"time"
)

// readLockTimeout is how long a read waits for a lock. It takes none of rows:
// what it meets are migrations.
const readLockTimeout = 5 * time.Second

// othersMax is how many connections groups, sweeps, checks, snapshots,
// retention, the looks at the end of the audit log and reads of stock take at
// once.
const othersMax = 2*(1+aloneMax) + 1 + consistencyStreams + 3 + stockLanesMax

// unboundedReadsMax bounds reads where the pool has no bound of its own.
const unboundedReadsMax = 64

// readsAtOnce is how many connections other reads may take, so that they leave
// those theirs, however slow they are.
func readsAtOnce(connectionsMax int) int {
	if connectionsMax == 0 {
		return unboundedReadsMax
	}
	return max(1, connectionsMax-othersMax)
}

// query reads with one statement, which is a transaction of its own, and scans
// into dest as bun does. It has the server's time limits in the same message.
// The error is sql.ErrNoRows, or wraps ErrOverloaded where the database can't
// be reached in time, or is a fault.
func (r *Repo) query(ctx context.Context, text string, args []any, dest ...any) error {
	select {
	case r.reads <- struct{}{}:
		defer func() { <-r.reads }()
	case <-ctx.Done():
		return readFault(ctx.Err())
	}
	return r.queryWith(ctx, patienceFor(readLockTimeout), text, args, dest...)
}

// queryWith is query with another patience, and without waiting for a turn.
func (r *Repo) queryWith(ctx context.Context, p patience, text string, args []any, dest ...any) error {
	p = p.within(ctx)
	ctx, cancel := context.WithTimeout(ctx, p.connection)
	defer cancel()
	read := r.options.Tracer.Message(ctx, messageRead)
	err := r.db.NewRaw(p.settings()+text, args...).Scan(ctx, dest...)
	read(err)
	return readFault(err)
}

// queryRows is queryWith for a message of many rows: each is scanned into the
// same dest, and taken from there by each.
func (r *Repo) queryRows(ctx context.Context, p patience, m message, each func(), dest ...any) error {
	p = p.within(ctx)
	ctx, cancel := context.WithTimeout(ctx, p.connection)
	defer cancel()
	rows, err := r.db.QueryContext(ctx, p.settings()+m.text.String(), m.args...)
	if err != nil {
		return readFault(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		each()
	}
	return readFault(rows.Err())
}
