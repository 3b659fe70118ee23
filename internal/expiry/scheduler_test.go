package expiry_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	second = time.Second
	// atOnce is as late as a hold may be that the scheduler knows of.
	atOnce = 20 * time.Millisecond
	// withinASecond is as late as one may be that it has to look for.
	withinASecond = second + atOnce
)

func TestAnnouncedHoldEndsAtItsDeadline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.scheduler.Start()
		w.after(5*second + 300*time.Millisecond)
		soon := w.add(450 * time.Millisecond)
		w.announce(soon)
		later := w.add(17 * second)
		w.announce(later)
		w.after(20 * second)
		assert.Less(t, w.lateness(t, soon), atOnce)
		assert.Less(t, w.lateness(t, later), atOnce)
	})
}

func TestHoldIsLeftAloneUntilItsDeadline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.scheduler.Start()
		h := w.add(10 * second)
		w.announce(h)
		w.after(10*second - time.Millisecond)
		assert.Zero(t, h.endedAt)
	})
}

func TestIdleSchedulerLooksOnceASecond(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add(time.Hour)
		w.scheduler.Start()
		w.after(100 * second)
		assert.InDelta(t, 100, w.sweepCount(), 1)
	})
}

func TestHoldOfAnotherServerIsFoundWithinASecond(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.announce(w.add(time.Hour))
		w.scheduler.Start()
		w.after(7*second + 123*time.Millisecond)
		unseen := w.add(10 * time.Millisecond)
		seen := w.add(5 * second)
		w.after(10 * second)
		assert.Less(t, w.lateness(t, unseen), withinASecond)
		assert.Less(t, w.lateness(t, seen), atOnce)
	})
}

func TestOverdueHoldsAreSweptAtTheStart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		holds := []*hold{w.add(-48 * time.Hour), w.add(-time.Hour), w.add(-second)}
		w.scheduler.Start()
		synctest.Wait()
		for _, h := range holds {
			assert.NotZero(t, h.endedAt)
		}

		w.scheduler.Stop(context.Background())
		while := w.add(-time.Hour)
		w.after(time.Hour)
		assert.Zero(t, while.endedAt, "nobody sweeps")
		w.restart(t)
		w.scheduler.Start()
		synctest.Wait()
		assert.NotZero(t, while.endedAt)
	})
}

func TestBacklogIsSweptInBatchesWithoutAPause(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for range 10_000 {
			w.add(-time.Hour)
		}
		began := w.now()
		w.scheduler.Start()
		w.after(second)
		for _, h := range w.holds {
			require.Equal(t, began, h.endedAt)
		}
	})
}

func TestPassGoesOnFromTheLastFinishedDeadline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.scheduler.Start()
		for i := range 900 {
			w.add(time.Duration(i) * 100 * time.Millisecond)
		}
		w.after(90 * second)
		fromBeginning, wayBack := 0, 0
		for i, from := range w.sweeps {
			switch {
			case from.IsZero():
				fromBeginning++
			case from.Before(w.sweeps[max(0, i-1)]):
				wayBack++
				assert.Less(t, w.sweeps[i-1].Sub(from), 45*second)
			}
		}
		assert.Equal(t, 2, fromBeginning, "at the start, and after the interval")
		assert.InDelta(t, 88, wayBack, 4, "once a second")
		assert.Greater(t, len(w.sweeps), 900)
	})
}

func TestDeadlinesCloseTogetherShareASweep(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.scheduler.Start()
		for i := range 10_000 {
			w.announce(w.add(time.Duration(i) * time.Millisecond))
		}
		w.after(11 * second)
		for _, h := range w.holds {
			require.Less(t, w.lateness(t, h), atOnce)
		}
		assert.Less(t, w.sweepCount(), 2_100)
	})
}

func TestHoldCommittedAfterItsDeadlineIsFound(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.scheduler.Start()
		w.after(70 * second)
		w.add(20 * second)
		soon := w.addLate(3*second, 35*second)
		later := w.addLate(3*second, 55*second)
		w.after(150 * second)
		assert.Less(t, w.lateness(t, soon), withinASecond)
		assert.Less(t, w.lateness(t, later), interval+withinASecond, "that is what the interval is for")
	})
}

func TestAnnouncedHoldIsFoundHoweverLateItWasCommitted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.scheduler.Start()
		w.after(70*second + 100*time.Millisecond)
		h := w.addLate(second, 5*time.Minute)
		w.after(5 * time.Minute)
		w.announce(h)
		w.after(second)
		assert.Less(t, w.lateness(t, h), atOnce)
	})
}

