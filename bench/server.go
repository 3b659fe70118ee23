package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"time"
)

// startTimeout is how long a server may take to migrate and be ready.
const startTimeout = time.Minute

// server is one that is measured. process is nil where it was given.
type server struct {
	url     string
	process *exec.Cmd
	log     *serverLog
	ended   chan struct{} // closed once it has ended, with err
	err     error
}

// welcome is the line by which a server says where it is.
var welcome = regexp.MustCompile(`GraphQL +(http://\S+)/graphql`)

// startServer runs the program on a free port until stop.
func startServer(ctx context.Context, program, dir, databaseURL string) (*server, error) {
	log, err := newServerLog(dir)
	if err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	s := &server{process: exec.Command(program), log: log, ended: make(chan struct{})}
	s.process.Dir = dir // where there is no .env
	s.process.Env = append(os.Environ(), "DATABASE_URL="+databaseURL, "HOLDFAST_ADDR=127.0.0.1:0", "HOLDFAST_DEMO=false")
	s.process.Stdout, s.process.Stderr = in, log.file
	if err := s.process.Start(); err != nil {
		log.close()
		return nil, fmt.Errorf("start a server: %w", err)
	}
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if found := welcome.FindStringSubmatch(lines.Text()); found != nil {
				ready <- found[1]
			}
		}
	}()
	go func() {
		s.err = s.process.Wait()
		_ = in.Close()
		close(s.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case s.url = <-ready:
		return s, nil
	case <-s.ended:
		return nil, errors.Join(fmt.Errorf("the server ended as it started (%v)\n%s", s.err, s.log), s.stop())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("the server is not ready: %w\n%s", ctx.Err(), s.log), s.stop())
	}
}

// host is where connections to it go.
func (s *server) host() (string, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return "", err
	}
	return hostPort(u), nil
}

// stop ends a server that startServer started, and returns when it has ended.
func (s *server) stop() error {
	if s.process == nil {
		return nil
	}
	defer s.log.close()
	// One that has ended by itself, as by a Ctrl-C that it got too, can't be
	// signalled, and needn't be.
	if err := s.process.Process.Signal(os.Interrupt); err != nil {
		_ = s.process.Process.Kill()
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopTimeout):
		_ = s.process.Process.Kill()
		<-s.ended
		return fmt.Errorf("a server didn't stop within %v, and was killed\n%s", stopTimeout, s.log)
	}
}

// errUnknownUsage says that a server's memory and processor time can't be told.
var errUnknownUsage = errors.New("the servers' memory and processor time are told on Linux only, of servers that were started here")

func (s *server) usage() (usage, error) {
	if s.process == nil {
		return usage{}, errUnknownUsage
	}
	u, err := usageOf(s.process.Process.Pid)
	if errors.Is(err, os.ErrNotExist) {
		return u, errUnknownUsage
	}
	return u, err
}
