//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is who PostgreSQL runs as. Without a credential that is this
// process's own user.
type account struct {
	name       string
	credential *syscall.Credential
}

// accountFor returns the account for the cluster in home: this process's own,
// or, for root, the owner of home; if there is no home yet, an unprivileged
// one.
func accountFor(home string) (account, error) {
	info, err := os.Stat(home)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err != nil && !isNew {
		return account{}, err
	}
	if os.Geteuid() != 0 {
		self := account{name: strconv.Itoa(os.Geteuid())}
		if u, err := user.Current(); err == nil {
			self.name = u.Username
		}
		if !isNew && owner(info).Uid != uint32(os.Geteuid()) {
			return account{}, fmt.Errorf("%s belongs to user %s: run as that user or as root, or choose another directory",
				home, userName(owner(info).Uid))
		}
		return self, nil
	}
	if !isNew {
		if owner(info).Uid == 0 {
			return account{}, fmt.Errorf("%s belongs to root, as whom PostgreSQL refuses to run: give it to another user (chown -R)", home)
		}
		return account{name: userName(owner(info).Uid), credential: owner(info)}, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		// macOS has users with negative ids.
		uid, errUID := strconv.ParseInt(u.Uid, 10, 64)
		gid, errGID := strconv.ParseInt(u.Gid, 10, 64)
		if errUID == nil && errGID == nil {
			return account{name: name, credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody to run it as")
}

func owner(info fs.FileInfo) *syscall.Credential {
	stat := info.Sys().(*syscall.Stat_t)
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// give makes the account the owner of path.
func (a account) give(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Lchown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// command prepares a program that runs as the account, and is killed when ctx
// ends.
func (a account) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	// The account may not be allowed where this process is.
	cmd.Dir = "/"
	cmd.Env = environment()
	// A session of its own: Ctrl-C in the terminal is for the server, which
	// drains before it stops PostgreSQL.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: a.credential}
	return cmd
}

// environment is what PostgreSQL gets of ours: PG* and LC_* would change what
// the cluster does, and the secrets in the rest are not its business.
func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// canWorkIn reports whether a program of the account can be started in dir,
// which means that it can get there: permissions of all parents, access lists
// and file systems included. The error is ctx's.
func (a account) canWorkIn(ctx context.Context, dir string, with installation) (bool, error) {
	cmd := a.command(ctx, with.program("postgres"), "--version")
	cmd.Dir = dir
	err := cmd.Run()
	return err == nil, ctx.Err()
}
