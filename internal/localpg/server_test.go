//go:build unix

package localpg

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/database"
)

func TestFirstStartMakesADurableCluster(t *testing.T) {
	t.Parallel()
	server := startServer(t, Options{Dir: filepath.Join(newDir(t), "new")})
	for setting, want := range map[string]string{
		"fsync":               "on",
		"synchronous_commit":  "on",
		"full_page_writes":    "on",
		"jit":                 "off",
		"server_encoding":     "UTF8",
		"listen_addresses":    "127.0.0.1",
		"max_connections":     "100",
		"password_encryption": "scram-sha-256",
		"TimeZone":            "UTC",
	} {
		assert.Equal(t, want, ask(t, server.URL(), "SHOW "+setting), setting)
	}
	assert.Equal(t, "holdfast", ask(t, server.URL(), "SELECT current_database()"))
	assert.Equal(t, "0", ask(t, server.URL(), "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'"))

	password, err := os.Stat(filepath.Join(server.opts.Dir, "postgres", "password"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), password.Mode().Perm())

	intruder, err := url.Parse(server.URL())
	require.NoError(t, err)
	intruder.User = url.UserPassword(superuser, "guess")
	db := open(t, intruder.String())
	assert.ErrorContains(t, db.Ping(), "password authentication failed")
}

func TestPsqlTakesTheURL(t *testing.T) {
	t.Parallel()
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("no psql")
	}
	server := startServer(t, Options{Dir: newDir(t), Temporary: true})
	out, err := exec.Command(psql, "-XAtc", "SELECT 6 * 7", server.URL()).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "42\n", string(out))
}

func TestRestartKeepsDataPortAndPassword(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := startServer(t, Options{Dir: dir})
	exec1(t, first.URL(), "CREATE TABLE kept AS SELECT 42 AS answer")
	pid := first.running.pid
	stop(t, first)
	requireGone(t, pid)
	stop(t, first) // does nothing

	second := startServer(t, Options{Dir: dir})
	assert.Equal(t, first.URL(), second.URL())
	assert.Equal(t, "42", ask(t, second.URL(), "SELECT answer FROM kept"))
}

func TestTakenPortIsReplaced(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := startServer(t, Options{Dir: dir, Temporary: true})
	port := first.port
	stop(t, first)
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()

	second := startServer(t, Options{Dir: dir, Temporary: true})
	assert.NotEqual(t, port, second.port)
	assert.Equal(t, "1", ask(t, second.URL(), "SELECT 1"))
}

func TestLeftBehindByAKilledServerIsTakenOver(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	killed := startOther(t, Options{Dir: dir})
	exec1(t, killed.url, "CREATE TABLE kept AS SELECT 42 AS answer")
	killed.end(t, syscall.SIGKILL)
	left, err := findRunning(filepath.Join(dir, "postgres", "data"))
	require.NoError(t, err)
	require.NotNil(t, left, "PostgreSQL died with the server")

	server := startServer(t, Options{Dir: dir})
	assert.Equal(t, left.pid, server.running.pid)
	assert.Equal(t, "42", ask(t, server.URL(), "SELECT answer FROM kept"))
	stop(t, server)
	requireGone(t, left.pid)
}

func TestInterruptFromTheTerminalLeavesPostgresToTheServer(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	other := startOther(t, Options{Dir: dir})
	other.end(t, syscall.SIGINT) // it doesn't handle the signal, and so dies of it
	server := startServer(t, Options{Dir: dir})
	assert.Nil(t, server.running.child, "PostgreSQL was interrupted too")
	assert.Equal(t, other.url, server.URL())
}

func TestServersOfOneDirectoryShareItAndTheLastStopsIt(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := startOther(t, Options{Dir: dir})
	second := startServer(t, Options{Dir: dir})
	assert.Equal(t, first.url, second.URL())

	first.end(t, syscall.SIGTERM)
	assert.Equal(t, "1", ask(t, second.URL(), "SELECT 1"))
	pid := second.running.pid
	stop(t, second)
	requireGone(t, pid)
}

