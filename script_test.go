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
