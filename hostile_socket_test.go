//go:build unix

package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

func hostileSockets() []hostile {
	const (
		handshake = "Sec-WebSocket-Version: 13"
		key       = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
		protocol  = "Sec-WebSocket-Protocol: graphql-transport-ws"
		upgrade   = "Connection: Upgrade, close"
		toSocket  = "Upgrade: websocket"
		evil      = "Origin: https://evil.example"

		invalid   = "closed 4400"
		violation = "closed 1002"
		tooLarge  = "closed 1009"
		cutOff    = "cut off"
	)
	begin := textFrame(`{"type":"connection_init"}`)
	subscribe := func(id, query string) string {
		payload, _ := json.Marshal(map[string]string{"query": query})
		return textFrame(`{"id":"` + id + `","type":"subscribe","payload":` + string(payload) + `}`)
	}
	watch := func(id string, skus int) string {
		return subscribe(id, `subscription{availabilityChanged(skus:["`+strings.Join(slices.Repeat([]string{"GOOD"}, skus), `","`)+`"]){sku}}`)
	}
	const hold = `mutation{createHold(input:{clientToken:"socket",lines:[{sku:"GOOD",quantity:1}]}){replayed}}`
	return []hostile{
		{"a handshake without a key", raw(head("GET", "/graphql", upgrade, toSocket, handshake, protocol)), "400"},
		{"a handshake with half a key", raw(head("GET", "/graphql", upgrade, toSocket, handshake, "Sec-WebSocket-Key: AAAA", protocol)), "400"},
		{"a handshake of another version", raw(head("GET", "/graphql", upgrade, toSocket, "Sec-WebSocket-Version: 8", key, protocol)), "400"},
		{"a handshake by POST", raw(head("POST", "/graphql", upgrade, toSocket, handshake, key, protocol)), "405"},
		{"a handshake that doesn't upgrade", raw(head("GET", "/graphql", toSocket, handshake, key, protocol)), "426"},
		{"a handshake of HTTP/1.0", raw(strings.Replace(head("GET", "/graphql", upgrade, toSocket, handshake, key, protocol), "1.1", "1.0", 1)), "426"},
		{"a handshake of another origin's page", raw(head("GET", "/graphql", upgrade, toSocket, handshake, key, protocol, evil)), "403 FORBIDDEN"},
		{"a handshake of no origin's page", raw(head("GET", "/graphql", upgrade, toSocket, handshake, key, protocol, "Origin: null")), "403 FORBIDDEN"},
		{"a handshake where there is no WebSocket", raw(head("GET", "/healthz", upgrade, toSocket, handshake, key, protocol)), "200"},
		{"no subprotocol", socketOf(nil), "closed 4406"},
		{"another subprotocol", socketOf([]string{"graphql-ws"}), "closed 4406"},

		{"a subscription before the beginning", frames(watch("1", 1)), "closed 4401"},
		{"a mutation before the beginning", frames(subscribe("1", hold)), "closed 4401"},
		{"two beginnings", frames(begin, begin), "closed 4429"},
		{"no JSON", frames(begin, textFrame(`{"type":`)), invalid},
		{"no object", frames(begin, textFrame(`[{"type":"ping"}]`)), invalid},
		{"null", frames(begin, textFrame(`null`)), invalid},
		{"nothing", frames(begin, textFrame(``)), invalid},
		{"no type", frames(begin, textFrame(`{"id":"1"}`)), invalid},
		{"a type that is a number", frames(begin, textFrame(`{"type":1}`)), invalid},
		{"a type that is unknown", frames(begin, textFrame(`{"type":"shutdown"}`)), invalid},
		{"a type of the older protocol", frames(begin, textFrame(`{"id":"1","type":"start","payload":{"query":"{__typename}"}}`)), invalid},
		{"a type that only the server sends", frames(begin, textFrame(`{"id":"1","type":"next","payload":{"data":{}}}`)), invalid},
		{"a subscription without an id", frames(begin, textFrame(`{"type":"subscribe","payload":{"query":"{__typename}"}}`)), invalid},
		{"a subscription with an id that is a number", frames(begin, textFrame(`{"id":1,"type":"subscribe","payload":{"query":"{__typename}"}}`)), invalid},
		{"a subscription without a payload", frames(begin, textFrame(`{"id":"1","type":"subscribe"}`)), invalid},
		{"a payload that is text", frames(begin, textFrame(`{"id":"1","type":"subscribe","payload":"{__typename}"}`)), invalid},
		{"a payload that is a batch", frames(begin, textFrame(`{"id":"1","type":"subscribe","payload":[{"query":"{__typename}"}]}`)), invalid},
		{"a payload that is nested without end", frames(begin, textFrame(`{"id":"1","type":"subscribe","payload":`+strings.Repeat("[", 100_000))), invalid},
		{"bytes that are no UTF-8", frames(begin, textFrame("{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{__typename}#\xff\"}}")), invalid},
		{"an id that is in use", frames(begin, watch("1", 1), watch("1", 1)), "closed 4409"},
		{"an id of 100 kB that is in use", frames(begin, watch(strings.Repeat("é", 50_000), 1), watch(strings.Repeat("é", 50_000), 1)), "closed 4409"},

		{"a message over the limit", frames(begin, textFrame(`{"type":"ping","payload":{"a":"`+strings.Repeat("x", 300_000)+`"}}`)), tooLarge},
		{"a message that never ends", frames(begin, frame(0x1, "{"), strings.Repeat(frame(0x0, strings.Repeat(" ", 1000)), 300)), tooLarge},
		{"a message that is announced as endless", frames(begin, "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"+strings.Repeat(" ", 300_000)), tooLarge},
		{"a message of a negative length", frames(begin, "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"), cutOff},
		{"a binary message", frames(begin, frame(finalFrame|0x2, `{"type":"ping"}`)), invalid},
		{"a frame without a mask", frames(begin, "\x81\x0f"+`{"type":"ping"}`), cutOff},
		{"a frame with reserved bits", frames(begin, frame(finalFrame|0x40|0x1, `{"type":"ping"}`)), violation},
		{"a frame of a kind that is none", frames(begin, frame(finalFrame|0x3, "")), violation},
		{"a continuation of nothing", frames(begin, frame(finalFrame, "x")), violation},
		{"a message within a message", frames(begin, frame(0x1, "{"), frame(0x1, "{")), violation},
		{"a ping in pieces", frames(begin, frame(0x9, "x")), violation},
		{"a ping that is too long", frames(begin, frame(finalFrame|0x9, strings.Repeat("x", 126))), violation},
		{"a close with a code that is none", frames(begin, frame(finalFrame|0x8, "\x00\x01")), violation},
		{"ten thousand pings, and garbage", frames(begin, strings.Repeat(frame(finalFrame|0x9, "x"), 10_000), textFrame("garbage")), invalid},
		{"ten thousand pings of the protocol, and garbage", frames(begin, strings.Repeat(textFrame(`{"type":"ping"}`), 10_000), textFrame("garbage")), invalid},
		{"ten thousand completions of nothing, and garbage", frames(begin, strings.Repeat(textFrame(`{"id":"1","type":"complete"}`), 10_000), textFrame("garbage")), invalid},

		{"no query", frames(begin, textFrame(`{"id":"1","type":"subscribe","payload":{}}`)), "refused GRAPHQL_VALIDATION_FAILED"},
		{"a query that can't be parsed", frames(begin, subscribe("1", "{")), "refused GRAPHQL_PARSE_FAILED"},
		{"a field that is unknown", frames(begin, subscribe("1", "subscription{passwords}")), "refused GRAPHQL_VALIDATION_FAILED"},
		{"fragments that double sixty times", frames(begin, subscribe("1", "subscription{...F0}"+bomb("__typename"))), "refused LIMIT_EXCEEDED fields"},
		{"the schema thirty times", frames(begin, subscribe("1", "{"+numbered("a%d:__schema{...S}", 30)+"} fragment S on __Schema{types{name fields{name type{name}}}}")), "refused LIMIT_EXCEEDED introspectionFields"},
		{"two fields of a subscription", frames(begin, subscribe("1", `subscription{a:availabilityChanged(skus:["GOOD"]){sku} b:availabilityChanged(skus:["GOOD"]){sku}}`)), "refused GRAPHQL_VALIDATION_FAILED"},
		{"subscriptions", frames(begin, numberedWith(51, func(id string) string { return watch(id, 1) })), "refused LIMIT_EXCEEDED subscriptions"},
		{"SKUs of several subscriptions", frames(begin, watch("1", 100), watch("2", 100), watch("3", 100)), "refused LIMIT_EXCEEDED watchedSkus"},
		{"SKUs of one subscription", frames(begin, watch("1", 251)), "refused LIMIT_EXCEEDED watchedSkus"},
		{"a SKU that is unknown", frames(begin, subscribe("1", `subscription{availabilityChanged(skus:["MISSING"]){sku}}`)), "refused BAD_USER_INPUT skus.0"},
		{"a SKU with a NUL", frames(begin, subscribe("1", `subscription{availabilityChanged(skus:["A\u0000"]){sku}}`)), "refused BAD_USER_INPUT skus.0"},
		{"a reservation that is unknown", frames(begin, subscribe("1", `subscription{reservationChanged(id:"`+unknownID+`"){id}}`)), "refused BAD_USER_INPUT id"},
		{"a cursor that is none", frames(begin, subscribe("1", `subscription{stockChanges(after:"x"){cursor}}`)), "refused BAD_USER_INPUT after"},
	}
}

