package inventory

import (
	"slices"
	"strings"
)

// source finds where each line's units are taken from, or says of each line
// that can't be had why. Lines that name their location are served first: the
// others may go elsewhere.
func source(b *batch, asked []LineRequest) ([]Line, []*Error) {
	taken := map[LevelKey]int64{}
	problems := make([]*Error, len(asked))
	for i, line := range asked {
		if line.Location != nil {
			problems[i] = sourceAt(b, taken, line, i)
		}
	}
	for i, line := range asked {
		if line.Location == nil {
			problems[i] = sourceAnywhere(b, taken, line, i)
		}
	}
	if problems = slices.DeleteFunc(problems, func(e *Error) bool { return e == nil }); len(problems) > 0 {
		return nil, problems
	}

	lines := make([]Line, 0, len(taken))
	for key, quantity := range taken {
		lines = append(lines, Line{key.SKU, key.Location, int32(quantity)})
	}
	slices.SortFunc(lines, func(a, b Line) int { return a.Key().Compare(b.Key()) })
	return lines, nil
}

func sourceAt(b *batch, taken map[LevelKey]int64, line LineRequest, index int) *Error {
	if _, ok := b.sku(line.SKU); !ok {
		return unknownSKU(line.SKU, lineField(index, "sku")...)
	}
	if !b.hasLocation(*line.Location) {
		return unknownLocation(*line.Location, lineField(index, "location")...)
	}
	key := LevelKey{line.SKU, *line.Location}
	level, _ := b.level(key)
	available := max(0, level.Available()-taken[key])
	if int64(line.Quantity) > available {
		return insufficient(line.SKU, *line.Location, int64(line.Quantity), available, lineField(index, "quantity")...)
	}
	taken[key] += int64(line.Quantity)
	return nil
}

func sourceAnywhere(b *batch, taken map[LevelKey]int64, line LineRequest, index int) *Error {
	if _, ok := b.sku(line.SKU); !ok {
		return unknownSKU(line.SKU, lineField(index, "sku")...)
	}
	var available int64
	missing := int64(line.Quantity)
	drawn := map[LevelKey]int64{}
	for _, location := range b.drawOrder[line.SKU] {
		key := LevelKey{line.SKU, location}
		level, _ := b.level(key)
		free := max(0, level.Available()-taken[key])
		available += free
		if draw := min(free, missing); draw > 0 {
			drawn[key] = draw
			missing -= draw
		}
	}
	if missing > 0 {
		return insufficient(line.SKU, "", int64(line.Quantity), available, lineField(index, "quantity")...)
	}
	for key, draw := range drawn {
		taken[key] += draw
	}
	return nil
}

// drawOrder has the locations of each SKU's levels, in the order that a line
// without a location draws on them: the default location first, then by code.
type drawOrder map[string][]string

func newDrawOrder(levels map[LevelKey]StockLevel) drawOrder {
	order := drawOrder{}
	for key := range levels {
		order[key.SKU] = append(order[key.SKU], key.Location)
	}
	for _, locations := range order {
		slices.SortFunc(locations, compareDraws)
	}
	return order
}

// add puts a new level in its place.
func (o drawOrder) add(key LevelKey) {
	place, _ := slices.BinarySearchFunc(o[key.SKU], key.Location, compareDraws)
	o[key.SKU] = slices.Insert(o[key.SKU], place, key.Location)
}

func compareDraws(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == DefaultLocation:
		return -1
	case b == DefaultLocation:
		return +1
	default:
		return strings.Compare(a, b)
	}
}
