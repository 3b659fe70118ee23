//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// readyPollInterval paces the look at postmaster.pid while PostgreSQL
	// starts, which takes some tens of milliseconds.
	readyPollInterval = 5 * time.Millisecond

	// startRetryInterval and startRetriesMax bound the wait for what stands in
	// the way of a start and goes by itself: the processes that a killed
	// postmaster left, which end when they notice, and a port that was taken
	// between the choice and the start.
	startRetryInterval = 100 * time.Millisecond
	startRetriesMax    = 100

	// logBytesMax is where a start sets the old log aside.
	logBytesMax = 4 << 20

	// stopTimeout bounds the clean-up after a start that failed.
	stopTimeout = 10 * time.Second
)

var (
	errPortTaken  = errors.New("the port is taken")
	errStillInUse = errors.New("processes of the previous PostgreSQL still run")
	errEnded      = errors.New("PostgreSQL ended while it was starting")
)

// ensureRunning returns the process that serves the cluster, which takes
// connections then: the one that runs, or a new one. port is the port wanted
// for a new one; 0 asks for the last start's if that is free, else any. The
// caller holds the start lock.
func ensureRunning(ctx context.Context, opts Options, c cluster, port int) (*process, error) {
	for retries := 0; ; retries++ {
		running, err := findRunning(c.data())
		if err == nil && running == nil {
			running, err = launch(ctx, opts, c, port)
		} else if err == nil {
			// It may be busy starting or, after a Stop cut short, stopping.
			err = waitReady(ctx, running)
		}
		if err == nil {
			return running, nil
		}
		passing := errors.Is(err, errPortTaken) || errors.Is(err, errStillInUse) || errors.Is(err, errEnded)
		if !passing || retries == startRetriesMax {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(startRetryInterval):
		}
	}
}

// launch starts PostgreSQL once and waits until it takes connections.
func launch(ctx context.Context, opts Options, c cluster, port int) (*process, error) {
	if port == 0 {
		var err error
		if port, err = choosePort(opts.Dir); err != nil {
			return nil, err
		}
	}
	log, err := openLog(filepath.Join(opts.Dir, "postgres.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}

	arguments := []string{"-D", c.data()}
	for _, setting := range settings(opts, port) {
		arguments = append(arguments, "-c", setting)
	}
	arguments = append(arguments, c.fastCompression(ctx)...) // the last one counts
	// Not ctx: PostgreSQL outlives the call.
	cmd := c.as.command(context.Background(), c.programs.program("postgres"), arguments...)
	// The log is passed on as an open file: the account need not get at Dir.
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("PostgreSQL can't be run as user %s: %w", c.as.name, err)
	}
	started := newProcess(cmd.Process.Pid, c.data(), cmd)
	err = waitReady(ctx, started)
	if errors.Is(err, errEnded) {
		return nil, explain(log, begin)
	}
	if err != nil {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return nil, errors.Join(err, started.stop(cleanup, syscall.SIGINT))
	}
	return started, nil
}

// waitReady waits until the process takes connections, which it doesn't
// while it repeats its log after a crash.
func waitReady(ctx context.Context, p *process) error {
	for {
		file, err := readPIDFile(p.data)
		if err == nil && file.pid == p.pid && file.status == "ready" {
			return nil
		}
		if p.hasExited() {
			return errEnded
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL to start: %w", ctx.Err())
		case <-time.After(readyPollInterval):
		}
	}
}

// explain makes an error out of what PostgreSQL logged since begin.
func explain(log *os.File, begin int64) error {
	said, err := io.ReadAll(io.NewSectionReader(log, begin, logBytesMax))
	if err != nil {
		return err
	}
	text := string(said)
	switch {
	case strings.Contains(text, "could not bind") || strings.Contains(text, "could not create any TCP/IP sockets"):
		err = errPortTaken
	case strings.Contains(text, "pre-existing shared memory block") || strings.Contains(text, `"postmaster.pid" already exists`):
		err = errStillInUse
	default:
		return fmt.Errorf("PostgreSQL didn't start: %s (%s)", lastLines(text), log.Name())
	}
	return fmt.Errorf("PostgreSQL didn't start: %w", err)
}

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logBytesMax {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
}
