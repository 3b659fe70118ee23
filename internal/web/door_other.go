//go:build !linux

package web

import "errors"

// bar knows no way here.
func (door) bar() error { return errors.ErrUnsupported }
