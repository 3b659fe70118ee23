package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

func TestThePastAndSnapshotsAreAnswered(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("A", 3)

	var taken struct {
		Snapshot struct {
			ID         string
			TakenAt    time.Time
			LevelCount int
		}
	}
	a := s.query(`mutation { takeSnapshot(input: {}) { snapshot { id takenAt levelCount } userErrors { code } } }`, nil)
	require.Empty(t, a.Errors)
	require.NoError(t, json.Unmarshal(a.Data["takeSnapshot"], &taken))
	require.Equal(t, 1, taken.Snapshot.LevelCount)
	held := s.mutate("createHold", holdOf("t", "A", 2))
	require.Equal(t, "HELD", held.Reservation.Status)

	a = s.query(`query ($at: DateTime!) {
		availabilityAt(skus: ["A", "GHOST"], at: $at) { sku at total reserved allocated available }
		snapshots { edges { node { id levelCount } } pageInfo { hasNextPage } }
	}`, map[string]any{"at": taken.Snapshot.TakenAt})
	require.Empty(t, a.Errors)
	at := taken.Snapshot.TakenAt.Format("2006-01-02T15:04:05.000000Z")
	require.JSONEq(t, `[{"sku": "A", "at": "`+at+`", "total": 3, "reserved": 0, "allocated": 0, "available": 3}, null]`, string(a.Data["availabilityAt"]))
	require.JSONEq(t, `{"edges": [{"node": {"id": "`+taken.Snapshot.ID+`", "levelCount": 1}}], "pageInfo": {"hasNextPage": false}}`, string(a.Data["snapshots"]))

	a = s.query(`mutation { takeSnapshot(input: {skus: ["A", "GHOST"]}) { snapshot { id } userErrors { code field ... on UnknownSkuError { sku } } } }`, nil)
	require.Empty(t, a.Errors)
	require.JSONEq(t, `{"snapshot": null, "userErrors": [{"code": "UNKNOWN_SKU", "field": ["input", "skus", "1"], "sku": "GHOST"}]}`, string(a.Data["takeSnapshot"]))
}
