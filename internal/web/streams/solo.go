package streams

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"holdfast/internal/feed"
	"holdfast/internal/web/wire"
)

// solo is an operation that is executed for one caller.
type solo struct {
	request request
	out     *outbox
	failure error
}

// run executes the operation, and delivers each response in its turn.
func (s *solo) run(ctx context.Context) {
	defer s.out.end()
	defer func() {
		if panicked := recover(); panicked != nil {
			s.out.put(s.eventOf(s.request.recovered(panicked)))
		}
	}()
	responses, ctx := s.request.exec.DispatchOperation(feed.WithFailure(ctx, s.failed), s.request.operation)
	for response := responses(ctx); response != nil; response = responses(ctx) {
		if !s.out.putInTurn(ctx, s.eventOf(response)) {
			return
		}
	}
	if s.failure != nil {
		s.out.putInTurn(ctx, s.eventOf(s.request.failure(s.failure)))
	}
}

// failed is told why the stream ends, before it does, so that run sees it.
func (s *solo) failed(err error) { s.failure = err }

func (s *solo) eventOf(response *graphql.Response) event {
	wire.NoteErrors(s.request.ctx, response)
	return event{payload: encode(response)}
}
