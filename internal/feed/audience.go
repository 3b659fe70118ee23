package feed

import "context"

// Audience is who a subscription is delivered to, where it is to be told of more
// than fits the channel.
type Audience interface {
	// Failed is called at most once, before the channel is closed: the
	// subscription ends with this error.
	Failed(err error)
}

type audienceKey struct{}

// WithAudience returns a context whose subscriptions are delivered to the
// audience.
func WithAudience(ctx context.Context, audience Audience) context.Context {
	return context.WithValue(ctx, audienceKey{}, audience)
}

// failed tells the subscription's audience, if it has one.
func (f *Feed) failed(ctx context.Context, err error) {
	if audience, ok := ctx.Value(audienceKey{}).(Audience); ok {
		audience.Failed(err)
		return
	}
	f.options.Log.Debug("a subscription ended with an error", "error", err)
}
