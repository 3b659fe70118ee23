package repo

import "context"

// DefaultPrincipal owns what is done without authentication.
const DefaultPrincipal = "default"

// principalOf is whom the tokens and reservations of a request belong to.
func principalOf(context.Context) string { return DefaultPrincipal }
