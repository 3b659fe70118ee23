package repo

import (
	"encoding/base64"
	"fmt"
	"strings"

	"holdfast/internal/inventory"
)

// pageMax bounds a page.
const pageMax = 100

// Page is which part of a list is wanted.
type Page struct {
	// First is how many: 1 to 100.
	First int
	// After is the cursor of the last one seen; nil for the beginning.
	After *string
}

// List is one page of a list.
type List[T any] struct {
	Items []T
	// Cursors are the items', at their index.
	Cursors []string
	// More says that others follow.
	More bool
}

// cursorKind tells the cursors of different lists apart.
type cursorKind struct {
	name  string
	valid func(key string) bool
}

var reservationCursors = cursorKind{"reservation", inventory.ValidReservationID}

func cursor(kind cursorKind, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind.name + "|" + key))
}

// after checks the page and returns the key behind its cursor: empty for the
// beginning.
func (p Page) after(kind cursorKind) (string, *inventory.Error) {
	if p.First < 1 || p.First > pageMax {
		return "", badArgument(fmt.Sprintf("a page has 1 to %d", pageMax), "first")
	}
	if p.After == nil {
		return "", nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(*p.After)
	key, ofKind := strings.CutPrefix(string(plain), kind.name+"|")
	if err != nil || !ofKind || !kind.valid(key) {
		return "", badArgument("this is not a cursor of this list", "after")
	}
	return key, nil
}
