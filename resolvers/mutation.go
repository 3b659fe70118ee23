package resolvers

import (
	"context"

	"holdfast/graph"
	"holdfast/graph/model"
	"holdfast/internal/inventory"
)

type mutation struct{ *Root }

var _ graph.MutationResolver = (*mutation)(nil)

func (r *mutation) CreateSku(ctx context.Context, input inventory.CreateSKU) (*model.CreateSkuPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, nil)
	if err != nil {
		return nil, fault(err)
	}
	return &model.CreateSkuPayload{Sku: outcome.SKU, UserErrors: userErrors(ctx, outcome.Refused)}, nil
}

func (r *mutation) UpdateSku(ctx context.Context, input inventory.UpdateSKU) (*model.UpdateSkuPayload, error) {
	outcome, err := r.Repo.UpdateSKU(ctx, input)
	if err != nil {
		return nil, fault(err)
	}
	return &model.UpdateSkuPayload{Sku: outcome.SKU, UserErrors: userErrors(ctx, outcome.Refused)}, nil
}

func (r *mutation) CreateLocation(ctx context.Context, input inventory.CreateLocation) (*model.CreateLocationPayload, error) {
	outcome, err := r.Repo.CreateLocation(ctx, input)
	if err != nil {
		return nil, fault(err)
	}
	return &model.CreateLocationPayload{Location: outcome.Location, UserErrors: userErrors(ctx, outcome.Refused)}, nil
}

func (r *mutation) CreateHold(ctx context.Context, input inventory.CreateHold) (*model.CreateHoldPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, input.Strategy)
	if err != nil {
		return nil, fault(err)
	}
	return &model.CreateHoldPayload{
		Reservation: outcome.Reservation, Replayed: outcome.Replayed, UserErrors: userErrors(ctx, outcome.Refused),
	}, nil
}

func (r *mutation) CreateAllocation(ctx context.Context, input inventory.CreateAllocation) (*model.CreateAllocationPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, input.Strategy)
	if err != nil {
		return nil, fault(err)
	}
	return &model.CreateAllocationPayload{
		Reservation: outcome.Reservation, Replayed: outcome.Replayed, UserErrors: userErrors(ctx, outcome.Refused),
	}, nil
}

func (r *mutation) ConvertHold(ctx context.Context, input inventory.ConvertHold) (*model.ConvertHoldPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, input.Strategy)
	if err != nil {
		return nil, fault(err)
	}
	return &model.ConvertHoldPayload{
		Reservation: outcome.Reservation, Replayed: outcome.Replayed, UserErrors: userErrors(ctx, outcome.Refused),
	}, nil
}

func (r *mutation) ReleaseHold(ctx context.Context, input inventory.ReleaseHold) (*model.ReleaseHoldPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, input.Strategy)
	if err != nil {
		return nil, fault(err)
	}
	return &model.ReleaseHoldPayload{
		Reservation: outcome.Reservation, Replayed: outcome.Replayed, UserErrors: userErrors(ctx, outcome.Refused),
	}, nil
}

func (r *mutation) ExtendHold(ctx context.Context, input inventory.ExtendHold) (*model.ExtendHoldPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, nil)
	if err != nil {
		return nil, fault(err)
	}
	return &model.ExtendHoldPayload{Reservation: outcome.Reservation, UserErrors: userErrors(ctx, outcome.Refused)}, nil
}

func (r *mutation) FulfillAllocation(ctx context.Context, input inventory.FulfillAllocation) (*model.FulfillAllocationPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, nil)
	if err != nil {
		return nil, fault(err)
	}
	return &model.FulfillAllocationPayload{
		Reservation: outcome.Reservation, Replayed: outcome.Replayed, UserErrors: userErrors(ctx, outcome.Refused),
	}, nil
}

func (r *mutation) CancelAllocation(ctx context.Context, input inventory.CancelAllocation) (*model.CancelAllocationPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, nil)
	if err != nil {
		return nil, fault(err)
	}
	return &model.CancelAllocationPayload{
		Reservation: outcome.Reservation, Replayed: outcome.Replayed, UserErrors: userErrors(ctx, outcome.Refused),
	}, nil
}

func (r *mutation) SetStock(ctx context.Context, input inventory.SetStock) (*model.SetStockPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, nil)
	if err != nil {
		return nil, fault(err)
	}
	return &model.SetStockPayload{
		StockLevel: outcome.Level, Replayed: outcome.Replayed, UserErrors: userErrors(ctx, outcome.Refused),
	}, nil
}

func (r *mutation) AdjustStock(ctx context.Context, input inventory.AdjustStock) (*model.AdjustStockPayload, error) {
	outcome, err := r.Repo.Do(ctx, input, nil)
	if err != nil {
		return nil, fault(err)
	}
	return &model.AdjustStockPayload{
		StockLevel: outcome.Level, Replayed: outcome.Replayed, UserErrors: userErrors(ctx, outcome.Refused),
	}, nil
}

func (r *mutation) TakeSnapshot(ctx context.Context, input inventory.TakeSnapshot) (*model.TakeSnapshotPayload, error) {
	outcome, err := r.Repo.TakeSnapshot(ctx, input)
	if err != nil {
		return nil, fault(err)
	}
	return &model.TakeSnapshotPayload{Snapshot: outcome.Snapshot, UserErrors: userErrors(ctx, outcome.Refused)}, nil
}

func (r *mutation) Reconcile(ctx context.Context, input inventory.Reconcile) (*model.ReconcilePayload, error) {
	outcome, err := r.Repo.Reconcile(ctx, input)
	if err != nil {
		return nil, fault(err)
	}
	return &model.ReconcilePayload{Run: outcome.Run, UserErrors: userErrors(ctx, outcome.Refused)}, nil
}
