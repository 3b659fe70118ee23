//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// home is where the cluster lives: Dir/postgres with links followed.
type home struct {
	dir string
	as  account
}

func (h home) data() string { return filepath.Join(h.dir, "data") }

// cluster is a home with the programs that serve it.
type cluster struct {
	home
	programs installation
	password string
}

// openCluster finds the cluster of opts.Dir, or makes it. The caller holds the
// start lock.
func openCluster(ctx context.Context, opts Options) (cluster, error) {
	link := filepath.Join(opts.Dir, "postgres")
	_, errLink := os.Lstat(link)
	dir, err := filepath.EvalSymlinks(link)
	switch {
	case errLink == nil && errors.Is(err, fs.ErrNotExist):
		target, _ := os.Readlink(link)
		return cluster{}, fmt.Errorf("%s links to %s, which is missing: restore it, or remove the link to begin with an empty database", link, target)
	case errors.Is(err, fs.ErrNotExist):
		dir = link
	case err != nil:
		return cluster{}, err
	}
	as, err := accountFor(dir)
	if err != nil {
		return cluster{}, err
	}
	c := cluster{home: home{dir: dir, as: as}}

	major, err := c.majorVersion()
	if err != nil {
		return cluster{}, err
	}
	if c.programs, err = chooseInstallation(ctx, opts, as, major); err != nil {
		return cluster{}, err
	}
	if errLink != nil {
		if c.home, err = makeHome(ctx, opts, link, as, c.programs); err != nil {
			return cluster{}, err
		}
	} else if can, err := as.canWorkIn(ctx, dir, c.programs); err != nil {
		return cluster{}, err
	} else if !can {
		return cluster{}, fmt.Errorf("user %s, as whom PostgreSQL runs, can't get into %s: see to the permissions of that directory and its parents", as.name, dir)
	}
	if major == 0 {
		if err := initialise(ctx, opts, c); err != nil {
			return cluster{}, err
		}
	}
	password, err := os.ReadFile(filepath.Join(c.dir, "password"))
	if err != nil {
		return cluster{}, fmt.Errorf("the password of the private PostgreSQL: %w", err)
	}
	c.password = strings.TrimSpace(string(password))
	return c, nil
}

// majorVersion returns the version of PostgreSQL that made the data, 0 if
// there is none yet.
func (h home) majorVersion() (int, error) {
	said, err := os.ReadFile(filepath.Join(h.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if entries, _ := os.ReadDir(h.data()); len(entries) > 0 {
			return 0, fmt.Errorf("%s is not empty and not a PostgreSQL data directory: move it away, or choose another directory", h.data())
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(said)))
	if err != nil {
		return 0, fmt.Errorf("%s is not a PostgreSQL data directory of a version known here (%s)", h.data(), strings.TrimSpace(string(said)))
	}
	return major, nil
}

// chooseInstallation returns the newest installation for a new cluster
// (major 0), and the newest of the same major version for an existing one,
// whose files no other can read. Without any it downloads one.
func chooseInstallation(ctx context.Context, opts Options, as account, major int) (installation, error) {
	dirs := opts.binDirs
	if dirs == nil {
		dirs = usualBinDirs()
	}
	found := findInstallations(ctx, dirs, as)
	for _, candidate := range found {
		if major == 0 || candidate.major == major {
			return candidate, nil
		}
	}
	if ctx.Err() != nil {
		return installation{}, ctx.Err() // which ended the search too
	}
	if len(found) == 0 && (major == 0 || major == embeddedMajor) {
		return download(ctx, opts, as)
	}
	installed := "none"
	if len(found) > 0 {
		installed = found[0].String()
	}
	return installation{}, fmt.Errorf("the data in %s was made by PostgreSQL %d (installed: %s): install PostgreSQL %d, or move the directory away to begin with an empty database",
		opts.Dir, major, installed, major)
}

// makeHome makes the home at link, or, where the account can't get there,
// elsewhere with a link to it.
func makeHome(ctx context.Context, opts Options, link string, as account, programs installation) (home, error) {
	// Under another name until it belongs to the account, for a home tells
	// who that is. What a kill leaves of it is empty.
	unfinished := link + ".unfinished"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return home{}, err
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return home{}, err
	}
	can := as.credential == nil
	// Not every file system lets a directory change hands.
	if !can && as.give(unfinished) == nil {
		var err error
		if can, err = as.canWorkIn(ctx, unfinished, programs); err != nil {
			return home{}, err
		}
	}
	if can {
		return home{dir: link, as: as}, os.Rename(unfinished, link)
	}
	if err := os.Remove(unfinished); err != nil {
		return home{}, err
	}

	if err := makePassable(opts.aloofDir); err != nil {
		return home{}, err
	}
	dir, err := os.MkdirTemp(opts.aloofDir, "postgres-*")
	if err != nil {
		return home{}, err
	}
	err = as.give(dir)
	if err == nil {
		can, err = as.canWorkIn(ctx, dir, programs)
	}
	if err == nil && !can {
		err = fmt.Errorf("user %s, as whom PostgreSQL runs, can get into neither %s nor %s", as.name, opts.Dir, opts.aloofDir)
	}
	if err == nil {
		err = os.Symlink(dir, link)
	}
	if err != nil {
		_ = os.Remove(dir)
		return home{}, err
	}
	opts.Log.Info("the private PostgreSQL's data is kept outside of the data directory, where the user that PostgreSQL runs as can't get",
		"dir", opts.Dir, "data", dir, "user", as.name)
	return home{dir: dir, as: as}, nil
}

// makePassable makes dir, and where it didn't exist lets other accounts pass
// through it whatever the umask.
func makePassable(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}
