//go:build unix

package localpg

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// download returns the embedded PostgreSQL, downloaded by the first call on a
// machine and kept for the next ones.
func download(ctx context.Context, opts Options, as account) (installation, error) {
	parent := opts.aloofDir
	if as.credential == nil {
		cache, err := os.UserCacheDir()
		if err != nil {
			return installation{}, downloadFailed(err)
		}
		parent = filepath.Join(cache, "holdfast")
	}
	if err := makePassable(parent); err != nil {
		return installation{}, downloadFailed(err)
	}
	kept := filepath.Join(parent, "postgresql-"+string(embeddedVersion))
	if found := findInstallations(ctx, []string{filepath.Join(kept, "bin")}, as); len(found) > 0 {
		return found[0], nil
	}

	opts.Log.Info("no PostgreSQL is installed; downloading one", "version", embeddedVersion, "to", kept)
	unpacked, err := os.MkdirTemp(parent, "download-*")
	if err != nil {
		return installation{}, downloadFailed(err)
	}
	defer func() { _ = os.RemoveAll(unpacked) }()
	errStart := withinDownloadTimeout(ctx, func() error { return unpack(opts, unpacked) })
	if err := makeReadable(unpacked); err != nil {
		return installation{}, downloadFailed(err)
	}
	// The library has one door, which starts a server too, and for root that
	// fails. What counts is whether the programs are there and run.
	if found := findInstallations(ctx, []string{filepath.Join(unpacked, "bin")}, as); len(found) == 0 {
		if errStart == nil {
			errStart = errors.New("what was downloaded doesn't run here")
		}
		return installation{}, downloadFailed(errStart)
	}
	// Somebody else may have been faster: theirs is as good.
	if err := os.Rename(unpacked, kept); err != nil && !errors.Is(err, fs.ErrExist) {
		return installation{}, downloadFailed(err)
	}
	found := findInstallations(ctx, []string{filepath.Join(kept, "bin")}, as)
	if len(found) == 0 {
		return installation{}, downloadFailed(errors.New("what was downloaded doesn't run here"))
	}
	return found[0], nil
}

// unpack lets the library put PostgreSQL's programs into dir. The server that
// it starts to that end is stopped at once.
func unpack(opts Options, dir string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	trial := embeddedpostgres.NewDatabase(embeddedConfig(opts).
		BinariesPath(dir).
		RuntimePath(filepath.Join(dir, "trial")).
		CachePath(filepath.Join(dir, "archive")).
		Port(uint32(port)).
		Password(newPassword()))
	if err := trial.Start(); err != nil {
		return err
	}
	return errors.Join(trial.Stop(),
		os.RemoveAll(filepath.Join(dir, "trial")), os.RemoveAll(filepath.Join(dir, "archive")))
}

// makeReadable lets other accounts use the programs in dir whatever the umask.
func makeReadable(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}
