package repo

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// The queries of the invariants compare row with row, which takes sorts and joins
// of millions. A check of everything first passes the tables through sieves: two
// sets of rows are the same if the sums of their hashes are, and a sum takes
// neither. Only where sums differ do the queries search, and say what is wrong.
//
//	sieves ─► sums agree ──► nothing is wrong there
//	   └────► sums differ ─► invariants/*.sql over that part ─► issues
//
// A sieve may suspect what is right, which costs the time of the search. Of two
// faults or more it may pass over those that cancel out, once in 2^32 at least.
//
//go:embed sieves/*.sql
var sieveFiles embed.FS

// sieve is the sums by which a query can be spared.
type sieve int

const (
	// noSieve is for a query that costs no more than sums would.
	noSieve sieve = iota
	stockSieve
	chainSieve
	reservationSieve
	tokenSieve
)

// bucketsMax is how many of the 256 buckets into which sieves put SKUs are searched
// by themselves. Beyond it everything is, in parts.
const bucketsMax = 32

// search is a query, and the part over which it is to be run.
type search struct {
	query invariantQuery
	over  part
}

// searches are what a check has to run: every query over the SKUs that are given,
// or over the parts of everything in which a sieve finds that something may be
// wrong.
func (r *Repo) searches(ctx context.Context, skus []string, now time.Time) ([]search, error) {
	if skus != nil {
		var all []search
		parts := partsOfSKUs(skus)
		for _, query := range invariantQueries {
			for _, over := range parts[query.walk] {
				all = append(all, search{query, over})
			}
		}
		return all, nil
	}
	s := &sifting{repo: r, ways: map[int64]*big.Int{}}
	if err := s.divide(ctx, now); err != nil {
		return nil, err
	}
	err := s.run(ctx)
	return s.found, err
}

// sifting passes everything through the sieves.
type sifting struct {
	repo  *Repo
	parts [walkCount][]part
	// command and entry are the first that may not be settled.
	command string
	entry   int64
	// chunks are the settled part of the log.
	chunks []part

	mu    sync.Mutex
	found []search
	// effects are what client tokens and their effects say of each other, and
	// come to nothing if they agree.
	effects      big.Int
	hasTokenless bool
	// ways are, by bucket, how far entries lead less how far levels have come, and
	// come to nothing if they agree.
	ways map[int64]*big.Int
}

func (s *sifting) divide(ctx context.Context, now time.Time) error {
	var err error
	if s.parts, err = s.repo.partsOfAll(ctx); err != nil {
		return err
	}
	settled := now.Add(-s.repo.partSizes.settledAfter)
	s.command = idFloor(settled)
	var first int64
	err = s.repo.queryWith(ctx, invariantPatience, "SELECT coalesce(min(id), 0), holdfast_entry_at(?) FROM audit_log",
		[]any{settled}, &first, &s.entry)
	for from := first; from < s.entry; from += s.repo.partSizes.entries {
		to := min(from+s.repo.partSizes.entries, s.entry)
		s.chunks = append(s.chunks, part{[]narrowing{rowsWhere("audit_log", "id >= ? AND id < ?", from, to)}, pageCostNear})
	}
	return err
}

func (s *sifting) run(ctx context.Context) error {
	s.searchAll(noSieve)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(consistencyStreams)
	for _, over := range s.chunks {
		group.Go(func() error { return s.sieveChains(groupCtx, over, "chain.sql") })
	}
	unsettled := part{[]narrowing{rowsWhere("audit_log", "id >= ?", s.entry)}, pageCostNear}
	group.Go(func() error { return s.sieveChains(groupCtx, unsettled, "chain.sql", "chain-ends.sql") })
	for _, over := range s.parts[byReservation] {
		group.Go(func() error { return s.sieveReservations(groupCtx, over) })
	}
	group.Go(func() error { return s.sieveStock(groupCtx) })
	group.Go(func() error { return s.sieveTokens(groupCtx) })
	if err := group.Wait(); err != nil {
		return err
	}
	s.judgeTokens()
	s.judgeChains()
	return nil
}

// searchAll has the queries of a sieve search everything.
func (s *sifting) searchAll(spared sieve) {
	for _, query := range invariantQueries {
		if query.sieve == spared {
			s.add(query, s.parts[query.walk])
		}
	}
}

