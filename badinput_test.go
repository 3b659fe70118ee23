package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/database"
	"holdfast/internal/pgtest"
)

// badInput is an operation with one argument that breaks a rule, and the path
// that the error must name.
type badInput struct {
	field string
	// input holds all of a mutation's input, arguments those of a query.
	input     map[string]any
	arguments map[string]any
	path      []string
}

const unknownID = "01a207c9-7606-7da1-bad5-009028bf9d96"

// A right-to-left override, and letters that are read from right to left.
const rightToLeft, hebrew = "A\u202eB", "\u05d0\u05d1"

var (
	badCodes    = []string{"", " ", "A B", "A\tB", "A\x00B", "ÄB", rightToLeft, hebrew, strings.Repeat("A", 65), "A'; DROP TABLE skus; --"}
	badTokens   = []string{"", "   ", "a\nb", "a\x00b", "a\x7fb", "ä", rightToLeft, hebrew, strings.Repeat("a", 256)}
	badTexts    = []string{"", "  ", "a\nb", "a\x00b", strings.Repeat("a", 256)}
	badQuantity = []any{0, -1, 1_000_001, 1 << 31, "5", 1.5, nil}
	badTTLs     = []any{0, -1, 86_401, 1 << 31, "5"}
	badIDs      = []string{"", "x", "01a207c9-7606-7da1-bad5-009028bf9d9", unknownID + "0", "' OR 1=1 --"}
	badCursors  = []string{"", "x", "cmVzZXJ2YXRpb258eA", "c2t1fA"}
	badFirsts   = []any{0, -1, 101, 1 << 31, "5"}
)

func TestBadInputIsRefusedByFieldAndChangesNothing(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := startServer(t, "DATABASE_URL="+url, "HOLDFAST_QUERY_TOKENS_MAX=10000") // deep metadata takes many as a literal
	s.createSKU("GOOD", 10)
	held := s.mutate("createHold", holdOf("before", "GOOD", 1)).Reservation.ID
	before := contents(t, url)

	cases := badInputs(held)
	require.Greater(t, len(cases), 150)
	for _, c := range cases {
		for form, a := range map[string]answer{"literal": s.query(c.literal(), nil), "variable": s.query(c.variable())} {
			code, path := refusal(t, c, a)
			name := fmt.Sprintf("%s of %s %v as %s", strings.Join(c.path, "."), c.field, c.offender(), form)
			assert.Contains(t, []string{"INVALID_INPUT", "BAD_USER_INPUT"}, code, name)
			assert.Equal(t, c.path, path, name)
		}
	}
	require.Equal(t, before, contents(t, url))
}

