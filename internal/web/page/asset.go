package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Asset is one file of a page, served plain or compressed. Nothing is prepared
// until it is first asked for: a server whose page nobody opens keeps nothing of
// it in memory.
type Asset struct {
	contentType string
	open        func() io.ReadSeeker
	// compress does its work at the first call.
	compress func() compressed
}

type compressed struct {
	bytes []byte
	// hash is that of the plain content, in hexadecimal.
	hash string
}

func newAsset(contentType string, open func() io.ReadSeeker) *Asset {
	return &Asset{
		contentType: contentType,
		open:        open,
		compress:    sync.OnceValue(func() compressed { return compress(open()) }),
	}
}

func compress(content io.Reader) compressed {
	var compressedBytes bytes.Buffer
	hash := sha256.New()
	// Neither a buffer nor a hash refuses a write, and content is in memory.
	writer := gzip.NewWriter(&compressedBytes)
	_, _ = io.Copy(io.MultiWriter(writer, hash), content)
	_ = writer.Close()
	return compressed{
		// A buffer grows by doubling; the copy has no room to spare.
		bytes: bytes.Clone(compressedBytes.Bytes()),
		hash:  hex.EncodeToString(hash.Sum(nil)),
	}
}

// ServeHTTP answers GET and HEAD. Browsers ask each time whether what they have
// is still current, so that an upgraded server is seen at once.
func (a *Asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Cache-Control", "no-cache")
	header.Set("Vary", "Accept-Encoding")

	compressed := a.compress()
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		header.Set("ETag", `"`+compressed.hash+`-gzip"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(compressed.bytes))
		return
	}
	header.Set("ETag", `"`+compressed.hash+`"`)
	http.ServeContent(w, r, "", time.Time{}, a.open())
}

// acceptsGzip reads an Accept-Encoding header; gzip;q=0 is how a client
// declines it.
func acceptsGzip(acceptEncoding string) bool {
	for offer := range strings.SplitSeq(acceptEncoding, ",") {
		coding, parameters, _ := strings.Cut(offer, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		weight, weighted := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
		if !weighted {
			return true
		}
		quality, err := strconv.ParseFloat(weight, 64)
		return err == nil && quality > 0
	}
	return false
}
