package wire

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestABodyThatDoesNotComeIsRefused(t *testing.T) {
	t.Parallel()
	for failure, status := range map[error]int{
		io.ErrUnexpectedEOF:    http.StatusBadRequest,
		errors.New("reset"):    http.StatusBadRequest,
		os.ErrDeadlineExceeded: http.StatusRequestTimeout,
	} {
		body := io.MultiReader(strings.NewReader(`{"query": "{ __typename }"}`), iotest.ErrReader(failure))
		_, refused := Read(httptest.NewRequest(http.MethodPost, "/", body), 1<<20)
		require.NotNil(t, refused)
		require.Equal(t, status, refused.Status)
		require.NotContains(t, refused.Message, failure.Error())
	}
}

func TestABodyTakesNoRoomBeforeItComes(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{"))
	r.ContentLength = 1 << 20
	d := &decoder{}
	require.Nil(t, d.fill(r, 1<<20))
	require.LessOrEqual(t, cap(d.body), readBytesMax)
}

func TestABodyIsReadHoweverItIsCut(t *testing.T) {
	t.Parallel()
	text := `{"query": "{ __typename }", "variables": {"long": "` + strings.Repeat("a", 3*readBytesMax) + `"}}`
	for _, cut := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
		params, refused := Read(httptest.NewRequest(http.MethodPost, "/", cut(strings.NewReader(text))), 1<<20)
		require.Nil(t, refused)
		require.Equal(t, "{ __typename }", params.Query)
		require.Len(t, params.Variables["long"], 3*readBytesMax)
	}
}

func TestAQueryByGetKeepsNothingElseOfItsURL(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/?query={__typename}&unused="+strings.Repeat("a", 1<<20), nil)
	params, refused := Read(r, 1<<20)
	require.Nil(t, refused)
	require.Equal(t, "{__typename}", params.Query)
	url, query := unsafe.StringData(r.URL.RawQuery), unsafe.StringData(params.Query)
	begin, at := uintptr(unsafe.Pointer(url)), uintptr(unsafe.Pointer(query))
	require.False(t, begin <= at && at < begin+uintptr(len(r.URL.RawQuery)), "the query is a part of its URL, and keeps it")
}
