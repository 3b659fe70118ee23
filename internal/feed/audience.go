package feed

import "context"

// Audience is who follows one subscription of the feed, where many may: those
// who ask for the same share it, and anybody may join while it is under way.
// GraphQL's executor stands between the feed and its subscribers, and passes on
// values alone; this is for all else that they have to tell each other.
//
//	Gather ─► the present state is read ─► deliver, Told, … ─► Current
//	   ▲                                                          │
//	   └───────────────────────── Joined ◄────────────────────────┘
type Audience interface {
	// Gather is called before the present state is read: whoever has joined by
	// now is given it. Who joins later waits for the next read.
	Gather()
	// Joined is signalled when somebody has joined.
	Joined() <-chan struct{}
	// Told says of what the event was that was just delivered. It returns when
	// the event has been taken over, or ctx has ended.
	Told(ctx context.Context, subject string)
	// Current says that what was delivered so far includes the state that was
	// read for those gathered.
	Current()
	// Refused says that it couldn't be read for them.
	Refused(err error)
	// Failed says why the subscription ends before its time. It is called at
	// most once, before the channel is closed.
	Failed(err error)
}

type audienceKey struct{}

// WithAudience has the subscriptions that are made with the context tell the
// audience.
func WithAudience(ctx context.Context, a Audience) context.Context {
	return context.WithValue(ctx, audienceKey{}, a)
}

// Translated has what the audience is told to have failed put into other words.
func Translated(ctx context.Context, translate func(error) error) context.Context {
	return WithAudience(ctx, translated{audienceOf(ctx), translate})
}

type translated struct {
	Audience
	translate func(error) error
}

// Refused implements Audience.
func (t translated) Refused(err error) { t.Audience.Refused(t.translate(err)) }

// Failed implements Audience.
func (t translated) Failed(err error) { t.Audience.Failed(t.translate(err)) }

func audienceOf(ctx context.Context) Audience {
	if a, ok := ctx.Value(audienceKey{}).(Audience); ok {
		return a
	}
	return Solo{}
}

// Solo is the audience of one who joined before the start, and needs only the
// values. Others may embed it.
type Solo struct{}

var _ Audience = Solo{}

// Gather implements Audience.
func (Solo) Gather() {}

// Joined implements Audience: nobody does.
func (Solo) Joined() <-chan struct{} { return nil }

// Told implements Audience.
func (Solo) Told(context.Context, string) {}

// Current implements Audience.
func (Solo) Current() {}

// Refused implements Audience.
func (Solo) Refused(error) {}

// Failed implements Audience.
func (Solo) Failed(error) {}
