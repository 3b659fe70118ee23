//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// initialise makes the data directory of c and the superuser's password. One
// that was broken off leaves no data directory, and is safe to
// repeat.
func initialise(ctx context.Context, opts Options, c cluster) error {
	passwordFile, err := makePassword(c.home)
	if err != nil {
		return err
	}
	// initdb works for a second, and goes on if this process is killed. Until
	// it has finished the directory has a name of its own: what a broken one
	// leaves is never taken for a database, nor written to by two.
	leftovers, _ := filepath.Glob(c.data() + ".*")
	for _, leftover := range leftovers {
		if err := os.RemoveAll(leftover); err != nil {
			return err
		}
	}
	unfinished := c.data() + "." + strconv.Itoa(os.Getpid())
	arguments := []string{
		"--pgdata=" + unfinished,
		"--username=" + superuser,
		"--pwfile=" + passwordFile,
		"--auth=scram-sha-256",
		"--encoding=UTF8",
		"--no-instructions",
	}
	if opts.Unsafe {
		arguments = append(arguments, "--no-sync")
	}
	// C.UTF-8 sorts by code point and knows upper and lower case. Not every
	// system has it; C knows the cases of ASCII only.
	for _, locale := range []string{"C.UTF-8", "C"} {
		err = runInitdb(ctx, c, append(arguments, "--locale="+locale))
		if !errors.Is(err, errUnknownLocale) {
			break
		}
	}
	if err != nil {
		return err
	}
	// An empty data directory may be there already.
	if err := os.Remove(c.data()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(unfinished, c.data())
}

var errUnknownLocale = errors.New("the system doesn't know the locale")

func runInitdb(ctx context.Context, c cluster, arguments []string) error {
	cmd := c.as.command(ctx, c.programs.program("initdb"), arguments...)
	// A server that initdb had started for its scripts may outlive it shortly,
	// with our pipe in hand.
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("initdb: %w", ctx.Err())
	case strings.Contains(string(out), "invalid locale"):
		return errUnknownLocale
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("initdb failed: %s", lastLines(string(out)))
	}
	return fmt.Errorf("initdb can't be run as user %s: %w", c.as.name, err)
}

// makePassword returns the name of the file with the password, made if it is
// missing.
func makePassword(h home) (string, error) {
	name := filepath.Join(h.dir, "password")
	if content, err := os.ReadFile(name); err == nil && len(content) > 0 {
		return name, nil
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	// The directory belongs to the account: root doesn't follow a link there.
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(newPassword() + "\n")
	return name, errors.Join(err, file.Sync(), file.Close(), h.as.give(name))
}
