package repo

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// newID mints a UUID of version 7 (RFC 9562, section 5.7) for the moment at.
// The 12 bits behind the millisecond are the fraction of it (section 6.2,
// method 3), so that ids of different moments sort by time.
func newID(at time.Time) string {
	var id uuid.UUID
	_, _ = rand.Read(id[:]) // never fails
	millis := at.UnixMilli()
	fraction := uint64(at.UnixMicro()-millis*1000) * (1 << 12) / 1000
	binary.BigEndian.PutUint64(id[:8], uint64(millis)<<16|7<<12|fraction)
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// idFloor is what no id sorts before that was minted in the millisecond of at,
// or later. Ids have no moments before 1970.
func idFloor(at time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(max(0, at.UnixMilli()))<<16)
	return id.String()
}
