package resolvers

import (
	"context"
	"errors"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"holdfast/graph/model"
	"holdfast/internal/feed"
	"holdfast/internal/inventory"
	"holdfast/internal/requestlog"
	"holdfast/repo"
)

// userErrors turns the domain's refusals into the schema's, and has the
// request's line in the log say which.
func userErrors(ctx context.Context, refused []*inventory.Error) []model.UserError {
	answers := make([]model.UserError, len(refused))
	for i, e := range refused {
		requestlog.From(ctx).Refused(string(e.Code))
		answers[i] = userError(e)
	}
	return answers
}

func userError(e *inventory.Error) model.UserError {
	switch e.Code {
	case inventory.InsufficientStock:
		short := model.InsufficientStockError{
			Code: e.Code, Message: e.Message, Field: e.Field, Sku: e.SKU, Requested: e.Requested, Available: e.Available,
		}
		if e.Location != "" {
			short.Location = &e.Location
		}
		return short
	case inventory.InvalidState:
		return model.InvalidStateError{
			Code: e.Code, Message: e.Message, Field: e.Field, Status: e.Reservation.Status, Reservation: *e.Reservation,
		}
	case inventory.VersionConflict:
		return model.VersionConflictError{
			Code: e.Code, Message: e.Message, Field: e.Field, Expected: e.Expected, Actual: e.Actual,
		}
	case inventory.IdempotencyConflict:
		return model.IdempotencyConflictError{
			Code: e.Code, Message: e.Message, Field: e.Field, DifferingFields: e.DifferingFields,
		}
	case inventory.UnknownSKU:
		return model.UnknownSkuError{Code: e.Code, Message: e.Message, Field: e.Field, Sku: e.SKU}
	default:
		return model.SimpleUserError{Code: e.Code, Message: e.Message, Field: e.Field}
	}
}

// fault turns what is neither done nor refused into a top-level error. What
// isn't recognised stays as it is: the server logs it in full and shows an
// internal error.
func fault(err error) error {
	var refused *inventory.Error
	var unknown *feed.UnknownError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return coded("BAD_USER_INPUT", refused.Message, refused.Field...)
	case errors.As(err, &unknown):
		return coded("BAD_USER_INPUT", unknown.Error(), unknown.Field...)
	case errors.Is(err, repo.ErrResync):
		return coded("RESYNC", repo.ErrResync.Error())
	case errors.Is(err, repo.ErrUnknownOutcome):
		return coded("UNKNOWN_OUTCOME", repo.ErrUnknownOutcome.Error())
	case errors.Is(err, repo.ErrOverloaded), errors.Is(err, feed.ErrNotBegun):
		return coded("OVERLOADED", repo.ErrOverloaded.Error())
	default:
		return err
	}
}

// patiently has a follower wait for a database that can't be reached, and end
// with what a client may see of anything else.
func patiently[E any](next func(ctx context.Context, through int64) ([]E, error)) func(ctx context.Context, through int64) ([]E, error) {
	return func(ctx context.Context, through int64) ([]E, error) {
		page, err := next(ctx, through)
		if errors.Is(err, repo.ErrOverloaded) {
			return nil, &feed.PassingError{Cause: err}
		}
		return page, fault(err)
	}
}

func coded(code, message string, field ...string) error {
	extensions := map[string]any{"code": code}
	if len(field) > 0 {
		extensions["field"] = field
	}
	return &gqlerror.Error{Message: message, Extensions: extensions}
}
