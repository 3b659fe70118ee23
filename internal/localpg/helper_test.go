//go:build unix

package localpg

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/database"
)

// patience bounds every wait for something that is about to happen.
const patience = 60 * time.Second

// TestMain turns the test binary into a server process where a test asks for
// one: it uses the cluster until it is told to stop.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LOCALPG_TEST_SERVE"); dir != "" {
		os.Exit(serve(Options{Dir: dir, Temporary: os.Getenv("LOCALPG_TEST_TEMPORARY") != ""}))
	}
	os.Exit(m.Run())
}

func serve(opts Options) int {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	server, err := Start(context.Background(), opts)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(server.URL())
	<-terminated
	if err := server.Stop(context.Background()); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// otherServer is a process of its own that uses a cluster.
type otherServer struct {
	cmd *exec.Cmd
	url string
}

func startOther(t *testing.T, opts Options) otherServer {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LOCALPG_TEST_SERVE="+opts.Dir)
	if opts.Temporary {
		cmd.Env = append(cmd.Env, "LOCALPG_TEST_TEMPORARY=1")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "postgres://")
	return otherServer{cmd: cmd, url: strings.TrimSpace(line)}
}

// end sends the signal to the process and those in its process group, as a
// terminal does, and waits for the process.
func (o otherServer) end(t *testing.T, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, syscall.Kill(-o.cmd.Process.Pid, sig))
	_ = o.cmd.Wait()
}

// newDir returns a directory that every account can get at, unlike
// t.TempDir's. Whatever becomes of the test, no PostgreSQL stays in it.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "localpg-test-*")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	dir, err = filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	t.Cleanup(func() {
		if running, err := findRunning(filepath.Join(dir, "postgres", "data")); err == nil && running != nil {
			_ = syscall.Kill(running.pid, syscall.SIGKILL)
			t.Errorf("PostgreSQL still runs in %s", dir)
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	return dir
}

// startServer starts a server whose PostgreSQL is gone at the end of the
// test, and even if the test process is killed.
func startServer(t *testing.T, opts Options) *Server {
	t.Helper()
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	server, err := Start(ctx, opts)
	require.NoError(t, err)
	guard, err := startWatchdog(server.opts.Dir)
	require.NoError(t, err)
	require.NoError(t, guard.watch(server.running.pid))
	t.Cleanup(func() {
		stop(t, server)
		guard.dismiss()
	})
	return server
}

func stop(t *testing.T, server *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, server.Stop(ctx))
}

func open(t *testing.T, url string) *bun.DB {
	t.Helper()
	db, err := database.Open(url, 2)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec1(t *testing.T, url, statement string) {
	t.Helper()
	_, err := open(t, url).ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

// ask returns the one value that the query yields.
func ask(t *testing.T, url, query string) string {
	t.Helper()
	var value string
	require.NoError(t, open(t, url).NewRaw(query).Scan(t.Context(), &value))
	return value
}

func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool { return !isAlive(pid) }, patience, 10*time.Millisecond, "process %d still runs", pid)
}

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root runs PostgreSQL as another user")
	}
}
