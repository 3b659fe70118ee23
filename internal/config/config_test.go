package config_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/config"
)

func TestEmptyEnvironmentGivesTheDefaults(t *testing.T) {
	t.Parallel()
	got, err := config.Load(nil, "")
	require.NoError(t, err)
	assert.Equal(t, config.Config{
		Addr:                   "127.0.0.1:8080",
		DataDir:                ".holdfast",
		Playground:             true,
		Introspection:          true,
		Demo:                   true,
		LockStrategy:           "PESSIMISTIC",
		OptimisticRetries:      3,
		LockTimeout:            30 * time.Second,
		RequestTimeout:         35 * time.Second,
		HoldTTL:                15 * time.Minute,
		HoldTTLMax:             24 * time.Hour,
		LinesMax:               100,
		SubscriptionsMax:       50,
		WatchedSKUsMax:         2500,
		ConnectionsMax:         20000,
		BodyBytesMax:           262144,
		QueryTokensMax:         2000,
		QueryDepthMax:          15,
		IntrospectionDepthMax:  20,
		IntrospectionFieldsMax: 8000,
		QueryAliasesMax:        30,
		QueryDirectivesMax:     50,
		QueryFieldsMax:         500,
		QueryCostMax:           20000,
		ExpiryInterval:         time.Minute,
		ShutdownGrace:          15 * time.Second,
		LogLevel:               slog.LevelInfo,
	}, got)
}

func TestProcessEnvironmentIsNotRead(t *testing.T) {
	t.Setenv("HOLDFAST_LINES_MAX", "7")
	got, err := config.Load(nil, "")
	require.NoError(t, err)
	assert.Equal(t, 100, got.LinesMax)
}

