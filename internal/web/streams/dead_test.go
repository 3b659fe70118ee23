package streams_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// requireCut waits for a connection to be cut.
func (w *world) requireCut() {
	w.t.Helper()
	select {
	case reason := <-w.seen.cut:
		require.Equal(w.t, "unresponsive", reason)
	case <-time.After(patience):
		require.FailNow(w.t, "nobody is cut")
	}
}

const rawWatchA = `subscription { availabilityChanged(skus: [\"A\"]) { sku version } }`

func TestOneWhoStoppedReadingIsCutWhateverElseItSends(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{
		"Nothing":      "",
		"Pongs":        frame(opPong, "") + frame(opPong, "pong"),
		"PongMessages": frame(opText, `{"type":"pong"}`),
		"Pings":        frame(opPing, "x"),
		"PingMessages": frame(opText, `{"type":"ping"}`),
		"All":          frame(opPong, "") + frame(opText, `{"type":"pong"}`) + frame(opPing, "x") + frame(opText, `{"type":"complete","id":"x"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(s *setting) { s.Probe, s.Answer = 50*time.Millisecond, 2*time.Second })
			w.add("A")
			other := w.dial()
			other.watch("1", "A")
			other.version("1")
			dead := w.rawWatch(rawWatchA)
			var sender sync.WaitGroup
			defer sender.Wait()
			sender.Go(func() {
				for sent != "" {
					if _, err := io.WriteString(dead.conn, sent); err != nil {
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			})
			require.Equal(t, w.change("A"), other.version("1"))
			// The other reads no pings between its events, and must in time.
			keep := make(chan struct{})
			var versions sync.WaitGroup
			versions.Go(func() {
				defer close(keep)
				for version := int64(3); other.version("1") != version+1; {
				}
			})
			w.requireCut()
			w.eventually(func(c *assert.CollectT) { assert.Equal(c, 1, w.streams.Clients()) })
			w.change("A")
			w.change("A")
			<-keep
			versions.Wait()
			require.Empty(t, w.seen.cut, "nobody else")
			require.Equal(t, map[string]int{"websocket": 1, "availabilityChanged": 1}, w.seen.present())
		})
	}
}

func TestOneWhoReadsIsNeverCut(t *testing.T) {
	t.Parallel()
	const pings = 12
	w := newWorld(t, func(s *setting) { s.Probe, s.Answer = 5*time.Millisecond, 5*time.Second })
	w.add("A", "B")
	busy := make(chan struct{})
	var clients sync.WaitGroup
	for _, sku := range []string{"A", "B", ""} { // B doesn't change, and "" subscribes to nothing
		var pinged atomic.Int64
		done := make(chan struct{})
		conn, _, err := websocket.Dial(t.Context(), strings.Replace(w.url, "http", "ws", 1)+"/graphql", &websocket.DialOptions{
			HTTPClient: w.client, Subprotocols: []string{"graphql-transport-ws"},
			OnPingReceived: func(_ context.Context, _ []byte) bool {
				if pinged.Add(1) == pings {
					close(done)
				}
				return true
			},
		})
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.CloseNow() })
		s := &socket{t, conn, t.Context()}
		s.send(`{"type":"connection_init"}`)
		if sku != "" {
			s.watch("1", sku)
		}
		clients.Go(func() {
			for {
				if _, _, err := conn.Read(t.Context()); err != nil {
					return
				}
			}
		})
		clients.Go(func() {
			<-done
			busy <- struct{}{}
		})
	}
	var over atomic.Bool
	clients.Go(func() {
		for !over.Load() {
			w.change("A")
			time.Sleep(time.Millisecond)
		}
	})
	for range 3 {
		requireSoon(t, busy, "one isn't pinged")
	}
	over.Store(true)
	require.Empty(t, w.seen.cut)
	require.Equal(t, 3, w.streams.Clients())
	w.streams.Drain(t.Context())
	clients.Wait()
}

func TestOneWhoAnswersLateButInTimeIsNotCut(t *testing.T) {
	t.Parallel()
	const answer = 3 * time.Second
	w := newWorld(t, func(s *setting) { s.Probe, s.Answer = 10*time.Millisecond, answer })
	w.add("A")
	r := w.rawWatch(rawWatchA)
	for answered := 0; answered < 3; {
		op, payload, err := r.readFrame()
		require.NoError(t, err)
		if op == opPing {
			w.change("A") // what is owed meanwhile makes no difference
			time.Sleep(answer / 10)
			r.send(frame(opPong, payload))
			answered++
			w.change("A")
		}
	}
	require.Empty(t, w.seen.cut)
}

func TestAnAnswerToAnotherPingDoesNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.Probe, s.Answer = 10*time.Millisecond, time.Second })
	w.add("A")
	r := w.rawWatch(rawWatchA)
	op, payload, err := r.readFrame()
	require.NoError(t, err)
	require.EqualValues(t, opPing, op)
	r.send(frame(opPong, payload))
	w.change("A")
	var sender sync.WaitGroup
	defer sender.Wait()
	sender.Go(func() { // the first answer, over and over
		for {
			if _, err := io.WriteString(r.conn, frame(opPong, payload)); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	w.requireCut()
}

// addLarge makes a SKU known whose stock takes some 100 kB to tell.
func (w *world) addLarge(sku string) {
	for i := range 400 {
		w.commit(sku, fmt.Sprintf("%s-%03d", strings.Repeat("location", 6), i))
	}
}

const rawWatchLarge = `subscription { availabilityChanged(skus: [\"A\"]) { sku version locations { id location version total available updatedAt } } }`

// changeUntil changes the stock until stop.
func (w *world) changeUntil(stop <-chan struct{}) (wait func()) {
	var changes sync.WaitGroup
	changes.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				w.change("A")
				time.Sleep(time.Millisecond)
			}
		}
	})
	return changes.Wait
}

func TestAWriteThatFindsNoRoomCutsTheReader(t *testing.T) {
	t.Parallel()
	for name, subscribe := range map[string]func(w *world) net.Conn{
		"WebSocket": func(w *world) net.Conn { return w.rawWatch(rawWatchLarge).conn },
		"EventStream": func(w *world) net.Conn {
			return w.startStream(`{"query":"`+rawWatchLarge+`"}`, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(s *setting) { s.Probe, s.Write = time.Hour, 200*time.Millisecond })
			w.addLarge("A")
			conn := subscribe(w)
			defer func() { _ = conn.Close() }()
			other := w.dial()
			other.watch("1", "A")
			stop := make(chan struct{})
			wait := w.changeUntil(stop)
			w.requireCut()
			close(stop)
			wait()
			w.change("A")
			var version int64
			for total := w.total("A"); version != total; {
				got := other.version("1")
				require.Greater(t, got, version)
				version = got
			}
			w.eventually(func(c *assert.CollectT) { assert.Equal(c, 1, w.streams.Clients()) })
			require.Empty(t, w.seen.cut, "nobody else")
		})
	}
}

// total is the version of the SKU's stock.
func (w *world) total(sku string) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var total int64
	for _, level := range w.levels[sku] {
		total += level.Version
	}
	return total
}

