package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"holdfast/internal/pgtest"
)

// collector takes traces as OpenTelemetry's does.
type collector struct {
	url string

	mu   sync.Mutex
	raw  bytes.Buffer
	sent []*tracepb.ResourceSpans
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var request collectorpb.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(raw, &request) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(raw)
		c.sent = append(c.sent, request.GetResourceSpans()...)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// spans are those that were sent, in the order of their ends.
func (c *collector) spans() (all []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range c.sent {
		for _, scope := range resource.GetScopeSpans() {
			all = append(all, scope.GetSpans()...)
		}
	}
	return all
}

// find returns the spans of this name.
func (c *collector) find(name string) (found []*tracepb.Span) {
	for _, span := range c.spans() {
		if span.GetName() == name {
			found = append(found, span)
		}
	}
	return found
}

// sendTraced sends a hold in a trace, and waits for its answer.
func (s *server) sendTraced(traceID, token string) {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.url+"/graphql", strings.NewReader(
		`{"query": "mutation Buy { createHold(input: {clientToken: \"`+token+`\", lines: [{sku: \"A\", quantity: 1}]}) { userErrors { code } } }"}`))
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	require.Contains(s.t, body(s.t, response), `{"data":{"createHold":{"userErrors":[`)
}

// inTrace are the spans of one trace, by their names.
func (c *collector) inTrace(id string) map[string][]*tracepb.Span {
	named := map[string][]*tracepb.Span{}
	for _, span := range c.spans() {
		if hex.EncodeToString(span.GetTraceId()) == id {
			named[span.GetName()] = append(named[span.GetName()], span)
		}
	}
	return named
}

// requireLinked demands that each operation is linked with the span of this name
// that carried it, and that with the operation.
func (c *collector) requireLinked(t *testing.T, shared, operation string, operations int) {
	t.Helper()
	carried := map[string]string{} // who is linked by which
	for _, span := range c.find(shared) {
		for _, link := range span.GetLinks() {
			carried[string(link.GetSpanId())] = string(span.GetSpanId())
		}
	}
	found := c.find(operation)
	require.Len(t, found, operations)
	for _, span := range found {
		require.Len(t, span.GetLinks(), 1)
		require.Equal(t, carried[string(span.GetSpanId())], string(span.GetLinks()[0].GetSpanId()))
	}
}

func TestAHoldIsTracedFromItsCallerToItsCommit(t *testing.T) {
	t.Parallel()
	traces := newCollector(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.url, "OTEL_SERVICE_NAME=shop-stock")
	s.createSKU("A", 5)
	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	s.sendTraced(traceID, marked)
	s.query(`{ reservation(by: {clientToken: "`+marked+`"}) { id } }`, nil)
	require.NoError(t, s.wait(), "and what was not sent yet is")

	mine := map[string]*tracepb.Span{}
	for name, spans := range traces.inTrace(traceID) {
		require.Len(t, spans, 1, name)
		mine[name] = spans[0]
	}
	for name, parent := range map[string]string{"mutation createHold": "POST /graphql", "group": "mutation createHold", "load": "group", "save": "group"} {
		require.Contains(t, mine, name)
		require.Equal(t, mine[parent].GetSpanId(), mine[name].GetParentSpanId(), name)
	}
	require.Equal(t, "00f067aa0ba902b7", hex.EncodeToString(mine["POST /graphql"].GetParentSpanId()))
	require.Equal(t, tracepb.Span_SPAN_KIND_SERVER, mine["POST /graphql"].GetKind())
	require.Equal(t, mine["mutation createHold"].GetSpanId(), mine["group"].GetLinks()[0].GetSpanId())
	require.Equal(t, mine["group"].GetSpanId(), mine["mutation createHold"].GetLinks()[0].GetSpanId())
	require.Len(t, traces.find("read"), 1)

	require.Contains(t, traces.raw.String(), "shop-stock")
	require.NotContains(t, traces.raw.String(), marked)
	require.NotContains(t, traces.raw.String(), "SELECT")
	require.Regexp(t, `"operation":"Buy".*"traceId":"`+traceID+`"`, s.log.String())
}

func TestAGroupIsLinkedWithAllWhomItCarries(t *testing.T) {
	t.Parallel()
	traces := newCollector(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.url)
	s.createSKU("A", 50)
	const holds = 20
	var callers sync.WaitGroup
	for n := range holds {
		callers.Go(func() { s.sendTraced(fmt.Sprintf("4bf92f3577b34da6a3ce929d0e0e47%02d", n), fmt.Sprint(n)) })
	}
	callers.Wait()
	require.NoError(t, s.wait())

	traces.requireLinked(t, "group", "mutation createHold", holds)
}

func TestAReadOfAvailabilityIsLinkedWithAllWhoShareIt(t *testing.T) {
	t.Parallel()
	traces := newCollector(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.url)
	s.createSKU("A", 50)
	const queries = 20
	var callers sync.WaitGroup
	for range queries {
		callers.Go(func() { s.query(`{ availability(skus: ["A"]) { available } }`, nil) })
	}
	callers.Wait()
	require.NoError(t, s.wait())
	traces.requireLinked(t, "read", "query availability", queries)
}

func TestWhatIsRefusedWithoutLocksIsTracedAsALoad(t *testing.T) {
	t.Parallel()
	traces := newCollector(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.url)
	s.createSKU("A", 0)
	const locking, looking = "4bf92f3577b34da6a3ce929d0e0e4701", "4bf92f3577b34da6a3ce929d0e0e4702"
	s.sendTraced(locking, "first")
	s.sendTraced(looking, "second")
	require.NoError(t, s.wait())
	for _, traceID := range []string{locking, looking} {
		mine := traces.inTrace(traceID)
		require.Len(t, mine["load"], 1)
		require.Equal(t, mine["group"][0].GetSpanId(), mine["load"][0].GetParentSpanId())
		require.Empty(t, mine["save"])
	}
}

func TestOperationsOfAWebSocketAreTracesOfTheirOwn(t *testing.T) {
	t.Parallel()
	traces := newCollector(t)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.url)
	s.createSKU("A", 5)
	w := s.dial(t)
	w.subscribe("1", `availabilityChanged(skus: ["A"]) { version }`)
	w.requireNext(`{"availabilityChanged": {"version": 1}}`)
	require.NoError(t, s.wait())
	handshake, stream := traces.find("GET /graphql"), traces.find("subscription availabilityChanged")
	require.Len(t, handshake, 1)
	require.Len(t, stream, 1)
	require.NotEqual(t, handshake[0].GetTraceId(), stream[0].GetTraceId())
	require.Empty(t, stream[0].GetParentSpanId())
	require.Equal(t, handshake[0].GetSpanId(), stream[0].GetLinks()[0].GetSpanId())
}

func TestACollectorThatIsNotThereIsToldOfOnceAndHarmsNobody(t *testing.T) {
	t.Parallel()
	refusing := newCollector(t).url + "/" + marked
	for _, endpoint := range []string{refusing, "http://user:" + marked + "@127.0.0.1:1", marked + ":4318"} {
		s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint)
		s.createSKU("A", 5)
		began := time.Now()
		require.NoError(t, s.wait())
		require.Less(t, time.Since(began), 10*time.Second)
		log := s.log.String()
		require.Equal(t, 1, strings.Count(log, "traces can't be delivered")+strings.Count(log, "nothing is traced"), log)
		require.NotContains(t, log, marked)
	}
}