func TestGoodValueIsTaken(t *testing.T) {
	t.Parallel()
	databaseURL := func(c config.Config) any { return c.DatabaseURL }
	addr := func(c config.Config) any { return c.Addr }
	demo := func(c config.Config) any { return c.Demo }
	strategy := func(c config.Config) any { return c.LockStrategy }
	retries := func(c config.Config) any { return c.OptimisticRetries }
	lines := func(c config.Config) any { return c.LinesMax }
	level := func(c config.Config) any { return c.LogLevel }
	origins := func(c config.Config) any { return c.CORSOrigins }
	for _, test := range []struct {
		set  string
		read func(config.Config) any
		want any
	}{
		{"DATABASE_URL=postgres://u:p@db.example:5433/shop", databaseURL, "postgres://u:p@db.example:5433/shop"},
		{"DATABASE_URL=postgresql://db/shop?sslmode=verify-full", databaseURL, "postgresql://db/shop?sslmode=verify-full"},
		{"DATABASE_URL=postgres://u:p%40%2Fq@[::1]:5432/shop", databaseURL, "postgres://u:p%40%2Fq@[::1]:5432/shop"},
		{"DATABASE_URL=postgres://u:@db/shop", databaseURL, "postgres://u:@db/shop"},
		{"DATABASE_URL=postgres:///shop?host=/run/.s.PGSQL.5432", databaseURL, "postgres:///shop?host=/run/.s.PGSQL.5432"},
		{"DATABASE_URL=unix://u:p@shop/run/.s.PGSQL.5432", databaseURL, "unix://u:p@shop/run/.s.PGSQL.5432"},
		{"DATABASE_URL=postgres://db/shop?connect_timeout=5&read_timeout=5s", databaseURL, "postgres://db/shop?connect_timeout=5&read_timeout=5s"},
		{"DATABASE_URL=", databaseURL, ""},
		{"HOLDFAST_ADDR=:9090", addr, ":9090"},
		{"HOLDFAST_ADDR=localhost:0", addr, "localhost:0"},
		{"HOLDFAST_ADDR=[::1]:8080", addr, "[::1]:8080"},
		{"HOLDFAST_ADDR=shop-1.example:65535", addr, "shop-1.example:65535"},
		{"HOLDFAST_ADDR=", addr, "127.0.0.1:8080"},
		{"HOLDFAST_DATA_DIR=/var/lib/hold fast", func(c config.Config) any { return c.DataDir }, "/var/lib/hold fast"},
		{"HOLDFAST_PLAYGROUND=false", func(c config.Config) any { return c.Playground }, false},
		{"HOLDFAST_INTROSPECTION=false", func(c config.Config) any { return c.Introspection }, false},
		{"HOLDFAST_CORS_ORIGINS=", origins, config.Origins(nil)},
		{"HOLDFAST_CORS_ORIGINS=*", origins, config.Origins{"*"}},
		{"HOLDFAST_CORS_ORIGINS=https://Shop.example, http://localhost:3000", origins, config.Origins{"https://shop.example", "http://localhost:3000"}},
		{"HOLDFAST_CORS_ORIGINS=https://shop.example:443,http://[::1]:80", origins, config.Origins{"https://shop.example", "http://[::1]"}},
		{"HOLDFAST_TRUSTED_PROXIES=10.1.2.3/8, 192.0.2.7,::1", func(c config.Config) any { return c.TrustedProxies },
			config.Networks{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("::1/128")}},
		{"HOLDFAST_DEMO=false", demo, false},
		{"HOLDFAST_DEMO=1", demo, true},
		{"HOLDFAST_LOCK_STRATEGY=OPTIMISTIC", strategy, "OPTIMISTIC"},
		{"HOLDFAST_LOCK_STRATEGY=pessimistic", strategy, "PESSIMISTIC"},
		{"HOLDFAST_OPTIMISTIC_RETRIES=0", retries, 0},
		{"HOLDFAST_OPTIMISTIC_RETRIES=100", retries, 100},
		{"HOLDFAST_LOCK_TIMEOUT=10ms", func(c config.Config) any { return c.LockTimeout }, 10 * time.Millisecond},
		{"HOLDFAST_REQUEST_TIMEOUT=55s", func(c config.Config) any { return c.RequestTimeout }, 55 * time.Second},
		{"HOLDFAST_HOLD_TTL=24h", func(c config.Config) any { return c.HoldTTL }, 24 * time.Hour},
		{"HOLDFAST_HOLD_TTL_MAX=15m", func(c config.Config) any { return c.HoldTTLMax }, 15 * time.Minute},
		{"HOLDFAST_LINES_MAX=1", lines, 1},
		{"HOLDFAST_LINES_MAX=1000", lines, 1000},
		{"HOLDFAST_WATCHED_SKUS_MAX=250", func(c config.Config) any { return c.WatchedSKUsMax }, 250},
		{"HOLDFAST_BODY_BYTES_MAX=1048576", func(c config.Config) any { return c.BodyBytesMax }, 1 << 20},
		{"HOLDFAST_QUERY_ALIASES_MAX=0", func(c config.Config) any { return c.QueryAliasesMax }, 0},
		{"HOLDFAST_QUERY_COST_MAX=1000000", func(c config.Config) any { return c.QueryCostMax }, 1_000_000},
		{"HOLDFAST_EXPIRY_INTERVAL=1m30s", func(c config.Config) any { return c.ExpiryInterval }, 90 * time.Second},
		{"HOLDFAST_RECONCILE_INTERVAL=24h", func(c config.Config) any { return c.ReconcileInterval }, 24 * time.Hour},
		{"HOLDFAST_RECONCILE_INTERVAL=", func(c config.Config) any { return c.ReconcileInterval }, time.Duration(0)},
		{"HOLDFAST_RETENTION=720h", func(c config.Config) any { return c.Retention }, 720 * time.Hour},
		{"HOLDFAST_RETENTION=", func(c config.Config) any { return c.Retention }, time.Duration(0)},
		{"HOLDFAST_SHUTDOWN_GRACE=1s", func(c config.Config) any { return c.ShutdownGrace }, time.Second},
		{"HOLDFAST_LOG_LEVEL=debug", level, slog.LevelDebug},
		{"HOLDFAST_LOG_LEVEL=WARN", level, slog.LevelWarn},
		{"HOLDFAST_LOG_LEVEL=error", level, slog.LevelError},
		{"HOLDFAST_LOG_FORMAT=json", func(c config.Config) any { return c.LogFormat }, "json"},
	} {
		t.Run(test.set, func(t *testing.T) {
			t.Parallel()
			got, err := config.Load([]string{test.set}, "")
			require.NoError(t, err)
			assert.Equal(t, test.want, test.read(got))
		})
	}
}

