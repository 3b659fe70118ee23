package scalar

import (
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"holdfast/internal/inventory"
)

// The library takes an enum's values in a variable in any case. Ours are told
// exactly, as the schema writes them.

// MarshalLockStrategy writes LockStrategy.
func MarshalLockStrategy(s inventory.Strategy) graphql.Marshaler { return enum(s) }

// UnmarshalLockStrategy reads LockStrategy.
func UnmarshalLockStrategy(v any) (inventory.Strategy, error) {
	return oneOf(v, inventory.Strategies)
}

// MarshalReservationStatus writes ReservationStatus.
func MarshalReservationStatus(s inventory.Status) graphql.Marshaler { return enum(s) }

// UnmarshalReservationStatus reads ReservationStatus.
func UnmarshalReservationStatus(v any) (inventory.Status, error) {
	return oneOf(v, inventory.Statuses)
}

// MarshalStockChangeReason writes StockChangeReason.
func MarshalStockChangeReason(r inventory.Reason) graphql.Marshaler { return enum(r) }

// UnmarshalStockChangeReason reads StockChangeReason.
func UnmarshalStockChangeReason(v any) (inventory.Reason, error) {
	return oneOf(v, inventory.Reasons)
}

// MarshalAuditAction writes AuditAction.
func MarshalAuditAction(a inventory.Action) graphql.Marshaler { return enum(a) }

// UnmarshalAuditAction reads AuditAction.
func UnmarshalAuditAction(v any) (inventory.Action, error) {
	return oneOf(v, inventory.Actions)
}

// MarshalAuditOrder writes AuditOrder.
func MarshalAuditOrder(o inventory.AuditOrder) graphql.Marshaler { return enum(o) }

// UnmarshalAuditOrder reads AuditOrder.
func UnmarshalAuditOrder(v any) (inventory.AuditOrder, error) {
	return oneOf(v, inventory.AuditOrders)
}

func enum[T ~string](value T) graphql.Marshaler { return graphql.MarshalString(string(value)) }

func oneOf[T ~string](v any, known []T) (T, error) {
	name, _ := v.(string)
	if !slices.Contains(known, T(name)) {
		return "", refuse("one of %v is wanted", known)
	}
	return T(name), nil
}
