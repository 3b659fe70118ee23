package repo

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/driver/pgdriver"
)

// tx is one transaction on a connection of its own. It is begun by its first
// message and committed by its last, which saves two round trips; the driver's
// own Commit would not notice that PostgreSQL rolled back instead.
type tx struct {
	conn bun.Conn
	// unwatch lets the connection outlive the context. It answers false if that
	// ended before.
	unwatch func() bool
	// opening goes in front of the first message.
	opening string
	begun   bool
	done    bool
}

// idleMax is how long PostgreSQL keeps the locks of a server that sends nothing
// more: one that is cut off would otherwise keep them for hours. Between its two
// messages a group takes milliseconds.
const idleMax = 2 * time.Second

// begin takes a connection from the pool, which is broken off when ctx ends: the
// driver minds a deadline only while it waits for the first row, and a
// cancellation never. Whoever begins must end.
func (r *Repo) begin(ctx context.Context, p patience) (*tx, error) {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return nil, &unreachableError{err}
	}
	t := &tx{conn: conn, opening: fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED; %sSET LOCAL idle_in_transaction_session_timeout = %d; ",
		p.settings(), idleMax.Milliseconds())}
	err = conn.Raw(func(driverConn any) error {
		t.unwatch = context.AfterFunc(ctx, func() { _ = driverConn.(*pgdriver.Conn).Close() })
		return nil
	})
	if err != nil {
		_ = conn.Close()
		return nil, &unreachableError{err}
	}
	return t, nil
}

// query sends one message, in which the last statement alone may return rows,
// and scans each of them into dest, if there is one. The whole answer is read,
// so that an error of any statement in the message is seen.
func (t *tx) query(ctx context.Context, message string, args []any, dest ...any) error {
	if !t.begun {
		message = t.opening + message
		t.begun = true
	}
	rows, err := t.conn.QueryContext(ctx, message, args...)
	if err != nil {
		return t.failed(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if len(dest) == 0 {
			continue
		}
		if err := rows.Scan(dest...); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
	}
	return t.failed(rows.Err())
}

// failed tells the server's own report, after which the connection is in step,
// from a fault of the connection, which can't be used any more.
func (t *tx) failed(err error) error {
	var reported pgdriver.Error
	if err == nil || errors.As(err, &reported) {
		return err
	}
	t.discard()
	return &unreachableError{err}
}

// commit sends the message with COMMIT behind it. An error of the server says
// that nothing was committed; after any other the outcome is unknown.
func (t *tx) commit(ctx context.Context, message string, args []any, dest ...any) error {
	err := t.query(ctx, message+"; COMMIT", args, dest...)
	if err == nil {
		t.done = true
	}
	return err
}

// end gives the connection back, rolling back unless commit succeeded. It is
// safe to call with a context that has ended.
func (t *tx) end(ctx context.Context) {
	if !t.unwatch() {
		t.discard()
	}
	if t.begun && !t.done {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectionMargin)
		defer cancel()
		if _, err := t.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
			t.discard()
		}
	}
	_ = t.conn.Close()
}

// discard keeps the connection from going back to the pool.
func (t *tx) discard() {
	t.done = true
	_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
}

// message gathers statements and their arguments into one round trip.
type message struct {
	text strings.Builder
	args []any
}

func (m *message) add(text string, args ...any) {
	m.text.WriteString(text)
	m.args = append(m.args, args...)
}