func TestBadValueIsRefusedInOneLineThatNamesTheVariable(t *testing.T) {
	t.Parallel()
	const (
		addrForm   = "; it must be host:port with a port from 0 to 65535, such as 127.0.0.1:8080, or :8080 for all interfaces"
		durationIn = "; it must be a duration from "
		originForm = "; it must be origins such as https://shop.example, with commas between, or * for all"
		proxyForm  = "; it must be addresses or networks such as 10.0.0.0/8, with commas between"
	)
	for _, test := range []struct{ set, want string }{
		{"HOLDFAST_ADDR=8080", `HOLDFAST_ADDR is "8080"` + addrForm},
		{"HOLDFAST_ADDR=localhost:", `HOLDFAST_ADDR is "localhost:"` + addrForm},
		{"HOLDFAST_ADDR=localhost:65536", `HOLDFAST_ADDR is "localhost:65536"` + addrForm},
		{"HOLDFAST_ADDR=localhost:http", `HOLDFAST_ADDR is "localhost:http"` + addrForm},
		{"HOLDFAST_ADDR=http://localhost:8080", `HOLDFAST_ADDR is "http://localhost:8080"` + addrForm},
		{"HOLDFAST_ADDR=[local host]:8080", `HOLDFAST_ADDR is "[local host]:8080"` + addrForm},
		{"HOLDFAST_ADDR=u:secret@db:5432", `HOLDFAST_ADDR is not shown here` + addrForm},
		{"HOLDFAST_PLAYGROUND=no", `HOLDFAST_PLAYGROUND is "no"; it must be true or false`},
		{"HOLDFAST_CORS_ORIGINS=shop.example", `HOLDFAST_CORS_ORIGINS has an entry that is "shop.example"` + originForm},
		{"HOLDFAST_CORS_ORIGINS=https://shop.example/", `HOLDFAST_CORS_ORIGINS has an entry that is "https://shop.example/"` + originForm},
		{"HOLDFAST_CORS_ORIGINS=https://*.shop.example", `HOLDFAST_CORS_ORIGINS has an entry that is "https://*.shop.example"` + originForm},
		{"HOLDFAST_CORS_ORIGINS=https://a.example,,https://b.example", `HOLDFAST_CORS_ORIGINS has an entry that is ""` + originForm},
		{"HOLDFAST_CORS_ORIGINS=null", `HOLDFAST_CORS_ORIGINS has an entry that is "null"` + originForm},
		{"HOLDFAST_CORS_ORIGINS=https://u:secret@shop.example", `HOLDFAST_CORS_ORIGINS has an entry that is not shown here` + originForm},
		{"HOLDFAST_CORS_ORIGINS=*,https://shop.example", `HOLDFAST_CORS_ORIGINS has an entry that is "*"; it must be * alone, or origins without it`},
		{"HOLDFAST_TRUSTED_PROXIES=10.0.0.0/33", `HOLDFAST_TRUSTED_PROXIES has an entry that is "10.0.0.0/33"` + proxyForm},
		{"HOLDFAST_TRUSTED_PROXIES=127.0.0.1,proxy.internal", `HOLDFAST_TRUSTED_PROXIES has an entry that is "proxy.internal"` + proxyForm},
		{"HOLDFAST_DEMO=yes", `HOLDFAST_DEMO is "yes"; it must be true or false`},
		{"HOLDFAST_LOCK_STRATEGY=HOPEFUL", `HOLDFAST_LOCK_STRATEGY is "HOPEFUL"; it must be PESSIMISTIC or OPTIMISTIC`},
		{"HOLDFAST_OPTIMISTIC_RETRIES=-1", `HOLDFAST_OPTIMISTIC_RETRIES is "-1"; it must be a whole number from 0 to 100`},
		{"HOLDFAST_OPTIMISTIC_RETRIES=101", `HOLDFAST_OPTIMISTIC_RETRIES is "101"; it must be a whole number from 0 to 100`},
		{"HOLDFAST_OPTIMISTIC_RETRIES=3.5", `HOLDFAST_OPTIMISTIC_RETRIES is "3.5"; it must be a whole number from 0 to 100`},
		{"HOLDFAST_LOCK_TIMEOUT=0s", `HOLDFAST_LOCK_TIMEOUT is "0s"` + durationIn + `10ms to 54s, such as 30s`},
		{"HOLDFAST_LOCK_TIMEOUT=30", `HOLDFAST_LOCK_TIMEOUT is "30"` + durationIn + `10ms to 54s, such as 30s`},
		{"HOLDFAST_LOCK_TIMEOUT=35s", `HOLDFAST_LOCK_TIMEOUT is 35s; it must be less than HOLDFAST_REQUEST_TIMEOUT, which is 35s`},
		{"HOLDFAST_REQUEST_TIMEOUT=56s", `HOLDFAST_REQUEST_TIMEOUT is "56s"` + durationIn + `20ms to 55s, such as 35s`},
		{"HOLDFAST_REQUEST_TIMEOUT=-1s", `HOLDFAST_REQUEST_TIMEOUT is "-1s"` + durationIn + `20ms to 55s, such as 35s`},
		{"HOLDFAST_REQUEST_TIMEOUT=10s", `HOLDFAST_LOCK_TIMEOUT is 30s; it must be less than HOLDFAST_REQUEST_TIMEOUT, which is 10s`},
		{"HOLDFAST_HOLD_TTL=0", `HOLDFAST_HOLD_TTL is "0"` + durationIn + `1s to 8760h, such as 15m`},
		{"HOLDFAST_HOLD_TTL=25h", `HOLDFAST_HOLD_TTL is 25h0m0s; it must be at most HOLDFAST_HOLD_TTL_MAX, which is 24h0m0s`},
		{"HOLDFAST_HOLD_TTL_MAX=1 day", `HOLDFAST_HOLD_TTL_MAX is "1 day"` + durationIn + `1s to 8760h, such as 24h`},
		{"HOLDFAST_HOLD_TTL_MAX=8761h", `HOLDFAST_HOLD_TTL_MAX is "8761h"` + durationIn + `1s to 8760h, such as 24h`},
		{"HOLDFAST_LINES_MAX=0", `HOLDFAST_LINES_MAX is "0"; it must be a whole number from 1 to 1000`},
		{"HOLDFAST_LINES_MAX=1001", `HOLDFAST_LINES_MAX is "1001"; it must be a whole number from 1 to 1000`},
		{"HOLDFAST_LINES_MAX=99999999999999999999", `HOLDFAST_LINES_MAX is "99999999999999999999"; it must be a whole number from 1 to 1000`},
		{"HOLDFAST_WATCHED_SKUS_MAX=249", `HOLDFAST_WATCHED_SKUS_MAX is "249"; it must be a whole number from 250 to 1000000`},
		{"HOLDFAST_BODY_BYTES_MAX=256kB", `HOLDFAST_BODY_BYTES_MAX is "256kB"; it must be a whole number from 1024 to 16777216`},
		{"HOLDFAST_QUERY_DEPTH_MAX=0", `HOLDFAST_QUERY_DEPTH_MAX is "0"; it must be a whole number from 1 to 1000`},
		{"HOLDFAST_EXPIRY_INTERVAL=-60s", `HOLDFAST_EXPIRY_INTERVAL is "-60s"` + durationIn + `100ms to 24h, such as 60s`},
		{"HOLDFAST_RECONCILE_INTERVAL=0", `HOLDFAST_RECONCILE_INTERVAL is "0"` + durationIn + `1s to 8760h, such as 24h`},
		{"HOLDFAST_RETENTION=719h", `HOLDFAST_RETENTION is "719h"` + durationIn + `720h to 876000h, such as 2160h`},
		{"HOLDFAST_SHUTDOWN_GRACE=11m", `HOLDFAST_SHUTDOWN_GRACE is "11m"` + durationIn + `100ms to 10m, such as 15s`},
		{"HOLDFAST_LOG_LEVEL=loud", `HOLDFAST_LOG_LEVEL is "loud"; it must be debug, info, warn or error`},
		{"HOLDFAST_LOG_LEVEL=info+1", `HOLDFAST_LOG_LEVEL is "info+1"; it must be debug, info, warn or error`},
		{"HOLDFAST_LOG_FORMAT=xml", `HOLDFAST_LOG_FORMAT is "xml"; it must be text or json`},
		{"HOLDFAST_LOG_FORMAT=a\nb\x1b[2J\u202e", `HOLDFAST_LOG_FORMAT is "a\nb\x1b[2J\u202e"; it must be text or json`},
		{"HOLDFAST_DEMO=" + strings.Repeat("é", 5000), `HOLDFAST_DEMO is "` + strings.Repeat("é", 40) + `"…; it must be true or false`},
	} {
		name, _, _ := strings.Cut(test.want, ";")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.Load([]string{test.set}, "")
			require.EqualError(t, err, test.want)
			assert.Zero(t, got)
		})
	}
}

