package repo

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strings"
	"time"

	"holdfast/internal/inventory"
)

// Each invariant is a query that returns no rows as long as it is kept. It is
// whole in itself, and can be run as it stands: it names the tables without a
// word about how much of them is looked at.
//
//go:embed invariants/*.sql
var invariantFiles embed.FS

type invariantQuery struct {
	invariant inventory.Invariant
	file      string
	walk      walk
	// sieve spares the query where nothing can be wrong.
	sieve sieve
}

// Several queries may speak of one invariant, each dividing the tables its way.
var invariantQueries = []invariantQuery{
	{inventory.NoOversell, "1-no-oversell.sql", bySKU, noSieve},
	{inventory.ReservedMatchesLines, "2-reserved-matches-lines.sql", bySKU, stockSieve},
	{inventory.AllocatedMatchesLines, "3-allocated-matches-lines.sql", bySKU, stockSieve},
	{inventory.AuditChainUnbroken, "4-audit-chain-unbroken.sql", bySKU, chainSieve},
	{inventory.OneEffectPerToken, "5-one-effect-per-token.sql", byCommand, tokenSieve},
	{inventory.ClosedOnce, "6-closed-once.sql", byReservation, reservationSieve},
	{inventory.DeadlineRespected, "7-deadline-respected.sql", byReservation, noSieve},
	{inventory.NothingOrphaned, "8-nothing-orphaned.sql", byReservation, reservationSieve},
	{inventory.NothingOrphaned, "8-nothing-orphaned-stock.sql", bySKU, noSieve},
}

const (
	// invariantTimeout bounds one statement. It ends before the driver gives up
	// the connection.
	invariantTimeout = 55 * time.Second

	// A sort or a hash of some hundred thousand rows stays in memory. Workers
	// beside the statement's own process are left to others. Where nearly every
	// page of a table is read, to announce each of them costs more than it gains.
	invariantSettings = "SET TRANSACTION READ ONLY; SET LOCAL work_mem = '128MB'; SET LOCAL max_parallel_workers_per_gather = 0; " +
		"SET LOCAL effective_io_concurrency = 0; SET LOCAL jit = off; "
)

var invariantPatience = patienceFor(invariantTimeout - statementMargin)

// findIssues runs the query over one part of the tables, and hands over each row
// as it comes.
func (r *Repo) findIssues(ctx context.Context, query invariantQuery, over part, found func(inventory.ConsistencyIssue)) error {
	text, err := invariantFiles.ReadFile("invariants/" + query.file)
	if err != nil {
		return err
	}
	return r.readPart(ctx, string(text), over, func(rows *sql.Rows) error {
		issue, err := scanIssue(rows)
		if err != nil {
			return err
		}
		issue.Invariant = query.invariant
		found(issue)
		return nil
	})
}

// readPart runs a query over one part of the tables, as one statement and so in
// one snapshot, and hands over each row as it comes.
func (r *Repo) readPart(ctx context.Context, text string, over part, each func(*sql.Rows) error) error {
	t, err := r.begin(ctx, invariantPatience)
	if err != nil {
		return err
	}
	defer t.end(ctx)

	var m message
	m.add(t.opening + invariantSettings + "SET LOCAL random_page_cost = " + over.pageCost + "; ")
	over.narrow(&m)
	m.add("SELECT * FROM (\n" + text + ") AS part")
	t.begun = true
	rows, err := t.conn.QueryContext(ctx, m.text.String(), m.args...)
	if err != nil {
		return t.failed(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return t.failed(rows.Err())
}

func scanIssue(rows *sql.Rows) (inventory.ConsistencyIssue, error) {
	var issue inventory.ConsistencyIssue
	err := rows.Scan(&issue.SKU, &issue.Location, &issue.ReservationID, &issue.Expected, &issue.Actual, &issue.Detail, &issue.Repairable)
	issue.Detail = sentence(issue)
	return issue, err
}

// sentence is the issue in words: what it is about, what is wrong, and what it
// should be.
func sentence(issue inventory.ConsistencyIssue) string {
	var about []string
	switch {
	case issue.SKU != nil && issue.Location != nil:
		about = append(about, *issue.SKU+" at "+*issue.Location)
	case issue.SKU != nil:
		about = append(about, *issue.SKU)
	}
	if issue.ReservationID != nil {
		about = append(about, "reservation "+*issue.ReservationID)
	}
	text := issue.Detail
	if len(about) > 0 {
		text = strings.Join(about, ", ") + ": " + text
	}
	if issue.Expected != nil && issue.Actual != nil {
		text += fmt.Sprintf(" (%d, should be %d)", *issue.Actual, *issue.Expected)
	}
	return text
}
