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
}

type audienceKey struct{}

// WithAudience has the subscriptions that are made with the context tell the
// audience.
func WithAudience(ctx context.Context, a Audience) context.Context {
	return context.WithValue(ctx, audienceKey{}, a)
}

// Translated has why the audience is refused put into other words.
func Translated(ctx context.Context, translate func(error) error) context.Context {
	return WithAudience(ctx, translated{audienceOf(ctx), translate})
}

type translated struct {
	Audience
	translate func(error) error
}

// Refused implements Audience.
func (t translated) Refused(err error) { t.Audience.Refused(t.translate(err)) }

func audienceOf(ctx context.Context) Audience {
	if a, ok := ctx.Value(audienceKey{}).(Audience); ok {
		return a
	}
	return solo{}
}

// solo is the audience of one who joined before the start, and needs only the
// values.
type solo struct{}

func (solo) Gather()                      {}
func (solo) Joined() <-chan struct{}      { return nil }
func (solo) Told(context.Context, string) {}
func (solo) Current()                     {}
func (solo) Refused(error)                {}
