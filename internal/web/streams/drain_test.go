package streams_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"holdfast/internal/web"
)

// drain begins a drain that is given as long as patience, and says when it is
// over.
func (w *world) drain() <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		w.streams.Drain(ctx)
	}()
	return over
}

func requireSoon(t *testing.T, signal <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		require.FailNow(t, what)
	}
}

func TestADrainClosesOneByOneAndTellsNobodyThatItIsComplete(t *testing.T) {
	t.Parallel()
	const each, spread = 20, 2 * time.Second
	w := newWorld(t, func(s *setting) { s.DrainSpread = spread })
	w.add("A")
	var sockets []*socket
	var eventStreams []*stream
	for range each {
		s, e := w.dial(), w.stream(watchBody("A"))
		s.watch("1", "A")
		s.version("1")
		e.version()
		sockets, eventStreams = append(sockets, s), append(eventStreams, e)
	}

	var mu sync.Mutex
	var first, last time.Time
	closed := func() {
		mu.Lock()
		defer mu.Unlock()
		if last = time.Now(); first.IsZero() {
			first = last
		}
	}
	over := w.drain()
	var clients sync.WaitGroup
	for i := range each {
		clients.Go(func() {
			_, _, err := sockets[i].conn.Read(sockets[i].ctx)
			closed()
			assert.Equal(t, websocket.StatusServiceRestart, websocket.CloseStatus(err), "%v", err)
		})
		clients.Go(func() {
			name, _, err := eventStreams[i].receive()
			closed()
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF, name)
		})
	}
	clients.Wait()
	requireSoon(t, over, "the drain goes on")
	require.Greater(t, last.Sub(first), spread/2, "with forty it is certain, but for one in billions")
	w.requireNobody()
	require.Empty(t, w.seen.cut)

	_, response, err := websocket.Dial(t.Context(), strings.Replace(w.url, "http", "ws", 1)+"/graphql", &websocket.DialOptions{HTTPClient: w.client})
	require.Error(t, err)
	for _, refused := range []*http.Response{response, w.post(watchBody("A"), "text/event-stream")} {
		require.Equal(t, http.StatusServiceUnavailable, refused.StatusCode)
		text, err := io.ReadAll(refused.Body)
		require.NoError(t, err)
		require.NoError(t, refused.Body.Close())
		require.Contains(t, string(text), "OVERLOADED")
	}
	requireSoon(t, w.drain(), "a second drain goes on")
}

func TestADrainOfNobodyReturnsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	requireSoon(t, w.drain(), "the drain goes on")
}

func TestADrainEndsForThoseWhoDoNotAnswerTheClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	r := w.rawWatch(`subscription { availabilityChanged(skus: [\"A\"]) { version } }`)
	requireSoon(t, w.drain(), "the drain goes on")
	require.Equal(t, "\x03\xf4Service restart", r.frame())
}

func TestADrainThatHasNoTimeLeftBreaksOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	for range 5 {
		w.rawWatch(`subscription { availabilityChanged(skus: [\"A\"]) { version } }`) // doesn't answer the close
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	w.streams.Drain(ctx)
	require.Less(t, time.Since(began), 3*time.Second)
	w.requireNobody()
}

// late is a connection that takes its time to be handed over.
type late struct {
	http.ResponseWriter
	arrived chan<- struct{}
	goOn    <-chan struct{}
}

func (l late) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	l.arrived <- struct{}{}
	<-l.goOn
	return http.NewResponseController(l.ResponseWriter).Hijack()
}

// arriving dials a world whose connections are held up while they are made.
func arriving(t *testing.T) (w *world, goOn func(), closed <-chan error) {
	arrived, let := make(chan struct{}, 1), make(chan struct{})
	w = newWorld(t, func(s *setting) {
		s.around = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(late{rw, arrived, let}, r)
			})
		}
	})
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn, _, err := websocket.Dial(ctx, strings.Replace(w.url, "http", "ws", 1)+"/graphql",
			&websocket.DialOptions{HTTPClient: w.client, Subprotocols: []string{"graphql-transport-ws"}})
		if err == nil {
			_, _, err = conn.Read(ctx)
			_ = conn.CloseNow()
		}
		ended <- err
	}()
	<-arrived
	goOn = sync.OnceFunc(func() { close(let) })
	t.Cleanup(goOn)
	return w, goOn, ended
}

func TestAConnectionThatIsBeingMadeIsDrainedToo(t *testing.T) {
	t.Parallel()
	w, goOn, closed := arriving(t)
	over := w.drain()
	w.eventually(func(c *assert.CollectT) { assert.True(c, w.streams.Departing()) })
	goOn()
	require.Equal(t, websocket.StatusServiceRestart, websocket.CloseStatus(<-closed))
	requireSoon(t, over, "the drain goes on")
}

func TestAConnectionThatIsBeingMadeIsBrokenOffToo(t *testing.T) {
	t.Parallel()
	w, goOn, closed := arriving(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		w.streams.Drain(ctx)
	}()
	w.eventually(func(c *assert.CollectT) { assert.True(c, w.streams.BrokenOff()) })
	goOn()
	require.Error(t, <-closed)
	requireSoon(t, over, "the drain goes on")
}

