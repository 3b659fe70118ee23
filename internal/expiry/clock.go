package expiry

import "time"

// clock estimates the database's time from when it was last told. The estimate
// is behind by the way that the answer took, so it wakes nobody early.
type clock struct {
	told   time.Time
	toldAt time.Time
}

func (c *clock) set(databaseNow time.Time) {
	c.told, c.toldAt = databaseNow, time.Now()
}

// until is how long it is until the database's clock shows the deadline.
func (c *clock) until(deadline time.Time) time.Duration {
	return deadline.Sub(c.told) - time.Since(c.toldAt)
}
