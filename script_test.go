package main

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// toolPatience is the patience with npm and with compilers, which may have
// much to fetch or to build.
const toolPatience = 5 * time.Minute

// script is a running process that prints lines.
type script struct {
	t       *testing.T
	command *exec.Cmd
	lines   chan string
	ended   chan struct{}
}

// startScript runs it until t ends.
func startScript(t *testing.T, command *exec.Cmd) *script {
	t.Helper()
	s := &script{t: t, command: command, lines: make(chan string), ended: make(chan struct{})}
	command.Stderr = t.Output()
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		_ = command.Process.Kill()
		_ = s.wait()
	})
	go func() {
		defer close(s.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			select {
			case s.lines <- lines.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

// line returns the next line that it prints.
func (s *script) line() string {
	s.t.Helper()
	select {
	case line := <-s.lines:
		return line
	case <-s.ended:
		require.FailNow(s.t, "the script has ended", "%v", s.command)
	case <-time.After(patience):
		require.FailNow(s.t, "the script prints nothing", "%v", s.command)
	}
	return ""
}

// wait returns how it ended, once it has printed nothing more.
func (s *script) wait() error {
	s.t.Helper()
	select {
	case line := <-s.lines:
		return fmt.Errorf("another line: %s", line)
	case <-s.ended:
		return s.command.Wait()
	case <-time.After(patience):
		return context.DeadlineExceeded
	}
}

// run runs a program to its end, and returns all that it printed.
func run(t *testing.T, dir, program string, arguments ...string) string {
	t.Helper()
	printed, err := tryRun(t, dir, program, arguments...)
	require.NoError(t, err)
	return printed
}

// tryRun is run for a program that may fail.
func tryRun(t *testing.T, dir, program string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), toolPatience)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = dir
	printed, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%v: %w: %s", command, err, printed)
	}
	return string(printed), nil
}
