package streams

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// waiting is an outbox that counts its wakes.
func waiting() (out *outbox, wakes *int) {
	wakes = new(int)
	return &outbox{wake: func() { *wakes++ }, tell: observed{observer: nobody{}}}, wakes
}

func of(subject, text string) event { return event{subject, []byte(text)} }

// owed takes all there is.
func owed(out *outbox) []string {
	var texts []string
	for e, found, _ := out.take(); found; e, found, _ = out.take() {
		texts = append(texts, string(e.payload))
	}
	return texts
}

func TestAnOutboxOwesTheLatestOfEachSubjectLongestOwedFirst(t *testing.T) {
	t.Parallel()
	out, wakes := waiting()
	for i := range 1000 {
		for _, subject := range []string{"A", "B", "C"} {
			out.put(of(subject, fmt.Sprint(subject, i)))
		}
		require.LessOrEqual(t, len(out.owed), 3)
	}
	require.Equal(t, 3, *wakes, "once for each, however often it is replaced")
	e, _, _ := out.take()
	require.Equal(t, "A999", string(e.payload))
	out.put(of("A", "A1000")) // it was taken, and so comes last
	out.put(of("C", "C1000"))
	require.Equal(t, []string{"B999", "C1000", "A1000"}, owed(out))
	require.Nil(t, out.owed)
}

func TestEventsWithoutASubjectReplaceNone(t *testing.T) {
	t.Parallel()
	out, _ := waiting()
	out.put(of("", "1"))
	out.put(of("", "2"))
	require.Equal(t, []string{"1", "2"}, owed(out))
}

func TestAnOutboxIsOverOnceAllThatIsOwedIsTaken(t *testing.T) {
	t.Parallel()
	out, wakes := waiting()
	_, found, over := out.take()
	require.False(t, found || over)
	out.put(of("A", "1"))
	out.end()
	out.end()
	require.Equal(t, 2, *wakes)
	out.put(of("A", "late"))
	require.False(t, out.putInTurn(t.Context(), of("", "late")))
	e, found, over := out.take()
	require.True(t, found)
	require.False(t, over)
	require.Equal(t, "1", string(e.payload))
	for range 2 {
		_, found, over = out.take()
		require.True(t, over && !found)
	}
}

func TestOneWhoHasLeftIsOwedNothing(t *testing.T) {
	t.Parallel()
	out, wakes := waiting()
	out.put(of("A", "1"))
	out.leave()
	out.leave()
	out.put(of("A", "2"))
	out.end()
	require.False(t, out.putInTurn(t.Context(), of("", "3")))
	_, found, over := out.take()
	require.False(t, found || over, "nobody is there to be told")
	require.Equal(t, 1, *wakes)
}

func TestPuttingInTurnWaitsForTheReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out, _ := waiting()
		put := make(chan bool, 10)
		go func() {
			for i := range 3 {
				put <- out.putInTurn(t.Context(), of("", fmt.Sprint(i)))
			}
		}()
		for i := range 3 {
			synctest.Wait()
			require.Len(t, put, 1, "it waits for the one before to be taken")
			require.True(t, <-put)
			e, _, _ := out.take()
			require.Equal(t, fmt.Sprint(i), string(e.payload))
		}
	})
}

func TestPuttingInTurnEndsWithItsReader(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(out *outbox, cancel context.CancelFunc){
		"HasLeft":   func(out *outbox, _ context.CancelFunc) { out.leave() },
		"GivesUp":   func(_ *outbox, cancel context.CancelFunc) { cancel() },
		"AllAtOnce": func(out *outbox, cancel context.CancelFunc) { cancel(); out.leave(); out.end() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				out, _ := waiting()
				out.put(of("", "never taken"))
				put := make(chan bool, 1)
				go func() { put <- out.putInTurn(ctx, of("", "1")) }()
				synctest.Wait()
				require.Empty(t, put)
				end(out, cancel)
				require.False(t, <-put)
			})
		})
	}
}

// endless is a client's connection over which each write brings another event.
type endless struct {
	http.ResponseWriter
	out     *outbox
	written chan struct{}
}

func (e *endless) Write(p []byte) (int, error) {
	e.out.put(of("A", "1"))
	select {
	case e.written <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (e *endless) SetWriteDeadline(time.Time) error { return nil }
func (e *endless) FlushError() error                { return nil }

func TestAStreamThatIsAlwaysOwedSomethingCanBeTold(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(c *eventStream, cancel context.CancelFunc){
		"ToDepart":          func(c *eventStream, _ context.CancelFunc) { c.depart() },
		"ThatItsClientLeft": func(_ *eventStream, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := &endless{written: make(chan struct{}, 1)}
			c := &eventStream{
				streams: New(Options{}), w: w, control: http.NewResponseController(w),
				due: make(chan struct{}, 1), departing: make(chan struct{}), broken: make(chan struct{}),
			}
			w.out = &outbox{wake: c.wake, tell: observed{observer: nobody{}}}
			served := make(chan struct{})
			go func() {
				defer close(served)
				c.serve(ctx, w.out, c.departing)
			}()
			<-w.written
			tell(c, cancel)
			select {
			case <-served:
			case <-time.After(10 * time.Second):
				w.out.end()
				require.FailNow(t, "it goes on")
			}
		})
	}
}
