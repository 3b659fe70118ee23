//go:build unix

package localpg

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// exitPollInterval paces the wait for a process that isn't a child.
const exitPollInterval = 50 * time.Millisecond

// pidFile is what PostgreSQL's main process says of itself in the data
// directory.
type pidFile struct {
	pid    int
	port   int
	status string // "starting", "ready", "stopping"; empty: not said yet
}

func readPIDFile(data string) (pidFile, error) {
	content, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(content), "\n")
	line := func(number int) string {
		if number > len(lines) {
			return ""
		}
		return strings.TrimSpace(lines[number-1])
	}
	pid, err := strconv.Atoi(line(1))
	if err != nil || pid <= 0 {
		return pidFile{}, errors.New("postmaster.pid doesn't begin with a process id")
	}
	port, _ := strconv.Atoi(line(4))
	return pidFile{pid: pid, port: port, status: line(8)}, nil
}

// process is PostgreSQL's main process, the postmaster.
type process struct {
	pid   int
	data  string
	child *exec.Cmd // nil where another process started it

	reaped  bool // seen by hasExited
	waiting sync.Once
	gone    chan struct{}
}

func newProcess(pid int, data string, child *exec.Cmd) *process {
	return &process{pid: pid, data: data, child: child, gone: make(chan struct{})}
}

// findRunning returns the process that serves the data directory, nil if
// there is none. A stale postmaster.pid that names a living process of
// another kind is removed: PostgreSQL would take that for itself and refuse
// to start. (After a restart of a container or a machine the same few ids
// come back.) A second process on the same data is ruled out even so, by
// PostgreSQL's lock in shared memory.
func findRunning(data string) (*process, error) {
	file, err := readPIDFile(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if serves(file.pid, data) {
		return newProcess(file.pid, data, nil), nil
	}
	err = os.Remove(filepath.Join(data, "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return nil, err
}

// serves reports whether the process is alive and the postmaster of data.
func serves(pid int, data string) bool {
	if !isAlive(pid) {
		return false
	}
	proc := "/proc/" + strconv.Itoa(pid)
	if _, err := os.Stat(proc); err != nil {
		// Without /proc, as on macOS, the name must do.
		name, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
		return err == nil && filepath.Base(strings.TrimSpace(string(name))) == "postgres"
	}
	where, err := os.Readlink(proc + "/cwd")
	if errors.Is(err, fs.ErrPermission) {
		// Root in a container may not see where another user's process is,
		// but what it was started with.
		arguments, _ := os.ReadFile(proc + "/cmdline")
		return strings.Contains(string(arguments), "\x00"+data+"\x00")
	}
	return err == nil && where == data
}

// isAlive reports whether the process is there and not a zombie. A zombie
// answers to its id until its parent asks for it, which not every first
// process of a container does.
func isAlive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return !strings.Contains(string(stat), ") Z ")
}

// hasExited looks without waiting and without a goroutine.
func (p *process) hasExited() bool {
	if p.child == nil {
		return !isAlive(p.pid)
	}
	if !p.reaped {
		pid, err := syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
		p.reaped = pid == p.pid || errors.Is(err, syscall.ECHILD)
	}
	return p.reaped
}

// exited returns a channel that is closed when the process is no more. From
// the first call on a goroutine watches for that.
func (p *process) exited() <-chan struct{} {
	p.waiting.Do(func() {
		go func() {
			defer close(p.gone)
			if p.child != nil {
				_ = p.child.Wait()
				return
			}
			for isAlive(p.pid) {
				time.Sleep(exitPollInterval)
			}
		}()
	})
	return p.gone
}

// stop sends the signal and waits until the process is no more, or ctx ends.
func (p *process) stop(ctx context.Context, signal syscall.Signal) error {
	exited := p.exited()
	if err := syscall.Kill(p.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	select {
	case <-exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
