package requestlog

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
)

// Panic is what a line says of a panic that is being recovered from: where it
// was, and what the runtime said of it. A value of another kind isn't shown but
// for its type, for it may be made of anything that a client sent.
func Panic(value any) slog.Attr {
	told := fmt.Sprintf("%T", value)
	if err, ofRuntime := value.(runtime.Error); ofRuntime {
		told = err.Error()
	}
	return slog.Group("", slog.String("panic", told), slog.String("stack", string(debug.Stack())))
}
