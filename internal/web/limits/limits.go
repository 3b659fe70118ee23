package limits

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// Limits are what a request may come to at most.
type Limits struct {
	// BodyBytes bounds a request's body, and a message over a WebSocket. It is
	// kept by who reads them.
	BodyBytes int64
	// Tokens bounds a query's text. All below it are of a query with its
	// fragments spread.
	Tokens, Depth, IntrospectionDepth, Aliases, Directives, Fields int
	// IntrospectionFields bounds what an answer tells of the schema.
	IntrospectionFields int
	// Cost bounds the fields of an answer.
	Cost int
}

// Default returns the limits of a server that was told nothing else.
func Default() Limits {
	return Limits{
		BodyBytes: 256 << 10, // 100 lines and their metadata fit many times over
		Tokens:    2_000, Depth: 15, IntrospectionDepth: 20, Aliases: 30, Directives: 50, Fields: 500,
		IntrospectionFields: 8_000,  // the tools' usual query has 5,600
		Cost:                20_000, // 250 SKUs with their locations, or any page of 100
	}
}

// How many queries are remembered, and of what length at most: strangers send
// them.
const (
	plansMax        = 500
	plannedBytesMax = 16 << 10
)

// Guard refuses operations that are over the limits.
type Guard struct {
	limits Limits
	schema *ast.Schema
	// plans has those of queries that were let through.
	plans *lru.LRU[plan]
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
	graphql.ResponseInterceptor
} = (*Guard)(nil)

// New returns a guard, to come after what may put another query in place of the
// one that was sent.
func New(limits Limits) *Guard { return &Guard{limits: limits, plans: lru.New[plan](plansMax)} }

// ExtensionName implements graphql.HandlerExtension.
func (*Guard) ExtensionName() string { return "Limits" }

// Validate implements graphql.HandlerExtension.
func (g *Guard) Validate(schema graphql.ExecutableSchema) error {
	g.schema = schema.Schema()
	return nil
}

// MutateOperationParameters implements graphql.OperationParameterMutator: it
// refuses a query whose text is over a limit. One that can't be parsed is left
// to who tells that.
func (g *Guard) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if _, known := g.plans.Get(ctx, params.Query); known {
		return nil
	}
	if err := g.limits.checkTokens(params.Query); err != nil {
		return err
	}
	document, err := parser.ParseQuery(&ast.Source{Input: params.Query})
	if err != nil {
		return nil //nolint:nilerr // the executor meets it again, and presents it
	}
	m := newMeasurer(g.schema, document)
	if err := g.limits.checkSize(m.whole()); err != nil {
		return err
	}
	if len(params.Query) <= plannedBytesMax {
		g.plans.Add(ctx, params.Query, m.plan())
	}
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator: it refuses
// an operation that costs too much, or asks for too much of the schema.
func (g *Guard) MutateOperationContext(ctx context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	planned := g.planOf(ctx, operation)
	if err := g.limits.checkCost(planned.in(operation.Variables)); err != nil || !planned.introspects {
		return err
	}
	return g.limits.checkTold(countTold(g.schema, operation, g.limits.IntrospectionFields+1))
}

// InterceptResponse implements graphql.ResponseInterceptor: it tells the cost to
// who asks for it. Subscribers share their events, and so aren't told.
func (g *Guard) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response == nil || !graphql.HasOperationContext(ctx) {
		return response
	}
	operation := graphql.GetOperationContext(ctx)
	if operation.Extensions["cost"] != true || operation.Operation == nil || operation.Operation.Operation == ast.Subscription {
		return response
	}
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	response.Extensions["cost"] = told{Actual: g.planOf(ctx, operation).in(operation.Variables), Max: g.limits.Cost}
	return response
}

// told is a cost as a client is told of it.
type told struct {
	Actual int `json:"actual"`
	Max    int `json:"max"`
}

func (g *Guard) planOf(ctx context.Context, operation *graphql.OperationContext) planned {
	known, found := g.plans.Get(ctx, operation.RawQuery)
	if !found { // too long to be remembered
		known = newMeasurer(g.schema, operation.Doc).plan()
	}
	return known[operation.Operation.Name]
}
