package metrics

import "holdfast/internal/inventory"

// commandNames are all that nameOf answers.
var commandNames = []string{
	"createHold",
	"createAllocation",
	"convertHold",
	"releaseHold",
	"extendHold",
	"fulfillAllocation",
	"cancelAllocation",
	"adjustStock",
	"setStock",
	"createSku",
	"importSku",
	"repairLevel",
	"expireHold",
	"other",
}

// nameOf is the command's name: in the schema, where it is one of its fields.
func nameOf(command inventory.Command) string {
	switch command.(type) {
	case inventory.CreateHold:
		return "createHold"
	case inventory.CreateAllocation:
		return "createAllocation"
	case inventory.ConvertHold:
		return "convertHold"
	case inventory.ReleaseHold:
		return "releaseHold"
	case inventory.ExtendHold:
		return "extendHold"
	case inventory.FulfillAllocation:
		return "fulfillAllocation"
	case inventory.CancelAllocation:
		return "cancelAllocation"
	case inventory.AdjustStock:
		return "adjustStock"
	case inventory.SetStock:
		return "setStock"
	case inventory.CreateSKU:
		return "createSku"
	case inventory.ImportSKU:
		return "importSku"
	case inventory.RepairLevel:
		return "repairLevel"
	case inventory.ExpireHold:
		return "expireHold"
	}
	return "other"
}