func badInputs(held string) []badInput {
	var cases []badInput
	mutation := func(field string, good map[string]any, bad any, path ...string) {
		input := maps.Clone(good)
		input[path[0]] = bad
		cases = append(cases, badInput{field: field, input: input, path: append([]string{"input"}, path...)})
	}
	for _, field := range []string{"createHold", "createAllocation"} {
		good := holdOf("bad", "GOOD", 1)
		withLines := func(path []string, lines ...map[string]any) {
			input := maps.Clone(good)
			input["lines"] = lines
			cases = append(cases, badInput{field: field, input: input, path: append([]string{"input", "lines"}, path...)})
		}
		for _, token := range badTokens {
			mutation(field, good, token, "clientToken")
		}
		for _, quantity := range badQuantity {
			withLines([]string{"0", "quantity"}, map[string]any{"sku": "GOOD", "quantity": quantity})
		}
		for _, code := range badCodes {
			withLines([]string{"0", "sku"}, map[string]any{"sku": code, "quantity": 1})
			withLines([]string{"0", "location"}, map[string]any{"sku": "GOOD", "quantity": 1, "location": code})
		}
		withLines(nil)
		withLines(nil, slices.Repeat([]map[string]any{{"sku": "GOOD", "quantity": 1}}, 101)...)
		withLines([]string{"1"}, map[string]any{"sku": "GOOD", "quantity": 1}, map[string]any{"sku": "GOOD", "quantity": 2})
		for _, text := range badTexts {
			mutation(field, good, text, "holder")
			mutation(field, good, text, "reference")
		}
		mutation(field, good, "FASTEST", "strategy")
		mutation(field, good, "optimistic", "strategy")
		mutation(field, good, nested(1000), "metadata")
		mutation(field, good, map[string]any{"long": strings.Repeat("a", 16<<10)}, "metadata")
		mutation(field, good, map[string]any{"nul": "a\x00b"}, "metadata")
		mutation(field, good, []any{1}, "metadata")
		mutation(field, good, "text", "metadata")
	}
	for _, ttl := range badTTLs {
		mutation("createHold", holdOf("bad", "GOOD", 1), ttl, "ttlSeconds")
		mutation("extendHold", map[string]any{"reservationId": held}, ttl, "ttlSeconds")
	}
	for _, id := range badIDs {
		mutation("convertHold", map[string]any{}, id, "reservationId")
		mutation("releaseHold", map[string]any{}, id, "reservationId")
		mutation("extendHold", map[string]any{"ttlSeconds": 60}, id, "reservationId")
		mutation("fulfillAllocation", map[string]any{}, id, "reservationId")
		mutation("cancelAllocation", map[string]any{}, id, "reservationId")
	}
	adjust := map[string]any{"clientToken": "bad", "sku": "GOOD", "delta": 1, "reason": "FOUND"}
	sku := map[string]any{"sku": "NEW", "name": "New"}
	for _, code := range badCodes {
		mutation("adjustStock", adjust, code, "sku")
		mutation("adjustStock", adjust, code, "location")
		mutation("createSku", sku, code, "sku")
		mutation("createSku", sku, code, "location")
		mutation("updateSku", sku, code, "sku")
	}
	for _, delta := range []any{0, 1 << 53, -1 << 53, json.Number("9223372036854775808"), "1", 0.5} {
		mutation("adjustStock", adjust, delta, "delta")
	}
	for _, version := range []any{-1, 1 << 53, "1"} {
		mutation("adjustStock", adjust, version, "expectedVersion")
	}
	set := map[string]any{"clientToken": "bad", "sku": "GOOD", "total": 1, "reason": "FOUND"}
	for _, token := range badTokens {
		mutation("adjustStock", adjust, token, "clientToken")
		mutation("setStock", set, token, "clientToken")
	}
	for _, code := range badCodes {
		mutation("setStock", set, code, "sku")
		mutation("setStock", set, code, "location")
		mutation("createLocation", map[string]any{"name": "New"}, code, "code")
	}
	for _, total := range []any{-1, 1 << 53, json.Number("9223372036854775808"), "1", 0.5} {
		mutation("setStock", set, total, "total")
	}
	for _, version := range []any{-1, 1 << 53} {
		mutation("setStock", set, version, "expectedVersion")
	}
	for _, text := range badTexts {
		mutation("adjustStock", adjust, text, "reference")
		mutation("convertHold", map[string]any{"reservationId": held}, text, "reference")
		mutation("releaseHold", map[string]any{"reservationId": held}, text, "reference")
		mutation("fulfillAllocation", map[string]any{"reservationId": held}, text, "reference")
		mutation("cancelAllocation", map[string]any{"reservationId": held}, text, "reference")
		mutation("setStock", set, text, "reference")
		mutation("createLocation", map[string]any{"code": "NEW"}, text, "name")
		mutation("reconcile", map[string]any{"repair": true}, text, "reason")
	}
	for _, field := range []string{"convertHold", "releaseHold"} {
		mutation(field, map[string]any{"reservationId": held}, "optimistic", "strategy")
	}
	for _, metadata := range []any{nested(1000), []any{1}, map[string]any{"long": strings.Repeat("a", 16<<10)}} {
		mutation("createSku", sku, metadata, "metadata")
		mutation("updateSku", map[string]any{"sku": "GOOD"}, metadata, "metadata")
	}
	mutation("adjustStock", adjust, "BORED", "reason")
	mutation("adjustStock", adjust, "found", "reason")
	for _, text := range badTexts {
		mutation("createSku", sku, text, "name")
		mutation("updateSku", map[string]any{"sku": "GOOD"}, text, "name")
	}
	for _, stock := range []any{-1, 1 << 53, "1"} {
		mutation("createSku", sku, stock, "initialStock")
	}

	for _, code := range badCodes {
		mutation("takeSnapshot", map[string]any{}, []any{"GOOD", code}, "skus", "1")
	}
	mutation("takeSnapshot", map[string]any{}, []any{}, "skus")
	mutation("takeSnapshot", map[string]any{}, slices.Repeat([]any{"GOOD"}, 251), "skus")

	query := func(field string, arguments map[string]any, path ...string) {
		cases = append(cases, badInput{field: field, arguments: arguments, path: path})
	}
	for _, code := range badCodes {
		query("availability", map[string]any{"skus": []any{"GOOD", code}}, "skus", "1")
		query("availability", map[string]any{"skus": []any{"GOOD"}, "location": code}, "location")
		query("sku", map[string]any{"sku": code}, "sku")
		query("consistency", map[string]any{"skus": []any{code}}, "skus", "0")
		query("reservations", map[string]any{"filter": map[string]any{"sku": code}}, "filter", "sku")
		query("auditLog", map[string]any{"filter": map[string]any{"sku": code}}, "filter", "sku")
		query("auditLog", map[string]any{"filter": map[string]any{"location": code}}, "filter", "location")
	}
	query("availability", map[string]any{"skus": slices.Repeat([]any{"GOOD"}, 251)}, "skus")
	const past = "2026-01-31T12:00:00Z"
	for _, code := range badCodes {
		query("availabilityAt", map[string]any{"skus": []any{"GOOD", code}, "at": past}, "skus", "1")
	}
	query("availabilityAt", map[string]any{"skus": slices.Repeat([]any{"GOOD"}, 251), "at": past}, "skus")
	for _, moment := range []string{"", "yesterday", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z", "9999-12-31T23:59:59Z"} {
		query("availabilityAt", map[string]any{"skus": []any{"GOOD"}, "at": moment}, "at")
	}
	for _, id := range badIDs {
		query("reservation", map[string]any{"by": map[string]any{"id": id}}, "by", "id")
		query("auditLog", map[string]any{"filter": map[string]any{"reservationId": id}}, "filter", "reservationId")
	}
	for _, token := range badTokens {
		query("reservation", map[string]any{"by": map[string]any{"clientToken": token}}, "by", "clientToken")
	}
	query("consistency", map[string]any{"skus": slices.Repeat([]any{"GOOD"}, 251)}, "skus")
	for _, text := range badTexts {
		query("reservations", map[string]any{"filter": map[string]any{"holder": text}}, "filter", "holder")
		query("reservations", map[string]any{"filter": map[string]any{"reference": text}}, "filter", "reference")
		query("skus", map[string]any{"filter": map[string]any{"search": text}}, "filter", "search")
	}
	query("reservation", map[string]any{"by": map[string]any{}}, "by")
	query("reservation", map[string]any{"by": map[string]any{"id": unknownID, "clientToken": "t"}}, "by")
	for _, search := range []string{"-", "' & |:*", strings.Repeat("a ", 11)} {
		query("skus", map[string]any{"filter": map[string]any{"search": search}}, "filter", "search")
	}
	for _, below := range []any{0, -1, 1 << 53, "5", 0.5} {
		query("skus", map[string]any{"filter": map[string]any{"belowAvailable": below}}, "filter", "belowAvailable")
	}
	for _, first := range badFirsts {
		query("reservations", map[string]any{"first": first}, "first")
		query("locations", map[string]any{"first": first}, "first")
		query("snapshots", map[string]any{"first": first}, "first")
		query("reconciliationRuns", map[string]any{"first": first}, "first")
		query("skus", map[string]any{"first": first}, "first")
		query("auditLog", map[string]any{"first": first}, "first")
	}
	for _, cursor := range badCursors {
		query("reservations", map[string]any{"after": cursor}, "after")
		query("locations", map[string]any{"after": cursor}, "after")
		query("snapshots", map[string]any{"after": cursor}, "after")
		query("reconciliationRuns", map[string]any{"after": cursor}, "after")
		query("skus", map[string]any{"after": cursor}, "after")
		query("auditLog", map[string]any{"after": cursor}, "after")
	}
	query("reservations", map[string]any{"filter": map[string]any{"status": "LOST"}}, "filter", "status")
	for _, list := range []string{"reservations", "locations", "auditLog"} {
		query(list, map[string]any{"after": "c2t1fEE"}, "after") // a cursor of skus
	}
	query("auditLog", map[string]any{"filter": map[string]any{"action": "LOST"}}, "filter", "action")
	query("auditLog", map[string]any{"filter": map[string]any{"action": "held"}}, "filter", "action")
	query("auditLog", map[string]any{"order": "newest_first"}, "order")
	for _, moment := range []string{"since", "until"} {
		query("auditLog", map[string]any{"filter": map[string]any{moment: "yesterday"}}, "filter", moment)
	}
	for _, moment := range []string{"createdAfter", "createdBefore", "expiresBefore"} {
		query("reservations", map[string]any{"filter": map[string]any{moment: "yesterday"}}, "filter", moment)
	}
	return cases
}

