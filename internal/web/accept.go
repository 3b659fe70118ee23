package web

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

const (
	typeJSON     = "application/json"
	typeResponse = "application/graphql-response+json"
)

// mediaType is one that a response can be of.
type mediaType struct {
	name        string
	contentType []string
	// hidesRefusals says that its clients take a status other than 200 for the
	// failure of something on the way, and don't look at the errors.
	hidesRefusals bool
}

var (
	asJSON     = &mediaType{typeJSON, []string{typeJSON + "; charset=utf-8"}, true}
	asResponse = &mediaType{typeResponse, []string{typeResponse + "; charset=utf-8"}, false}
)

// status is the one to answer a well-formed request with that was refused.
func (m *mediaType) status(status int) int {
	if m.hidesRefusals && (status == http.StatusBadRequest || status == http.StatusUnprocessableEntity) {
		return http.StatusOK
	}
	return status
}

// negotiate chooses the media type of a response by the Accept header. Where
// there is none to choose, acceptable is false. A client that doesn't say what
// it takes is thought to know JSON alone.
func negotiate(accept []string) (chosen *mediaType, acceptable bool) {
	header := strings.Join(accept, ",")
	switch header { // as nearly always
	case "", "*/*", typeJSON:
		return asJSON, true
	case typeResponse:
		return asResponse, true
	}
	ranges := rangesOf(header)
	json, response := ranges.bestFor(typeJSON), ranges.bestFor(typeResponse)
	switch {
	case json.quality == 0 && response.quality == 0:
		return asJSON, false
	case response.betterThan(json):
		return asResponse, true
	default:
		return asJSON, true
	}
}

// mediaRange is a part of an Accept header.
type mediaRange struct {
	pattern string
	quality float64
	// place is how many are before it.
	place int
}

type mediaRanges []mediaRange

// rangesOf reads a header, and passes over what it can't read.
func rangesOf(header string) mediaRanges {
	var ranges mediaRanges
	for text := range strings.SplitSeq(header, ",") {
		pattern, parameters, err := mime.ParseMediaType(text)
		if err != nil || !isUTF8(parameters["charset"]) {
			continue
		}
		quality := 1.0
		if weight, given := parameters["q"]; given {
			if quality, err = strconv.ParseFloat(weight, 64); err != nil || !(quality >= 0 && quality <= 1) {
				continue
			}
		}
		ranges = append(ranges, mediaRange{pattern, quality, len(ranges)})
	}
	return ranges
}

// bestFor is the range that says most exactly what a client thinks of a type.
// That of a type that none is for has no quality.
func (ranges mediaRanges) bestFor(name string) mediaRange {
	kind, _, _ := strings.Cut(name, "/")
	for _, pattern := range []string{name, kind + "/*", "*/*"} {
		for _, r := range ranges {
			if r.pattern == pattern {
				return r
			}
		}
	}
	return mediaRange{}
}

// betterThan says whether a client would rather have what r is for. Of two that
// it likes as much it would have the one that it names, and then the first.
func (r mediaRange) betterThan(other mediaRange) bool {
	if r.quality != other.quality {
		return r.quality > other.quality
	}
	if named, otherNamed := r.isName(), other.isName(); named != otherNamed {
		return named
	}
	return r.place < other.place
}

func (r mediaRange) isName() bool { return !strings.HasSuffix(r.pattern, "/*") }
