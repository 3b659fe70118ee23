package main

import (
	"context"
	"errors"
)

// ceilingName ends the names of contenders whose resolvers do nothing.
const ceilingName = ", resolvers that do nothing"

// belowCeiling has the servers compete with one whose resolvers do nothing, each
// drive of which tells what HTTP and GraphQL alone let through. There are no rows
// of it where the servers were given: they may be far away.
func (w *world) belowCeiling(ctx context.Context, servers []contender, drives ...drive) (rows, ceilings []*row, err error) {
	contenders := append([]contender(nil), servers...)
	if len(w.settings.urls) > 0 {
		w.result.note("with -url there is no server whose resolvers do nothing, to compare with")
	} else {
		idle, err := w.machine.startCeiling(ctx)
		if err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, idle.stop()) }()
		for _, d := range drives {
			d.name += ceilingName
			d.servers = []*server{idle}
			contenders = append(contenders, w.driven(d))
		}
	}
	if rows, err = w.contest(ctx, contenders); err != nil {
		return nil, nil, err
	}
	return rows[:len(servers)], rows[len(servers):], nil
}

// startCeiling builds the program whose resolvers do nothing, and starts it.
func (m *machine) startCeiling(ctx context.Context) (*server, error) {
	program, err := m.build(ctx, "ceiling", "holdfast/bench/ceiling")
	if err != nil {
		return nil, err
	}
	return startServer(ctx, program, m.dir, "")
}
