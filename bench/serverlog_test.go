package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAServersLastWordsAreWhatWasWrongAndOutliveItsLog(t *testing.T) {
	t.Parallel()
	log, err := newServerLog(t.TempDir())
	require.NoError(t, err)
	for n := range 1000 {
		fmt.Fprintf(log.file, "{\"level\":\"WARN\",\"msg\":\"early\",\"n\":%d}\n", n)
	}
	for range 1000 {
		fmt.Fprintln(log.file, `{"level":"INFO","msg":"request"}`)
	}
	fmt.Fprint(log.file, "holdfast: no room")
	said := log.String()
	require.Regexp(t, `"n":999}\nholdfast: no room$`, said)
	require.NotContains(t, said, "request")
	require.LessOrEqual(t, len(said), wordsBytesMax)
	log.close()
	require.Equal(t, said, log.String())
	require.NoFileExists(t, log.file.Name())
}