func TestADrainLeavesAReaderThatIsNeverDoneNoChoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s := w.stream(watchBody("A"))
	s.version()
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				w.change("A")
			}
		}
	})
	defer busy.Wait()
	defer close(stop)
	var reads sync.WaitGroup
	reads.Go(func() {
		_, err := io.Copy(io.Discard, s.lines)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	requireSoon(t, w.drain(), "the drain goes on")
	reads.Wait()
}

// serve has the world behind a whole server, and returns that and how its
// serving ends.
func (w *world) serve() (*web.Server, <-chan error) {
	w.t.Helper()
	server := web.NewServer(web.Options{RequestTimeout: patience, Streams: w.streams})
	server.Open(w.handler, func(context.Context) error { return nil })
	listener, err := web.Listen(w.t.Context(), "127.0.0.1:0")
	require.NoError(w.t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	w.url = "http://" + listener.Addr().String()
	return server, served
}

func TestAServerThatStopsLeavesNoClientBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	server, served := w.serve()
	s, e := w.dial(), w.stream(watchBody("A"))
	s.watch("1", "A")
	s.version("1")
	e.version()
	drained := make(chan error, 1)
	go func() { drained <- server.Drain(context.Background()) }()
	code, _ := s.closed()
	require.Equal(t, 1012, code)
	_, _, err := e.receive()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, <-drained)
	require.NoError(t, <-served)
}

func TestAServerThatStopsTakesNobodyInWhileStreamsEnd(t *testing.T) {
	t.Parallel()
	g := gate{make(chan struct{}, 10), make(chan struct{})}
	w := newWorld(t, func(s *setting) { s.extensions = append(s.extensions, g) })
	server, served := w.serve()
	s := w.dial()
	s.start("1", "{ __typename }", nil)
	<-g.reached
	drained := make(chan error, 1)
	go func() { drained <- server.Drain(context.Background()) }()
	w.eventually(func(c *assert.CollectT) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		assert.Error(c, err)
	})
	require.NoError(t, <-served)
	close(g.open)
	require.Equal(t, "next", s.receive().Type)
	s.requireComplete("1")
	code, _ := s.closed()
	require.Equal(t, 1012, code)
	require.NoError(t, <-drained)
}

func TestADrainThatHasNoTimeLeftBreaksOffEventStreams(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(w *world){
		"WithoutABody": func(w *world) { w.startStream(`{"query":`, 1000) },
		"WithoutAReader": func(w *world) {
			w.startStream(`{"query":"`+rawWatchLarge+`"}`, 0)
			stop := make(chan struct{})
			wait := w.changeUntil(stop)
			w.eventually(func(c *assert.CollectT) { assert.Greater(c, w.seen.coalescedCount(), 10) }) // it writes, and waits for room
			close(stop)
			wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(s *setting) { s.Hello, s.Write = time.Hour, time.Hour })
			w.addLarge("A")
			begin(w)
			w.eventually(func(c *assert.CollectT) { assert.Equal(c, 1, w.streams.Clients()) })
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			over := make(chan struct{})
			go func() {
				defer close(over)
				w.streams.Drain(ctx)
			}()
			requireSoon(t, over, "the drain goes on")
			w.requireNobody()
		})
	}
}

func TestAClientThatLeavesWhileItsConnectionIsMadeLeavesNothing(t *testing.T) {
	t.Parallel()
	arrived, let := make(chan struct{}, 1), make(chan struct{})
	w := newWorld(t, func(s *setting) {
		s.around = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { next.ServeHTTP(late{rw, arrived, let}, r) })
		}
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(t, err)
	_, err = io.WriteString(conn, handshake)
	require.NoError(t, err)
	<-arrived
	require.NoError(t, conn.Close())
	close(let)
	w.requireNobody()
}

func TestACloseIsToldWithItsCodeHoweverMuchElseIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	stop := make(chan struct{})
	wait := w.changeUntil(stop)
	defer wait()
	defer close(stop)
	for range 30 {
		s := w.dial()
		s.watch("1", "A")
		s.version("1")
		s.watch("1", "A")
		code, _ := s.closed()
		require.Equal(t, 4409, code)
	}
}

// gate is an extension that holds queries back.
type gate struct{ reached, open chan struct{} }

func (gate) ExtensionName() string                   { return "Gate" }
func (gate) Validate(graphql.ExecutableSchema) error { return nil }
func (g gate) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Query {
		g.reached <- struct{}{}
		select {
		case <-g.open:
		case <-ctx.Done():
		}
	}
	return next(ctx)
}

func TestACommandThatIsUnderWayIsFinishedByADrain(t *testing.T) {
	t.Parallel()
	g := gate{make(chan struct{}, 10), make(chan struct{})}
	w := newWorld(t, func(s *setting) { s.extensions = append(s.extensions, g) })
	s, e := w.dial(), w.stream(`{"query":"{ __typename }"}`)
	s.start("1", "{ __typename }", nil)
	<-g.reached
	<-g.reached
	over := w.drain()
	w.eventually(func(c *assert.CollectT) { assert.True(c, w.streams.Departing()) })
	s.start("late", "{ __typename }", nil)
	s.requireRefused("late", "OVERLOADED")
	close(g.open)
	m := s.receive()
	require.Equal(t, "next", m.Type)
	require.JSONEq(t, `{"data": {"__typename": "Query"}}`, string(m.Payload))
	s.requireComplete("1")
	code, _ := s.closed()
	require.Equal(t, 1012, code)
	name, data, err := e.receive()
	require.NoError(t, err)
	require.Equal(t, "next", name)
	require.Contains(t, data, "Query")
	name, _, err = e.receive()
	require.NoError(t, err)
	require.Equal(t, "complete", name)
	requireSoon(t, over, "the drain goes on")
}
