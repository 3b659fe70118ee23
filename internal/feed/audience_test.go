package feed_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"holdfast/internal/feed"
	"holdfast/internal/inventory"
)

// crowd is an audience that notes what it is told, in order.
type crowd struct {
	joins chan struct{}

	mu    sync.Mutex
	notes []string
}

var _ feed.Audience = (*crowd)(nil)

func newCrowd() *crowd { return &crowd{joins: make(chan struct{}, 1)} }

func (c *crowd) Gather()                                { c.note("gather") }
func (c *crowd) Joined() <-chan struct{}                { return c.joins }
func (c *crowd) Told(_ context.Context, subject string) { c.note("told " + subject) }
func (c *crowd) Current()                               { c.note("current") }
func (c *crowd) Refused(err error)                      { c.note("refused: " + err.Error()) }

func (c *crowd) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notes = append(c.notes, what)
}

// heard is what the crowd was told since it was last asked.
func (c *crowd) heard() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	heard := c.notes
	c.notes = nil
	return heard
}

// watchAs subscribes for the crowd until the test ends.
func (w *world) watchAs(c *crowd, skus ...string) <-chan *inventory.Availability {
	w.t.Helper()
	values, err := w.Feed.Availability(feed.WithAudience(w.t.Context(), c), skus, nil)
	require.NoError(w.t, err)
	return values
}

func (w *world) followAs(c *crowd) <-chan *inventory.Reservation {
	w.t.Helper()
	values, err := w.Reservation(feed.WithAudience(w.t.Context(), c), holdID)
	require.NoError(w.t, err)
	return values
}

func TestTheFirstAreCurrentOnceTheyHaveThePresentStateOfAll(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.add("B", "default")
		c := newCrowd()
		w.afterRead = func() { c.note("read") }
		values := w.watchAs(c, "A", "B")
		require.Equal(t, []string{"gather", "read"}, c.heard())
		next(t, values)
		require.Equal(t, []string{"told A"}, c.heard())
		w.change("A", "default") // it is behind B, and not waited for
		next(t, values)
		require.Equal(t, []string{"told B", "current"}, c.heard())
		next(t, values)
		require.Equal(t, []string{"told A"}, c.heard())
	})
}

func TestThoseWhoJoinAreReadFor(t *testing.T) {
	t.Run("AndCurrentAtOnceIfNothingIsNew", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.add("A", "default")
			c := newCrowd()
			values := w.watchAs(c, "A")
			next(t, values)
			c.heard()
			for range 3 {
				c.joins <- struct{}{}
				require.Equal(t, []string{"gather", "current"}, c.heard())
			}
			requireNothing(t, values)
		})
	})
	t.Run("AndCurrentWithWhatNobodyAnnounced", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			skus := []string{"A", "B", "C"}
			for _, sku := range skus {
				w.add(sku, "default")
			}
			c := newCrowd()
			values := w.watchAs(c, skus...)
			for range skus {
				next(t, values)
			}
			w.commit("B", "default")
			w.commit("C", "west")
			c.heard()
			c.joins <- struct{}{}
			require.Equal(t, []string{"gather"}, c.heard())
			w.change("A", "default")
			require.Equal(t, w.stock("B", nil), next(t, values))
			require.Equal(t, w.stock("C", nil), next(t, values))
			require.Equal(t, []string{"told B", "told C", "current"}, c.heard())
			require.Equal(t, w.stock("A", nil), next(t, values))
		})
	})
	t.Run("OnceMoreIfTheyCameDuringARead", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.add("A", "default")
			c := newCrowd()
			values := w.watchAs(c, "A")
			next(t, values)
			c.heard()
			answer := make(chan struct{})
			w.afterRead = func() { <-answer }
			c.joins <- struct{}{}
			synctest.Wait()
			w.commit("A", "default") // too late for the answer
			c.joins <- struct{}{}
			require.Equal(t, []string{"gather"}, c.heard())
			close(answer)
			require.Equal(t, []string{"current", "gather"}, c.heard())
			require.Equal(t, w.stock("A", nil), next(t, values))
			require.Equal(t, []string{"told A", "current"}, c.heard())
		})
	})
}