func TestFirstStartsAtOnceMakeOneCluster(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	servers := make([]*Server, 4)
	var group sync.WaitGroup
	for i := range servers {
		group.Go(func() { servers[i] = startServer(t, Options{Dir: dir}) })
	}
	group.Wait()
	for _, server := range servers {
		require.NotNil(t, server)
		assert.Equal(t, servers[0].URL(), server.URL())
	}
}

func TestCommittedRowsSurviveTheDeathOfPostgres(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := startServer(t, Options{Dir: dir, Temporary: true})
	exec1(t, first.URL(), "CREATE TABLE kept AS SELECT 42 AS answer")
	require.NoError(t, first.Kill(t.Context()))
	requireGone(t, first.running.pid)

	second := startServer(t, Options{Dir: dir, Temporary: true})
	assert.Equal(t, "42", ask(t, second.URL(), "SELECT answer FROM kept"))
}

func TestPostgresThatDiesIsStartedAgain(t *testing.T) {
	t.Parallel()
	server := startServer(t, Options{Dir: newDir(t)})
	exec1(t, server.URL(), "CREATE TABLE kept AS SELECT 42 AS answer")
	pid := server.running.pid
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	requireGone(t, pid)

	require.Eventually(t, func() bool {
		db, err := database.Open(server.URL(), 1)
		if err != nil {
			return false
		}
		defer func() { _ = db.Close() }()
		var answer int
		err = db.NewRaw("SELECT answer FROM kept").Scan(t.Context(), &answer)
		return err == nil && answer == 42
	}, patience, lockPollInterval)
}

func TestStaleProcessIDOfAnotherProcessIsNotTakenForPostgres(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := startServer(t, Options{Dir: dir, Temporary: true})
	data := first.DataDir()
	running, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	require.NoError(t, err)
	stop(t, first)
	// A process of PostgreSQL's own user that lives on: without help
	// PostgreSQL refuses to start.
	bystander := first.cluster.as.command(t.Context(), "/bin/sh", "-c", "read -r forever")
	pipe, err := bystander.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, bystander.Start())
	defer func() { _ = pipe.Close(); _ = bystander.Wait() }()
	stale := append([]byte(strconv.Itoa(bystander.Process.Pid)), running[len(strconv.Itoa(first.running.pid)):]...)
	require.NoError(t, os.WriteFile(filepath.Join(data, "postmaster.pid"), stale, 0o600))

	second := startServer(t, Options{Dir: dir, Temporary: true})
	assert.Equal(t, "1", ask(t, second.URL(), "SELECT 1"))
}

func TestStartBrokenOffAnywhereLeavesNothingRunningAndIsRepeated(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	for limit := 50 * time.Millisecond; ; limit = limit * 3 / 2 {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		server, err := Start(ctx, Options{Dir: dir})
		cancel()
		if err == nil {
			stop(t, server)
			return
		}
		broken := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) // the driver's
		require.True(t, broken, err)
		running, err := findRunning(filepath.Join(dir, "postgres", "data"))
		require.NoError(t, err)
		require.Nil(t, running)
		require.Less(t, limit, patience)
	}
}

func TestAbandonedTemporaryClusterEndsAndIsRemoved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(newDir(t), "cluster")
	abandoned := startOther(t, Options{Dir: dir, Temporary: true})
	running, err := findRunning(filepath.Join(dir, "postgres", "data"))
	require.NoError(t, err)
	require.NotNil(t, running)

	abandoned.end(t, syscall.SIGKILL)
	requireGone(t, running.pid)
	require.Eventually(t, func() bool {
		_, err := os.Lstat(dir)
		return os.IsNotExist(err)
	}, patience, lockPollInterval)
}

func TestRemoveLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(newDir(t), "cluster")
	server := startServer(t, Options{Dir: dir, Temporary: true, Unsafe: true, ConnectionsMax: 300})
	assert.Equal(t, "off", ask(t, server.URL(), "SHOW fsync"))
	assert.Equal(t, "300", ask(t, server.URL(), "SHOW max_connections"))
	require.NoError(t, server.Remove(t.Context()))
	requireGone(t, server.running.pid)
	assert.NoDirExists(t, dir)
}
