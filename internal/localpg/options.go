package localpg

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net"
	"net/url"
	"strconv"
)

const (
	// superuser is the role that owns the cluster, databaseName the database
	// that Start makes sure of.
	superuser    = "holdfast"
	databaseName = "holdfast"

	// connectionsMaxDefault leaves room for a few servers' pools and psql.
	connectionsMaxDefault = 100
)

// howToInstall ends the errors that a missing PostgreSQL leads to.
const howToInstall = "install PostgreSQL 15 or newer (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17), or set DATABASE_URL to a database of your own"

// Options says where the cluster lives and what it is for.
type Options struct {
	// Dir is made if it is missing. It may be relative.
	Dir string

	// Log hears what a user should know. Nil: silence.
	Log *slog.Logger

	// ConnectionsMax bounds the connections of all clients together; 0 is 100.
	// A PostgreSQL that is already running keeps its own bound.
	ConnectionsMax int

	// Temporary binds PostgreSQL to this process: when the process ends,
	// however it ends, PostgreSQL is ended and Dir removed. Between Start and
	// Stop nothing is restarted and no goroutine runs.
	Temporary bool

	// Unsafe trades durability for speed. For data that a crash may take.
	Unsafe bool

	// Replaced by this package's tests.
	binDirs     []string // where PostgreSQL may be installed; nil: the usual places
	downloadURL string   // where the embedded PostgreSQL comes from
	aloofDir    string   // parent of homes that can't be in Dir
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ConnectionsMax == 0 {
		o.ConnectionsMax = connectionsMaxDefault
	}
	if o.aloofDir == "" {
		o.aloofDir = "/var/lib/holdfast"
	}
	return o
}

// databaseURL is understood by pgdriver and by psql alike. Without
// sslmode=disable the driver would insist on TLS.
func databaseURL(password string, port int, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// newPassword returns 128 random bits in characters that need no escaping in
// a URL.
func newPassword() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails: it ends the program first
	return hex.EncodeToString(raw)
}
