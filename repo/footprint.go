package repo

import (
	"slices"

	"holdfast/internal/inventory"
)

// footprint is the rows that a group touches, each named once.
type footprint struct {
	reservations []string
	levels       []inventory.LevelKey
	// logEnds are the levels of which the end of the log is needed.
	logEnds []inventory.LevelKey
	// wholeSKUs are those of which every level is needed.
	wholeSKUs []string
	// particulars are SKUs of which the name and the metadata are needed.
	particulars []string
	locations   []string
	tokens      []string
	// knownSKUs are all others that are named, to learn whether they exist.
	knownSKUs []string
	// tried are the ids of requests that were run before, and may have been
	// committed.
	tried []string
}

func footprintOf(calls []*call) footprint {
	var f footprint
	for _, c := range calls {
		one := c.footprint
		f.reservations = append(f.reservations, one.Reservations...)
		f.levels = append(f.levels, one.Levels...)
		f.logEnds = append(f.logEnds, one.LogEnds...)
		f.wholeSKUs = append(f.wholeSKUs, one.SKUs...)
		f.particulars = append(f.particulars, one.Particulars...)
		f.locations = append(f.locations, one.Locations...)
		if one.TokenKey != "" {
			f.tokens = append(f.tokens, one.TokenKey)
		}
		if c.tried {
			f.tried = append(f.tried, c.request.ID)
		}
	}
	f.reservations = distinct(f.reservations)
	f.wholeSKUs = distinct(f.wholeSKUs)
	f.particulars = distinct(f.particulars)
	f.locations = distinct(f.locations)
	f.tokens = distinct(f.tokens)

	f.knownSKUs = slices.Clone(f.wholeSKUs)
	for _, key := range f.levels {
		f.knownSKUs = append(f.knownSKUs, key.SKU)
	}
	f.knownSKUs = slices.DeleteFunc(distinct(f.knownSKUs), func(sku string) bool {
		_, known := slices.BinarySearch(f.particulars, sku)
		return known
	})
	f.levels = distinctKeys(f.levels)
	f.logEnds = distinctKeys(f.logEnds)
	return f
}

func distinctKeys(keys []inventory.LevelKey) []inventory.LevelKey {
	slices.SortFunc(keys, inventory.LevelKey.Compare)
	return slices.Compact(keys)
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func (f footprint) touchesLevels() bool {
	return len(f.wholeSKUs)+len(f.levels)+len(f.reservations) > 0
}

// lastLocation is behind every location's code, which is of printable ASCII.
const lastLocation = "\x7f"

// levelRanges names the levels as holdfast_load wants them: by a SKU and its
// locations from the first to the last, in order.
func (f footprint) levelRanges() (skus, firsts, lasts []string) {
	ranges := slices.Clone(f.levels)
	for _, sku := range f.wholeSKUs {
		ranges = append(ranges, inventory.LevelKey{SKU: sku}) // from no location to the last
	}
	slices.SortFunc(ranges, inventory.LevelKey.Compare)
	for _, one := range ranges {
		last := one.Location
		if last == "" {
			last = lastLocation
		}
		skus, firsts, lasts = append(skus, one.SKU), append(firsts, one.Location), append(lasts, last)
	}
	return skus, firsts, lasts
}

func splitKeys(keys []inventory.LevelKey) (skus, locations []string) {
	for _, key := range keys {
		skus = append(skus, key.SKU)
		locations = append(locations, key.Location)
	}
	return skus, locations
}