// searchIn has the queries of a sieve search some parts.
func (s *sifting) searchIn(spared sieve, parts []part) {
	for _, query := range invariantQueries {
		if query.sieve == spared {
			s.add(query, parts)
		}
	}
}

// searchBuckets has the queries of a sieve search the SKUs in some buckets.
func (s *sifting) searchBuckets(spared sieve, buckets []int64) {
	switch {
	case len(buckets) > bucketsMax:
		s.searchAll(spared)
	case len(buckets) > 0:
		s.searchIn(spared, []part{partOfBuckets(buckets)})
	}
}

func (s *sifting) add(query invariantQuery, parts []part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, over := range parts {
		s.found = append(s.found, search{query, over})
	}
}

func (s *sifting) sieveStock(ctx context.Context) error {
	var buckets []int64
	err := s.read(ctx, part{pageCost: pageCostFar}, func(rows *sql.Rows) error {
		var bucket int64
		err := rows.Scan(&bucket)
		buckets = append(buckets, bucket)
		return err
	}, "stock.sql")
	s.searchBuckets(stockSieve, buckets)
	return err
}

// sieveChains adds up how far entries lead. Those that are not settled are added
// up in one snapshot with the ends of the chains.
func (s *sifting) sieveChains(ctx context.Context, over part, files ...string) error {
	return s.read(ctx, over, func(rows *sql.Rows) error {
		var bucket int64
		var way string
		if err := rows.Scan(&bucket, &way); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ways[bucket] == nil {
			s.ways[bucket] = new(big.Int)
		}
		return addNumeric(s.ways[bucket], way)
	}, files...)
}

func (s *sifting) judgeChains() {
	var buckets []int64
	for bucket, way := range s.ways {
		if way.Sign() != 0 {
			buckets = append(buckets, bucket)
		}
	}
	s.searchBuckets(chainSieve, buckets)
}

// sieveReservations judges one part by itself. Where entries were trimmed it will
// be searched.
func (s *sifting) sieveReservations(ctx context.Context, over part) error {
	sieved := part{append([]narrowing{s.settledCommands()}, over.rows...), over.pageCost}
	return s.read(ctx, sieved, func(rows *sql.Rows) error {
		var isSuspect bool
		var effects string
		if err := rows.Scan(&isSuspect, &effects); err != nil {
			return err
		}
		if isSuspect {
			s.searchIn(reservationSieve, []part{over})
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return addNumeric(&s.effects, effects)
	}, "reservations.sql")
}

func (s *sifting) sieveTokens(ctx context.Context) error {
	return s.read(ctx, part{[]narrowing{s.settledCommands()}, pageCostFar}, func(rows *sql.Rows) error {
		var effects string
		var hasTokenless bool
		if err := rows.Scan(&effects, &hasTokenless); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hasTokenless = hasTokenless
		return addNumeric(&s.effects, effects)
	}, "tokens.sql")
}

// judgeTokens has what is not settled searched in any case: what is committed
// between one sum and the next would be in one of them alone.
func (s *sifting) judgeTokens() {
	if s.hasTokenless || s.effects.Sign() != 0 {
		s.searchAll(tokenSieve)
		return
	}
	parts := ranges(byCommand, []string{s.command}, pageCostNear)
	s.searchIn(tokenSieve, parts[1:])
}

func (s *sifting) settledCommands() narrowing {
	return keys("settled", "SELECT ?::uuid AS command_id", s.command)
}

// read runs sieves over one part of the tables, in one snapshot.
func (s *sifting) read(ctx context.Context, over part, each func(*sql.Rows) error, files ...string) error {
	var texts []string
	for _, file := range files {
		text, err := sieveFiles.ReadFile("sieves/" + file)
		if err != nil {
			return err
		}
		texts = append(texts, string(text))
	}
	if err := s.repo.readPart(ctx, strings.Join(texts, "UNION ALL\n"), over, each); err != nil {
		return fmt.Errorf("%s: %w", files[0], err)
	}
	return nil
}

// addNumeric adds what PostgreSQL writes as a whole number.
func addNumeric(sum *big.Int, numeric string) error {
	number, ok := new(big.Int).SetString(numeric, 10)
	if !ok {
		return fmt.Errorf("%q is no whole number", numeric)
	}
	sum.Add(sum, number)
	return nil
}
