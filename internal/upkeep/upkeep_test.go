package upkeep_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"holdfast/internal/upkeep"
)

// began is a chore that notes when each of its passes begins.
type began struct {
	at   []time.Time
	take time.Duration
	err  error
}

func (b *began) chore(context.Context) error {
	b.at = append(b.at, time.Now())
	time.Sleep(b.take)
	return b.err
}

func TestPassesBeginAtOnceAndThenAnIntervalApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		b := began{take: 10 * time.Second}
		loop := upkeep.New("chore", time.Hour, b.chore, slog.New(slog.DiscardHandler))
		loop.Start()
		time.Sleep(2*time.Hour + time.Minute)
		loop.Stop(t.Context())
		assert.Equal(t, []time.Time{start, start.Add(time.Hour), start.Add(2 * time.Hour)}, b.at)
	})
}

func TestAPassLongerThanTheIntervalIsNotJoinedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		b := began{take: 90 * time.Minute}
		loop := upkeep.New("chore", time.Hour, b.chore, slog.New(slog.DiscardHandler))
		loop.Start()
		time.Sleep(2 * time.Hour)
		loop.Stop(t.Context())
		assert.Equal(t, []time.Time{start, start.Add(90 * time.Minute)}, b.at)
	})
}

func TestAFailureIsLoggedAndTriedAgainSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var log bytes.Buffer
		b := began{err: errors.New("no database")}
		loop := upkeep.New("the chore", time.Hour, b.chore, slog.New(slog.NewTextHandler(&log, nil)))
		loop.Start()
		time.Sleep(time.Minute + time.Second)
		loop.Stop(t.Context())
		assert.Equal(t, []time.Time{start, start.Add(time.Minute)}, b.at)
		assert.Contains(t, log.String(), `msg="the chore failed; it is tried again" error="no database"`)
	})
}

func TestStopBreaksOffThePassAndWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended time.Time
		start := time.Now()
		var log bytes.Buffer
		loop := upkeep.New("chore", time.Hour, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended = time.Now()
			return ctx.Err()
		}, slog.New(slog.NewTextHandler(&log, nil)))
		loop.Start()
		time.Sleep(time.Minute)
		loop.Stop(t.Context())
		assert.Equal(t, start.Add(time.Minute+time.Second), ended)
		assert.Empty(t, log.String(), "to be broken off is no failure")
	})
}

func TestStopGivesUpWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		loop := upkeep.New("chore", time.Hour, func(context.Context) error {
			<-release
			return nil
		}, slog.New(slog.DiscardHandler))
		loop.Start()
		synctest.Wait()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		loop.Stop(ctx)
		assert.Equal(t, time.Second, time.Since(start))
		close(release)
	})
}

func TestStopWithoutAStartReturns(t *testing.T) {
	upkeep.New("chore", time.Hour, nil, slog.New(slog.DiscardHandler)).Stop(t.Context())
}