func TestMisspeltVariableIsRefusedWithTheNearestName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ set, want string }{
		{"HOLDFAST_ADR=:9090", "HOLDFAST_ADR is not a variable of Holdfast; did you mean HOLDFAST_ADDR?"},
		{"HOLDFAST_ADR=", "HOLDFAST_ADR is not a variable of Holdfast; did you mean HOLDFAST_ADDR?"},
		{"holdfast_addr=:9090", "holdfast_addr is not a variable of Holdfast; did you mean HOLDFAST_ADDR?"},
		{"HOLDFAST_HOLD_MAX_TTL=1h", "HOLDFAST_HOLD_MAX_TTL is not a variable of Holdfast; did you mean HOLDFAST_HOLD_TTL?"},
		{"HOLDFAST_DATABASE_URL=postgres://u:secret@db/shop", "HOLDFAST_DATABASE_URL is not a variable of Holdfast; did you mean DATABASE_URL?"},
		{"HOLDFAST_COLOUR_OF_THE_SKY=blue", "HOLDFAST_COLOUR_OF_THE_SKY is not a variable of Holdfast; holdfast -h lists them"},
		{"HOLDFAST_=", "HOLDFAST_ is not a variable of Holdfast; holdfast -h lists them"},
		{"HOLDFAST_PORT=8080", "HOLDFAST_PORT is not a variable of Holdfast; holdfast -h lists them"},
	} {
		t.Run(test.want, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load([]string{test.set}, "")
			require.EqualError(t, err, test.want)
		})
	}
}

