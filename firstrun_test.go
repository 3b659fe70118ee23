//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// startProgram runs the program as a process of its own, in dir and with its
// private PostgreSQL there.
func startProgram(t *testing.T, dir string) (*server, *exec.Cmd) {
	t.Helper()
	out := &output{ready: make(chan string, 1)}
	command := exec.Command(os.Args[0])
	command.Dir = dir
	command.Env = []string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + dir, "HOLDFAST_ADDR=127.0.0.1:0"}
	command.Stdout, command.Stderr = out, t.Output()
	require.NoError(t, command.Start())
	t.Cleanup(func() { _ = command.Process.Kill() })
	select {
	case url := <-out.ready:
		return &server{t: t, url: url}, command
	case <-time.After(patience):
		require.FailNow(t, "the program is not ready")
		return nil, nil
	}
}

// openDir returns a new directory that PostgreSQL's account can reach, unlike
// those of testing.TempDir when root runs the tests: the data then stays in it.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "holdfast-program-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

func TestAKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	s, killed := startProgram(t, dir)
	s.createSKU("KEPT", 10)
	id := s.mutate("createHold", holdOf("kept", "KEPT", 4)).Reservation.ID
	require.NoError(t, killed.Process.Signal(syscall.SIGKILL))
	_ = killed.Wait()

	s, stopped := startProgram(t, dir)
	a := s.query(`query ($id: ID!) { reservation(by: {id: $id}) { status } availability(skus: ["KEPT"]) { available } }`,
		map[string]any{"id": id})
	require.JSONEq(t, `{"status": "HELD"}`, string(a.Data["reservation"]))
	require.JSONEq(t, `[{"available": 6}]`, string(a.Data["availability"]))
	s.requireConsistent()

	require.NoError(t, stopped.Process.Signal(syscall.SIGTERM))
	require.NoError(t, stopped.Wait(), "exit status 0")
	requireNoPostgres(t, dir)
}

func TestAFirstRunHasSampleSKUs(t *testing.T) {
	t.Parallel()
	s, running := startProgram(t, openDir(t))
	a := s.query(`{ availability(skus: ["CONCERT-2027/FRONT-ROW"]) { available } }`, nil)
	require.JSONEq(t, `[{"available": 1}]`, string(a.Data["availability"]))
	require.NoError(t, running.Process.Signal(os.Interrupt))
	require.NoError(t, running.Wait())
}

// requireNoPostgres looks at the command lines of all processes for the
// directory. Where the system has no /proc, there is nothing to see.
func requireNoPostgres(t *testing.T, dir string) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, line := range lines {
		text, _ := os.ReadFile(line)
		require.False(t, strings.Contains(string(text), "postgres") && strings.Contains(string(text), dir), string(text))
	}
}
