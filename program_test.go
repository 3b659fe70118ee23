package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/database"
	"holdfast/internal/pgtest"
)

// runProgram runs the program to its end, and returns what it printed.
func runProgram(t *testing.T, environ []string, arguments ...string) (string, error) {
	var out bytes.Buffer
	p := program{environ: environ, out: &out, log: t.Output()}
	err := p.command().Run(t.Context(), append([]string{"holdfast"}, arguments...))
	return out.String(), err
}

func TestHelpNamesEveryCommandAndTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"-h", "--help"} {
		out, err := runProgram(t, nil, flag)
		require.NoError(t, err)
		for _, word := range []string{"serve", "migrate", "check", "import", "export", "version", "DATABASE_URL", "HOLDFAST_LOCK_STRATEGY"} {
			require.Contains(t, out, word)
		}
	}
}

func TestUnknownCommandIsRefused(t *testing.T) {
	t.Parallel()
	_, err := runProgram(t, nil, "destroy")
	require.EqualError(t, err, `there is no command "destroy"; -h lists them`)
}

func TestUnknownFlagIsRefusedInOneLine(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"-port"}, {"check", "-port"}, {"import", "-port", "stock.csv"}} {
		out, err := runProgram(t, nil, arguments...)
		require.EqualError(t, err, "flag provided but not defined: -port; -h tells more")
		require.Empty(t, out)
	}
}

func TestBadEnvironmentStopsTheStart(t *testing.T) {
	t.Parallel()
	for variable, value := range map[string]string{
		"HOLDFAST_ADR":      "127.0.0.1:0",
		"HOLDFAST_HOLD_TTL": "soon",
		"DATABASE_URL":      "mysql://root:secret@localhost/shop",
	} {
		_, err := runProgram(t, []string{variable + "=" + value})
		require.ErrorContains(t, err, variable)
		require.NotContains(t, err.Error(), "secret")
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestADataDirectoryThatCannotBeIsNamedByItsVariable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := runProgram(t, []string{"HOLDFAST_DATA_DIR=" + file}, "migrate")
	require.ErrorContains(t, err, "HOLDFAST_DATA_DIR: ")
	require.NotContains(t, err.Error(), "\n")
}

func TestVersionNamesTheBuild(t *testing.T) {
	t.Parallel()
	out, err := runProgram(t, nil, "version")
	require.NoError(t, err)
	require.Regexp(t, `^holdfast \S.* go\d`, out)
}

func TestMigrateTwiceAppliesOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	empty(t, url)
	out, err := runProgram(t, []string{"DATABASE_URL=" + url}, "migrate")
	require.NoError(t, err)
	require.Contains(t, out, "applied ")
	out, err = runProgram(t, []string{"DATABASE_URL=" + url}, "migrate")
	require.NoError(t, err)
	require.Contains(t, out, "nothing to apply")
}

func TestCheckFailsOnDrift(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := startServer(t, "DATABASE_URL="+url)
	s.createSKU("DRIFTING", 10)
	out, err := runProgram(t, []string{"DATABASE_URL=" + url}, "check")
	require.NoError(t, err)
	require.Contains(t, out, "0 issues")

	execute(t, url, "UPDATE stock_levels SET reserved = reserved + 1")
	out, err = runProgram(t, []string{"DATABASE_URL=" + url}, "check")
	require.ErrorIs(t, err, errDrift)
	require.Contains(t, out, "RESERVED_MATCHES_LINES")
	require.Contains(t, out, "DRIFTING")
}

func TestCheckWantsAMigratedDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	empty(t, url)
	_, err := runProgram(t, []string{"DATABASE_URL=" + url}, "check")
	require.ErrorContains(t, err, "migrate first")
}

func TestCheckCreatesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	_, err := runProgram(t, []string{"HOLDFAST_DATA_DIR=" + dir}, "check")
	require.ErrorContains(t, err, "there is no database")
	require.NoDirExists(t, dir)
}

func TestSampleSKUsGoIntoAnEmptyDatabaseOnly(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	startServer(t, "DATABASE_URL="+url, "HOLDFAST_DEMO=true")
	s := startServer(t, "DATABASE_URL="+url, "HOLDFAST_DEMO=true")
	a := s.query(`{ sku(sku: "POSTER-A2") { name availability { available } } }`, nil)
	require.JSONEq(t, `{"name": "Poster, A2, numbered", "availability": {"available": 5}}`, string(a.Data["sku"]))
	s.requireConsistent()
}

func TestAServerWithARetentionDeletesWhatIsOlder(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	execute(t, url, "INSERT INTO reconciliation_runs (started_at, actor) VALUES (now() - interval '31 days', 'system')")
	db, err := database.Open(url, 1)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	runs := func() (count int) {
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM reconciliation_runs").Scan(&count))
		return count
	}

	startServer(t, "DATABASE_URL="+url, "HOLDFAST_RETENTION=720h")
	require.Eventually(t, func() bool { return runs() == 0 }, patience, 10*time.Millisecond)
}

func TestADrainingServerAnswersButIsNotReady(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	status, _ := s.get("/healthz")
	require.Equal(t, http.StatusOK, status)
	status, _ = s.get("/readyz")
	require.Equal(t, http.StatusOK, status)

	s.stop()
	require.Eventually(t, func() bool {
		status, text := s.get("/readyz")
		return status == http.StatusServiceUnavailable && text == "shutting down\n"
	}, patience, 1)
	response, err := http.Get(s.url + "/healthz")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.True(t, response.Close, "the client is told to leave the connection")
	require.NoError(t, s.wait())
	_, err = http.Get(s.url + "/healthz")
	require.Error(t, err)
}

// empty makes a database as it was created.
func empty(t *testing.T, url string) {
	execute(t, url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
}

func execute(t *testing.T, url, statement string) {
	db, err := database.Open(url, 1)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(context.Background(), statement)
	require.NoError(t, err)
}
