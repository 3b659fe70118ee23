package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// follower reads stockChanges, and resumes by cursor whenever it was cut off,
// and now and then by itself.
type follower struct {
	server *server
	skus   []int // nil: all

	mu       sync.Mutex
	stream   stream
	cursor   string
	count    map[entryKey]int
	last     map[int]int64 // version, by SKU
	disorder int64         // entries that didn't follow the last of their SKU
	resumed  int64
	err      error
}

// entryKey names an audit entry as integrators do: there is one location.
type entryKey struct {
	sku     int
	version int64
}

// following is the followers of one load.
type following struct {
	followers []*follower
	leave     context.CancelFunc
	reading   sync.WaitGroup
	after     int64 // the last audit entry before the load, by its id
}

const (
	stockChanges = `subscription($after:String,$skus:[String!]){stockChanges(after:$after,skus:$skus){cursor node{sku version}}}`
	newestCursor = `{auditLog(first:1){edges{cursor}}}`

	// leaveInterval is how often a follower leaves by itself.
	leaveInterval = 3 * time.Second
)

// follow has so many followers begin at the end of the audit log. Each second
// of them asks for some SKUs only.
func (w *world) follow(ctx context.Context, count int) (*following, error) {
	c, err := newCaller(ctx, w.servers[0].url)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var page struct{ Edges []struct{ Cursor string } }
	if err := c.ask(newestCursor, nil, "auditLog", &page); err != nil {
		return nil, err
	}
	if len(page.Edges) != 1 {
		return nil, errors.New("the audit log is empty")
	}
	reading, leave := context.WithCancel(ctx)
	f := &following{leave: leave}
	if err := w.db.NewRaw("SELECT max(id) FROM audit_log").Scan(ctx, &f.after); err != nil {
		leave()
		return nil, err
	}
	for i := range count {
		one := &follower{server: w.servers[i%len(w.servers)], cursor: page.Edges[0].Cursor, count: make(map[entryKey]int), last: make(map[int]int64)}
		if i%2 == 1 {
			one.skus = window(i, min(skusPerSubscriptionMax, (w.sizes.skus+lateSKUs)/2), w.sizes.skus+lateSKUs)
		}
		f.followers = append(f.followers, one)
		f.reading.Go(func() { one.fail(one.run(reading, w, i)) })
	}
	return f, nil
}

func (f *following) close() {
	f.leave()
	for _, one := range f.followers {
		one.hangUp()
	}
	f.reading.Wait()
}

// run returns nil once ctx has ended, or why it can't go on.
func (one *follower) run(ctx context.Context, w *world, number int) error {
	for ; ctx.Err() == nil; _ = sleep(ctx, returnDelay) {
		variables := map[string]any{"after": one.cursor}
		if one.skus != nil {
			variables["skus"] = w.skus(one.skus)
		}
		body, err := request(stockChanges, variables)
		if err != nil {
			return err
		}
		s, err := way{transport: w.settings.transport, serverURL: one.server.url, number: number}.open(ctx, body)
		if err == nil {
			one.mu.Lock()
			one.stream = s
			one.mu.Unlock()
			hangUp := time.AfterFunc(leaveInterval, s.close)
			err = one.read(s)
			hangUp.Stop()
			s.close()
		}
		// What the server refuses it would refuse again.
		if refused(err) {
			return err
		}
		one.mu.Lock()
		one.resumed++
		one.mu.Unlock()
	}
	return nil
}

// refused tells a subscription that can't be had from one that broke off.
func refused(err error) bool {
	if !errors.Is(err, errEnded) {
		return false
	}
	code, _ := stringAfter([]byte(err.Error()), "code")
	switch string(code) {
	case "RESYNC", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED":
		return true
	}
	return false
}

func (one *follower) read(s stream) error {
	for {
		event, err := s.next()
		if err != nil {
			return err
		}
		sku, hasSKU := skuIn(event)
		version, hasVersion := numberAfter(event, "version")
		cursor, hasCursor := stringAfter(event, "cursor")
		if !hasSKU || !hasVersion || !hasCursor {
			return fmt.Errorf("%w: not what was subscribed to: %.300s", errEnded, event)
		}
		one.mu.Lock()
		one.cursor = string(cursor)
		if one.count[entryKey{sku, version}]++; version != one.last[sku]+1 && one.last[sku] != 0 {
			one.disorder++
		}
		one.last[sku] = version
		one.mu.Unlock()
	}
}

func (one *follower) hangUp() {
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.stream != nil {
		one.stream.close()
	}
}

func (one *follower) fail(err error) {
	one.mu.Lock()
	defer one.mu.Unlock()
	one.err = err
}

// report compares what the followers were told with the audit log.
func (f *following) report(ctx context.Context, w *world) error {
	var entries []struct {
		SKU     string
		Version int64
	}
	err := w.db.NewRaw("SELECT sku, version FROM audit_log WHERE id > ? AND sku LIKE ?", f.after, w.skuPattern()).Scan(ctx, &entries)
	if err != nil {
		return err
	}
	wanted := make(map[entryKey]bool, len(entries))
	for _, entry := range entries {
		number, _ := skuNumber([]byte(entry.SKU))
		wanted[entryKey{number, entry.Version}] = true
	}
	begun := time.Now()
	_, err = eventually(ctx, deliveryPatience, func() bool { return f.compare(wanted).missing == 0 })
	if err != nil {
		return err
	}
	took := time.Since(begun)
	f.close()
	found := f.compare(wanted)
	r := w.result
	r.figure("audit entries", float64(len(entries)), "")
	r.figureAtMost("followers: entries missing", float64(found.missing), "", 0)
	r.figureAtMost("followers: entries told more than once", float64(found.repeated), "", 0)
	r.figureAtMost("followers: entries that are not in the log", float64(found.unknown), "", 0)
	r.figureAtMost("followers: entries out of their SKU's order", float64(found.disorder), "", 0)
	r.figure("followers: had them all after", took.Seconds(), "s")
	r.figure("followers: times resumed by cursor", float64(found.resumed), "")
	for i, one := range f.followers {
		if one.err != nil {
			r.note("follower %d gave up: %v", i, one.err)
		}
	}
	return nil
}

// findings is what is wrong, over all followers.
type findings struct{ missing, repeated, unknown, disorder, resumed int64 }

func (f *following) compare(wanted map[entryKey]bool) (found findings) {
	for _, one := range f.followers {
		one.mu.Lock()
		follows := make(map[int]bool)
		for _, sku := range one.skus {
			follows[sku] = true
		}
		for key := range wanted {
			if (one.skus == nil || follows[key.sku]) && one.count[key] == 0 {
				found.missing++
			}
		}
		for key, count := range one.count {
			found.repeated += int64(count - 1)
			if !wanted[key] || one.skus != nil && !follows[key.sku] {
				found.unknown++
			}
		}
		found.disorder += one.disorder
		found.resumed += one.resumed
		one.mu.Unlock()
	}
	return found
}
