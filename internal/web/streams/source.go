package streams

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"holdfast/internal/feed"
	"holdfast/internal/web/wire"
)

// yieldAfter is how many subscribers are told before those who write for them
// get a turn: otherwise a large crowd's writers would all be waiting at once,
// and each has a stack.
const yieldAfter = 64

// sharing finds the source of a request for all who send the same.
type sharing struct {
	mu      sync.Mutex
	sources map[string]*source
}

// subscriber is one who is told by a source.
type subscriber struct {
	request request
	out     *outbox
	// source is where the subscriber is; it moves on when that ends too early. It
	// and gone are guarded by the sharing's mutex.
	source *source
	gone   bool
}

// join has the subscriber told by the source of its request.
func (s *sharing) join(one *subscriber) {
	key := one.request.key()
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.gone {
		return
	}
	joined, ok := s.sources[key]
	if !ok || !joined.admit(one) {
		joined = s.newSourceLocked(key, one)
	}
	one.source = joined
}

// leave has the subscriber told nothing more. A source without subscribers ends.
func (s *sharing) leave(one *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.gone = true
	one.out.leave()
	if one.source != nil && one.source.dismiss(one) {
		one.source.cancel()
		s.removeLocked(one.source)
	}
}

func (s *sharing) remove(ended *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(ended)
}

func (s *sharing) removeLocked(ended *source) {
	if s.sources[ended.key] == ended {
		delete(s.sources, ended.key)
	}
}

// source is one execution of a subscription, and all who are told by it.
type source struct {
	key     string
	sharing *sharing
	request request
	cancel  context.CancelFunc
	// joins is signalled when somebody has joined.
	joins chan struct{}
	// payloads hands over each event, for the feed knows what it is of.
	payloads chan []byte

	mu sync.Mutex
	// latest has the latest event of each subject, in the order of their first.
	latest []event
	// current are told each event. Those who are gathered wait for the present
	// state that is being read, those who joined for the next read.
	current, gathered, joined []*subscriber
	// read says that the present state was asked for, over that the source ends.
	read, over bool
}

var _ feed.Audience = (*source)(nil)

// newSourceLocked starts an execution with its first subscriber.
func (s *sharing) newSourceLocked(key string, first *subscriber) *source {
	started := &source{
		key: key, sharing: s, request: first.request,
		joins: make(chan struct{}, 1), payloads: make(chan []byte), joined: []*subscriber{first},
	}
	var ctx context.Context
	ctx, started.cancel = context.WithCancel(first.request.ctx)
	s.sources[key] = started
	go started.run(feed.WithAudience(ctx, started))
	return started
}

// run executes the subscription to its end.
func (s *source) run(ctx context.Context) {
	defer s.cancel()
	defer func() {
		if panicked := recover(); panicked != nil {
			s.end(s.request.recovered(panicked))
		}
	}()
	responses, ctx := s.request.exec.DispatchOperation(ctx, s.request.operation)
	var last *graphql.Response
	for response := responses(ctx); response != nil; response = responses(ctx) {
		if response.Data == nil { // it is no event: the subscription was refused
			last = response
			break
		}
		select {
		case s.payloads <- encode(response):
		case <-ctx.Done():
		}
	}
	s.end(last)
}

// admit takes a subscriber in, unless the source is over.
func (s *source) admit(one *subscriber) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.joined = append(s.joined, one)
	select {
	case s.joins <- struct{}{}:
	default: // the feed looks anyway
	}
	return true
}

// dismiss lets a subscriber go, and answers whether it was the last one.
func (s *source) dismiss(one *subscriber) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range []*[]*subscriber{&s.current, &s.gathered, &s.joined} {
		if at := slices.Index(*list, one); at >= 0 {
			last := len(*list) - 1
			(*list)[at] = (*list)[last]
			(*list)[last] = nil
			*list = (*list)[:last]
		}
	}
	if len(s.current)+len(s.gathered)+len(s.joined) > 0 {
		return false
	}
	s.over = true
	return true
}

func (s *source) publish(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.latest, func(known event) bool { return known.subject == e.subject })
	if at < 0 {
		s.latest = append(s.latest, e)
	} else {
		s.latest[at] = e
	}
	for i, one := range s.current {
		one.out.put(e)
		if i%yieldAfter == yieldAfter-1 {
			runtime.Gosched()
		}
	}
}

// end tells everybody that nothing more is to come, after a last word if there
// is one. Those whom the present state was never read for aren't answered by
// it, and begin anew; but nobody is where it ended before any was read.
func (s *source) end(last *graphql.Response) {
	s.mu.Lock()
	s.over = true
	told, unanswered := s.current, s.joined
	if last != nil {
		told = append(told, s.gathered...)
	} else { // what they wait for may be later than what the source ended with
		unanswered = append(unanswered, s.gathered...)
	}
	if !s.read {
		told, unanswered = append(told, unanswered...), nil
	}
	s.current, s.gathered, s.joined = nil, nil, nil
	s.mu.Unlock()

	s.sharing.remove(s)
	endAll(told, last)
	for _, one := range unanswered {
		s.sharing.join(one)
	}
}

// Gather implements feed.Audience.
func (s *source) Gather() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = true
	s.gathered = append(s.gathered, s.joined...)
	s.joined = nil
	select {
	case <-s.joins: // of those who are gathered now
	default:
	}
}

// Joined implements feed.Audience.
func (s *source) Joined() <-chan struct{} { return s.joins }

// Told implements feed.Audience. The event is published when it returns, so that
// those who are current after it get none from before.
func (s *source) Told(ctx context.Context, subject string) {
	select {
	case payload := <-s.payloads:
		s.publish(event{subject, payload})
	case <-ctx.Done():
	}
}

// Current implements feed.Audience: those gathered get the latest of
// everything, and each event from now on.
func (s *source) Current() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range s.gathered {
		for _, e := range s.latest {
			one.out.put(e)
		}
		if i%yieldAfter == yieldAfter-1 {
			runtime.Gosched()
		}
	}
	s.current = append(s.current, s.gathered...)
	s.gathered = nil
}

// Refused implements feed.Audience.
func (s *source) Refused(err error) {
	s.mu.Lock()
	refused := s.gathered
	s.gathered = nil
	s.mu.Unlock()
	if len(refused) > 0 {
		endAll(refused, refused[0].request.failure(err))
	}
}

// endAll tells them that nothing more is to come, after a last word if there is
// one.
func endAll(told []*subscriber, last *graphql.Response) {
	var word event
	if last != nil {
		word.payload = encode(last)
	}
	for _, one := range told {
		if last != nil {
			wire.NoteErrors(one.request.ctx, last)
			one.out.put(word)
		}
		one.out.end()
	}
}
