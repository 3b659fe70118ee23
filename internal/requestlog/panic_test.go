package requestlog_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/requestlog"
)

func TestAPanicIsLoggedWithWhereItWasAndNotWithWhatItWasMadeOf(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for told, fail := range map[string]func(){
		`panic=string`:              func() { panic(secret) },
		`panic=*errors.errorString`: func() { panic(errors.New(secret)) },
		`panic="runtime error: index out of range [7] with length 7"`: func() { _ = []byte(secret)[len(secret)] },
	} {
		var log bytes.Buffer
		func() {
			defer func() {
				slog.New(slog.NewTextHandler(&log, nil)).Error("it panicked", requestlog.Panic(recover()))
			}()
			fail()
		}()
		require.Contains(t, log.String(), told)
		require.Contains(t, log.String(), "stack=")
		require.Contains(t, log.String(), "panic_test.go")
		require.NotContains(t, log.String(), secret)
	}
}