func TestNobodyWaitsForTheReadOfAnother(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.commitReservation(held(holdID, 1))
		c, d := newCrowd(), newCrowd()
		values, follows := w.watchAs(c, "A"), w.followAs(d)
		next(t, values)
		next(t, follows)
		answer := make(chan struct{})
		w.afterRead = func() { <-answer }
		c.joins <- struct{}{}
		d.joins <- struct{}{}
		synctest.Wait()
		for revision := range int64(10) {
			w.change("A", "default")
			require.Equal(t, w.stock("A", nil), next(t, values))
			w.move(held(holdID, revision+2))
			require.Equal(t, revision+2, next(t, follows).Revision)
		}
		require.NotContains(t, c.heard()[3:], "current")
		close(answer)
		requireNothing(t, values) // what was read is older
		requireNothing(t, follows)
		require.Equal(t, []string{"current"}, c.heard())
	})
}

func TestAReadThatFailsIsToldToThoseWhoJoined(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.commitReservation(held(holdID, 1))
		c, d := newCrowd(), newCrowd()
		values, follows := w.watchAs(c, "A"), w.followAs(d)
		next(t, values)
		next(t, follows)
		c.heard()
		d.heard()
		for _, failing := range []struct {
			fail, mend         func()
			stock, reservation string
		}{
			{func() { w.err = errors.New("down") }, func() { w.err = nil }, "down", "down"},
			{
				func() { clear(w.levels); clear(w.reservations) },
				func() { w.add("A", "default"); w.commitReservation(held(holdID, 1)) },
				"there is no SKU A", "there is no reservation " + holdID,
			},
		} {
			failing.fail()
			c.joins <- struct{}{}
			d.joins <- struct{}{}
			heard := []string{"gather", "refused: " + failing.stock, "current"}
			require.Equal(t, heard, c.heard())
			heard[1] = "refused: " + failing.reservation
			require.Equal(t, heard, d.heard())
			failing.mend()
			c.joins <- struct{}{}
			require.Equal(t, []string{"gather", "current"}, c.heard())
		}
		w.change("A", "default")
		next(t, values)
		w.move(held(holdID, 2))
		next(t, follows)
	})
}

func TestAReadThatPanicsIsToldToThoseWhoJoined(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		c := newCrowd()
		values := w.watchAs(c, "A")
		next(t, values)
		c.heard()
		w.afterRead = func() { panic("oh") }
		c.joins <- struct{}{}
		heard := c.heard()
		require.Len(t, heard, 3)
		require.Contains(t, heard[1], "refused: panic: oh\n")
		w.change("A", "default")
		next(t, values)
	})
}

func TestAReservationsEndIsCurrentBeforeItIsOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commitReservation(held(holdID, 1))
		c := newCrowd()
		values := w.followAs(c)
		next(t, values)
		c.heard()
		w.commitReservation(in(inventory.Expired, held(holdID, 1))) // and nobody is told
		c.joins <- struct{}{}
		require.Equal(t, inventory.Expired, next(t, values).Status)
		requireClosed(t, values)
		require.Equal(t, []string{"gather", "told " + holdID, "current"}, c.heard())
	})
}

func TestAReadUnderWayAtTheEndIsForNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.commitReservation(held(holdID, 1))
		c, d := newCrowd(), newCrowd()
		ctx, cancel := context.WithCancel(t.Context())
		values, err := w.Feed.Availability(feed.WithAudience(ctx, c), []string{"A"}, nil)
		require.NoError(t, err)
		follows := w.followAs(d)
		next(t, values)
		next(t, follows)
		answer := make(chan struct{})
		w.afterRead = func() { <-answer }
		c.joins <- struct{}{}
		d.joins <- struct{}{}
		c.heard()
		d.heard()
		cancel()
		requireClosed(t, values)
		w.move(in(inventory.Released, held(holdID, 1)))
		next(t, follows)
		requireClosed(t, follows)
		close(answer)
		require.Empty(t, c.heard())
		require.Equal(t, []string{"told " + holdID}, d.heard())
	})
}

func TestARefusalCanBePutIntoOtherWords(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		c := newCrowd()
		ctx := feed.Translated(feed.WithAudience(t.Context(), c), func(err error) error { return fmt.Errorf("other words for %w", err) })
		values, err := w.Feed.Availability(ctx, []string{"A"}, nil)
		require.NoError(t, err)
		next(t, values)
		w.err = errors.New("down")
		c.heard()
		c.joins <- struct{}{}
		require.Equal(t, []string{"gather", "refused: other words for down", "current"}, c.heard())
	})
}
