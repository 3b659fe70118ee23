package main

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

//go:embed baseline/*.sql
var baselineFiles embed.FS

// The scripts, and how many operations each is.
const (
	baselineHold    = "hold.sql"
	baselineConvert = "convert.sql"
)

var baselineOperations = map[string]int64{baselineHold: 1, baselineConvert: 2}

// baselineClients is with how many hand-written SQL is at its best.
const baselineClients = 32

// baseline runs hand-written SQL for the work that is measured, by pgbench: on
// the same PostgreSQL, in the same database, in tables of its own.
type baseline struct {
	world   *world
	program string
	dir     string // where the scripts are, and what pgbench logs
	schema  string
	skus    int
}

// openBaseline makes the tables for so many SKUs. It returns nil, and notes why,
// where there can't be a baseline.
func (w *world) openBaseline(ctx context.Context, skus int) (_ *baseline, err error) {
	program := findPgbench()
	switch {
	case program == "":
		w.result.note("without pgbench, which comes with PostgreSQL's clients, there is no hand-written SQL to compare with")
		return nil, nil
	case w.db == nil:
		w.result.note("to compare with hand-written SQL, say where the database is, with -database")
		return nil, nil
	}
	w.step("make the baseline's tables")
	b := &baseline{world: w, program: program, schema: "bench_" + newRunName(), skus: skus}
	if b.dir, err = os.MkdirTemp("", "holdfast-baseline-"); err != nil {
		return nil, err
	}
	if err := os.CopyFS(b.dir, baselineFiles); err != nil {
		return nil, err
	}
	if _, err := w.db.ExecContext(ctx, "CREATE SCHEMA "+b.schema); err != nil {
		return nil, err
	}
	_, err = b.pgbench(ctx, "--transactions=1", "--client=1", "--file="+b.script("schema.sql")).run()
	if err != nil {
		return nil, errors.Join(err, b.close(ctx))
	}
	return b, nil
}

func (b *baseline) close(ctx context.Context) error {
	_, err := b.world.db.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA "+b.schema+" CASCADE")
	return errors.Join(err, os.RemoveAll(b.dir))
}

func (b *baseline) script(name string) string { return filepath.Join(b.dir, "baseline", name) }

// findPgbench looks on PATH and where packagers put it, which often is not on
// PATH.
func findPgbench() string {
	if found, err := exec.LookPath("pgbench"); err == nil {
		return found
	}
	if dir, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		if found, err := exec.LookPath(filepath.Join(strings.TrimSpace(string(dir)), "pgbench")); err == nil {
			return found
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/pgbench", "/usr/pgsql-*/bin/pgbench", "/opt/homebrew/opt/postgresql*/bin/pgbench"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	return ""
}

// pgbenchRun is one run of the program.
type pgbenchRun struct{ *exec.Cmd }

func (b *baseline) pgbench(ctx context.Context, arguments ...string) pgbenchRun {
	arguments = append([]string{"--no-vacuum", fmt.Sprintf("--define=skus=%d", b.skus)}, arguments...)
	run := exec.CommandContext(ctx, b.program, arguments...)
	run.Env = append(os.Environ(), "PGOPTIONS=-c search_path="+b.schema)
	// Everybody may see a process's arguments, but not its environment.
	database := b.world.databaseURL
	if u, err := url.Parse(database); err == nil {
		if password, given := u.User.Password(); given {
			run.Env = append(run.Env, "PGPASSWORD="+password)
			u.User = url.User(u.User.Username())
			database = u.String()
		}
	}
	run.Args = append(run.Args, database)
	return pgbenchRun{run}
}

func (r pgbenchRun) run() ([]byte, error) {
	var problems bytes.Buffer
	r.Stderr = &problems
	out, err := r.Output()
	if err != nil {
		return nil, fmt.Errorf("pgbench: %w\n%s", err, bytes.TrimSpace(problems.Bytes()))
	}
	return out, nil
}

// contender is pgbench as one of those that are compared.
func (b *baseline) contender(r baselineRun) contender {
	name := fmt.Sprintf("pgbench %s, clients: %d", r.script, r.clients)
	return contender{name, func(ctx context.Context) (measured, error) {
		m := measured{latencies: new(histogram)}
		duration := max(1, int(math.Ceil(b.world.sizes.duration.Seconds())))
		b.world.show.begin(b.world.name+": "+name, time.Duration(duration)*time.Second, nil)
		log := filepath.Join(b.dir, newRunName())
		run := b.pgbench(ctx, "--protocol=prepared", fmt.Sprintf("--client=%d", r.clients), fmt.Sprintf("--jobs=%d", min(r.clients, runtime.NumCPU())),
			fmt.Sprintf("--time=%d", duration), "--log", "--log-prefix="+log, "--file="+b.script(r.script))
		before, _ := spending(nil)
		out, err := run.run()
		if err != nil {
			return m, err
		}
		after, _ := spending(nil)
		m.spent = after.since(before)
		// The client is pgbench, not this process.
		m.spent.client = run.ProcessState.UserTime() + run.ProcessState.SystemTime()
		done, perSecond, err := parsePgbench(out)
		if err != nil {
			return m, err
		}
		m.wanted, m.seconds = done*baselineOperations[r.script], float64(duration)
		if done > 0 {
			m.seconds = float64(done) / perSecond
		}
		return m, readLatencies(log, m.latencies)
	}}
}

var (
	pgbenchDone   = regexp.MustCompile(`(?m)^number of transactions actually processed: (\d+)`)
	pgbenchFailed = regexp.MustCompile(`(?m)^number of failed transactions: ([1-9]\d*)`)
	pgbenchRate   = regexp.MustCompile(`(?m)^tps = ([\d.]+) \(without initial connection time\)`)
)

// parsePgbench reads what pgbench reports at its end.
func parsePgbench(out []byte) (done int64, perSecond float64, err error) {
	count, rate := pgbenchDone.FindSubmatch(out), pgbenchRate.FindSubmatch(out)
	if count == nil || pgbenchFailed.Match(out) {
		return 0, 0, fmt.Errorf("pgbench reported:\n%s", out)
	}
	if done, err = strconv.ParseInt(string(count[1]), 10, 64); err != nil {
		return 0, 0, err
	}
	if done == 0 {
		return 0, 0, nil // and it reports no rate
	}
	if rate == nil {
		return 0, 0, fmt.Errorf("pgbench reported:\n%s", out)
	}
	perSecond, err = strconv.ParseFloat(string(rate[1]), 64)
	return done, perSecond, err
}

// readLatencies reads and removes the files in which pgbench's threads noted how
// long each transaction took: the third number of a line, in microseconds.
func readLatencies(prefix string, latencies *histogram) error {
	files, err := filepath.Glob(prefix + ".*")
	if err != nil {
		return err
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			fields := bytes.Fields(lines.Bytes())
			if len(fields) < 3 {
				continue
			}
			us, err := strconv.ParseInt(string(fields[2]), 10, 64)
			if err != nil {
				_ = file.Close()
				return fmt.Errorf("pgbench's log: %w", err)
			}
			latencies.record(time.Duration(us) * time.Microsecond)
		}
		_ = file.Close()
		if err := lines.Err(); err != nil {
			return err
		}
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}
