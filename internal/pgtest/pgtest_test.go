package pgtest

import (
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/database"
	"holdfast/internal/localpg"
	"holdfast/migrations"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestEachDatabaseIsFreshAndMigrated(t *testing.T) {
	t.Parallel()
	var names sync.Map
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			db := Open(t)
			pending, err := migrations.Pending(t.Context(), db)
			require.NoError(t, err)
			assert.Empty(t, pending)
			_, err = db.ExecContext(t.Context(), "CREATE TABLE mine ()")
			require.NoError(t, err)
			var name string
			require.NoError(t, db.NewRaw("SELECT current_database()").Scan(t.Context(), &name))
			_, used := names.LoadOrStore(name, true)
			assert.False(t, used)
		})
	}
}

func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("one", func(t *testing.T) {
		url = URL(t)
		require.NoError(t, ping(t, url))
		// A connection that the test forgets is no obstacle.
		forgotten, err := database.Open(url, 1)
		require.NoError(t, err)
		require.NoError(t, forgotten.Ping())
	})
	assert.ErrorContains(t, ping(t, url), "does not exist")
}

func ping(t *testing.T, url string) error {
	t.Helper()
	db, err := database.Open(url, 1)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	return db.PingContext(t.Context())
}

// runAgain runs one test of this binary in a process of its own.
func runAgain(t *testing.T, test string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

func TestBinariesThatShareAServerMakeOneTemplateAndLeaveNothingElse(t *testing.T) {
	t.Parallel()
	dir, err := newDir()
	require.NoError(t, err)
	given, err := localpg.Start(t.Context(), localpg.Options{Dir: dir, Temporary: true, Unsafe: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, given.Remove(context.Background())) })

	var binaries sync.WaitGroup
	for range 3 {
		cmd := runAgain(t, "TestEachDatabaseIsFreshAndMigrated", "TEST_DATABASE_URL="+given.URL())
		binaries.Go(func() {
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, string(out))
		})
	}
	binaries.Wait()

	db := open(t, given.URL())
	var left []string
	require.NoError(t, db.NewRaw("SELECT datname FROM pg_database WHERE datname LIKE 'holdfast\\__%'").Scan(t.Context(), &left))
	assert.Equal(t, []string{"holdfast_template_" + migrations.Fingerprint()}, left)
}

func TestUnusableServerIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:secret@127.0.0.1:1/x%", "mysql://u:secret@127.0.0.1/x", "postgres://u:secret@127.0.0.1:1/x"} {
		out, err := runAgain(t, "TestEachDatabaseIsFreshAndMigrated", "TEST_DATABASE_URL="+url).CombinedOutput()
		require.Error(t, err)
		assert.Contains(t, string(out), "a PostgreSQL for the tests: ")
		assert.NotContains(t, string(out), "secret")
	}
}

// TestAFailure fails, for TestKeptDatabaseOutlivesItsTest.
func TestAFailure(t *testing.T) {
	if os.Getenv("PGTEST_FAIL") == "" {
		t.Skip("only fails when asked to")
	}
	_, err := Open(t).ExecContext(t.Context(), "CREATE TABLE evidence ()")
	require.NoError(t, err)
	t.Fail()
}

func TestKeptDatabaseOutlivesItsTest(t *testing.T) {
	t.Parallel()
	out, err := runAgain(t, "TestAFailure", "PGTEST_FAIL=1", "TEST_DATABASE_KEEP=1", "TEST_DATABASE_URL=").CombinedOutput()
	require.Error(t, err)
	told := regexp.MustCompile(`psql '(.*)' \(stop its server with: (kill -INT \d+); then remove (.*)/postgres/data\)`).FindStringSubmatch(string(out))
	require.NotNil(t, told, string(out))
	url, kill, dir := told[1], told[2], told[3]

	_, err = open(t, url).ExecContext(t.Context(), "SELECT FROM evidence")
	assert.NoError(t, err)
	require.NoError(t, exec.Command("/bin/sh", "-c", kill).Run())
	requireEnds(t, url)
	require.NoError(t, os.RemoveAll(dir))
}

// TestALongOne waits to be killed, for TestServerEndsWithAKilledBinary.
func TestALongOne(t *testing.T) {
	if os.Getenv("PGTEST_WAIT") == "" {
		t.Skip("only waits when asked to")
	}
	_, err := os.Stderr.WriteString(URL(t) + "\n")
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestServerEndsWithAKilledBinary(t *testing.T) {
	t.Parallel()
	cmd := runAgain(t, "TestALongOne", "PGTEST_WAIT=1", "TEST_DATABASE_URL=")
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	said, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line := make([]byte, 1024)
	n, err := said.Read(line)
	require.NoError(t, err)
	url := strings.TrimSpace(string(line[:n]))
	require.NoError(t, ping(t, url))

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	requireEnds(t, url)
}

func requireEnds(t *testing.T, url string) {
	t.Helper()
	require.Eventually(t, func() bool {
		err := ping(t, url)
		return err != nil && strings.Contains(err.Error(), "connection refused")
	}, patience, 20*time.Millisecond)
}

func TestClusterKeepsCommittedRowsOverKill9AndRestart(t *testing.T) {
	t.Parallel()
	cluster := NewCluster(t)
	db := cluster.Open()
	_, err := db.ExecContext(t.Context(), "CREATE TABLE kept (n int)")
	require.NoError(t, err)
	for n, end := range []func(){cluster.Kill9, cluster.Stop, cluster.Kill9} {
		_, err := db.ExecContext(t.Context(), "INSERT INTO kept VALUES (?)", n)
		require.NoError(t, err)
		end()
		require.Error(t, ping(t, cluster.URL()))
		cluster.Start()
		// The pool notices that its connections are gone when it uses them.
		require.Eventually(t, func() bool { return count(t, db) == n+1 }, patience, time.Millisecond)
	}
}

func count(t *testing.T, db *bun.DB) int {
	t.Helper()
	rows := -1
	_ = db.NewRaw("SELECT count(*) FROM kept").Scan(t.Context(), &rows)
	return rows
}
