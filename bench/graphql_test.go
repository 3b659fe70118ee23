package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValuesAreFoundByTheirKeys(t *testing.T) {
	t.Parallel()
	event := []byte(`{"payload":{"data":{"availabilityChanged":{"sku":"bench-abc-00042","myversion":7,"name":"version","version": 12,"debt":-3}}},"id":"1","type":"next"}`)
	version, found := numberAfter(event, "version")
	assert.True(t, found)
	assert.Equal(t, int64(12), version)
	debt, found := numberAfter(event, "debt")
	assert.True(t, found)
	assert.Equal(t, int64(-3), debt)
	kind, found := stringAfter(event, "type")
	assert.True(t, found)
	assert.Equal(t, "next", string(kind))
	number, found := skuIn(event)
	assert.True(t, found)
	assert.Equal(t, 42, number)
}

func TestWhatIsMissingOrOfAnotherTypeIsNotFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `{`, `{"version":`, `{"version":null}`, `{"version":"x"}`, `{"sku":"bench`, `{"sku":3}`, `{"sku":"x"}`} {
		_, found := numberAfter([]byte(text), "version")
		assert.False(t, found, text)
		_, found = skuIn([]byte(text))
		assert.False(t, found, text)
	}
}

func TestOutcomesAreTheFirstCode(t *testing.T) {
	t.Parallel()
	for answer, outcome := range map[string]string{
		`{"data":{"adjustStock":{"stockLevel":{"version":2},"userErrors":[]}}}`:                                                     done,
		`{"data":{"adjustStock":{"stockLevel":null,"userErrors":[{"code":"CONTENDED"}]}}}`:                                          "CONTENDED",
		`{"errors":[{"message":"too busy","path":["adjustStock"],"extensions":{"code":"OVERLOADED"}}],"data":{"adjustStock":null}}`: "OVERLOADED",
		`{"errors":[{"message":"no code"}],"data":null}`:                                                                            "no GraphQL answer",
		`<html>gateway time-out</html>`:                                                                                             "no GraphQL answer",
	} {
		assert.Equal(t, outcome, outcomeOf([]byte(answer)), answer)
	}
}

func TestAPreparedRequestIsTheOneThatWasMeant(t *testing.T) {
	t.Parallel()
	p, err := prepare(`mutation($input:I!){f(input:$input){name(is:"quoted")}}`)
	require.NoError(t, err)
	var sent struct {
		Query     string
		Variables map[string]map[string]any
	}
	require.NoError(t, json.Unmarshal(p.with(nil, `{"sku":%q,"delta":%d}`, "A-1", 3), &sent))
	assert.Equal(t, `mutation($input:I!){f(input:$input){name(is:"quoted")}}`, sent.Query)
	assert.Equal(t, map[string]any{"sku": "A-1", "delta": 3.0}, sent.Variables["input"])
}
