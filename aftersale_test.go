package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

func TestUnitsAreFollowedUntilTheyLeaveOrComeBack(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	a := s.query(`mutation { createLocation(input: {code: "berlin", name: "Berlin"}) { location { code name } userErrors { code } } }`, nil)
	require.JSONEq(t, `{"location": {"code": "berlin", "name": "Berlin"}, "userErrors": []}`, string(a.Data["createLocation"]))
	a = s.query(`{ locations { edges { node { code } } pageInfo { hasNextPage } } }`, nil)
	require.JSONEq(t, `{"edges": [{"node": {"code": "berlin"}}, {"node": {"code": "default"}}], "pageInfo": {"hasNextPage": false}}`,
		string(a.Data["locations"]))

	s.createSKU("CHAIR", 4)
	a = s.query(`mutation { setStock(input: {clientToken: "count", sku: "CHAIR", location: "berlin", total: 2, reason: CORRECTION, expectedVersion: 0})
		{ stockLevel { location total version } replayed userErrors { code } } }`, nil)
	require.JSONEq(t, `{"stockLevel": {"location": "berlin", "total": 2, "version": 1}, "replayed": false, "userErrors": []}`,
		string(a.Data["setStock"]))

	shipped := s.mutate("createAllocation", holdOf("shipped", "CHAIR", 4)).Reservation.ID
	returned := s.mutate("createAllocation", holdOf("returned", "CHAIR", 2)).Reservation.ID
	require.Equal(t, "FULFILLED", s.mutate("fulfillAllocation", map[string]any{"reservationId": shipped}).Reservation.Status)
	require.Equal(t, "CANCELLED", s.mutate("cancelAllocation", map[string]any{"reservationId": returned}).Reservation.Status)
	require.Equal(t, "INVALID_STATE", s.mutate("cancelAllocation", map[string]any{"reservationId": shipped}).codes())

	a = s.query(`{ availability(skus: ["CHAIR"]) { total reserved allocated available } }`, nil)
	require.JSONEq(t, `[{"total": 2, "reserved": 0, "allocated": 0, "available": 2}]`, string(a.Data["availability"]))
	s.requireConsistent()
}
