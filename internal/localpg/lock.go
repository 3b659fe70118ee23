//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockPollInterval paces the wait for a lock. The kernel's own wait can't be
// given up when the context ends.
const lockPollInterval = 20 * time.Millisecond

var errLocked = errors.New("locked by another process")

// fileLock is a lock on a file that ends with the process, however it ends.
// It excludes other holders in the same process too.
type fileLock struct{ file *os.File }

// lockExclusive waits for the lock until ctx ends.
func lockExclusive(ctx context.Context, path string) (*fileLock, error) {
	for {
		lock, err := tryLock(path, syscall.LOCK_EX)
		if !errors.Is(err, errLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another process that is starting or stopping PostgreSQL: %w", ctx.Err())
		case <-time.After(lockPollInterval):
		}
	}
}

// tryLock takes the lock or fails with errLocked.
func tryLock(path string, how int) (*fileLock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &fileLock{file: file}, nil
}

// release unlocks before it closes: a child that is just being started holds
// the open file too until it has become another program, and with it a lock
// that is merely closed.
func (l *fileLock) release() {
	_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	_ = l.file.Close()
}
