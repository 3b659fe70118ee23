package inventory_test

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/internal/inventory"
)

// model says what should become of a command, written as unlike the domain as
// can be: it takes one command at a time, has no counters, and every unit of
// stock is a thing of its own, with an owner.
type model struct {
	now       time.Time
	locations []string // in the order that a line without a location draws
	skus      map[string]inventory.SKU
	shelves   map[inventory.LevelKey]*shelf
	claims    map[string]*claimed
	uses      map[string]use // of client tokens, by principal and token
	// did has what each request wrote, not counting holds that it found overdue.
	did map[string]inventory.Action
}

// shelf is a stock level.
type shelf struct {
	units   []string // each unit's owner; "" for one that is free
	touched int64
	at      time.Time
}

// claimed is a reservation and all that happened to it.
type claimed struct {
	made  inventory.Reservation // as it began
	story []inventory.Action
	due   *time.Time
	left  *time.Time
}

// use is the first use of a client token.
type use struct {
	by      string // the request
	command string
	input   map[string]any
}

func newModel(locations ...string) *model {
	return &model{
		locations: locations,
		skus:      map[string]inventory.SKU{},
		shelves:   map[inventory.LevelKey]*shelf{},
		claims:    map[string]*claimed{},
		uses:      map[string]use{},
		did:       map[string]inventory.Action{},
	}
}

// answer does what the request asks for and returns the outcome, its refusals
// without their sentences.
func (m *model) answer(r inventory.Request) inventory.Outcome {
	var outcome inventory.Outcome
	switch c := r.Command.(type) {
	case inventory.CreateHold:
		ttl := limits.HoldTTL
		if c.TTLSeconds != nil {
			ttl = time.Duration(*c.TTLSeconds) * time.Second
		}
		made := inventory.Reservation{ClientToken: c.ClientToken, Holder: c.Holder, Reference: c.Reference, Metadata: c.Metadata}
		outcome = m.claim(r, made, c.Lines, inventory.ActionHeld, new(m.now.Add(ttl)))
	case inventory.CreateAllocation:
		made := inventory.Reservation{ClientToken: c.ClientToken, Holder: c.Holder, Reference: c.Reference, Metadata: c.Metadata}
		outcome = m.claim(r, made, c.Lines, inventory.ActionAllocated, nil)
	case inventory.ConvertHold:
		outcome = m.end(r, c.ReservationID, inventory.Held, inventory.ActionConverted)
	case inventory.ReleaseHold:
		outcome = m.end(r, c.ReservationID, inventory.Held, inventory.ActionReleased)
	case inventory.FulfillAllocation:
		outcome = m.end(r, c.ReservationID, inventory.Allocated, inventory.ActionFulfilled)
	case inventory.CancelAllocation:
		outcome = m.end(r, c.ReservationID, inventory.Allocated, inventory.ActionCancelled)
	case inventory.ExtendHold:
		outcome = m.extend(r, c)
	case inventory.ExpireHold:
		outcome = m.expire(r, c)
	case inventory.AdjustStock:
		wanted := func(total int64) int64 { return total + c.Delta }
		outcome = m.restock(r, c.ClientToken, c.SKU, c.Location, c.ExpectedVersion, wanted, "delta")
	case inventory.SetStock:
		wanted := func(int64) int64 { return c.Total }
		outcome = m.restock(r, c.ClientToken, c.SKU, c.Location, c.ExpectedVersion, wanted, "total")
	case inventory.CreateSKU:
		outcome = m.create(r, c)
	case inventory.ImportSKU:
		outcome = m.importRow(r, c)
	}
	outcome.At = m.now
	return outcome
}

