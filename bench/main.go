package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Once a stop is under way, a second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	b := bench{out: os.Stdout, log: os.Stderr}
	if err := b.command().Run(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(exitStatus(err))
	}
}

// exitStatus tells a database that didn't stay consistent, 1, from what kept a
// workload from being run, 2.
func exitStatus(err error) int {
	if errors.Is(err, errInconsistent) {
		return 1
	}
	return 2
}
