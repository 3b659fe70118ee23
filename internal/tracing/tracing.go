// Package tracing has OpenTelemetry told of what a server does, where it is
// configured to be, and else does nothing.
//
//	HTTP request ─► operation ─┬─► read
//	                           ├·· link ··► group ─► load, save
//	                           └·· link ··► read, of availability
//
// A group carries the commands of many requests, as one read answers the queries
// of many. Its span is a child of the first traced one's, so that it is kept
// whenever that is, and is linked with the operations of all.
//
// Spans have names of the schema, codes and counts: no statement, no argument
// and no header, as those have client tokens and other people's data.
package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// flushTimeout bounds what a stop waits for a collector that doesn't answer.
const flushTimeout = 3 * time.Second

// groupLinksMax has room for the callers of the largest group.
const groupLinksMax = 512

// Options are what an operator may set.
type Options struct {
	// Endpoint is the collector's address, to which /v1/traces is appended. Empty:
	// nothing is traced.
	Endpoint string
	// ServiceName is what the traces are found by; empty: what OpenTelemetry's own
	// variables say, or else holdfast.
	ServiceName string
	Version     string
	Log         *slog.Logger
}

// Tracing makes spans. Nil makes none. It is safe for concurrent use.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// Start returns nil where nothing is to be traced. A collector that can't be
// reached is no reason not to start: spans are dropped, and the log says so.
func Start(ctx context.Context, options Options) *Tracing {
	if options.Endpoint == "" {
		return nil
	}
	provider, err := newProvider(ctx, options)
	if err != nil {
		options.Log.Warn("nothing is traced", "error", err)
		return nil
	}
	return &Tracing{provider, provider.Tracer("holdfast")}
}

func newProvider(ctx context.Context, options Options) (*sdktrace.TracerProvider, error) {
	endpoint, err := url.Parse(options.Endpoint)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		return nil, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is not a URL such as http://127.0.0.1:4318") // which may hold a key
	}
	address := endpoint.JoinPath("v1/traces").String()
	client, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(address),
		// What can't be delivered is dropped: to keep it would keep memory.
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}),
	)
	if err != nil {
		return nil, errors.New(withoutAddress(err, address))
	}
	described, err := describe(ctx, options)
	if err != nil {
		return nil, err
	}
	limits := sdktrace.NewSpanLimits()
	limits.LinkCountLimit = max(limits.LinkCountLimit, groupLinksMax)
	return sdktrace.NewTracerProvider(
		sdktrace.WithResource(described),
		sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithBatcher(&exporter{SpanExporter: client, log: options.Log, address: address}),
	), nil
}

// describe says what the spans are of: in OpenTelemetry's order, in which what
// comes later prevails.
func describe(ctx context.Context, options Options) (*resource.Resource, error) {
	named := []attribute.KeyValue{}
	if options.ServiceName != "" {
		named = append(named, attribute.String("service.name", options.ServiceName))
	}
	return resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "holdfast"), attribute.String("service.version", options.Version)),
		resource.WithFromEnv(),
		resource.WithAttributes(named...),
		resource.WithTelemetrySDK(),
	)
}

// Stop delivers the spans that have ended, if that can be done before ctx ends
// and in a few seconds.
func (t *Tracing) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the exporter tells
}