func TestVariablesThatKubernetesSetsForAServiceAreLeftAlone(t *testing.T) {
	t.Parallel()
	links := []string{
		"HOLDFAST_SERVICE_HOST=10.0.0.1",
		"HOLDFAST_SERVICE_PORT=8080",
		"HOLDFAST_SERVICE_PORT_HTTP=8080",
		"HOLDFAST_PORT=tcp://10.0.0.1:8080",
		"HOLDFAST_PORT_8080_TCP=tcp://10.0.0.1:8080",
		"HOLDFAST_PORT_8080_TCP_ADDR=10.0.0.1",
		"HOLDFAST_DB_SERVICE_HOST=10.0.0.2",
	}
	_, err := config.Load(append(links, "KUBERNETES_SERVICE_HOST=10.0.0.3"), "")
	require.NoError(t, err)
	for _, link := range links {
		_, err := config.Load([]string{link}, "")
		assert.ErrorContains(t, err, "is not a variable of Holdfast", "outside Kubernetes, %s", link)
	}
	_, err = config.Load([]string{"KUBERNETES_SERVICE_HOST=10.0.0.3", "HOLDFAST_PORT=8080"}, "")
	assert.ErrorContains(t, err, "HOLDFAST_PORT is not a variable of Holdfast")
}

func TestDemoDependsOnTheDatabaseUnlessSet(t *testing.T) {
	t.Parallel()
	const database = "DATABASE_URL=postgres://db/shop"
	for _, test := range []struct {
		environ []string
		want    bool
	}{
		{nil, true},
		{[]string{"HOLDFAST_DEMO=false"}, false},
		{[]string{database}, false},
		{[]string{database, "HOLDFAST_DEMO="}, false},
		{[]string{database, "HOLDFAST_DEMO=true"}, true},
	} {
		got, err := config.Load(test.environ, "")
		require.NoError(t, err)
		assert.Equal(t, test.want, got.Demo, "%q", test.environ)
	}
}

func TestLogFormatDependsOnTheTerminalUnlessSet(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "text", config.Config{}.LogFormatOn(true))
	assert.Equal(t, "json", config.Config{}.LogFormatOn(false))
	assert.Equal(t, "json", config.Config{LogFormat: "json"}.LogFormatOn(true))
	assert.Equal(t, "text", config.Config{LogFormat: "text"}.LogFormatOn(false))
}
