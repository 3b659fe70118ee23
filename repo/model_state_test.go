package repo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// model is what should be stored.
type model struct {
	inventory.State
	// log is the audit log in the form of auditLog.
	log []string
}

// decide is what should become of a command that was decided when the outcome
// says. Ids are the outcome's.
func (m *model) decide(command inventory.Command, got inventory.Outcome) inventory.Outcome {
	if invalid := command.Validate(limits); len(invalid) > 0 {
		return inventory.Outcome{Refused: invalid}
	}
	id := uuid.NewString()
	switch {
	case got.SKU != nil && (got.Import == "" || got.Import == inventory.ImportCreated):
		id = got.SKU.CommandID
	case got.Reservation != nil && !got.Replayed && got.Reservation.Revision == 1:
		id = got.Reservation.ID
	}
	want := m.run(command, got.At, id)
	if want.Replayed && want.Reservation != nil && want.Reservation.Overdue(got.At) && got.Reservation != nil && got.Reservation.CompletedAt != nil {
		// The repository ends it by a command of its own, a moment later.
		want.Reservation = m.run(inventory.ExpireHold{ReservationID: want.Reservation.ID}, *got.Reservation.CompletedAt, id).Reservation
	}
	return plain(want)
}

func (m *model) run(command inventory.Command, at time.Time, id string) inventory.Outcome {
	m.Now = at
	outcomes, changes := inventory.Decide(limits, m.State, []inventory.Request{{ID: id, Principal: repo.DefaultPrincipal, Command: command}})
	for _, change := range changes.Levels {
		m.Levels[change.After.Key()] = change.After
	}
	for _, made := range changes.Made {
		made.Metadata = plainJSON(made.Metadata)
		m.Reservations[made.ID] = made
	}
	for _, move := range changes.Moved {
		m.Reservations[move.After.ID] = move.After
	}
	for _, token := range changes.Tokens {
		if token.Action == inventory.ActionAdjusted || token.Action == inventory.ActionSet {
			token.CommandID = "" // not known
		}
		m.Tokens[token.Key] = token
	}
	for _, sku := range changes.SKUs {
		sku.Metadata = plainJSON(sku.Metadata)
		m.SKUs[sku.Code] = sku
	}
	for _, change := range changes.UpdatedSKUs {
		change.After.Metadata = plainJSON(change.After.Metadata)
		m.SKUs[change.After.Code] = change.After
	}
	for _, entry := range changes.Entries {
		m.log = append(m.log, spellEntry(entry))
	}
	return outcomes[0]
}

func spellEntry(e inventory.Entry) string {
	words := []string{string(e.Action)}
	switch {
	case e.After != nil:
		words = append(words, e.SKU+"@"+e.Location, fmt.Sprintf("%+d/%+d/%+d -> %d/%d/%d",
			e.TotalDelta, e.ReservedDelta, e.AllocatedDelta, e.After.Total, e.After.Reserved, e.After.Allocated))
	case e.SKU != "":
		words = append(words, e.SKU)
	}
	if e.Actor != repo.DefaultPrincipal {
		words = append(words, "by "+e.Actor)
	}
	for _, word := range []string{string(e.Reason), e.Reference} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// plain is the outcome with all JSON in one spelling.
func plain(outcome inventory.Outcome) inventory.Outcome {
	if outcome.Reservation != nil {
		outcome.Reservation = plainReservation(outcome.Reservation)
	}
	if outcome.SKU != nil {
		sku := *outcome.SKU
		sku.Metadata = plainJSON(sku.Metadata)
		outcome.SKU = &sku
	}
	outcome.Refused = slices.Clone(outcome.Refused)
	for i, refusal := range outcome.Refused {
		if refusal.Reservation != nil {
			refusal := *refusal
			refusal.Reservation = plainReservation(refusal.Reservation)
			outcome.Refused[i] = &refusal
		}
	}
	return outcome
}

func plainReservation(r *inventory.Reservation) *inventory.Reservation {
	p := *r
	p.Metadata = plainJSON(p.Metadata)
	return &p
}

func plainJSON(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		panic(err)
	}
	return compact.Bytes()
}

func spell(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%T%s", value, encoded)
}
