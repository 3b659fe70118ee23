package inventory

import "time"

// Strategy is how a group of commands is kept apart from others that want the
// same stock.
type Strategy string

// The strategies.
const (
	Optimistic  Strategy = "OPTIMISTIC"
	Pessimistic Strategy = "PESSIMISTIC"
)

// Strategies are all there are.
var Strategies = []Strategy{Optimistic, Pessimistic}

// Command is something that changes stock or reservations.
type Command interface {
	// Validate returns what breaks a rule whatever the stock is. A command is
	// decided only if there is nothing.
	Validate(Limits) []*Error
	// Footprint is what must be loaded to decide the command.
	Footprint(principal string) Footprint

	decide(*batch, Request) Outcome
}

// Request is a command, by somebody.
type Request struct {
	// ID is minted once and kept over re-runs, so that a request that meets
	// its own effect knows that its first try was committed. A UUID.
	ID        string
	Principal string
	Command   Command
}

// Footprint names the rows that a command touches.
type Footprint struct {
	// Reservations by id, with the levels of their lines.
	Reservations []string
	// Levels by key.
	Levels []LevelKey
	// SKUs of which every level is needed.
	SKUs []string
	// LogEnds are the levels of which the end of the log is needed.
	LogEnds []LevelKey
	// Particulars are SKUs of which the name and the metadata matter.
	Particulars []string
	// Locations whose existence matters.
	Locations []string
	// TokenKey is that of the command's client token, if it has one. The
	// reservation that the token made is needed too.
	TokenKey string
}

// Outcome is what becomes of a command.
type Outcome struct {
	// At is when it was decided, by the database's clock.
	At          time.Time
	Reservation *Reservation
	Level       *StockLevel
	SKU         *SKU
	Location    *Location
	Snapshot    *Snapshot
	Run         *ReconciliationRun
	// Import is what an import's row did.
	Import ImportEffect
	// Replayed says that an earlier request had had this very effect.
	Replayed bool
	// Refused is why nothing was done; empty if it was done.
	Refused []*Error
}

func refused(errors ...*Error) Outcome { return Outcome{Refused: errors} }
