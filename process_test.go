//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asProgram makes the test binary be the program itself.
const asProgram = "HOLDFAST_TEST_AS_PROGRAM"

func init() {
	if os.Getenv(asProgram) != "" {
		_ = os.Unsetenv(asProgram)
		main()
		os.Exit(0)
	}
}

// process is the program as a process of its own.
type process struct {
	*server
	command *exec.Cmd
	// said is what it logged, and whatever else went to its standard error.
	said *transcript
}

// startProgram runs the program in dir, which also is its home, until t ends.
func startProgram(t *testing.T, dir string, environ ...string) *process {
	t.Helper()
	out, said := &output{ready: make(chan string, 1)}, &transcript{}
	command := programIn(dir, environ...)
	command.Stdout, command.Stderr = out, said
	require.NoError(t, command.Start())
	t.Cleanup(func() { _ = command.Process.Kill() })
	select {
	case url := <-out.ready:
		return &process{&server{t: t, url: url}, command, said}
	case <-time.After(patience):
		require.FailNow(t, "the program is not ready", said.String())
		return nil
	}
}

// programIn is the program, yet to be started.
func programIn(dir string, environ ...string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Dir = dir
	command.Env = append([]string{
		asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + dir, "HOLDFAST_ADDR=127.0.0.1:0",
	}, environ...)
	return command
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.command.Process.Signal(s))
}

// requireStops ends the program as a supervisor does.
func (p *process) requireStops() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	require.NoError(p.t, p.command.Wait(), p.said)
}
