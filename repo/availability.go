package repo

import (
	"context"
	"fmt"
	"strconv"

	"holdfast/internal/inventory"
)

// skusMax bounds how many SKUs one query may name.
const skusMax = inventory.SKUsMax

// Availability answers the stock of the SKUs in the order asked, nil for one
// that isn't known, as of one moment. With a location it is what is kept there.
// What breaks a rule is an *inventory.Error. Others may have been given the same
// values: they are not to be changed.
func (r *Repo) Availability(ctx context.Context, skus []string, location *string) ([]*inventory.Availability, error) {
	if problem := checkSKUs(skus); problem != nil {
		return nil, problem
	}
	if location != nil && !inventory.ValidCode(*location) {
		return nil, badArgument("this is not a location's code", "location")
	}
	answer := make([]*inventory.Availability, len(skus))
	if len(skus) == 0 && location == nil {
		return answer, nil
	}
	read, err := r.readStock(ctx, stockQuery{skus: skus, location: location})
	if err != nil {
		return nil, err
	}
	if location != nil && !read.locations[*location] {
		return nil, badArgument("there is no location "+*location, "location")
	}
	for i, sku := range skus {
		answer[i] = read.of(sku, location)
	}
	return answer, nil
}

// AvailabilityBySKU answers the stock of those of the SKUs that there are, over
// all their locations, as of one moment. It takes any number of them. The values
// are not to be changed.
func (r *Repo) AvailabilityBySKU(ctx context.Context, skus []string) (map[string]*inventory.Availability, error) {
	read, err := r.readStock(ctx, stockQuery{skus: skus})
	if err != nil {
		return nil, err
	}
	bySKU := make(map[string]*inventory.Availability, len(skus))
	for _, sku := range skus {
		if availability := read.of(sku, nil); availability != nil {
			bySKU[sku] = availability
		}
	}
	return bySKU, nil
}

func checkSKUs(skus []string) *inventory.Error {
	if len(skus) > skusMax {
		return badArgument(fmt.Sprintf("at most %d SKUs at once", skusMax), "skus")
	}
	for i, sku := range skus {
		if !inventory.ValidCode(sku) {
			return notASKU("skus", strconv.Itoa(i))
		}
	}
	return nil
}

// badArgument refuses an argument of a query.
func badArgument(message string, field ...string) *inventory.Error {
	return &inventory.Error{Code: inventory.InvalidInput, Message: message, Field: field}
}

func notASKU(field ...string) *inventory.Error {
	return badArgument(fmt.Sprintf("this is not a SKU: 1 to %d characters from ASCII letters, digits and -_.:/", inventory.CodeMax), field...)
}
