package database

import (
	"errors"
	"strings"

	"github.com/uptrace/bun/driver/pgdriver"
)

// Loggable is an error's text without the values of a statement. PostgreSQL
// quotes those that it can't take, and our statements carry client tokens and
// what shops write about their customers.
func Loggable(err error) string {
	text := err.Error()
	var reported pgdriver.Error
	if !errors.As(err, &reported) || namesObjects(reported.Field('C')) {
		return text
	}
	message := reported.Field('M')
	first, last := strings.IndexByte(message, '"'), strings.LastIndexByte(message, '"')
	if first < 0 {
		return text
	}
	return strings.ReplaceAll(text, message, message[:first]+`"…`+message[last:])
}

// namesObjects says that what errors of this state quote are names of tables,
// columns, constraints or roles.
func namesObjects(state string) bool {
	for _, class := range []string{"23", "28", "3D", "3F", "40", "42P", "4270", "428", "53", "55", "57"} {
		if strings.HasPrefix(state, class) {
			return true
		}
	}
	return false
}
