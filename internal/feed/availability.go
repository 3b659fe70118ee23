package feed

import (
	"context"
	"slices"
	"strconv"

	"holdfast/internal/inventory"
)

// Availability delivers the present stock of each SKU at once, then again
// whenever it changes, until ctx ends; the channel is closed then. The errors
// are *UnknownError, *inventory.Error and those of the stock.
func (f *Feed) Availability(ctx context.Context, skus []string, location *string) (<-chan *inventory.Availability, error) {
	if len(skus) == 0 {
		return nil, &inventory.Error{Code: inventory.InvalidInput, Message: "name at least one SKU", Field: []string{"skus"}}
	}
	skus = slices.Clone(skus) // they are read by again
	audience := audienceOf(ctx)
	audience.Gather()
	in := f.levels.listen(skus...)
	read := func(ctx context.Context) ([]*inventory.Availability, error) { return f.known(ctx, skus, location) }
	present, err := read(ctx)
	if err != nil {
		f.levels.leave(in)
		return nil, err
	}
	watch := availabilityWatch{location: location, states: map[string]*inventory.Availability{}}
	for _, availability := range present {
		watch.set(availability)
	}

	out := make(chan *inventory.Availability)
	go func() {
		defer close(out)
		defer f.levels.leave(in)
		watch.deliver(ctx, in, out, newPresence(audience, len(watch.owed), read))
	}()
	return out, nil
}

// known reads the stock of SKUs, none of which may be unknown.
func (f *Feed) known(ctx context.Context, skus []string, location *string) ([]*inventory.Availability, error) {
	present, err := f.stock.Availability(ctx, skus, location)
	if err != nil {
		return nil, err
	}
	if at := slices.Index(present, nil); at >= 0 {
		return nil, &UnknownError{Field: []string{"skus", strconv.Itoa(at)}, Name: "SKU " + skus[at]}
	}
	return present, nil
}

// availabilityWatch is what the subscribers know, and what they are owed.
type availabilityWatch struct {
	location *string
	states   map[string]*inventory.Availability
	// owed are the SKUs whose state is to be delivered, longest owed first.
	owed []string
}

func (w *availabilityWatch) deliver(ctx context.Context, in *inbox[inventory.StockLevel], out chan<- *inventory.Availability, presence *presence[[]*inventory.Availability]) {
	for ctx.Err() == nil { // a select would deliver by chance what is ready when ctx has ended
		var next *inventory.Availability
		var ready chan<- *inventory.Availability // nil, so never chosen, while nothing is owed
		if len(w.owed) > 0 {
			next, ready = w.states[w.owed[0]], out
		}
		select {
		case ready <- next:
			w.owed = w.owed[1:]
			presence.told(ctx, next.SKU)
		case <-in.ready:
			for _, level := range in.take() {
				w.update(level)
			}
		case <-presence.joined():
			presence.readAgain(ctx)
		case present := <-presence.answers:
			for _, availability := range presence.of(present) {
				w.lay(availability)
			}
			presence.owes(len(w.owed))
		case <-ctx.Done():
			return
		}
	}
}

// lay lays what was read over what is known.
func (w *availabilityWatch) lay(present *inventory.Availability) {
	for _, level := range present.Locations {
		w.update(level)
	}
}

// update lays a level over what is known, unless that is newer. States that
// were delivered are never changed.
func (w *availabilityWatch) update(level inventory.StockLevel) {
	if w.location != nil && *w.location != level.Location {
		return
	}
	known := w.states[level.SKU]
	at, found := slices.BinarySearchFunc(known.Locations, level, func(a, b inventory.StockLevel) int {
		return a.Key().Compare(b.Key())
	})
	if found && known.Locations[at].Version >= level.Version {
		return // each change of our own is told twice, and so costs no copy the second time
	}
	state := *known
	state.Locations = slices.Clone(known.Locations)
	if found {
		state.Locations[at] = level
	} else {
		state.Locations = slices.Insert(state.Locations, at, level)
	}
	w.set(&state)
}

func (w *availabilityWatch) set(state *inventory.Availability) {
	w.states[state.SKU] = state
	if !slices.Contains(w.owed, state.SKU) {
		w.owed = append(w.owed, state.SKU)
	}
}
