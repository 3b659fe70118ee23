package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Origins are those of pages, as browsers write them; "*" alone means all.
type Origins []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Origins) UnmarshalText(text []byte) (err error) {
	*o, err = readList(string(text), "origins such as https://shop.example, with commas between, or * for all", readOrigin)
	if err == nil && len(*o) > 1 {
		for _, origin := range *o {
			if origin == "*" {
				return &elementError{origin, "* alone, or origins without it"}
			}
		}
	}
	return err
}

func readOrigin(text string) (string, bool) {
	if text == "*" {
		return text, true
	}
	origin, err := url.Parse(strings.ToLower(text))
	if err != nil || origin.Scheme+"://"+origin.Host != strings.ToLower(text) {
		return "", false
	}
	if _, err := netip.ParseAddr(origin.Hostname()); err != nil && !hostname.MatchString(origin.Hostname()) {
		return "", false
	}
	// Browsers leave out the port that goes without saying.
	if origin.Scheme == "https" && origin.Port() == "443" || origin.Scheme == "http" && origin.Port() == "80" {
		return strings.TrimSuffix(origin.String(), ":"+origin.Port()), true
	}
	return origin.String(), true
}

// Networks are those of machines that are named one by one, or by the beginning
// of their addresses.
type Networks []netip.Prefix

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Networks) UnmarshalText(text []byte) (err error) {
	*n, err = readList(string(text), "addresses or networks such as 10.0.0.0/8, with commas between", readNetwork)
	return err
}

func readNetwork(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err == nil && !network.Addr().Is4In6()
}

// readList reads what has commas between. What is wanted follows "must be".
func readList[T any](text, wanted string, read func(string) (T, bool)) ([]T, error) {
	var list []T
	for element := range strings.SplitSeq(text, ",") {
		element = strings.TrimSpace(element)
		value, readable := read(element)
		if !readable {
			return nil, &elementError{element, wanted}
		}
		list = append(list, value)
	}
	return list, nil
}

// elementError is what is wrong in a list.
type elementError struct{ element, wanted string }

func (e *elementError) Error() string {
	return fmt.Sprintf("has an entry that is %s; it must be %s", quote(e.element), e.wanted)
}
