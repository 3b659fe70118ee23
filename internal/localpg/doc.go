// Package localpg runs a private PostgreSQL: for a server that was given no
// database, and for tests.
//
// # The directory
//
//	Dir/
//	  postgres/      home of the cluster, belonging to the account PostgreSQL runs as
//	    data/        PostgreSQL's own data directory
//	    password     of the superuser
//	  postgres.log   what PostgreSQL said
//	  port           the last one, taken again if it is free
//	  start.lock     held for as long as one process starts or stops PostgreSQL
//	  users.lock     shared by the processes that use it
//
// PostgreSQL refuses to run as root. Started by root it therefore runs as the
// account that owns the cluster, a new one as "postgres" or else "nobody".
// Where that account can't get at Dir, as under /root, postgres is a link to a
// directory of its own in /var/lib/holdfast. The link is what counts: who
// removes it begins anew, who moves it takes the data along.
//
// # Who is in charge
//
// Nobody owns the PostgreSQL of a directory. Each process that uses it holds a
// shared lock that the kernel takes back when the process ends, however it
// ends. Start uses the PostgreSQL that is running, whether it belongs to a
// living process or was left behind by a killed one, and starts one otherwise.
// Stop leaves it running for the others; the last user stops it. Starting and
// stopping happen under an exclusive lock, one at a time.
//
// PostgreSQL has a session of its own, so that a Ctrl-C in the terminal
// reaches the server alone, which drains and then calls Stop. If PostgreSQL
// itself dies it is started again on the same port.
//
// # Temporary clusters
//
// A test process may be killed at any time and must leave nothing running. A
// small shell process watches it: it reads from a pipe whose other end only
// the test process holds, and clears up when that end is gone.
package localpg
