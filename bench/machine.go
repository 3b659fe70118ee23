package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"holdfast/internal/database"
	"holdfast/internal/localpg"
)

// stopTimeout is how long what was started may take to end.
const stopTimeout = 20 * time.Second

// machine is what the workloads of one run share: a PostgreSQL and the program,
// unless the user gave servers that run already.
type machine struct {
	settings settings
	show     *progress
	dir      string // empty where nothing is started
	postgres *localpg.Server
	program  string
}

// openMachine starts PostgreSQL and builds the program, as far as they weren't
// given.
func openMachine(ctx context.Context, s settings, show *progress) (_ *machine, err error) {
	m := &machine{settings: s, show: show, program: s.program}
	if len(s.urls) > 0 {
		return m, nil
	}
	if m.dir, err = os.MkdirTemp("", "holdfast-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	if m.program == "" {
		if m.program, err = m.build(ctx, "holdfast", "holdfast"); err != nil {
			return nil, err
		}
	} else if m.program, err = filepath.Abs(m.program); err != nil {
		return nil, err
	}
	if s.database == "" {
		show.begin("start PostgreSQL", 0, nil)
		m.postgres, err = localpg.Start(ctx, localpg.Options{
			Dir: filepath.Join(m.dir, "postgres"), Temporary: runtime.GOOS != "windows", ConnectionsMax: postgresConnectionsMax,
		})
	}
	return m, err
}

// postgresConnectionsMax is for two servers' pools, 64 clients of pgbench, and
// what is asked beside.
const postgresConnectionsMax = 200

// build builds a package of this module, whichever of its directories this is
// run in.
func (m *machine) build(ctx context.Context, name, pkg string) (string, error) {
	m.show.begin("build "+name, 0, nil)
	file := filepath.Join(m.dir, name)
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", file, pkg).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return file, nil
}

// close ends and removes all that openMachine made.
func (m *machine) close() error {
	if m.dir == "" {
		return nil
	}
	var err error
	if m.postgres != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		err = m.postgres.Remove(ctx)
	}
	return errors.Join(err, os.RemoveAll(m.dir))
}

// measure runs one workload in a world of its own, and then checks that its
// database is consistent.
func (m *machine) measure(ctx context.Context, wl workload) (_ *result, err error) {
	w, err := m.newWorld(ctx, wl)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close(err != nil)) }()
	client, clientErr := usageOf(os.Getpid())
	begun := time.Now()
	if err := wl.run(ctx, w); err != nil {
		return nil, err
	}
	w.result.Seconds = time.Since(begun).Seconds()
	if now, err := usageOf(os.Getpid()); err == nil && clientErr == nil {
		w.result.figure("client: share of one processor", 100*(now.cpu-client.cpu).Seconds()/w.result.Seconds, "%")
	}
	return w.result, w.check(ctx)
}

// newDatabase returns the URL of a database for one workload: an empty one in
// the PostgreSQL that was started, or the one that was given.
func (m *machine) newDatabase(ctx context.Context, name string) (string, error) {
	if m.postgres == nil {
		return m.settings.database, nil
	}
	return createDatabase(ctx, m.postgres.URL(), name)
}

// createDatabase makes one beside the one at the URL, and returns its URL.
func createDatabase(ctx context.Context, beside, name string) (string, error) {
	db, err := database.Open(beside, 1)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	name += "_" + newRunName()
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	u, err := url.Parse(beside)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// dropDatabase removes what createDatabase made.
func dropDatabase(beside, made string) error {
	u, err := url.Parse(made)
	if err != nil {
		return err
	}
	db, err := database.Open(beside, 1)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	_, err = db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+strings.TrimPrefix(u.Path, "/")+" WITH (FORCE)")
	return err
}

// machineInfo is what figures must not be read without.
type machineInfo struct {
	OS         string `json:"os"`
	Processors int    `json:"processors"`
	Model      string `json:"model,omitempty"`
	Go         string `json:"go"`
	Commit     string `json:"commit,omitempty"`
}

func thisMachine() machineInfo {
	info := machineInfo{OS: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.NumCPU(), Go: runtime.Version()}
	if cpus, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, after, _ := strings.Cut(string(cpus), "model name")
		line, _, _ := strings.Cut(after, "\n")
		info.Model = strings.Trim(line, " \t:")
	}
	// Of the directory that it is run in, for "go run" stamps no commit.
	if commit, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		info.Commit = strings.TrimSpace(string(commit))
	}
	return info
}
