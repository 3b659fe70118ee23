package groupcommit_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/internal/groupcommit"
)

// answerAll settles every command with itself, in memory that is used again.
func answerAll() groupcommit.Flush[int, int] {
	var settled []groupcommit.Settled[int]
	return func(_ context.Context, group []int, _ bool) ([]groupcommit.Settled[int], error) {
		settled = settled[:0]
		for _, command := range group {
			settled = append(settled, groupcommit.Settled[int]{Verdict: groupcommit.Answered, Result: command})
		}
		return settled, nil
	}
}

// deepen uses stack as a flush that encodes and queries does.
//
//go:noinline
func deepen(depth int) byte {
	var frame [512]byte
	frame[depth] = byte(depth)
	if depth > 0 {
		frame[0] = deepen(depth - 1)
	}
	return frame[depth] + frame[0]
}

// BenchmarkLoneCaller is what the lane adds to one command's latency.
func BenchmarkLoneCaller(b *testing.B) {
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	answer := answerAll()
	deep := func(ctx context.Context, group []int, alone bool) ([]groupcommit.Settled[int], error) {
		deepen(30)
		return answer(ctx, group, alone)
	}
	for _, bench := range []struct {
		name  string
		ctx   context.Context
		flush groupcommit.Flush[int, int]
	}{
		{"ContextWithoutDone", context.Background(), answer},
		{"CancellableContext", cancellable, answer},
		{"DeepFlush", cancellable, deep},
	} {
		b.Run(bench.name, func(b *testing.B) {
			lane := groupcommit.New(bench.flush, groupcommit.Options[int]{})
			defer func() { _ = lane.Stop(context.Background()) }()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := lane.Do(bench.ctx, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkManyCallers is the lane's own work for each command at full load: a
// flush that takes no time, and one that takes as long as a commit.
func BenchmarkManyCallers(b *testing.B) {
	for _, bench := range []struct {
		name   string
		commit time.Duration
	}{
		{"InstantFlush", 0},
		{"CommitOf500us", 500 * time.Microsecond},
	} {
		b.Run(bench.name, func(b *testing.B) {
			answer := answerAll()
			var groups atomic.Int64
			lane := groupcommit.New(func(ctx context.Context, group []int, alone bool) ([]groupcommit.Settled[int], error) {
				groups.Add(1)
				if bench.commit > 0 {
					time.Sleep(bench.commit)
				}
				return answer(ctx, group, alone)
			}, groupcommit.Options[int]{})
			defer func() { _ = lane.Stop(context.Background()) }()
			b.ReportAllocs()
			b.SetParallelism(128)
			b.RunParallel(func(pb *testing.PB) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				for pb.Next() {
					if _, err := lane.Do(ctx, 1); err != nil && !errors.Is(err, groupcommit.ErrOverloaded) {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/float64(groups.Load()), "commands/group")
		})
	}
}
