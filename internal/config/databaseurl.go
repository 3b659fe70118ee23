package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const databaseURLForm = "postgres://user:password@host:port/database?sslmode=disable"

// escapeHint is for the usual reason why a URL is misread: a password with a
// character that means something in a URL.
const escapeHint = "special characters in the password must be percent-encoded, such as %40 for @"

var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// checkDatabaseURL refuses what the database driver would refuse, misread or
// panic on. Its errors follow the variable's name and hold nothing of the URL.
func checkDatabaseURL(databaseURL string) error {
	if databaseURL == "" {
		return nil
	}
	// The error of url.Parse holds the URL, so it is dropped.
	parsed, err := url.Parse(databaseURL)
	if err != nil {
		return fmt.Errorf("is not a URL; it must look like %s, and %s", databaseURLForm, escapeHint)
	}
	// Bad escapes in the query are skipped by the driver: a parameter that was
	// meant to be there would be missing.
	query, err := url.ParseQuery(parsed.RawQuery)
	if err != nil || parsed.Fragment != "" {
		return fmt.Errorf("can't be read after the database's name; %s", escapeHint)
	}
	// The driver panics on this.
	if parsed.User != nil && parsed.User.Username() == "" {
		return errors.New("has no user before the @")
	}
	switch parsed.Scheme {
	case "postgres", "postgresql":
		err = checkTCP(parsed, query.Get("host"))
	case "unix":
		if parsed.Host == "" || len(parsed.Path) < 2 {
			err = errors.New("must name the database and the socket: unix://user:password@database/path/of/the/socket")
		}
	default:
		err = fmt.Errorf("must begin with postgres://, postgresql:// or unix://, as in %s", databaseURLForm)
	}
	if err != nil {
		return err
	}
	return checkParameters(query)
}

func checkTCP(parsed *url.URL, hostParameter string) error {
	database := strings.TrimPrefix(parsed.Path, "/")
	switch {
	case database == "":
		return fmt.Errorf("names no database; it must look like %s", databaseURLForm)
	case strings.ContainsAny(database, "/@"):
		// A slash in the password ends the host there, and what follows would be
		// shown as the database's name in the server's errors.
		return fmt.Errorf("has a / or @ in the database's name; %s", escapeHint)
	case parsed.Hostname() == "" && hostParameter == "":
		return fmt.Errorf("names no host; it must look like %s", databaseURLForm)
	case strings.Contains(parsed.Host+hostParameter, ","):
		return errors.New("names several hosts; it must name one")
	case strings.Contains(parsed.Hostname(), ":") && parsed.Port() == "":
		return errors.New("names an IPv6 host without a port; add one, such as [::1]:5432")
	case hostParameter != "" && hostParameter[0] != '/' && !strings.Contains(hostParameter, ":"):
		return errors.New("has a host parameter that is neither host:port nor the path of a socket")
	case strings.HasSuffix(parsed.Host, ":"):
		return errors.New("has a colon after the host and no port")
	}
	if port := parsed.Port(); port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return errors.New("has a port that is not from 1 to 65535")
		}
	}
	return nil
}

func checkParameters(query url.Values) error {
	if mode := query.Get("sslmode"); mode != "" && !slices.Contains(sslModes, mode) {
		return fmt.Errorf("has an sslmode that is none of %s", strings.Join(sslModes, ", "))
	}
	for _, name := range []string{"timeout", "dial_timeout", "connect_timeout", "read_timeout", "write_timeout"} {
		value := query.Get(name)
		if value == "" {
			continue
		}
		_, notSeconds := strconv.Atoi(value)
		if _, notDuration := time.ParseDuration(value); notSeconds != nil && notDuration != nil {
			return fmt.Errorf("has a %s that is neither a number of seconds nor a duration such as 5s", name)
		}
	}
	return nil
}
