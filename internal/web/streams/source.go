package streams

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"holdfast/internal/feed"
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

// follower is a subscriber of a source.
type follower struct {
	request request
	out     *outbox
	// source is where the follower is; it moves on when that ends too early. It
	// and gone are guarded by the sharing's mutex.
	source *source
	gone   bool
}

// join has the follower told by the source of its request.
func (s *sharing) join(f *follower) {
	key := f.request.key()
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.gone {
		return
	}
	joined, ok := s.sources[key]
	if !ok || !joined.admit(f) {
		joined = s.newSourceLocked(key, f)
	}
	f.source = joined
}

// leave has the follower told nothing more. A source that nobody follows ends.
func (s *sharing) leave(f *follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.gone = true
	f.out.leave()
	if f.source != nil && f.source.dismiss(f) {
		f.source.cancel()
		s.removeLocked(f.source)
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

// source is one execution of a subscription, and all who follow it.
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
	// followers are told each event. Those who are gathered wait for the present
	// state that is being read, those who joined for the next read.
	followers, gathered, joined []*follower
	failure                     error
	// read says that the present state was asked for, over that the source ends.
	read, over bool
}

var _ feed.Audience = (*source)(nil)

// newSourceLocked starts an execution with its first follower.
func (s *sharing) newSourceLocked(key string, first *follower) *source {
	started := &source{
		key: key, sharing: s, request: first.request,
		joins: make(chan struct{}, 1), payloads: make(chan []byte), joined: []*follower{first},
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
			s.end(&event{payload: encode(s.request.recovered(panicked))})
		}
	}()
	responses, ctx := s.request.exec.DispatchOperation(ctx, s.request.operation)
	var last *event
	for response := responses(ctx); response != nil; response = responses(ctx) {
		payload := encode(response)
		if response.Data == nil { // it is no event: the subscription was refused
			last = &event{payload: payload}
			break
		}
		select {
		case s.payloads <- payload:
		case <-ctx.Done():
		}
	}
	s.end(last)
}

// admit takes a follower in, unless the source is over.
func (s *source) admit(f *follower) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.joined = append(s.joined, f)
	select {
	case s.joins <- struct{}{}:
	default: // the feed looks anyway
	}
	return true
}

// dismiss lets a follower go, and answers whether it was the last one.
func (s *source) dismiss(f *follower) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range []*[]*follower{&s.followers, &s.gathered, &s.joined} {
		if at := slices.Index(*list, f); at >= 0 {
			last := len(*list) - 1
			(*list)[at] = (*list)[last]
			(*list)[last] = nil
			*list = (*list)[:last]
		}
	}
	if len(s.followers)+len(s.gathered)+len(s.joined) > 0 {
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
	for i, f := range s.followers {
		f.out.put(e)
		if i%yieldAfter == yieldAfter-1 {
			runtime.Gosched()
		}
	}
}

// end tells everybody that nothing more is to come, after a last word if there
// is one. Those whom the present state was never read for aren't answered by
// it, and begin anew; but nobody is where it ended before any was read.
func (s *source) end(last *event) {
	s.mu.Lock()
	s.over = true
	if last == nil && s.failure != nil {
		last = &event{payload: encode(s.request.failure(s.failure))}
	}
	told, unanswered := s.followers, s.joined
	if last != nil {
		told = append(told, s.gathered...)
	} else { // what they wait for may be later than what the source ended with
		unanswered = append(unanswered, s.gathered...)
	}
	if !s.read {
		told, unanswered = append(told, unanswered...), nil
	}
	s.followers, s.gathered, s.joined = nil, nil, nil
	s.mu.Unlock()

	s.sharing.remove(s)
	for _, f := range told {
		if last != nil {
			f.out.put(*last)
		}
		f.out.end()
	}
	for _, f := range unanswered {
		s.sharing.join(f)
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
	for i, f := range s.gathered {
		for _, e := range s.latest {
			f.out.put(e)
		}
		if i%yieldAfter == yieldAfter-1 {
			runtime.Gosched()
		}
	}
	s.followers = append(s.followers, s.gathered...)
	s.gathered = nil
}

// Refused implements feed.Audience.
func (s *source) Refused(err error) {
	s.mu.Lock()
	refused := s.gathered
	s.gathered = nil
	s.mu.Unlock()
	if len(refused) == 0 {
		return
	}
	last := event{payload: encode(s.request.failure(err))}
	for _, f := range refused {
		f.out.put(last)
		f.out.end()
	}
}

// Failed implements feed.Audience.
func (s *source) Failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}
