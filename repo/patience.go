package repo

import (
	"context"
	"fmt"
	"time"
)

const (
	// statementMargin is what a statement may take beside waiting for a lock.
	statementMargin = 5 * time.Second
	// connectionMargin lets the server report a statement's time-out before
	// the connection is given up.
	connectionMargin = 2 * time.Second
)

// patience is how long a transaction waits. Each limit strikes before the next
// one would: a lock, a statement, the connection.
type patience struct {
	lock, statement, connection time.Duration
}

func patienceFor(lock time.Duration) patience {
	statement := lock + statementMargin
	return patience{lock, statement, statement + connectionMargin}
}

// within keeps the order of the limits where ctx ends before the last of them:
// a statement that a context breaks off goes on in the server, with its locks.
func (p patience) within(ctx context.Context) patience {
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) >= p.connection {
		return p
	}
	left := max(0, time.Until(deadline))
	statement := min(p.statement, left-min(connectionMargin, left/8))
	lock := min(p.lock, statement-min(statementMargin, left/8))
	return patience{lock, statement, left}
}

// settings tells the server, until the end of the transaction or of the message
// of several statements, which is one too. The session keeps nothing of it, so
// that a pooler may give the next transaction another one.
func (p patience) settings() string {
	// Zero would be no limit.
	return fmt.Sprintf("SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d; ",
		max(1, p.lock.Milliseconds()), max(1, p.statement.Milliseconds()))
}