// frames sends frames over a WebSocket, and tells what came of it.
func frames(all ...string) func(*target) string {
	return socketOf([]string{"graphql-transport-ws"}, all...)
}

// socketOf does that over one of these subprotocols.
func socketOf(subprotocols []string, frames ...string) func(*target) string {
	return func(s *target) string {
		s.t.Helper()
		ctx, cancel := context.WithTimeout(s.t.Context(), patience)
		defer cancel()
		var conn net.Conn
		dialer := &http.Transport{DialContext: func(ctx context.Context, network, address string) (_ net.Conn, err error) {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
			return conn, err
		}}
		socket, _, err := websocket.Dial(ctx, s.url+"/graphql", &websocket.DialOptions{Subprotocols: subprotocols, HTTPClient: &http.Client{Transport: dialer}})
		require.NoError(s.t, err)
		defer func() { _ = socket.CloseNow() }()
		socket.SetReadLimit(-1)
		go func() { // it may be hung up on before all is sent
			for _, f := range frames {
				_, _ = conn.Write([]byte(f))
			}
		}()
		for {
			_, received, err := socket.Read(ctx)
			switch code := websocket.CloseStatus(err); {
			case ctx.Err() != nil:
				return "no end"
			case err != nil && code == -1:
				return "cut off"
			case err != nil:
				return fmt.Sprint("closed ", int(code))
			}
			if refused := refusalIn(received); refused != "" {
				return refused
			}
		}
	}
}