func TestAnnouncedHoldIsNotForgotten(t *testing.T) {
	overtake := func(w *world) *hold {
		w.scheduler.Start()
		w.after(70*second + 100*time.Millisecond)
		return w.add(-5 * time.Minute)
	}
	t.Run("WhenItIsLocked", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			h := overtake(w)
			h.freeAt = w.now().Add(2 * second)
			w.announce(h)
			w.after(5 * second)
			assert.Less(t, w.lateness(t, h), withinASecond)
		})
	})
	t.Run("WhenTheSweepFails", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			h := overtake(w)
			w.setDown(true)
			w.announce(h)
			w.after(50 * time.Millisecond)
			w.setDown(false)
			w.after(second)
			assert.NotZero(t, h.endedAt)
		})
	})
}

func TestLockedHoldEndsWithinASecondOfBeingFree(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.scheduler.Start()
		locked := w.add(second)
		locked.freeAt = w.now().Add(110 * second)
		var others []*hold
		for i := range 1_000 {
			others = append(others, w.add(time.Duration(i)*100*time.Millisecond))
		}
		w.after(120 * second)
		for _, h := range others {
			require.Less(t, w.lateness(t, h), withinASecond)
		}
		assert.Less(t, w.lateness(t, locked), withinASecond)
	})
}

func TestHoldLockedInABacklogEndsWithinASecondOfBeingFree(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		locked := w.add(-20 * time.Hour)
		locked.freeAt = w.now().Add(30 * second)
		for i := range 5_000 {
			w.add(-time.Duration(i) * 30 * second)
		}
		w.scheduler.Start()
		w.after(40 * second)
		assert.Less(t, w.lateness(t, locked), withinASecond)
	})
}

func TestHoldsEndOnTimeAfterTheDatabaseClockIsSetBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.scheduler.Start()
		w.after(10 * second)
		w.mu.Lock()
		w.offset -= time.Hour
		w.mu.Unlock()
		w.after(second)
		h := w.add(5 * second)
		w.after(10 * second)
		assert.Less(t, w.lateness(t, h), atOnce)
	})
}

func TestFailureIsLoggedOnceAndTriedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.setDown(true)
		w.scheduler.Start()
		h := w.add(5 * second)
		w.announce(h)
		w.after(60 * second)
		assert.Equal(t, 1, strings.Count(w.log.String(), "the database is down"), w.log.String())
		assert.Less(t, w.sweepCount(), 20)
		assert.Zero(t, h.endedAt)

		w.setDown(false)
		w.after(6 * second)
		assert.NotZero(t, h.endedAt)
		assert.Equal(t, 2, strings.Count(w.log.String(), "\n"), w.log.String())
		assert.Contains(t, w.log.String(), "expire again")
	})
}

func TestStopWaitsForTheSweepUnderWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.gate, w.arrived = make(chan struct{}), make(chan struct{})
		w.scheduler.Start()
		<-w.arrived
		stopped := make(chan struct{})
		go func() {
			w.scheduler.Stop(context.Background())
			close(stopped)
		}()
		synctest.Wait()
		select {
		case <-stopped:
			t.Fatal("stopped in the midst of a sweep")
		default:
		}
		w.gate <- struct{}{}
		<-stopped
		w.after(10 * second)
		assert.Equal(t, 1, w.sweepCount())
	})
}

func TestStopThatRunsOutOfTimeBreaksTheSweepOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.gate, w.arrived = make(chan struct{}), make(chan struct{})
		w.scheduler.Start()
		<-w.arrived // and the gate stays shut
		ctx, cancel := context.WithTimeout(t.Context(), second)
		defer cancel()
		began := time.Now()
		w.scheduler.Stop(ctx)
		assert.Equal(t, second, time.Since(began))
		w.after(10 * second)
		assert.Equal(t, 1, w.sweepCount())
		assert.Empty(t, w.log.String(), "a stop isn't a failure")
	})
}

func TestStopWithoutStartReturns(t *testing.T) {
	inWorld(t, func(_ *testing.T, w *world) {
		w.scheduler.Stop(context.Background())
		w.scheduler.Stop(context.Background())
	})
}

func TestHoldAnnouncedDuringASweepEndsAtItsDeadline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.gate, w.arrived = make(chan struct{}), make(chan struct{})
		w.scheduler.Start()
		<-w.arrived
		h := w.addLate(100*time.Millisecond, 10*time.Millisecond)
		w.announce(h) // must not wait for the sweep, which hasn't seen the hold
		w.gate <- struct{}{}
		go func() {
			for range w.arrived {
				w.gate <- struct{}{}
			}
		}()
		w.after(second)
		assert.Less(t, w.lateness(t, h), atOnce)
		w.scheduler.Stop(context.Background())
		close(w.arrived)
	})
}
