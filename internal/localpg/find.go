//go:build unix

package localpg

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// majorMin is the oldest PostgreSQL that the schema and the settings are
// tried on.
const majorMin = 15

// installation is a directory of PostgreSQL programs that run.
type installation struct {
	binDir string
	major  int
	minor  int
}

func (i installation) program(name string) string { return filepath.Join(i.binDir, name) }

func (i installation) String() string { return fmt.Sprintf("%d.%d", i.major, i.minor) }

// usualBinDirs lists the places where PostgreSQL's programs may be: what the
// user put on PATH, and where packagers put them, which often is not on PATH.
func usualBinDirs() []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/usr/lib/postgresql*/bin",                           // openSUSE
		"/usr/libexec/postgresql*",                           // Alpine
		"/usr/pgsql-*/bin",                                   // PostgreSQL's own RPMs
		"/usr/local/pgsql/bin",                               // built from source
		"/usr/local/bin",                                     // BSD ports
		"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple silicon
		"/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Homebrew on Linux
		"/opt/local/lib/postgresql*/bin",                     // MacPorts
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
		"/Library/PostgreSQL/*/bin",                          // EDB's installer on macOS
		"/opt/PostgreSQL/*/bin",                              // EDB's installer on Linux
		"/run/current-system/sw/bin",                         // NixOS
	} {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	return dirs
}

// findInstallations returns what as can run of the PostgreSQLs in dirs, the
// newest first.
func findInstallations(ctx context.Context, dirs []string, as account) []installation {
	var found []installation
	for _, dir := range dirs {
		// A link to one program, as in /usr/local/bin, leads to the directory
		// that has its siblings.
		postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
		if err != nil {
			continue
		}
		dir = filepath.Dir(postgres)
		known := slices.ContainsFunc(found, func(i installation) bool { return i.binDir == dir })
		if _, err := os.Stat(filepath.Join(dir, "initdb")); known || err != nil {
			continue
		}
		out, err := as.command(ctx, postgres, "--version").Output()
		if err != nil {
			continue
		}
		if major, minor, ok := parseVersion(string(out)); ok && major >= majorMin {
			found = append(found, installation{binDir: dir, major: major, minor: minor})
		}
	}
	slices.SortStableFunc(found, func(a, b installation) int {
		return cmp.Or(cmp.Compare(b.major, a.major), cmp.Compare(b.minor, a.minor))
	})
	return found
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)(?:\.(\d+))?`)

// parseVersion reads what postgres --version says: a release such as 15.13,
// or a preview such as 18beta1.
func parseVersion(said string) (major, minor int, ok bool) {
	match := versionPattern.FindStringSubmatch(said)
	if match == nil {
		return 0, 0, false
	}
	major, err := strconv.Atoi(match[1])
	if err != nil {
		return 0, 0, false
	}
	minor, _ = strconv.Atoi(match[2])
	return major, minor, true
}