func holdOf(token, sku string, quantity int) map[string]any {
	return map[string]any{"clientToken": token, "lines": []map[string]any{{"sku": sku, "quantity": quantity}}}
}

func nested(depth int) map[string]any {
	object := map[string]any{}
	for range depth {
		object = map[string]any{"deeper": object}
	}
	return object
}

var selections = map[string]string{
	"availabilityAt": "sku", "snapshots": "edges { cursor }", "reconciliationRuns": "edges { cursor }",
	"availability": "sku", "sku": "sku", "reservation": "id", "reservations": "edges { cursor }", "locations": "edges { cursor }",
	"skus": "edges { cursor }", "auditLog": "edges { cursor }", "consistency": "isConsistent",
}

// literal is the operation with its arguments in the query.
func (c badInput) literal() string {
	if c.input != nil {
		return "mutation { " + c.field + "(input: " + literal(c.input) + ") { userErrors { code field } } }"
	}
	arguments := literal(c.arguments)
	return "{ " + c.field + "(" + arguments[1:len(arguments)-1] + ") { " + selections[c.field] + " } }"
}

// variable is the operation with its arguments in variables, and those.
func (c badInput) variable() (string, map[string]any) {
	if c.input != nil {
		inputType := strings.ToUpper(c.field[:1]) + c.field[1:] + "Input!"
		return "mutation ($given: " + inputType + ") { " + c.field + "(input: $given) { userErrors { code field } } }",
			map[string]any{"given": c.input}
	}
	types := map[string]string{
		"skus": "[String!]!", "location": "String", "sku": "String!", "by": "ReservationBy!",
		"first": "Int", "after": "String", "order": "AuditOrder!", "at": "DateTime!",
		"filter": map[string]string{"reservations": "ReservationFilter", "skus": "SkuFilter", "auditLog": "AuditEntryFilter"}[c.field],
	}
	if c.field == "consistency" {
		types["skus"] = "[String!]"
	}
	var declared, passed []string
	for name := range c.arguments {
		declared = append(declared, "$"+name+": "+types[name])
		passed = append(passed, name+": $"+name)
	}
	return "query (" + strings.Join(declared, ", ") + ") { " + c.field + "(" + strings.Join(passed, ", ") + ") { " + selections[c.field] + " } }",
		c.arguments
}