func TestOneWhoFloodsWithPingsAndDoesNotReadIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.Probe, s.Write = time.Hour, 200*time.Millisecond })
	r := w.raw(frame(opText, `{"type":"connection_init"}`))
	payload, err := json.Marshal(strings.Repeat("x", 60_000))
	require.NoError(t, err)
	var sender sync.WaitGroup
	defer sender.Wait()
	sender.Go(func() {
		for {
			if _, err := io.WriteString(r.conn, frame(opText, `{"type":"ping","payload":`+string(payload)+`}`)); err != nil {
				return
			}
		}
	})
	w.requireCut()
	w.requireNobody()
}

func TestOneWhoStopsInTheMiddleOfAMessageIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.Probe, s.Answer = 5*time.Millisecond, time.Second })
	r := w.raw(frame(opText, `{"type":"connection_init"}`))
	require.Contains(t, r.frame(), "connection_ack")
	r.send(frame(opText, `{"type":"ping"}`)[:8])
	w.requireCut()
	w.requireNobody()
}

// startStream sends a request for an event stream, and so much of its body.
func (w *world) startStream(body string, missing int) net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body)+missing, body)
	require.NoError(w.t, err)
	return conn
}

func TestOneWhoNeverSaysWhatItWantsIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.Hello = 100 * time.Millisecond })
	conn := w.startStream(`{"query":`, 1000)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	_, err := io.Copy(io.Discard, conn)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	w.requireNobody()
}

func TestTheTimeToSayWhatIsWantedDoesNotBoundTheStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.Hello, s.Heartbeat = time.Second, 150*time.Millisecond })
	w.add("A")
	s := w.stream(watchBody("A"))
	s.version()
	for range 10 {
		block, err := s.block()
		require.NoError(t, err)
		require.Equal(t, ":\n", block)
	}
	require.Equal(t, w.change("A"), s.version())
}
