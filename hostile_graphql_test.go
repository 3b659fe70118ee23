//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"
)

func hostileOperations() []hostile {
	const (
		parse    = "400 GRAPHQL_PARSE_FAILED"
		validate = "400 GRAPHQL_VALIDATION_FAILED"
		limit    = "422 LIMIT_EXCEEDED "
		input    = "400 BAD_USER_INPUT "
		// What only the field sees is answered beside what other fields answer.
		inField   = "200 BAD_USER_INPUT "
		ambiguous = "422 GRAPHQL_VALIDATION_FAILED"
	)
	const hold = `mutation ($h: CreateHoldInput!) { createHold(input: $h) { userErrors { code field } } }`
	const by = `query ($by: ReservationBy!) { reservation(by: $by) { id } }`
	const page = `query ($n: Int) { skus(first: $n) { edges { cursor } } }`
	with := func(name string, value any) map[string]any { return map[string]any{name: value} }
	return []hostile{
		{"fragments that double sixty times", operation("{...F0}"+bomb("__typename"), nil), limit + "fields"},
		{"fragments that double and are spread by nobody", operation("{__typename}"+bomb("__typename"), nil), limit + "fields"},
		{"fragments that double to a mutation", operation("mutation{...F0}"+strings.ReplaceAll(bomb(`releaseHold(input:{reservationId:"x"}){replayed}`), "Query", "Mutation"), nil), limit + "fields"},
		{"a fragment in itself", operation("{...F} fragment F on Query {__typename ...F}", nil), validate},
		{"fragments in each other", operation("{...F} fragment F on Query {...G} fragment G on Query {...F}", nil), validate},
		{"fragments that double and never end", operation("{...F0}"+bomb("...F0"), nil), validate},
		{"fragments that all spread all", operation("{...F0}"+clique(20), nil), validate},
		{"a fragment of no known type", operation("{...F} fragment F on Secret {__typename}", nil), validate},
		{"a fragment that is missing", operation("{...F}", nil), validate},
		{"a fragment that is never used", operation("{__typename} fragment F on Query {__typename}", nil), validate},

		{"fields below each other", operation(nest("sku", 16), nil), limit + "depth"},
		{"braces without end", operation(strings.Repeat("{a", 900), nil), parse},
		{"brackets without end", operation("{sku(sku:"+strings.Repeat("[", 1900), nil), input + "sku"},
		{"objects without end", operation("mutation{createSku(input:{metadata:"+strings.Repeat("{a:", 600), nil), parse},
		{"aliases", operation("{"+numbered("a%d:__typename ", 31)+"}", nil), limit + "aliases"},
		{"aliased mutations", operation("mutation{"+numbered(`a%d:releaseHold(input:{reservationId:"x"}){replayed}`, 31)+"}", nil), limit + "aliases"},
		{"directives", operation("{"+strings.Repeat("__typename @skip(if:true) ", 51)+"}", nil), limit + "directives"},
		{"one directive again and again", operation("{__typename "+strings.Repeat("@skip(if:false) ", 51)+"}", nil), limit + "directives"},
		{"a directive twice", operation("{__typename @skip(if:true) @skip(if:true)}", nil), validate},
		{"a directive that is unknown", operation("{__typename @admin}", nil), validate},
		{"one field again and again", operation("{"+strings.Repeat("__typename ", 501)+"}", nil), limit + "fields"},
		{"unknown fields", operation("{"+numbered("secret%d ", 400)+"}", nil), validate},
		{"operations", operation(numbered("query Q%d{__typename}", 400), nil), ambiguous},
		{"tokens", operation("{"+strings.Repeat("__typename ", 2000)+"}", nil), limit + "tokens"},
		{"comments", operation("{__typename "+strings.Repeat("#\n", 2000)+"}", nil), limit + "tokens"},
		{"commas", operation("{__typename"+strings.Repeat(",", 100_000)+"nothing}", nil), validate},
		{"a name without end", operation("{"+strings.Repeat("a", 100_000)+"}", nil), validate},
		{"a page of pages", operation(`{skus(first:100){edges{node{availability{locations{`+strings.Repeat("total ", 50)+`}}}}}}`, nil), limit + "cost"},
		{"a page of pages by a variable", operation(`query($n:Int){skus(first:$n){edges{node{availability{locations{`+strings.Repeat("total ", 50)+`}}}}}}`, with("n", 100)), limit + "cost"},
		{"connections side by side", operation("{"+numbered(`a%d:skus(first:100){edges{node{id sku name createdAt metadata}}}`, 30)+"}", nil), limit + "cost"},

		{"the schema thirty times", operation("{"+numbered("a%d:__schema{...S}", 30)+"} fragment S on __Schema{types{name fields{name type{name}}}}", nil), limit + "introspectionFields"},
		{"the types thirty times", operation("{__schema{"+numbered("a%d:types{...T}", 30)+"}} fragment T on __Type{name fields{name type{name}}}", nil), limit + "introspectionFields"},
		{"introspection below itself", operation(`{__type(name:"Sku")`+nest("ofType", 20)+"}", nil), limit + "introspectionDepth"},
		{"fields of types of fields", operation("{__schema{types{fields{type{fields{type{fields{name}}}}}}}}", nil), validate},

		{"a field that is unknown", operation("{passwords}", nil), validate},
		{"an argument that is unknown", operation(`{sku(sku:"GOOD",admin:true){id}}`, nil), validate},
		{"a variable of no known type", operation(`query($x:Secret){sku(sku:$x){id}}`, with("x", "GOOD")), validate},
		{"a variable that is not declared", operation(`{sku(sku:$x){id}}`, nil), validate},
		{"a variable that is not used", operation(`query($x:String){__typename}`, nil), validate},
		{"an object without a selection", operation(`{sku(sku:"GOOD")}`, nil), validate},
		{"one name for two fields", operation(`{sku(sku:"GOOD"){a:id a:name}}`, nil), validate},
		{"a definition of a type", operation(`type Query {passwords:[String]}`, nil), parse},
		{"only fragments", operation(`fragment F on Query{__typename}`, nil), validate},
		{"two operations and no name", operation(`query A{__typename} query B{__typename}`, nil), ambiguous},
		{"a NUL in the query", operation("{\x00}", nil), parse},
		{"a string that does not end", operation(`{sku(sku:"GOOD){id}}`, nil), parse},
		{"an escape that is none", operation(`{sku(sku:"\u{110000}"){id}}`, nil), parse},
		{"no query", operation("", nil), validate},

		{"a variable that is missing", operation(hold, nil), input + "input"},
		{"a variable that is null", operation(hold, with("h", nil)), input + "input"},
		{"a list for an object", operation(hold, with("h", []any{})), input + "input"},
		{"a field that is unknown in a variable", operation(hold, with("h", map[string]any{"clientToken": "t", "lines": []any{}, "principal": "admin"})), input + "input.principal"},
		{"an object for a string", operation(hold, with("h", map[string]any{"clientToken": map[string]any{"$ne": ""}, "lines": []any{}})), input + "input.clientToken"},
		{"a number as a string", operation(page, with("n", "5")), inField + "first"},
		{"a fraction for a whole number", operation(page, with("n", 1.5)), input + "first"},
		{"a number beyond 32 bits", operation(page, with("n", 1<<31)), inField + "first"},
		{"a number beyond a float", operation(page, with("n", json.Number("1e999"))), input + "first"},
		{"a number of ten thousand digits", operation(page, with("n", json.Number(strings.Repeat("9", 10_000)))), input + "first"},
		{"a literal of ten thousand digits", operation("{skus(first:"+strings.Repeat("9", 10_000)+"){edges{cursor}}}", nil), input + "first"},
		{"neither of oneOf", operation(by, with("by", map[string]any{})), inField + "by"},
		{"both of oneOf", operation(by, with("by", map[string]any{"id": unknownID, "clientToken": "t"})), inField + "by"},
		{"oneOf is null", operation(by, with("by", map[string]any{"id": nil})), inField + "by"},
		{"both of oneOf as a literal", operation(`{reservation(by:{id:"`+unknownID+`",clientToken:"t"}){id}}`, nil), input + "by"},

		{"a batch", asBody(`[{"query":"{__typename}"},{"query":"{__typename}"}]`), limit + "batch"},
		{"a batch of none", asBody(`[]`), limit + "batch"},
		{"an operation that is not there", asBody(`{"query":"query A{__typename}","operationName":"B"}`), ambiguous},
		{"a query that is a list", asBody(`{"query":["{__typename}"]}`), parse},
		{"variables that are a list", asBody(`{"query":"{__typename}","variables":[1]}`), parse},
		{"variables that are text", asBody(`{"query":"{__typename}","variables":"{}"}`), parse},
		{"a hash that is unknown", asBody(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`), "400 PERSISTED_QUERY_NOT_FOUND"},
		{"a hash of another query", asBody(`{"query":"{__typename}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`), parse},
		{"a hash that is an object", asBody(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":{}}}}`), parse},
		{"a mutation by GET", byGet(`mutation{createSku(input:{sku:"EVIL",name:"Evil"}){sku{id}}}`), "405 GRAPHQL_VALIDATION_FAILED"},
		{"a mutation among queries by GET", byGet(`query A{__typename} mutation B{createSku(input:{sku:"EVIL",name:"Evil"}){sku{id}}}`, "operationName", "B"), "405 GRAPHQL_VALIDATION_FAILED"},
		{"a subscription by POST", operation(`subscription{availabilityChanged(skus:["GOOD"]){sku}}`, nil), validate},
		{"a subscription by GET", byGet(`subscription{availabilityChanged(skus:["GOOD"]){sku}}`), validate},
	}
}

// operation sends a query by POST.
func operation(query string, variables map[string]any) func(*target) string {
	encoded, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		panic(err)
	}
	return asBody(string(encoded))
}

func asBody(text string) func(*target) string {
	return func(s *target) string {
		s.t.Helper()
		request, err := http.NewRequest(http.MethodPost, s.url+"/graphql", strings.NewReader(text))
		require.NoError(s.t, err)
		request.Header.Set("Content-Type", "application/json")
		return s.exchange(request)
	}
}

// byGet sends a query, and other parameters by their name and value.
func byGet(query string, others ...string) func(*target) string {
	parameters := url.Values{"query": {query}}
	for i := 0; i < len(others); i += 2 {
		parameters.Set(others[i], others[i+1])
	}
	return func(s *target) string {
		s.t.Helper()
		request, err := http.NewRequest(http.MethodGet, s.url+"/graphql?"+parameters.Encode(), nil)
		require.NoError(s.t, err)
		return s.exchange(request)
	}
}

func (s *target) exchange(request *http.Request) string {
	s.t.Helper()
	request.Header.Set("Accept", "application/graphql-response+json")
	response, err := s.client.Do(request)
	require.NoError(s.t, err)
	return described(s.t, response.StatusCode, body(s.t, response))
}

// bomb has sixty fragments from F0 on, each of which spreads the next one
// twice, and the last of which selects what is given.
func bomb(last string) string {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "fragment F%d on Query{...F%d...F%[2]d}", i, i+1)
	}
	return text.String() + "fragment F60 on Query{" + last + "}"
}

// clique has fragments each of which spreads all of them.
func clique(count int) string {
	var text strings.Builder
	for i := range count {
		fmt.Fprintf(&text, "fragment F%d on Query{%s}", i, numbered("...F%d ", count))
	}
	return text.String()
}

func nest(field string, levels int) string {
	return strings.Repeat("{"+field, levels) + strings.Repeat("}", levels)
}

func numbered(format string, count int) string {
	var text strings.Builder
	for i := range count {
		fmt.Fprintf(&text, format, i)
	}
	return text.String()
}
