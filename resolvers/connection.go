package resolvers

import (
	"holdfast/graph/model"
	"holdfast/internal/inventory"
	"holdfast/repo"
)

// pageDefault is how many a connection has unless asked otherwise.
const pageDefault = 20

func page(first *int32, after *string) repo.Page {
	if first == nil {
		return repo.Page{First: pageDefault, After: after}
	}
	return repo.Page{First: int(*first), After: after}
}

func reservationConnection(list repo.List[inventory.Reservation], after *string) *model.ReservationConnection {
	edges := make([]model.ReservationEdge, len(list.Items))
	for i, item := range list.Items {
		edges[i] = model.ReservationEdge{Cursor: list.Cursors[i], Node: item}
	}
	return &model.ReservationConnection{Edges: edges, PageInfo: pageInfo(list.Cursors, list.More, after)}
}

func locationConnection(list repo.List[inventory.Location], after *string) *model.LocationConnection {
	edges := make([]model.LocationEdge, len(list.Items))
	for i, item := range list.Items {
		edges[i] = model.LocationEdge{Cursor: list.Cursors[i], Node: item}
	}
	return &model.LocationConnection{Edges: edges, PageInfo: pageInfo(list.Cursors, list.More, after)}
}

func snapshotConnection(list repo.List[inventory.Snapshot], after *string) *model.SnapshotConnection {
	edges := make([]model.SnapshotEdge, len(list.Items))
	for i, item := range list.Items {
		edges[i] = model.SnapshotEdge{Cursor: list.Cursors[i], Node: item}
	}
	return &model.SnapshotConnection{Edges: edges, PageInfo: pageInfo(list.Cursors, list.More, after)}
}

func reconciliationRunConnection(list repo.List[inventory.ReconciliationRun], after *string) *model.ReconciliationRunConnection {
	edges := make([]model.ReconciliationRunEdge, len(list.Items))
	for i, item := range list.Items {
		edges[i] = model.ReconciliationRunEdge{Cursor: list.Cursors[i], Node: item}
	}
	return &model.ReconciliationRunConnection{Edges: edges, PageInfo: pageInfo(list.Cursors, list.More, after)}
}

func pageInfo(cursors []string, more bool, after *string) model.PageInfo {
	info := model.PageInfo{HasNextPage: more, HasPreviousPage: after != nil}
	if len(cursors) > 0 {
		info.StartCursor, info.EndCursor = &cursors[0], &cursors[len(cursors)-1]
	}
	return info
}
