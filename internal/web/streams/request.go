package streams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// latestValue names the subscriptions of which only the latest event of each
// subject matters, so that those who ask for the same can share them. All
// others deliver each event, in turn.
var latestValue = map[string]bool{"availabilityChanged": true, "reservationChanged": true}

// request is an operation that was checked, and can be carried out.
type request struct {
	exec      graphql.GraphExecutor
	ctx       context.Context
	operation *graphql.OperationContext
}

// newRequest checks what a client has sent. The context's values are kept, and
// its end is not: a stream outlives the request that began it. Nor does anybody
// above recover from a panic, once the request is over.
func newRequest(ctx context.Context, exec graphql.GraphExecutor, params *graphql.RawParams) (r request, refused *graphql.Response) {
	ctx = graphql.StartOperationTrace(context.WithoutCancel(ctx))
	defer func() {
		if panicked := recover(); panicked != nil {
			err := exec.(recoverer).PresentRecoveredError(ctx, panicked)
			refused = exec.DispatchError(ctx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
		}
	}()
	operation, problems := exec.CreateOperationContext(ctx, params)
	r = request{exec, graphql.WithOperationContext(ctx, operation), operation}
	if len(problems) > 0 {
		return r, exec.DispatchError(r.ctx, problems)
	}
	return r, nil
}

// recoverer is what an executor is besides: it presents a panic as an error.
type recoverer interface {
	PresentRecoveredError(ctx context.Context, panicked any) error
}

var _ recoverer = (*executor.Executor)(nil)

func decodeParams(raw []byte) (*graphql.RawParams, error) {
	var params graphql.RawParams
	if err := decode(raw, &params); err != nil {
		return nil, errors.New("the payload is not an object with a query")
	}
	return &params, nil
}

// decode keeps numbers as they are written, for 64 bits don't fit a float.
func decode(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func (r request) isSubscription() bool { return r.operation.Operation.Operation == ast.Subscription }

// field is the operation's root field, or its first.
func (r request) field() string {
	selections := r.operation.Operation.SelectionSet
	for len(selections) > 0 {
		switch first := selections[0].(type) {
		case *ast.Field:
			return first.Name
		case *ast.InlineFragment:
			selections = first.SelectionSet
		case *ast.FragmentSpread:
			selections = first.Definition.SelectionSet
		}
	}
	return ""
}

// key is the same for all requests that have the same answer. All callers are one
// principal: once they aren't, whose the request is belongs into the key.
func (r request) key() string {
	// A map's keys are encoded in order, and variables came as JSON.
	variables, _ := json.Marshal(r.operation.Variables)
	return fmt.Sprintf("%s\n%s\n%s", variables, r.operation.OperationName, r.operation.RawQuery)
}

// failure presents an error as the answer to the request.
func (r request) failure(err error) *graphql.Response {
	return r.exec.DispatchError(r.ctx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}

// recovered presents a panic as the answer to the request.
func (r request) recovered(panicked any) *graphql.Response {
	return r.failure(r.operation.Recover(r.ctx, panicked))
}

func encode(response *graphql.Response) []byte {
	encoded, err := json.Marshal(response)
	if err != nil {
		panic(err) // data is encoded already, and errors are plain
	}
	return encoded
}
