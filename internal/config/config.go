// Package config reads the environment that a server starts with, and refuses
// one that can't be meant: each error is one line that names the variable and
// says what is allowed, and never shows a secret.
package config

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is the environment, read and checked. The tags are all there is to
// say about a variable: its name and default, the values it takes (min and max,
// or oneof) and the line that Usage prints. A default that depends on something
// else, or that is off, has no envDefault; shown is what Usage prints in its
// place, and example what an error suggests.
type Config struct {
	// DatabaseURL is empty when a private PostgreSQL is to be started. It may
	// hold a password: never log it.
	DatabaseURL string `env:"DATABASE_URL" shown:"(none)" about:"the PostgreSQL to use; none: a private one starts"`

	// Addr is host:port; an empty host means all interfaces, port 0 a free one.
	Addr    string `env:"HOLDFAST_ADDR" envDefault:"127.0.0.1:8080" about:"host:port to listen on; :8080 means all interfaces"`
	DataDir string `env:"HOLDFAST_DATA_DIR" envDefault:".holdfast" about:"where the private PostgreSQL lives"`

	Playground    bool `env:"HOLDFAST_PLAYGROUND" envDefault:"true" about:"whether / is the Playground"`
	Introspection bool `env:"HOLDFAST_INTROSPECTION" envDefault:"true" about:"whether clients may ask for the schema"`

	CORSOrigins    Origins  `env:"HOLDFAST_CORS_ORIGINS" shown:"(none)" about:"origins of other sites' pages that may call; or *"`
	TrustedProxies Networks `env:"HOLDFAST_TRUSTED_PROXIES" shown:"(none)" about:"proxies whose X-Forwarded headers are believed"`

	// Demo is true unless told otherwise when DatabaseURL is empty.
	Demo bool `env:"HOLDFAST_DEMO" shown:"(varies)" about:"sample SKUs if empty; true without DATABASE_URL"`

	// LockStrategy is PESSIMISTIC or OPTIMISTIC.
	LockStrategy      string `env:"HOLDFAST_LOCK_STRATEGY" envDefault:"PESSIMISTIC" oneof:"PESSIMISTIC,OPTIMISTIC" about:"for commands that name none; or OPTIMISTIC"`
	OptimisticRetries int    `env:"HOLDFAST_OPTIMISTIC_RETRIES" envDefault:"3" min:"0" max:"100" about:"fresh tries after a lost race, before CONTENDED"`

	// LockTimeout is less than RequestTimeout, with room for the statement's
	// own time limit between them. RequestTimeout in turn is less than the
	// database driver's read timeout of 60 s, which has to be the last to
	// strike: a request must end by its own deadline.
	LockTimeout    time.Duration `env:"HOLDFAST_LOCK_TIMEOUT" envDefault:"30s" min:"10ms" max:"54s" about:"longest wait for a row lock, before CONTENDED"`
	RequestTimeout time.Duration `env:"HOLDFAST_REQUEST_TIMEOUT" envDefault:"35s" min:"20ms" max:"55s" about:"longest a query or mutation may take"`

	// HoldTTL is at most HoldTTLMax.
	HoldTTL    time.Duration `env:"HOLDFAST_HOLD_TTL" envDefault:"15m" min:"1s" max:"8760h" about:"how long a hold lasts that asks for no ttlSeconds"`
	HoldTTLMax time.Duration `env:"HOLDFAST_HOLD_TTL_MAX" envDefault:"24h" min:"1s" max:"8760h" about:"longest a hold may last, extensions included"`
	LinesMax   int           `env:"HOLDFAST_LINES_MAX" envDefault:"100" min:"1" max:"1000" about:"most lines in one reservation"`

	SubscriptionsMax int `env:"HOLDFAST_SUBSCRIPTIONS_MAX" envDefault:"50" min:"1" max:"10000" about:"most subscriptions over one WebSocket"`
	WatchedSKUsMax   int `env:"HOLDFAST_WATCHED_SKUS_MAX" envDefault:"2500" min:"250" max:"1000000" about:"most SKUs watched over one WebSocket"`
	ConnectionsMax   int `env:"HOLDFAST_CONNECTIONS_MAX" envDefault:"20000" min:"1" max:"1000000" about:"most WebSockets and event streams at once"`

	// What a single request may come to: internal/web/limits tells how it is
	// counted.
	BodyBytesMax           int `env:"HOLDFAST_BODY_BYTES_MAX" envDefault:"262144" min:"1024" max:"16777216" about:"most bytes in one request or WebSocket message"`
	QueryTokensMax         int `env:"HOLDFAST_QUERY_TOKENS_MAX" envDefault:"2000" min:"100" max:"100000" about:"most tokens in one query's text"`
	QueryDepthMax          int `env:"HOLDFAST_QUERY_DEPTH_MAX" envDefault:"15" min:"1" max:"1000" about:"most levels of fields in one query"`
	IntrospectionDepthMax  int `env:"HOLDFAST_INTROSPECT_DEPTH_MAX" envDefault:"20" min:"1" max:"1000" about:"most levels of introspection fields"`
	IntrospectionFieldsMax int `env:"HOLDFAST_INTROSPECT_FIELDS_MAX" envDefault:"8000" min:"1" max:"1000000" about:"most fields of the schema in one answer"`
	QueryAliasesMax        int `env:"HOLDFAST_QUERY_ALIASES_MAX" envDefault:"30" min:"0" max:"10000" about:"most aliases in one query"`
	QueryDirectivesMax     int `env:"HOLDFAST_QUERY_DIRECTIVES_MAX" envDefault:"50" min:"0" max:"10000" about:"most directives in one query"`
	QueryFieldsMax         int `env:"HOLDFAST_QUERY_FIELDS_MAX" envDefault:"500" min:"1" max:"10000" about:"most fields in one query, fragments spread"`
	QueryCostMax           int `env:"HOLDFAST_QUERY_COST_MAX" envDefault:"20000" min:"1" max:"1000000" about:"most fields that one answer can have"`

	ExpiryInterval time.Duration `env:"HOLDFAST_EXPIRY_INTERVAL" envDefault:"60s" min:"100ms" max:"24h" about:"how often to sweep for holds that expiry missed"`
	// ReconcileInterval and Retention are zero where they are off.
	ReconcileInterval time.Duration `env:"HOLDFAST_RECONCILE_INTERVAL" example:"24h" min:"1s" max:"8760h" shown:"(off)" about:"how often to check everything, and repair drift"`
	Retention         time.Duration `env:"HOLDFAST_RETENTION" example:"2160h" min:"720h" max:"876000h" shown:"(for ever)" about:"how long to keep what has ended, and its history"`

	ShutdownGrace time.Duration `env:"HOLDFAST_SHUTDOWN_GRACE" envDefault:"15s" min:"100ms" max:"10m" about:"time to finish what is under way at a stop"`

	LogLevel slog.Level `env:"HOLDFAST_LOG_LEVEL" envDefault:"info" oneof:"debug,info,warn,error" about:"debug, info, warn or error"`
	// LogFormat is empty when it is left to the terminal: ask LogFormatOn.
	LogFormat string `env:"HOLDFAST_LOG_FORMAT" oneof:"text,json" shown:"(varies)" about:"text or json; text on a terminal, else json"`

	// OTLPEndpoint may hold a key: never log it. ServiceName is empty when it is
	// left to OpenTelemetry's other variables.
	OTLPEndpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" shown:"(none)" about:"where traces go, by OTLP over HTTP"`
	ServiceName  string `env:"OTEL_SERVICE_NAME" shown:"holdfast" about:"what the traces are found by"`
}

