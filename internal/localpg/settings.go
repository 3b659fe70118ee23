package localpg

import (
	"runtime"
	"strconv"
)

// settings returns what PostgreSQL is told on its command line, where it wins
// over the files in the data directory. Those are left as initdb wrote them:
// they belong to another account where root starts PostgreSQL, and root
// should not write there.
func settings(opts Options, port int) []string {
	all := []string{
		// This machine only, over TCP: a socket's path has a length limit,
		// and pgdriver and psql write it differently in a URL.
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(port),
		"unix_socket_directories=",
		"max_connections=" + strconv.Itoa(opts.ConnectionsMax),

		// Compiling costs more than any of our statements.
		"jit=off",
		// Pages come from solid-state disks or the page cache.
		"random_page_cost=1.1",
		// Ended holds leave dead entries in small, hot tables; look often.
		"autovacuum_naptime=15s",

		"timezone=UTC",
		"log_timezone=UTC",
		// Of its own accord PostgreSQL reports each checkpoint.
		"log_checkpoints=off",
	}
	if opts.Unsafe {
		return append(all,
			// Tests run several of these, whose many databases would fill more.
			"shared_buffers=256MB",
			"fsync=off",
			"synchronous_commit=off",
			"full_page_writes=off",
			// No replica and no archive: log only what a restart needs.
			"wal_level=minimal",
			"max_wal_senders=0",
			// It would compete with the tests for the processor, and change
			// plans in the middle of one.
			"autovacuum=off",
		)
	}
	all = append(all,
		sharedBuffers(),
		// An acknowledged COMMIT is on the disk. These are the defaults; they
		// are said so that no file and no role's setting says otherwise.
		"fsync=on",
		"synchronous_commit=on",
		"full_page_writes=on",
		// The first change of a page after a checkpoint logs the whole page;
		// with hot rows that is most of the log. Fewer checkpoints and
		// compression keep it small, and after a crash at most 1 GB is read
		// again, which takes seconds.
		"wal_compression=on",
		"checkpoint_timeout=15min",
		"max_wal_size=1GB",
		// Finished segments are used again: making a new one costs a COMMIT
		// 16 MB of zeroes.
		"min_wal_size=256MB",
	)
	if runtime.GOOS == "darwin" {
		// macOS's fsync leaves the data in the disk's own cache.
		all = append(all, "wal_sync_method=fsync_writethrough")
	}
	return all
}
