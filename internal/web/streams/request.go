package streams

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"holdfast/internal/web/wire"
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
	// skus counts the SKUs that it names, if it is a subscription.
	skus int
}

// newRequest checks what a client has sent. The context's values are kept, and
// its end is not: a stream outlives the request that began it. Nor does anybody
// above recover from a panic, once the request is over.
func newRequest(ctx context.Context, exec graphql.GraphExecutor, params *graphql.RawParams) (r request, refused *graphql.Response) {
	ctx = graphql.StartOperationTrace(context.WithoutCancel(ctx))
	defer func() {
		if panicked := recover(); panicked != nil {
			refused = wire.Recovered(ctx, exec, panicked)
		}
	}()
	operation, problems := exec.CreateOperationContext(ctx, params)
	wire.NoteOperation(ctx, operation)
	r = request{exec: exec, ctx: graphql.WithOperationContext(ctx, operation), operation: operation}
	if len(problems) == 0 && r.isSubscription() && r.rootFields() != 1 {
		problems = gqlerror.List{{Message: "a subscription asks for exactly one field", Extensions: map[string]any{"code": errcode.ValidationFailed}}}
	}
	if len(problems) > 0 {
		return r, exec.DispatchError(r.ctx, problems)
	}
	if r.isSubscription() {
		r.skus = r.countSKUs()
	}
	return r, nil
}

func (r request) isSubscription() bool { return r.operation.Operation.Operation == ast.Subscription }

// rootFields counts the fields that would be answered. The validator doesn't
// see one field under two names, nor one that is skipped.
func (r request) rootFields() int { return len(r.collected()) }

func (r request) collected() []graphql.CollectedField {
	return graphql.CollectFields(r.operation, r.operation.Operation.SelectionSet, []string{"Subscription"})
}

func (r request) countSKUs() int {
	switch named := r.collected()[0].ArgumentMap(r.operation.Variables)["skus"].(type) {
	case nil:
		return 0
	case []any:
		return len(named)
	default: // one, which stands for a list of it
		return 1
	}
}

// field is the operation's root field, or its first.
func (r request) field() string { return wire.RootField(r.operation.Operation) }

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

func encode(response *graphql.Response) []byte { return wire.Encode(response).Bytes() }