// enums are the argument values that a query writes without quotes.
var enums = regexp.MustCompile(`^(FASTEST|optimistic|FOUND|BORED|found|LOST|held|newest_first)$`)

func literal(value any) string {
	switch value := value.(type) {
	case map[string]any:
		var fields []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			fields = append(fields, name+": "+literal(value[name]))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []map[string]any:
		var items []string
		for _, item := range value {
			items = append(items, literal(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case []any:
		var items []string
		for _, item := range value {
			items = append(items, literal(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case string:
		if enums.MatchString(value) {
			return value
		}
	}
	encoded, _ := json.Marshal(value)
	return string(encoded)
}

// offender is the value at fault, cut short, for the test's messages.
func (c badInput) offender() string {
	if c.input != nil {
		return fmt.Sprintf("%.80q", fmt.Sprint(c.input[c.path[1]]))
	}
	return fmt.Sprintf("%.80q", fmt.Sprint(c.arguments[c.path[0]]))
}

var leaks = regexp.MustCompile(`(?i)sqlstate|select |insert |\.go:|goroutine|panic|postgres://|pgdriver|stock_levels`)

// refusal returns the code and path of the answer's first refusal. No refusal
// may show what is inside.
func refusal(t *testing.T, c badInput, a answer) (code string, path []string) {
	for _, e := range a.Errors {
		assert.NotRegexp(t, leaks, e.Message)
	}
	if len(a.Errors) > 0 {
		return a.Errors[0].Extensions.Code, a.Errors[0].Extensions.Field
	}
	var p payload
	_ = json.Unmarshal(a.Data[c.field], &p)
	if len(p.UserErrors) == 0 {
		return "", nil
	}
	assert.NotRegexp(t, leaks, p.UserErrors[0].Message)
	return p.UserErrors[0].Code, p.UserErrors[0].Field
}

// contents is all that the database holds, as text, by table.
func contents(t *testing.T, url string) map[string]string {
	db, err := database.Open(url, 1)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	var tables []string
	require.NoError(t, db.NewRaw("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").Scan(t.Context(), &tables))
	all := map[string]string{}
	for _, table := range tables {
		var rows string
		require.NoError(t, db.NewRaw("SELECT coalesce(jsonb_agg(r ORDER BY r::text), '[]')::text FROM ? AS r", bun.Ident(table)).Scan(t.Context(), &rows))
		all[table] = rows
	}
	require.Contains(t, all, "stock_levels")
	return all
}
