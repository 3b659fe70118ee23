package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

// installTimeout is how long npm may take to fetch what the clients need.
const installTimeout = 2 * time.Minute

// realtimeURL is where the page's snippets look for a server.
const realtimeURL = "localhost:8080"

var (
	realtimeScript = regexp.MustCompile("(?s)```js\n// (\\S+)\\.mjs\n(.*?)\n```")
	realtimeCurl   = regexp.MustCompile("(?s)```sh\n(curl .*?)\n```")
)

// The screens of docs/realtime.md print every change of one SKU, and go on by
// themselves when their server is back.
func TestScreensOfTheRealtimePageSurviveARestart(t *testing.T) {
	t.Parallel()
	page := readRealtimePage(t)
	database := "DATABASE_URL=" + pgtest.URL(t)
	s := startServer(t, database, "HOLDFAST_DEMO=true")
	other := startServer(t, database)

	screens := map[string]*script{}
	for _, name := range []string{"graphql-ws", "graphql-sse", "apollo", "urql", "eventsource"} {
		screens[name] = page.run(t, s, name)
	}
	requireLine := func(line string) {
		t.Helper()
		for name, screen := range screens {
			require.Equal(t, line, screen.line(), name)
		}
	}
	requireLine("POSTER-A2: 5 available, version 1")
	s.mutate("createHold", holdOf("first", "POSTER-A2", 1))
	requireLine("POSTER-A2: 4 available, version 2")

	require.NoError(t, s.wait())
	other.mutate("createHold", holdOf("meanwhile", "POSTER-A2", 1))
	s = startServer(t, database, "HOLDFAST_ADDR="+strings.TrimPrefix(s.url, "http://"))
	requireLine("POSTER-A2: 3 available, version 3")
	s.mutate("createHold", holdOf("last", "POSTER-A2", 1))
	requireLine("POSTER-A2: 2 available, version 4")
}

func TestHoldOfTheRealtimePageIsWatchedToItsEnd(t *testing.T) {
	t.Parallel()
	page := readRealtimePage(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_DEMO=true")
	hold := page.run(t, s, "hold")
	for _, line := range []string{"HELD", "EXPIRED", "the hold has ended"} {
		require.Equal(t, line, hold.line())
	}
	require.NoError(t, hold.wait())
}

func TestFeedOfTheRealtimePageResumesWithoutAGap(t *testing.T) {
	t.Parallel()
	page := readRealtimePage(t)
	database := "DATABASE_URL=" + pgtest.URL(t)
	s := startServer(t, database, "HOLDFAST_DEMO=true")
	other := startServer(t, database)

	var log struct{ Edges []struct{ Cursor string } }
	a := s.query(`{ auditLog(first: 1, filter: {sku: "POSTER-A2"}) { edges { cursor } } }`, nil)
	require.NoError(t, json.Unmarshal(a.Data["auditLog"], &log))
	const fromNowOn = "after: null"
	require.Contains(t, page.scripts["stock-changes"], fromNowOn)
	page.scripts["stock-changes"] = strings.Replace(page.scripts["stock-changes"], fromNowOn, "after: '"+log.Edges[0].Cursor+"'", 1)
	feed := page.run(t, s, "stock-changes")

	id := s.mutate("createHold", holdOf("first", "POSTER-A2", 1)).Reservation.ID
	require.Equal(t, "POSTER-A2: HELD made version 2", feed.line())
	require.NoError(t, s.wait())
	other.mutate("convertHold", map[string]any{"reservationId": id})
	other.mutate("createHold", holdOf("meanwhile", "POSTER-A2", 1))
	s = startServer(t, database, "HOLDFAST_ADDR="+strings.TrimPrefix(s.url, "http://"))
	require.Equal(t, "POSTER-A2: CONVERTED made version 3", feed.line())
	require.Equal(t, "POSTER-A2: HELD made version 4", feed.line())
	s.mutate("cancelAllocation", map[string]any{"reservationId": id})
	require.Equal(t, "POSTER-A2: CANCELLED made version 5", feed.line())
}

func TestCurlOfTheRealtimePageFollowsUntilTheServerStops(t *testing.T) {
	t.Parallel()
	page := readRealtimePage(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_DEMO=true")
	curl := startScript(t, exec.Command("sh", "-c", page.at(s, page.curl)))
	event := func(available, version int) []string {
		return []string{
			"event: next",
			fmt.Sprintf(`data: {"data":{"availabilityChanged":{"sku":"POSTER-A2","available":%d,"version":%d}}}`, available, version),
			"",
		}
	}
	shown := append([]string{":", ""}, event(5, 1)...)
	for _, line := range shown {
		require.Equal(t, line, curl.line())
	}
	require.Contains(t, page.text, strings.Join(event(5, 1)[:2], "\n"), "the page shows what curl prints")
	s.mutate("createHold", holdOf("t", "POSTER-A2", 1))
	for _, line := range event(4, 2) {
		require.Equal(t, line, curl.line())
	}
	require.NoError(t, s.wait())
	require.ErrorContains(t, curl.wait(), "exit status 18", "a stream that ends in order is one that is complete")
}

func TestClientLibrariesWorkAsTheySay(t *testing.T) {
	t.Parallel()
	for _, library := range []string{"graphql-ws", "graphql-sse"} {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			dir := clientsDir(t)
			s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_SUBSCRIPTIONS_MAX=3", "HOLDFAST_CONNECTIONS_MAX=4")
			require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/clients")))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			command := exec.CommandContext(ctx, "node", library+".mjs", s.url)
			command.Dir = dir
			report, err := command.CombinedOutput()
			require.NoError(t, err, "%s", report)
		})
	}
}

