package streams

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"holdfast/internal/web/wire"
)

// eventStreams answers operations as server-sent events, as graphql-sse has
// them in its distinct connections mode.
type eventStreams struct{ *Streams }

var _ graphql.Transport = eventStreams{}

// Supports implements graphql.Transport.
func (eventStreams) Supports(r *http.Request) bool { return IsEventStream(r) }

// IsEventStream says whether a request asks for server-sent events, and for
// nothing else: clients that take those too, among others, are better served
// by a plain answer.
func IsEventStream(r *http.Request) bool {
	accept := strings.ToLower(r.Header.Get("Accept"))
	if !strings.Contains(accept, "text/event-stream") || strings.Contains(accept, "json") {
		return false
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodGet || r.Method == http.MethodPost && mediaType == "application/json"
}

// Do implements graphql.Transport.
func (t eventStreams) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	c := &eventStream{
		streams: t.Streams, w: w, control: http.NewResponseController(w),
		due: make(chan struct{}, 1), departing: make(chan struct{}), broken: make(chan struct{}),
	}
	if !t.enter(w, r, byEventStream, c) {
		return
	}
	defer t.left(byEventStream, c)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back

	_ = c.control.SetReadDeadline(time.Now().Add(t.timing.hello))
	asked, problems := t.requestOf(r, exec)
	if problems != nil {
		wire.NoteErrors(r.Context(), problems)
		_ = c.write(nextEvent(encode(problems)) + completeEvent)
		return
	}
	_ = c.control.SetReadDeadline(time.Time{}) // it would end the stream
	ctx, cancel := context.WithCancel(asked.ctx)
	defer cancel()
	out := &outbox{wake: c.wake}
	begin, stop := t.answer(ctx, asked, out)
	defer stop()
	begin()
	departing := c.departing
	if !asked.isSubscription() {
		departing = nil // it ends by itself, and is to be finished
	}
	c.serve(r.Context(), out, departing)
}

func (t eventStreams) requestOf(r *http.Request, exec graphql.GraphExecutor) (request, *graphql.Response) {
	params, refused := wire.Read(r, t.options.MessageBytesMax)
	if refused != nil {
		return request{}, exec.DispatchError(r.Context(), refused.Errors())
	}
	asked, problems := newRequest(r.Context(), exec, params)
	if problems == nil && r.Method == http.MethodGet {
		if refused = wire.RefuseByGet(asked.operation.Operation); refused != nil {
			problems = exec.DispatchError(asked.ctx, refused.Errors())
		}
	}
	return asked, problems
}

// eventStream is one client's stream of one operation's events.
type eventStream struct {
	streams *Streams
	w       http.ResponseWriter
	control *http.ResponseController
	// due is signalled when something may be owed.
	due chan struct{}

	// departing and broken are closed by depart and breakOff.
	departOnce, breakOnce sync.Once
	departing, broken     chan struct{}
}

const completeEvent = "event: complete\ndata:\n\n"

func nextEvent(payload []byte) string { return "event: next\ndata: " + string(payload) + "\n\n" }

// serve writes what is owed until nothing more is to come, the client goes, or
// the server does.
func (c *eventStream) serve(ctx context.Context, out *outbox, departing <-chan struct{}) {
	beat := time.NewTicker(c.streams.timing.heartbeat)
	defer beat.Stop()
	err := c.write(":\n\n") // the client learns that it is connected
	for err == nil {
		select { // first of all, for there may always be something owed
		case <-departing:
			c.sever()
			return
		case <-c.broken:
			c.sever()
			return
		case <-ctx.Done():
			return
		default:
		}
		e, found, over := out.take()
		switch {
		case found:
			if err = c.write(nextEvent(e.payload)); err == nil {
				out.tell.sent()
			}
			continue
		case over:
			_ = c.write(completeEvent)
			return
		}
		select {
		case <-c.due:
		case <-beat.C:
			err = c.write(":\n\n")
		case <-departing:
		case <-c.broken:
		case <-ctx.Done():
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.streams.options.Observer.Cut(cutUnresponsive)
	}
	c.sever()
}

func (c *eventStream) write(text string) error {
	if err := c.control.SetWriteDeadline(time.Now().Add(c.streams.timing.write)); err != nil {
		return err
	}
	if _, err := io.WriteString(c.w, text); err != nil {
		return err
	}
	return c.control.Flush()
}

// sever breaks the stream off in the middle of its chunks, which tells the
// client that it isn't complete.
func (c *eventStream) sever() {
	if conn, _, err := c.control.Hijack(); err == nil {
		_ = conn.Close()
	}
}

func (c *eventStream) wake() {
	select {
	case c.due <- struct{}{}:
	default:
	}
}

// depart implements connected.
func (c *eventStream) depart() { c.departOnce.Do(func() { close(c.departing) }) }

// breakOff implements connected.
func (c *eventStream) breakOff() {
	c.breakOnce.Do(func() { close(c.broken) })
	_ = c.control.SetReadDeadline(time.Now()) // it may be reading what is asked for, or writing
	_ = c.control.SetWriteDeadline(time.Now())
}
