//go:build unix

package main

import (
	"bytes"
	"fmt"
	"regexp"
	"time"

	"github.com/stretchr/testify/assert"
)

// misplaced is what was set to the wrong variable, and has what isn't to be shown.
const misplaced = "postgres://shop:" + marked + "@db.example/shop"

func hostileEnvironments(database string) []hostile {
	refuses := func(variable, value string) hostile {
		return hostile{variable + "=" + value, startWith("DATABASE_URL="+database, variable+"="+value), "exit 2: " + variable}
	}
	return []hostile{
		refuses("HOLDFAST_ADR", "127.0.0.1:0"),
		refuses("holdfast_addr", "127.0.0.1:0"),
		refuses("HOLDFAST_PASSWORD", misplaced),
		refuses("HOLDFAST_ADDR", "127.0.0.1:99999"),
		refuses("HOLDFAST_ADDR", misplaced),
		refuses("DATABASE_URL", "mysql://shop:"+marked+"@db.example/shop"),
		refuses("DATABASE_URL", "postgres://shop:"+marked+"@db.example"),
		refuses("DATABASE_URL", "postgres://shop:"+marked+"@%zz/shop"),
		refuses("DATABASE_URL", "postgres://shop:"+marked+"/@db.example/shop"),
		refuses("DATABASE_URL", "postgres://:"+marked+"@db.example/shop"),
		refuses("DATABASE_URL", misplaced+"?sslmode=off"),
		refuses("DATABASE_URL", marked),
		refuses("HOLDFAST_LOCK_STRATEGY", "NONE"),
		refuses("HOLDFAST_OPTIMISTIC_RETRIES", "9999999999999999999999"),
		refuses("HOLDFAST_LOCK_TIMEOUT", "30"),
		refuses("HOLDFAST_LOCK_TIMEOUT", "40s"),
		refuses("HOLDFAST_REQUEST_TIMEOUT", "1h"),
		refuses("HOLDFAST_HOLD_TTL", "soon"),
		refuses("HOLDFAST_HOLD_TTL", "25h"),
		refuses("HOLDFAST_LINES_MAX", "0"),
		refuses("HOLDFAST_BODY_BYTES_MAX", "1TB"),
		refuses("HOLDFAST_INTROSPECT_FIELDS_MAX", "0"),
		refuses("HOLDFAST_CORS_ORIGINS", "shop.example"),
		refuses("HOLDFAST_CORS_ORIGINS", "*,https://shop.example"),
		refuses("HOLDFAST_TRUSTED_PROXIES", "10.0.0.0/99"),
		refuses("HOLDFAST_PLAYGROUND", misplaced),
		refuses("HOLDFAST_RETENTION", "1h"),
		refuses("HOLDFAST_LOG_LEVEL", "loud"),
	}
}

var onlyLine = regexp.MustCompile(`^holdfast: (\S+) .+\n$`)

// startWith starts the program, and tells with which status it ends and which
// variable its only line names.
func startWith(environ ...string) func(*target) string {
	return func(s *target) string {
		s.t.Helper()
		var said bytes.Buffer
		command := programIn(s.t.TempDir(), environ...)
		command.Stdout, command.Stderr = &said, &said
		hung := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
		defer hung.Stop()
		_ = command.Run()
		assert.NotContains(s.t, said.String(), marked)
		named := onlyLine.FindStringSubmatch(said.String())
		if named == nil {
			return said.String()
		}
		return fmt.Sprintf("exit %d: %s", command.ProcessState.ExitCode(), named[1])
	}
}