func (m *model) claim(r inventory.Request, made inventory.Reservation, asked []inventory.LineRequest, action inventory.Action, due *time.Time) inventory.Outcome {
	if first, used := m.uses[r.Principal+" "+made.ClientToken]; used {
		if differing := first.differing(r.Command); len(differing) > 0 {
			return no(inventory.Error{Code: inventory.IdempotencyConflict, Field: path("clientToken"), DifferingFields: differing})
		}
		return inventory.Outcome{Reservation: m.claims[first.by].now(), Replayed: first.by != r.ID}
	}

	problems := make([]*inventory.Error, len(asked))
	for _, located := range []bool{true, false} {
		for i, line := range asked {
			if (line.Location != nil) == located {
				problems[i] = m.take(line, i, r.ID)
			}
		}
	}
	problems = slices.DeleteFunc(problems, func(e *inventory.Error) bool { return e == nil })
	if len(problems) > 0 {
		m.free(r.ID)
		return inventory.Outcome{Refused: problems}
	}

	made.ID, made.Principal, made.CreatedAt = r.ID, r.Principal, m.now
	for key, s := range m.shelves {
		if units := count(s.units, r.ID); units > 0 {
			made.Lines = append(made.Lines, inventory.Line{SKU: key.SKU, Location: key.Location, Quantity: int32(units)})
			m.touch(key)
		}
	}
	slices.SortFunc(made.Lines, func(a, b inventory.Line) int {
		return strings.Compare(a.SKU+" "+a.Location, b.SKU+" "+b.Location)
	})
	m.claims[r.ID] = &claimed{made: made, story: []inventory.Action{action}, due: due}
	m.did[r.ID] = action
	m.remember(r, made.ClientToken)
	return inventory.Outcome{Reservation: m.claims[r.ID].now()}
}

// take moves the line's units, one by one, to the owner, or says why not all
// can be had.
func (m *model) take(line inventory.LineRequest, index int, owner string) *inventory.Error {
	at := []string{"lines", strconv.Itoa(index)}
	if _, known := m.skus[line.SKU]; !known {
		return &inventory.Error{Code: inventory.UnknownSKU, SKU: line.SKU, Field: path(append(at, "sku")...)}
	}
	places, location := m.locations, ""
	if line.Location != nil {
		location = *line.Location
		if !slices.Contains(m.locations, location) {
			return &inventory.Error{Code: inventory.UnknownLocation, Field: path(append(at, "location")...)}
		}
		places = []string{location}
	}
	var took []*string
	for _, place := range places {
		s := m.shelves[inventory.LevelKey{SKU: line.SKU, Location: place}]
		for i := 0; s != nil && i < len(s.units) && len(took) < int(line.Quantity); i++ {
			if s.units[i] == "" {
				s.units[i] = owner
				took = append(took, &s.units[i])
			}
		}
	}
	if len(took) == int(line.Quantity) {
		return nil
	}
	for _, unit := range took {
		*unit = ""
	}
	return &inventory.Error{
		Code: inventory.InsufficientStock, SKU: line.SKU, Location: location, Field: path(append(at, "quantity")...),
		Requested: int64(line.Quantity), Available: int64(len(took)),
	}
}

func (m *model) end(r inventory.Request, id string, from inventory.Status, as inventory.Action) inventory.Outcome {
	c := m.find(r, id)
	if c == nil {
		return no(inventory.Error{Code: inventory.NotFound, Field: path("reservationId")})
	}
	m.expireOverdue(c)
	switch {
	case slices.Contains(c.story, as):
		return inventory.Outcome{Reservation: c.now(), Replayed: m.did[r.ID] != as}
	case c.now().Status != from:
		return no(inventory.Error{Code: inventory.InvalidState, Field: path("reservationId"), Reservation: c.now()})
	}
	m.happen(c, as)
	m.did[r.ID] = as
	return inventory.Outcome{Reservation: c.now()}
}

