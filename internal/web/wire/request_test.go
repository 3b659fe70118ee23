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
