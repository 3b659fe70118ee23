package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// quotedMax is how many characters of a value an error shows: enough to know
// it again, and still one line.
const quotedMax = 40

var hostname = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

// spellChoices puts the values that are chosen from a list into the list's own
// spelling, so that "optimistic" is taken for OPTIMISTIC.
func spellChoices(values map[string]string) error {
	for _, v := range variables {
		value := values[v.name]
		if v.choices == nil || value == "" {
			continue
		}
		known := false
		for _, choice := range v.choices {
			if strings.EqualFold(value, choice) {
				values[v.name], known = choice, true
			}
		}
		if !known {
			return v.refuse(value)
		}
	}
	return nil
}

// refuseUnparsed puts the parser's first error into our words; its own may
// show values.
func refuseUnparsed(err error, values map[string]string) error {
	var parseError env.ParseError
	if errors.As(err, &parseError) {
		for _, v := range variables {
			if v.field.Name != parseError.Name {
				continue
			}
			var inList *elementError
			if errors.As(parseError.Err, &inList) {
				return fmt.Errorf("%s %w", v.name, inList)
			}
			return v.refuse(values[v.name])
		}
	}
	return errors.New("the environment can't be read")
}

func (c Config) checkBounds(values map[string]string) error {
	config := reflect.ValueOf(c)
	for _, v := range variables {
		isOff := values[v.name] == "" && v.defaultValue == ""
		if v.min == "" || isOff {
			continue
		}
		value := config.FieldByIndex(v.field.Index).Int()
		if value < v.bound(v.min) || value > v.bound(v.max) {
			return v.refuse(values[v.name])
		}
	}
	if c.LockTimeout >= c.RequestTimeout {
		return fmt.Errorf("HOLDFAST_LOCK_TIMEOUT is %s; it must be less than HOLDFAST_REQUEST_TIMEOUT, which is %s",
			c.LockTimeout, c.RequestTimeout)
	}
	if c.HoldTTL > c.HoldTTLMax {
		return fmt.Errorf("HOLDFAST_HOLD_TTL is %s; it must be at most HOLDFAST_HOLD_TTL_MAX, which is %s",
			c.HoldTTL, c.HoldTTLMax)
	}
	return nil
}

// bound reads a min or max tag, which is written as the variable's own values
// are. A tag that is neither a duration nor a number is a programming error.
func (v variable) bound(tag string) int64 {
	if v.field.Type == reflect.TypeFor[time.Duration]() {
		duration, err := time.ParseDuration(tag)
		if err != nil {
			panic(err)
		}
		return int64(duration)
	}
	number, err := strconv.ParseInt(tag, 10, 64)
	if err != nil {
		panic(err)
	}
	return number
}

func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err == nil && host != "" && !hostname.MatchString(host) {
		_, err = netip.ParseAddr(host)
	}
	if err != nil {
		return fmt.Errorf("HOLDFAST_ADDR is %s; it must be host:port with a port from 0 to 65535, such as 127.0.0.1:8080, or :8080 for all interfaces",
			quote(addr))
	}
	return nil
}

// quote shows a value within one line. What looks like a URL with credentials,
// set to the wrong variable by mistake, isn't shown.
func quote(value string) string {
	if strings.Contains(value, "@") {
		return "not shown here"
	}
	if runes := []rune(value); len(runes) > quotedMax {
		return strconv.Quote(string(runes[:quotedMax])) + "…"
	}
	return strconv.Quote(value)
}
