package wire

import (
	"encoding/json"
	"errors"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// depthMax bounds the recursion. No input is nested nearly as deep, and
	// what is too deep for it is for the schema to say.
	depthMax = 10_000

	// What a decoder keeps for requests to come: so many texts of this length,
	// and its buffers.
	knownTextsMax = 64
	knownBytesMax = 2 << 10
	keptBytesMax  = 64 << 10

	// The first read of a body has room for this much. Nearly all fit.
	readBytesMin = 1 << 10
	readBytesMax = 16 << 10
)

var (
	errSyntax = errors.New("it is not well-formed")
	errDepth  = errors.New("it is nested too deep")
)

// decoder reads JSON into what the resolvers' arguments are made of: maps,
// slices, strings, booleans, and numbers as they are written, for 64 bits don't
// fit a float. It reads a text once, where encoding/json reads it twice, and
// copies what it returns, so that its buffers can be used again.
type decoder struct {
	text  []byte
	at    int
	depth int

	body, unescaped []byte
	// known has keys and queries that were seen before: they are nearly always
	// the same few.
	known [knownTextsMax]string
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

func (d *decoder) release() {
	d.text = nil
	if cap(d.body)+cap(d.unescaped) <= keptBytesMax {
		decoders.Put(d)
	}
}

// begin has the decoder read this text.
func (d *decoder) begin(text []byte) { d.text, d.at, d.depth = text, 0, 0 }

// whole reads the text as one value.
func (d *decoder) whole() (any, error) {
	value, err := d.value()
	if err == nil && !d.ended() {
		err = errSyntax
	}
	return value, err
}

// ended says that nothing but white space is left.
func (d *decoder) ended() bool {
	d.next()
	return d.at == len(d.text)
}

// next passes over white space, and returns the byte after it, or a NUL, which
// is no JSON either.
func (d *decoder) next() byte {
	for ; d.at < len(d.text); d.at++ {
		switch c := d.text[d.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) value() (any, error) {
	switch d.next() {
	case '{':
		return d.object()
	case '[':
		return d.array()
	case '"':
		text, err := d.quoted()
		return string(text), err
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	case 'n':
		return nil, d.word("null")
	default:
		return d.number()
	}
}

func (d *decoder) object() (map[string]any, error) {
	object := map[string]any{}
	err := d.members(func(name string) (err error) {
		object[name], err = d.value()
		return err
	})
	return object, err
}

// members reads an object. It calls member where each value begins.
func (d *decoder) members(member func(name string) error) error {
	return d.items('}', func() error {
		if d.next() != '"' {
			return errSyntax
		}
		key, err := d.quoted()
		if err != nil {
			return err
		}
		name := d.sameText(key)
		if d.next() != ':' {
			return errSyntax
		}
		d.at++
		return member(name)
	})
}

func (d *decoder) array() (any, error) {
	array := []any{}
	err := d.items(']', func() error {
		value, err := d.value()
		array = append(array, value)
		return err
	})
	return array, err
}

// items reads what is between brackets, with commas between.
func (d *decoder) items(closing byte, item func() error) error {
	if d.depth++; d.depth > depthMax {
		return errDepth
	}
	d.at++
	if d.next() != closing {
		if err := item(); err != nil {
			return err
		}
		for d.next() == ',' {
			d.at++
			if err := item(); err != nil {
				return err
			}
		}
		if d.next() != closing {
			return errSyntax
		}
	}
	d.at++
	d.depth--
	return nil
}

func (d *decoder) word(word string) error {
	rest := d.text[d.at:]
	if len(rest) < len(word) || string(rest[:len(word)]) != word {
		return errSyntax
	}
	d.at += len(word)
	return nil
}

func (d *decoder) number() (any, error) {
	start := d.at
	d.pass('-')
	if !d.pass('0') && !d.digits() {
		return nil, errSyntax
	}
	if d.pass('.') && !d.digits() {
		return nil, errSyntax
	}
	if d.pass('e') || d.pass('E') {
		if !d.pass('-') {
			d.pass('+')
		}
		if !d.digits() {
			return nil, errSyntax
		}
	}
	return json.Number(d.text[start:d.at]), nil
}

// pass passes over a byte, if that is the next one.
func (d *decoder) pass(c byte) bool {
	if d.at == len(d.text) || d.text[d.at] != c {
		return false
	}
	d.at++
	return true
}

func (d *decoder) digits() bool {
	start := d.at
	for d.at < len(d.text) && '0' <= d.text[d.at] && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at > start
}

// quoted reads a string. It is to be copied before the next one is read.
func (d *decoder) quoted() ([]byte, error) {
	d.at++
	for start := d.at; d.at < len(d.text); d.at++ {
		switch c := d.text[d.at]; {
		case c == '"':
			d.at++
			return d.text[start : d.at-1], nil
		case c == '\\':
			d.unescaped = append(d.unescaped[:0], d.text[start:d.at]...)
			return d.escaped()
		case c < ' ':
			return nil, errSyntax
		}
	}
	return nil, errSyntax
}

// escaped reads on in a string, from its first escape.
func (d *decoder) escaped() ([]byte, error) {
	for d.at < len(d.text) {
		c := d.text[d.at]
		d.at++
		switch {
		case c == '"':
			return d.unescaped, nil
		case c < ' ':
			return nil, errSyntax
		case c != '\\':
			d.unescaped = append(d.unescaped, c)
		case d.pass('u'):
			r, ok := d.hex()
			if !ok {
				return nil, errSyntax
			}
			d.unescaped = utf8.AppendRune(d.unescaped, d.paired(r))
		default:
			if d.at == len(d.text) || escapes[d.text[d.at]] == 0 {
				return nil, errSyntax
			}
			d.unescaped = append(d.unescaped, escapes[d.text[d.at]])
			d.at++
		}
	}
	return nil, errSyntax
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// hex reads the four digits of an escape.
func (d *decoder) hex() (r rune, ok bool) {
	if len(d.text)-d.at < 4 {
		return 0, false
	}
	for _, c := range d.text[d.at : d.at+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	d.at += 4
	return r, true
}

// paired is the character that begins with r, which takes two escapes beyond
// 16 bits. Half a character becomes U+FFFD.
func (d *decoder) paired(r rune) rune {
	if !utf16.IsSurrogate(r) {
		return r
	}
	at := d.at
	if d.pass('\\') && d.pass('u') {
		if second, ok := d.hex(); ok {
			if whole := utf16.DecodeRune(r, second); whole != utf8.RuneError {
				return whole
			}
		}
	}
	d.at = at
	return utf8.RuneError
}

// sameText returns the text as a string, and not a new one if it was seen
// lately.
func (d *decoder) sameText(text []byte) string {
	if len(text) == 0 || len(text) > knownBytesMax {
		return string(text)
	}
	known := &d.known[(len(text)*7+int(text[0])+int(text[len(text)-1]))%knownTextsMax]
	if *known != string(text) {
		*known = string(text)
	}
	return *known
}
