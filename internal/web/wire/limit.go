package wire

import "github.com/vektah/gqlparser/v2/gqlerror"

// Limit is one that a request is over, as its client is told.
type Limit struct {
	Name string `json:"name"`
	Max  int64  `json:"max"`
	// Actual is what the request comes to, or zero where that was never counted.
	Actual int64 `json:"actual,omitempty"`
}

// Exceeded is the error to answer such a request with.
func (l Limit) Exceeded(message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": CodeLimit, "limit": l}}
}
