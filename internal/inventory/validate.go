package inventory

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// CounterMax is the largest counter that every JSON reader keeps exactly.
	CounterMax = 1<<53 - 1
	// QuantityMax bounds one line.
	QuantityMax = 1_000_000
	// CodeMax bounds a SKU or a location's code, in characters.
	CodeMax = 64
	// SKUsMax bounds how many SKUs one request may name.
	SKUsMax = 250
	// TokenMax bounds a client token, in characters.
	TokenMax = 255
	// TextMax bounds a name, a holder or a reference, in characters.
	TextMax = 255
)

var idForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// ValidCode says whether s has the form of a SKU or a location's code. Every SKU
// that is read or claimed comes by here: a regular expression takes twenty times as
// long.
func ValidCode(s string) bool {
	if len(s) < 1 || len(s) > CodeMax {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/':
		default:
			return false
		}
	}
	return true
}

// ValidReservationID says whether s has the form of a UUID.
func ValidReservationID(s string) bool { return idForm.MatchString(s) }

// ValidClientToken says whether s has the form of a client token.
func ValidClientToken(s string) bool {
	printable := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
	return printable && len(s) <= TokenMax && strings.TrimSpace(s) != ""
}

// ValidText says whether s can be a name, a holder or a reference: it reads as
// text, on one line.
func ValidText(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= TextMax &&
		strings.TrimSpace(s) != "" && strings.IndexFunc(s, breaksLine) < 0
}

func breaksLine(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }

// canonicalID is the one form of a UUID that is stored and compared.
func canonicalID(id string) string { return strings.ToLower(id) }

func validateTTL(limits Limits, seconds *int32) []*Error {
	var v violations
	longest := int64(limits.HoldTTLMax / time.Second)
	if seconds != nil && (*seconds < 1 || int64(*seconds) > longest) {
		v.add(fmt.Sprintf("a hold lasts 1 to %d seconds", longest), "input", "ttlSeconds")
	}
	return v
}

func (c claim) validate(limits Limits) []*Error {
	var v violations
	v.clientToken(c.clientToken)
	if len(c.lines) < 1 || len(c.lines) > limits.LinesMax {
		v.add(fmt.Sprintf("a reservation has 1 to %d lines", limits.LinesMax), "input", "lines")
	} else {
		v.lines(c.lines)
	}
	v.text(c.holder, "holder")
	v.text(c.reference, "reference")
	return v
}

// violations gathers what is wrong with an input.
type violations []*Error

func (v *violations) add(message string, field ...string) {
	*v = append(*v, invalid(message, field...))
}

func (v *violations) lines(lines []LineRequest) {
	type asked struct {
		sku, location string
	}
	first := map[asked]int{}
	for i, line := range lines {
		v.code(line.SKU, "a SKU", lineField(i, "sku")...)
		v.location(line.Location, lineField(i, "location")...)
		if line.Quantity < 1 || line.Quantity > QuantityMax {
			v.add(fmt.Sprintf("a quantity is 1 to %d", QuantityMax), lineField(i, "quantity")...)
		}
		key := asked{line.SKU, text(line.Location)}
		if earlier, twice := first[key]; twice {
			v.add(fmt.Sprintf("the same SKU and location as line %d", earlier), "input", "lines", strconv.Itoa(i))
		} else {
			first[key] = i
		}
	}
}

func (v *violations) code(code, what string, field ...string) {
	if !ValidCode(code) {
		v.add(fmt.Sprintf("%s is 1 to %d characters from ASCII letters, digits and -_.:/", what, CodeMax), field...)
	}
}

func (v *violations) location(location *string, field ...string) {
	if location != nil {
		v.code(*location, "a location", field...)
	}
}

func (v *violations) clientToken(token string) {
	if !ValidClientToken(token) {
		v.add(fmt.Sprintf("a client token is 1 to %d printable ASCII characters, not all blank", TokenMax), "input", "clientToken")
	}
}

func (v *violations) reservationID(id string) {
	if !ValidReservationID(id) {
		v.add("a reservation's id is a UUID", "input", "reservationId")
	}
}

func (v *violations) counter(n, smallest int64, field ...string) {
	if n < smallest || n > CounterMax {
		v.add(fmt.Sprintf("a number from %d to %d is wanted", smallest, int64(CounterMax)), field...)
	}
}

func (v *violations) text(s *string, field string) {
	if s != nil && !ValidText(*s) {
		v.add(fmt.Sprintf("a %s is 1 to %d characters on one line, not all blank", field, TextMax), "input", field)
	}
}
