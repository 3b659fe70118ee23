package resolvers

import "holdfast/repo"

// pageDefault is how many a connection has unless asked otherwise.
const pageDefault = 20

func page(first *int32, after *string) repo.Page {
	if first == nil {
		return repo.Page{First: pageDefault, After: after}
	}
	return repo.Page{First: int(*first), After: after}
}
