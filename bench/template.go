package main

import (
	"bytes"
	"fmt"
)

// template is a whole request, made once for a connection, of which only a few
// places are written anew for each call. They keep their width, and so the
// request its length.
type template struct{ request []byte }

// place is a part of a template's request.
type place []byte

// newTemplate returns the request by which a caller posts the body.
func newTemplate(c *caller, body []byte) template {
	return template{c.appendRequest(nil, body)}
}

// place returns where the sample stands in the request, which must be once.
func (t template) place(sample string) (place, error) {
	at := bytes.Index(t.request, []byte(sample))
	if at < 0 || bytes.Count(t.request, []byte(sample)) > 1 {
		return nil, fmt.Errorf("%q isn't once in the request %q", sample, t.request)
	}
	return t.request[at : at+len(sample) : at+len(sample)], nil
}

// put writes a text as long as the place.
func (p place) put(text []byte) error {
	if len(text) != len(p) {
		return fmt.Errorf("%q doesn't fit where %q is", text, []byte(p))
	}
	copy(p, text)
	return nil
}

// putNumber writes a number over the place's last digits, and zeroes before it.
func (p place) putNumber(number int64, digits int) {
	for i := len(p) - 1; i >= len(p)-digits; i-- {
		p[i] = byte('0' + number%10)
		number /= 10
	}
}
