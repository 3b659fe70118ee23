package inventory

// CreateLocation adds a place where stock is kept. No stock is concerned, so
// it isn't a Command.
type CreateLocation struct {
	Code string
	Name string
}

// Validate returns what breaks a rule.
func (c CreateLocation) Validate() []*Error {
	var v violations
	v.code(c.Code, "a location", "input", "code")
	v.text(&c.Name, "name")
	return v
}

// Taken refuses the location because there is one of this code.
func (c CreateLocation) Taken() *Error {
	return &Error{
		Code: AlreadyExists, Message: "there is a location " + c.Code + " already", Field: []string{"input", "code"},
	}
}
