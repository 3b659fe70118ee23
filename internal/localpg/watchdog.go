//go:build unix

package localpg

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// watchdogScript clears up after a process that can't do it itself. Its input
// is a pipe that only that process can write to: "pid N" says which
// PostgreSQL to end, "leave" that there is nothing to do any more. The end of
// the input is the end of the process.
const watchdogScript = `
pid=
while read -r word number; do
	case $word in
	pid) pid=$number ;;
	leave) exit 0 ;;
	esac
done
if [ -n "$pid" ]; then
	kill -QUIT "$pid"
	tries=0
	# PostgreSQL removes the file last. Its process may stay on as a zombie.
	while [ -e "$1/postgres/data/postmaster.pid" ] && kill -0 "$pid" && [ $tries -lt 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
fi
home=$(cd "$1/postgres" && pwd -P)
# An initdb that was under way may add a file meanwhile.
rm -rf -- "$home" "$1" || { sleep 1; rm -rf -- "$home" "$1"; }
`

// watchdog is the process that runs the script.
type watchdog struct {
	shell *exec.Cmd
	pipe  *os.File
}

// startWatchdog starts a watchdog that removes dir, and where PostgreSQL's home
// is elsewhere that too, in the end.
func startWatchdog(dir string) (*watchdog, error) {
	read, write, err := os.Pipe() // children don't inherit either end
	if err != nil {
		return nil, err
	}
	defer func() { _ = read.Close() }()
	self := account{}
	shell := self.command(context.Background(), "/bin/sh", "-c", watchdogScript, "watchdog", dir)
	shell.Stdin = read
	if err := shell.Start(); err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("watch over the temporary PostgreSQL: %w", err)
	}
	return &watchdog{shell: shell, pipe: write}, nil
}

// watch names the PostgreSQL to end.
func (w *watchdog) watch(pid int) error {
	_, err := fmt.Fprintf(w.pipe, "pid %d\n", pid)
	return err
}

// dismiss ends the watchdog without its having done anything.
func (w *watchdog) dismiss() {
	_, _ = fmt.Fprintln(w.pipe, "leave")
	_ = w.pipe.Close()
	_ = w.shell.Wait()
}
