package repo_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What the query of a few SKUs names, a check of everything names too.
func TestSievePassesOverNoLevelThatHasNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "INSERT INTO stock_levels VALUES ('BARE', 'south', 0, 0, 0, 0, now())")
	want := []issue{{chain, "BARE@south", "", nil, nil, false}}
	assert.Equal(t, want, found(s.check(t, "BARE"), ""))
	assert.Equal(t, want, found(s.check(t), ""))
}

func TestEntryThatLostItsSKUDoesNotEndTheCheck(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "UPDATE audit_log SET sku = NULL WHERE sku = 'LAMP'")
	assert.NotEmpty(t, s.check(t).Issues)
}
