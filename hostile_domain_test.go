//go:build unix

package main

import (
	"maps"
	"slices"
	"strings"
)

func (s *target) hostileInput() []hostile {
	const (
		refused = "200 INVALID_INPUT input."
		query   = "200 BAD_USER_INPUT "
		ended   = "200 INVALID_STATE input.reservationId"
		found   = "200"
	)
	line := func(sku any, quantity any) map[string]any { return map[string]any{"sku": sku, "quantity": quantity} }
	hold := func(lines ...map[string]any) func(*target) string {
		return command("createHold", map[string]any{"clientToken": "hostile", "lines": append([]map[string]any{}, lines...)})
	}
	holdWith := func(name string, value any) func(*target) string {
		input := holdOf("hostile", "GOOD", 1)
		input[name] = value
		return command("createHold", input)
	}
	end := func(field, id string) func(*target) string {
		return command(field, map[string]any{"reservationId": id})
	}
	adjust := func(given map[string]any) func(*target) string {
		input := map[string]any{"clientToken": "hostile", "sku": "GOOD", "delta": 1, "reason": "FOUND"}
		maps.Copy(input, given)
		return command("adjustStock", input)
	}
	var many []map[string]any
	for i := range 101 {
		many = append(many, line("S-"+strings.Repeat("x", i%50), 1))
	}
	long := strings.Repeat("x", 256)
	return []hostile{
		{"a quantity of none", hold(line("GOOD", 0)), refused + "lines.0.quantity"},
		{"a quantity below none", hold(line("GOOD", -1)), refused + "lines.0.quantity"},
		{"a quantity over a million", hold(line("GOOD", 1_000_001)), refused + "lines.0.quantity"},
		{"a quantity over 32 bits", hold(line("GOOD", 1<<32+1)), query + "input.lines.0.quantity"},
		{"half a unit", hold(line("GOOD", 0.5)), "400 BAD_USER_INPUT " + "input.lines.0.quantity"},
		{"more than there is", hold(line("GOOD", 1_000_000)), "200 INSUFFICIENT_STOCK input.lines.0.quantity"},
		{"more than there is in one line of two", hold(line("GOOD", 1), line("MISSING", 1)), "200 UNKNOWN_SKU input.lines.1.sku"},
		{"one SKU in two lines", hold(line("GOOD", 1), line("GOOD", 1)), refused + "lines.1"},
		{"no lines", hold(), refused + "lines"},
		{"101 lines", hold(many...), refused + "lines"},
		{"a SKU that is unknown", hold(line("MISSING", 1)), "200 UNKNOWN_SKU input.lines.0.sku"},
		{"a SKU of no characters", hold(line("", 1)), refused + "lines.0.sku"},
		{"a SKU of 65 characters", hold(line(strings.Repeat("A", 65), 1)), refused + "lines.0.sku"},
		{"a SKU with a space", hold(line("GO OD", 1)), refused + "lines.0.sku"},
		{"a SKU with a space behind it", hold(line("GOOD ", 1)), refused + "lines.0.sku"},
		{"a SKU with a NUL", hold(line("GOOD\x00", 1)), refused + "lines.0.sku"},
		{"a SKU with a line's end", hold(line("GOOD\n", 1)), refused + "lines.0.sku"},
		{"a SKU in letters that look alike", hold(line("GOОD", 1)), refused + "lines.0.sku"},
		{"a SKU read from right to left", hold(line(rightToLeft, 1)), refused + "lines.0.sku"},
		{"a SKU that is SQL", hold(line("'; DROP TABLE skus; --", 1)), refused + "lines.0.sku"},
		{"a location that is unknown", hold(map[string]any{"sku": "GOOD", "quantity": 1, "location": "nowhere"}), "200 UNKNOWN_LOCATION input.lines.0.location"},
		{"a location that is a path", hold(map[string]any{"sku": "GOOD", "quantity": 1, "location": `..\..`}), refused + "lines.0.location"},
		{"a token of no characters", holdWith("clientToken", ""), refused + "clientToken"},
		{"a token of 256 characters", holdWith("clientToken", long), refused + "clientToken"},
		{"a token with a line's end", holdWith("clientToken", "a\r\nX-Evil: b"), refused + "clientToken"},
		{"a token with half a character", asBody(`{"query":"mutation{createHold(input:{clientToken:\"\ud800\",lines:[{sku:\"GOOD\",quantity:1}]}){userErrors{code field}}}"}`), refused + "clientToken"},
		{"a token that was used for something else", command("createHold", holdOf("held", "GOOD", 2)), "200 IDEMPOTENCY_CONFLICT input.clientToken"},
		{"a token that was used for another command", adjust(map[string]any{"clientToken": "held"}), "200 IDEMPOTENCY_CONFLICT input.clientToken"},
		{"a hold that lasts for no time", holdWith("ttlSeconds", 0), refused + "ttlSeconds"},
		{"a hold that lasts for less", holdWith("ttlSeconds", -1), refused + "ttlSeconds"},
		{"a hold that lasts for years", holdWith("ttlSeconds", 1<<31-1), refused + "ttlSeconds"},
		{"a strategy that is none", holdWith("strategy", "NOWAIT"), "400 BAD_USER_INPUT input.strategy"},
		{"a holder with a NUL", holdWith("holder", "a\x00b"), refused + "holder"},
		{"a reference of 256 characters", holdWith("reference", long), refused + "reference"},
		{"metadata that is nested too deep", holdWith("metadata", nested(33)), query + "input.metadata"},
		{"metadata that is too large", holdWith("metadata", map[string]any{"x": strings.Repeat("x", 17<<10)}), query + "input.metadata"},
		{"metadata that is text", holdWith("metadata", `{"a":1}`), query + "input.metadata"},
		{"metadata with a NUL", holdWith("metadata", map[string]any{"a": "\x00"}), query + "input.metadata"},

		{"an id of no reservation", end("convertHold", unknownID), "200 NOT_FOUND input.reservationId"},
		{"an id that is none", end("convertHold", "1"), refused + "reservationId"},
		{"an id that is SQL", end("releaseHold", "' OR 1=1 --"), refused + "reservationId"},
		{"an id with something behind it", end("releaseHold", s.held+"'"), refused + "reservationId"},
		{"a conversion of what was released", end("convertHold", s.released), ended},
		{"a cancellation of what was released", end("cancelAllocation", s.released), ended},
		{"a release of what was allocated", end("releaseHold", s.allocated), ended},
		{"a conversion of what was allocated at once", end("convertHold", s.allocated), ended},
		{"a cancellation of what has left", end("cancelAllocation", s.fulfilled), ended},
		{"a fulfilment of what is held", end("fulfillAllocation", s.held), ended},
		{"an extension of what was released", command("extendHold", map[string]any{"reservationId": s.released, "ttlSeconds": 60}), ended},
		{"an extension for years", command("extendHold", map[string]any{"reservationId": s.held, "ttlSeconds": 1 << 30}), refused + "ttlSeconds"},

		{"a SKU that exists", command("createSku", map[string]any{"sku": "GOOD", "name": "Bad"}), "200 ALREADY_EXISTS input.sku"},
		{"a SKU with less than no stock", command("createSku", map[string]any{"sku": "NEW", "name": "New", "initialStock": -1}), refused + "initialStock"},
		{"a SKU without a name", command("createSku", map[string]any{"sku": "NEW", "name": " "}), refused + "name"},
		{"a name with a NUL", command("updateSku", map[string]any{"sku": "GOOD", "name": "a\x00b"}), refused + "name"},
		{"a location that exists", command("createLocation", map[string]any{"code": "default", "name": "Mine"}), "200 ALREADY_EXISTS input.code"},
		{"stock of what is unknown", adjust(map[string]any{"sku": "MISSING"}), "200 UNKNOWN_SKU input.sku"},
		{"stock below what is reserved", adjust(map[string]any{"delta": -9}), "200 INSUFFICIENT_STOCK input.delta"},
		{"stock beyond what JSON can say", adjust(map[string]any{"delta": 1<<53 - 1}), refused + "delta"},
		{"stock of another version", adjust(map[string]any{"expectedVersion": 1}), "200 VERSION_CONFLICT input.expectedVersion"},
		{"a total below none", command("setStock", map[string]any{"clientToken": "hostile", "sku": "GOOD", "total": -1, "reason": "LOST"}), refused + "total"},
		{"a total below what is allocated", command("setStock", map[string]any{"clientToken": "hostile", "sku": "GOOD", "total": 1, "reason": "LOST"}), "200 INSUFFICIENT_STOCK input.total"},
		{"a snapshot of nothing", command("takeSnapshot", map[string]any{"skus": []any{}}), refused + "skus"},

		{"a page of none", operation(`{skus(first:0){edges{cursor}}}`, nil), query + "first"},
		{"a page of less", operation(`{reservations(first:-1){edges{cursor}}}`, nil), query + "first"},
		{"a page of 101", operation(`{auditLog(first:101){edges{cursor}}}`, nil), query + "first"},
		{"a cursor that is none", operation(`{skus(after:"x"){edges{cursor}}}`, nil), query + "after"},
		{"a cursor of another list", operation(`{reservations(after:"c2t1fEdPT0Q"){edges{cursor}}}`, nil), query + "after"},
		{"a cursor that is SQL", operation(`{auditLog(after:"' OR 1=1 --"){edges{cursor}}}`, nil), query + "after"},
		{"251 SKUs", operation(`query($s:[String!]!){availability(skus:$s){sku}}`, map[string]any{"s": slices.Repeat([]string{"GOOD"}, 251)}), query + "skus"},
		{"a moment that is none", operation(`{availabilityAt(skus:["GOOD"],at:"2026-02-30T12:00:00Z"){sku}}`, nil), query + "at"},
		{"a moment to come", operation(`{availabilityAt(skus:["GOOD"],at:"9999-12-31T23:59:59Z"){sku}}`, nil), query + "at"},
		{"a search with a NUL", operation(`{skus(filter:{search:"a\u0000b"}){edges{cursor}}}`, nil), query + "filter.search"},
		{"a search for nothing", operation(`{skus(filter:{search:"' & |:*"}){edges{cursor}}}`, nil), query + "filter.search"},

		// What is allowed is taken as it is written.
		{"quotes in a search", operation(`{skus(filter:{search:"x' OR '1'='1"}){edges{cursor}}}`, nil), found},
		{"a backslash in a holder", operation(`{reservations(filter:{holder:"\\'; DROP TABLE reservations; --"}){edges{cursor}}}`, nil), found},
		{"a token that is SQL", operation(`{reservation(by:{clientToken:"$1'; SELECT pg_sleep(10); --"}){id}}`, nil), found},
	}
}

// command sends a mutation with its input in a variable.
func command(field string, input map[string]any) func(*target) string {
	return operation(badInput{field: field, input: input}.variable())
}