// refusalIn says why an operation was refused, if that is what a message says.
func refusalIn(received []byte) string {
	var m struct{ Payload json.RawMessage }
	var ended []refusedFor
	var answered struct{ Errors []refusedFor }
	_ = json.Unmarshal(received, &m)
	_ = json.Unmarshal(m.Payload, &ended)
	_ = json.Unmarshal(m.Payload, &answered)
	for _, e := range append(ended, answered.Errors...) {
		return "refused " + e.String()
	}
	return ""
}

// finalFrame is the bit of a message's last frame.
const finalFrame = 0x80

func textFrame(message string) string { return frame(finalFrame|0x1, message) }

// frame is a client's, masked with zeros.
func frame(first byte, payload string) string {
	header := []byte{first}
	switch n := len(payload); {
	case n < 126:
		header = append(header, 0x80|byte(n))
	case n < 1<<16:
		header = binary.BigEndian.AppendUint16(append(header, 0x80|126), uint16(n))
	default:
		header = binary.BigEndian.AppendUint64(append(header, 0x80|127), uint64(n))
	}
	return string(append(header, 0, 0, 0, 0)) + payload
}

func numberedWith(count int, frame func(id string) string) string {
	var all strings.Builder
	for i := range count {
		all.WriteString(frame(fmt.Sprint(i)))
	}
	return all.String()
}