func (m *model) extend(r inventory.Request, e inventory.ExtendHold) inventory.Outcome {
	c := m.find(r, e.ReservationID)
	if c == nil {
		return no(inventory.Error{Code: inventory.NotFound, Field: path("reservationId")})
	}
	if m.did[r.ID] == inventory.ActionExtended {
		return inventory.Outcome{Reservation: c.now()}
	}
	m.expireOverdue(c)
	if c.now().Status != inventory.Held {
		return no(inventory.Error{Code: inventory.InvalidState, Field: path("reservationId"), Reservation: c.now()})
	}
	due := m.now.Add(time.Duration(e.TTLSeconds) * time.Second)
	if due.Sub(c.made.CreatedAt) > limits.HoldTTLMax {
		return no(inventory.Error{Code: inventory.InvalidInput, Field: path("ttlSeconds")})
	}
	if due.After(*c.due) {
		c.due = &due
		c.story = append(c.story, inventory.ActionExtended)
		m.did[r.ID] = inventory.ActionExtended
	}
	return inventory.Outcome{Reservation: c.now()}
}

func (m *model) expire(r inventory.Request, e inventory.ExpireHold) inventory.Outcome {
	c := m.find(r, e.ReservationID)
	if c == nil {
		return no(inventory.Error{Code: inventory.NotFound, Field: path("reservationId")})
	}
	m.expireOverdue(c)
	return inventory.Outcome{Reservation: c.now()}
}

// restock puts free units on a shelf, or takes some, until it has as many as are
// wanted in view of how many it has.
func (m *model) restock(
	r inventory.Request, token, sku string, at *string, expected *int64, wanted func(total int64) int64, amount string,
) inventory.Outcome {
	key := inventory.LevelKey{SKU: sku, Location: "default"}
	if at != nil {
		key.Location = *at
	}
	if first, used := m.uses[r.Principal+" "+token]; used {
		if differing := first.differing(r.Command); len(differing) > 0 {
			return no(inventory.Error{Code: inventory.IdempotencyConflict, Field: path("clientToken"), DifferingFields: differing})
		}
		return inventory.Outcome{Level: m.level(key), Replayed: first.by != r.ID}
	}
	if _, known := m.skus[sku]; !known {
		return no(inventory.Error{Code: inventory.UnknownSKU, SKU: sku, Field: path("sku")})
	}
	if !slices.Contains(m.locations, key.Location) {
		return no(inventory.Error{Code: inventory.UnknownLocation, Field: path("location")})
	}
	var units []string
	var version int64
	if s := m.shelves[key]; s != nil {
		units, version = s.units, s.touched
	}
	if expected != nil && *expected != version {
		return no(inventory.Error{
			Code: inventory.VersionConflict, Field: path("expectedVersion"), Expected: *expected, Actual: version,
		})
	}
	goal := wanted(int64(len(units)))
	if owned := int64(len(units) - count(units, "")); goal < owned {
		return no(inventory.Error{
			Code: inventory.InsufficientStock, SKU: sku, Location: key.Location, Field: path(amount),
			Requested: int64(len(units)) - goal, Available: int64(len(units)) - owned,
		})
	}
	m.touch(key)
	s := m.shelves[key]
	for int64(len(s.units)) < goal {
		s.units = append(s.units, "")
	}
	for int64(len(s.units)) > goal {
		free := slices.Index(s.units, "")
		s.units = slices.Delete(s.units, free, free+1)
	}
	m.remember(r, token)
	return inventory.Outcome{Level: m.level(key)}
}