// realtimePage is docs/realtime.md, and what can be run of it.
type realtimePage struct {
	text    string
	curl    string
	scripts map[string]string
	dir     string
}

func readRealtimePage(t *testing.T) realtimePage {
	t.Helper()
	text, err := os.ReadFile("docs/realtime.md")
	require.NoError(t, err)
	page := realtimePage{text: string(text), scripts: map[string]string{}, dir: clientsDir(t)}
	for _, found := range realtimeScript.FindAllStringSubmatch(page.text, -1) {
		page.scripts[found[1]] = found[2]
	}
	found := realtimeCurl.FindStringSubmatch(page.text)
	require.NotNil(t, found)
	page.curl = found[1]
	return page
}

// at is a snippet for this server.
func (p realtimePage) at(s *server, snippet string) string {
	at, err := url.Parse(s.url)
	require.NoError(s.t, err)
	return strings.ReplaceAll(snippet, realtimeURL, at.Host)
}

// run starts a script of the page.
func (p realtimePage) run(t *testing.T, s *server, name string) *script {
	t.Helper()
	require.Contains(t, p.scripts, name)
	require.Contains(t, p.scripts[name], realtimeURL)
	file := filepath.Join(p.dir, name+".mjs")
	require.NoError(t, os.WriteFile(file, []byte(p.at(s, p.scripts[name])), 0o600))
	return startScript(t, exec.Command("node", file))
}

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

// clientsDir returns a directory in which a script finds the packages of
// docs/clients. Where there is no Node, or npm can't fetch them, the test is
// skipped, except in CI.
func clientsDir(t *testing.T) string {
	t.Helper()
	packages, err := clientPackages()
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("the clients of docs/realtime.md can't be run: %v", err)
	}
	require.NoError(t, err)
	dir, err := os.MkdirTemp(packages, "test-") // in there: that is how Node looks for packages
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// clientPackages installs the packages, once for each lock file.
var clientPackages = sync.OnceValues(func() (string, error) {
	for _, program := range []string{"node", "npm", "curl", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", err
		}
	}
	lock, err := os.ReadFile("docs/clients/package-lock.json")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	hash := sha256.Sum256(lock)
	installed := filepath.Join(cache, "holdfast-clients", hex.EncodeToString(hash[:8]))
	if exists(installed) {
		return installed, nil
	}
	if err := os.MkdirAll(filepath.Dir(installed), 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(installed), "installing-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.CopyFS(dir, os.DirFS("docs/clients")); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), installTimeout)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
		"--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000")
	npm.Dir = dir
	if said, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w: %s", err, said)
	}
	if err := os.Rename(dir, installed); err != nil && !exists(installed) { // another test binary may have been faster
		return "", err
	}
	return installed, nil
})

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
