//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

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
	s := startProgram(t, dir)
	s.createSKU("KEPT", 10)
	id := s.mutate("createHold", holdOf("kept", "KEPT", 4)).Reservation.ID
	s.signal(syscall.SIGKILL)
	_ = s.command.Wait()

	s = startProgram(t, dir)
	a := s.query(`query ($id: ID!) { reservation(by: {id: $id}) { status } availability(skus: ["KEPT"]) { available } }`,
		map[string]any{"id": id})
	require.JSONEq(t, `{"status": "HELD"}`, string(a.Data["reservation"]))
	require.JSONEq(t, `[{"available": 6}]`, string(a.Data["availability"]))
	s.requireConsistent()

	s.requireStops()
	requireNoPostgres(t, dir)
}

func TestAFirstRunHasSampleSKUs(t *testing.T) {
	t.Parallel()
	s := startProgram(t, openDir(t))
	a := s.query(`{ availability(skus: ["CONCERT-2027/FRONT-ROW"]) { available } }`, nil)
	require.JSONEq(t, `[{"available": 1}]`, string(a.Data["availability"]))
	s.signal(os.Interrupt)
	require.NoError(t, s.command.Wait(), s.said)
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