func (m *model) create(r inventory.Request, c inventory.CreateSKU) inventory.Outcome {
	if known, exists := m.skus[c.SKU]; exists {
		if m.did[r.ID] == inventory.ActionCreated {
			known.Name, known.Metadata = c.Name, c.Metadata // as it was created
			return inventory.Outcome{SKU: &known}
		}
		return no(inventory.Error{Code: inventory.AlreadyExists, Field: path("sku")})
	}
	location := "default"
	if c.Location != nil {
		location = *c.Location
	}
	if !slices.Contains(m.locations, location) {
		return no(inventory.Error{Code: inventory.UnknownLocation, Field: path("location")})
	}
	sku := inventory.SKU{Code: c.SKU, Name: c.Name, Metadata: c.Metadata, CreatedAt: m.now, CommandID: r.ID}
	m.skus[c.SKU] = sku
	m.did[r.ID] = inventory.ActionCreated
	if c.InitialStock != nil || c.Location != nil {
		key := inventory.LevelKey{SKU: c.SKU, Location: location}
		m.touch(key)
		if c.InitialStock != nil {
			m.shelves[key].units = make([]string, *c.InitialStock)
		}
	}
	return inventory.Outcome{SKU: &sku}
}

func (m *model) importRow(r inventory.Request, c inventory.ImportSKU) inventory.Outcome {
	known, exists := m.skus[c.SKU]
	if exists && known.CommandID == r.ID {
		return inventory.Outcome{SKU: &known, Import: inventory.ImportCreated}
	}
	key := inventory.LevelKey{SKU: c.SKU, Location: "default"}
	if c.Location != nil {
		key.Location = *c.Location
	}
	if !slices.Contains(m.locations, key.Location) {
		return no(inventory.Error{Code: inventory.UnknownLocation, Field: path("location")})
	}
	if !exists {
		if c.Name == nil {
			return no(inventory.Error{Code: inventory.InvalidInput, Field: path("name")})
		}
		create := inventory.CreateSKU{SKU: c.SKU, Name: *c.Name, Metadata: c.Metadata}
		if c.Total != nil {
			create.Location, create.InitialStock = &key.Location, c.Total
		}
		outcome := m.create(r, create)
		outcome.Import = inventory.ImportCreated
		return outcome
	}

	outcome := inventory.Outcome{Import: inventory.ImportUnchanged}
	if c.Total != nil {
		_, used := m.uses[r.Principal+" "+c.ClientToken]
		if s := m.shelves[key]; used || s == nil || int64(len(s.units)) != *c.Total {
			count := r
			count.Command = inventory.SetStock{ClientToken: c.ClientToken, SKU: c.SKU, Location: c.Location, Total: *c.Total, Reason: "CORRECTION"}
			outcome = m.restock(count, c.ClientToken, c.SKU, c.Location, nil, func(int64) int64 { return *c.Total }, "total")
			if len(outcome.Refused) > 0 {
				return outcome
			}
			outcome.Import = inventory.ImportChanged
		}
	}
	if c.Name != nil && *c.Name != known.Name {
		known.Name, outcome.Import = *c.Name, inventory.ImportChanged
	}
	if c.Metadata != nil && string(c.Metadata) != string(known.Metadata) {
		known.Metadata, outcome.Import = c.Metadata, inventory.ImportChanged
	}
	m.skus[c.SKU] = known
	outcome.SKU = &known
	return outcome
}

// find returns the principal's reservation; nil if it has none by that id.
func (m *model) find(r inventory.Request, id string) *claimed {
	c := m.claims[strings.ToLower(id)]
	if c == nil || c.made.Principal != r.Principal {
		return nil
	}
	return c
}

func (m *model) expireOverdue(c *claimed) {
	if c.now().Status == inventory.Held && m.now.Compare(*c.due) >= 0 {
		m.happen(c, inventory.ActionExpired)
	}
}

// happen ends the hold or the allocation.
func (m *model) happen(c *claimed, as inventory.Action) {
	if c.now().Status == inventory.Held {
		c.left = new(m.now)
	}
	c.story = append(c.story, as)
	for _, line := range c.made.Lines {
		m.touch(line.Key())
	}
	switch as {
	case inventory.ActionConverted:
	case inventory.ActionFulfilled:
		m.ship(c.made.ID)
	default:
		m.free(c.made.ID)
	}
}

// ship takes the owner's units away.
func (m *model) ship(owner string) {
	for _, s := range m.shelves {
		s.units = slices.DeleteFunc(s.units, func(unit string) bool { return unit == owner })
	}
}

