package inventory

import "encoding/json"

// UpdateSKU changes a SKU's particulars; what is nil stays as it is. No stock
// is concerned, so it isn't a Command.
type UpdateSKU struct {
	SKU      string
	Name     *string
	Metadata json.RawMessage
}

// Validate returns what breaks a rule.
func (c UpdateSKU) Validate() []*Error {
	var v violations
	v.code(c.SKU, "a SKU", "input", "sku")
	v.text(c.Name, "name")
	return v
}

// Unknown refuses the update because there is no such SKU.
func (c UpdateSKU) Unknown() *Error { return unknownSKU(c.SKU, "input", "sku") }
