package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

func TestDriftIsRepairedOnDemandAndRecorded(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := startServer(t, "DATABASE_URL="+url)
	s.createSKU("CHAIR", 4)
	s.mutate("createHold", holdOf("held", "CHAIR", 1))
	execute(t, url, "UPDATE stock_levels SET reserved = 2")

	const run = `{ isConsistent repaired actor reason finishedAt issues { invariant sku location expected actual repairable } }`
	a := s.query(`mutation { reconcile(input: {repair: true, reason: "a look around"}) { run `+run+` userErrors { code } } }`, nil)
	require.Empty(t, a.Errors)
	var answer struct {
		Run        json.RawMessage
		UserErrors []any
	}
	require.NoError(t, json.Unmarshal(a.Data["reconcile"], &answer))
	require.Empty(t, answer.UserErrors)
	var found struct {
		IsConsistent bool
		Repaired     int
		FinishedAt   *string
		Issues       []map[string]any
	}
	require.NoError(t, json.Unmarshal(answer.Run, &found))
	assert.False(t, found.IsConsistent)
	assert.Equal(t, 1, found.Repaired)
	assert.NotNil(t, found.FinishedAt)
	require.Len(t, found.Issues, 2)
	assert.Equal(t, map[string]any{
		"invariant": "RESERVED_MATCHES_LINES", "sku": "CHAIR", "location": "default", "expected": 1.0, "actual": 2.0, "repairable": true,
	}, found.Issues[0])
	s.requireConsistent()

	a = s.query(`{ reconciliationRuns(first: 1) { edges { node `+run+` } pageInfo { hasNextPage } } }`, nil)
	require.Empty(t, a.Errors)
	require.JSONEq(t, `{"edges": [{"node": `+string(answer.Run)+`}], "pageInfo": {"hasNextPage": false}}`, string(a.Data["reconciliationRuns"]))
}

func TestDriftIsRepairedAtTheInterval(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for range 2 {
		startServer(t, "DATABASE_URL="+url, "HOLDFAST_RECONCILE_INTERVAL=1s")
	}
	s := startServer(t, "DATABASE_URL="+url)
	s.createSKU("CHAIR", 4)
	execute(t, url, "UPDATE stock_levels SET total = 5")
	require.Eventually(t, func() bool {
		a := s.query(`{ availability(skus: ["CHAIR"]) { total } }`, nil)
		return string(a.Data["availability"]) == `[{"total":4}]`
	}, patience, patience/1000)
	a := s.query(`{ reconciliationRuns(first: 100) { edges { node { actor } } } }`, nil)
	assert.Contains(t, string(a.Data["reconciliationRuns"]), `{"actor":"system"}`)
}