func (m *model) free(owner string) {
	for _, s := range m.shelves {
		for i, unit := range s.units {
			if unit == owner {
				s.units[i] = ""
			}
		}
	}
}

func (m *model) touch(key inventory.LevelKey) {
	if m.shelves[key] == nil {
		m.shelves[key] = &shelf{}
	}
	m.shelves[key].touched++
	m.shelves[key].at = m.now
}

func (m *model) remember(r inventory.Request, token string) {
	m.uses[r.Principal+" "+token] = use{by: r.ID, command: kind(r.Command), input: input(r.Command)}
}

// level counts the units on a shelf.
func (m *model) level(key inventory.LevelKey) *inventory.StockLevel {
	s := m.shelves[key]
	level := &inventory.StockLevel{
		SKU: key.SKU, Location: key.Location, Total: int64(len(s.units)), Version: s.touched, UpdatedAt: s.at,
	}
	for _, owner := range s.units {
		switch {
		case owner == "":
		case m.claims[owner].now().Status == inventory.Held:
			level.Reserved++
		default:
			level.Allocated++
		}
	}
	return level
}

// now is the reservation as it is after what happened to it.
func (c *claimed) now() *inventory.Reservation {
	r := c.made
	r.ExpiresAt, r.CompletedAt = c.due, c.left
	r.Revision = int64(len(c.story))
	for _, action := range c.story {
		switch action {
		case inventory.ActionHeld:
			r.Status = inventory.Held
		case inventory.ActionAllocated, inventory.ActionConverted:
			r.Status = inventory.Allocated
		case inventory.ActionReleased:
			r.Status = inventory.Released
		case inventory.ActionExpired:
			r.Status = inventory.Expired
		case inventory.ActionFulfilled:
			r.Status = inventory.Fulfilled
		case inventory.ActionCancelled:
			r.Status = inventory.Cancelled
		}
	}
	return &r
}

func (u use) differing(command inventory.Command) []string {
	var names []string
	if u.command != kind(command) {
		names = append(names, "operation")
	}
	now := input(command)
	for name, value := range now {
		if !reflect.DeepEqual(u.input[name], value) {
			names = append(names, name)
		}
	}
	for name := range u.input {
		if _, given := now[name]; !given {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func kind(command inventory.Command) string { return reflect.TypeOf(command).Name() }

// input is the command's fields as given, by their names in the schema, but
// for those that don't tell two uses of a token apart.
func input(command inventory.Command) map[string]any {
	given := map[string]any{}
	v := reflect.ValueOf(command)
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		name = strings.ToLower(name[:1]) + name[1:]
		switch name {
		case "clientToken", "strategy":
			continue
		case "sKU":
			name = "sku"
		case "tTLSeconds":
			name = "ttlSeconds"
		}
		if lines, ok := field.Interface().([]inventory.LineRequest); ok {
			given[name] = inAnyOrder(lines)
			continue
		}
		switch field.Kind() {
		case reflect.Pointer, reflect.Slice:
			if !field.IsNil() {
				given[name] = reflect.Indirect(field).Interface()
			}
		default:
			given[name] = field.Interface() // required: a total of 0 is given, too
		}
	}
	return given
}

func inAnyOrder(lines []inventory.LineRequest) map[string]int32 {
	asked := map[string]int32{}
	for _, line := range lines {
		key := line.SKU
		if line.Location != nil {
			key += " at " + *line.Location
		}
		asked[key] = line.Quantity
	}
	return asked
}

func count(units []string, owner string) (n int) {
	for _, unit := range units {
		if unit == owner {
			n++
		}
	}
	return n
}

func no(e inventory.Error) inventory.Outcome {
	return inventory.Outcome{Refused: []*inventory.Error{&e}}
}

func path(steps ...string) []string { return append([]string{"input"}, steps...) }
