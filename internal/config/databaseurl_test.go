package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/config"
)

func TestBadDatabaseURLIsRefusedAndNeverShown(t *testing.T) {
	t.Parallel()
	const misread = "must be percent-encoded"
	for name, test := range map[string]struct{ url, want string }{
		"another scheme":        {"mysql://bob:hunter2@vault/ledger", "must begin with postgres://"},
		"no scheme":             {"bob:hunter2@vault/ledger", "DATABASE_URL "},
		"keywords":              {"host=vault user=bob password=hunter2 dbname=ledger", "must begin with postgres://"},
		"blank":                 {" ", "must begin with postgres://"},
		"bad port":              {"postgres://bob:hunter2@vault:ledger/ledger", misread},
		"port out of range":     {"postgres://bob:hunter2@vault:65536/ledger", "from 1 to 65535"},
		"port zero":             {"postgres://bob:hunter2@vault:0/ledger", "from 1 to 65535"},
		"colon and no port":     {"postgres://bob:hunter2@vault:/ledger", "no port"},
		"bad escape":            {"postgres://bob:hunter2%zz@vault/ledger", misread},
		"hash in password":      {"postgres://bob:hunter2#x@vault/ledger", misread},
		"slash in password":     {"postgres://bob:2/hunter2@vault/ledger", misread},
		"question in password":  {"postgres://bob:2?hunter2@vault/ledger", "names no database"},
		"hash after database":   {"postgres://bob:hunter2@vault/ledger#x", misread},
		"bad escape in query":   {"postgres://bob:hunter2@vault/ledger?sslmode=%zz", misread},
		"control character":     {"postgres://bob:hunter2@vault/ledger\n", "DATABASE_URL is not a URL"},
		"no user":               {"postgres://:hunter2@vault/ledger", "no user"},
		"nothing before the @":  {"postgres://@vault/ledger", "no user"},
		"no database":           {"postgres://bob:hunter2@vault", "names no database"},
		"slash and no database": {"postgres://bob:hunter2@vault/", "names no database"},
		"no host":               {"postgres:///ledger", "names no host"},
		"several hosts":         {"postgres://bob:hunter2@vault,vault2/ledger", "several hosts"},
		"IPv6 without port":     {"postgres://bob:hunter2@[::1]/ledger", "without a port"},
		"host without port":     {"postgres:///ledger?host=vault", "neither host:port"},
		"sslmode":               {"postgres://bob:hunter2@vault/ledger?sslmode=hunter2", "an sslmode that is none of disable"},
		"timeout":               {"postgres://bob:hunter2@vault/ledger?connect_timeout=hunter2", "connect_timeout that is neither"},
		"socket without path":   {"unix://bob:hunter2@ledger", "the database and the socket"},
		"socket without name":   {"unix:///run/vault/.s.PGSQL.5432", "the database and the socket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load([]string{"DATABASE_URL=" + test.url}, "")
			require.ErrorContains(t, err, test.want)
			assert.True(t, strings.HasPrefix(err.Error(), "DATABASE_URL "), "%s", err)
			for _, part := range []string{"bob", "hunter2", "vault", "ledger", "\n"} {
				assert.NotContains(t, err.Error(), part)
			}
		})
	}
}
