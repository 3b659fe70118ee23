package inventory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
)

// Token records what a client token was used for.
type Token struct {
	// Key is made from the principal and the token, by TokenKey.
	Key       string
	Principal string
	// Action is what the first use did, and tells the commands apart.
	Action Action
	// Fields has a short hash of each input field that was given, so that the
	// ones that differ can be named without keeping what they held.
	Fields Fingerprint
	// CommandID is the request that used it first: the id of the reservation,
	// where it made one.
	CommandID string
}

// Fingerprint is the hash of each input field that was given, by its name in
// the schema.
type Fingerprint map[string]string

// TokenKey is the key of a principal's token: 128 bits of its SHA-256, in the
// text form of a UUID, which the database keeps in 16 bytes.
func TokenKey(principal, token string) string {
	sum := sha256.Sum256([]byte(principal + "\x00" + token))
	plain := hex.EncodeToString(sum[:16])
	return plain[:8] + "-" + plain[8:12] + "-" + plain[12:16] + "-" + plain[16:20] + "-" + plain[20:]
}

// fieldHashBytes makes two different values look the same once in 2^48.
const fieldHashBytes = 6

func (f Fingerprint) add(field string, value any) {
	// A value is plain data, which always encodes. Metadata is told apart by its
	// bytes: whoever reads it in writes the same object the same way.
	encoded, _ := json.Marshal(value)
	sum := sha256.Sum256(encoded)
	f[field] = hex.EncodeToString(sum[:fieldHashBytes])
}

func addGiven[T any](f Fingerprint, field string, value *T) {
	if value != nil {
		f.add(field, *value)
	}
}

// differing names what tells a second use of the token from the first, in
// alphabetical order: "operation", and fields of the input.
func (t Token) differing(action Action, fields Fingerprint) []string {
	different := map[string]bool{}
	for field, hash := range t.Fields {
		if fields[field] != hash {
			different[field] = true
		}
	}
	for field, hash := range fields {
		if t.Fields[field] != hash {
			different[field] = true
		}
	}
	if t.Action != action {
		different["operation"] = true
	}
	return slices.Sorted(maps.Keys(different))
}
