package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
)

// Fingerprint returns 16 hexadecimal digits that change whenever a migration
// is added, renamed or edited.
func Fingerprint() string {
	hash := sha256.New()
	// Reading what is embedded doesn't fail.
	_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		for _, part := range [][]byte{[]byte(name), content} {
			sum := sha256.Sum256(part)
			hash.Write(sum[:])
		}
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)[:8])
}