// Load reads environ, in the form of os.Environ, over the file at dotenvPath: a
// variable that environ has, though it be empty, hides the file's. A missing
// file is no error; a dotenvPath of "" reads none. An empty value counts as
// absent. Several problems are reported one at a time.
func Load(environ []string, dotenvPath string) (Config, error) {
	fromFile, err := readDotenv(dotenvPath)
	if err != nil {
		return Config{}, err
	}
	values := env.ToMap(environ)
	for name, value := range fromFile {
		if _, hidden := values[name]; !hidden {
			values[name] = value
		}
	}
	if err := refuseMisspelt(values); err != nil {
		return Config{}, err
	}
	return parse(values)
}

func parse(values map[string]string) (Config, error) {
	if err := spellChoices(values); err != nil {
		return Config{}, err
	}
	var config Config
	if err := env.ParseWithOptions(&config, env.Options{Environment: values}); err != nil {
		return Config{}, refuseUnparsed(err, values)
	}
	if err := config.checkBounds(values); err != nil {
		return Config{}, err
	}
	if err := checkAddr(config.Addr); err != nil {
		return Config{}, err
	}
	if err := checkDatabaseURL(config.DatabaseURL); err != nil {
		return Config{}, fmt.Errorf("DATABASE_URL %w", err)
	}
	if values["HOLDFAST_DEMO"] == "" {
		config.Demo = config.DatabaseURL == ""
	}
	return config, nil
}

// LogFormatOn returns the log format, text or json, for a log that goes to a
// terminal or to something else.
func (c Config) LogFormatOn(terminal bool) string {
	switch {
	case c.LogFormat != "":
		return c.LogFormat
	case terminal:
		return "text"
	default:
		return "json"
	}
}
