package repo_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

func TestReservationIsFoundByExactlyOneName(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	held := hold(t, w.repo, "t", line("A", 1))
	for _, by := range []repo.ReservationBy{reservationBy(held.ID, ""), reservationBy("", "t")} {
		r, err := w.repo.Reservation(t.Context(), by)
		require.NoError(t, err)
		require.Equal(t, held, *r)
	}
	for _, by := range []repo.ReservationBy{reservationBy(uuid.NewString(), ""), reservationBy("", "T")} {
		r, err := w.repo.Reservation(t.Context(), by)
		require.NoError(t, err)
		require.Nil(t, r)
	}
	// A token of an adjustment made no reservation.
	r, err := w.repo.Reservation(t.Context(), reservationBy("", "stock of west"))
	require.NoError(t, err)
	require.Nil(t, r)

	for _, c := range []struct {
		field []string
		by    repo.ReservationBy
	}{
		{[]string{"by"}, repo.ReservationBy{}},
		{[]string{"by"}, repo.ReservationBy{ID: &held.ID, ClientToken: new("t")}},
		{[]string{"by", "id"}, reservationBy("1", "")},
		{[]string{"by", "id"}, reservationBy(held.ID+"0", "")},
		{[]string{"by", "id"}, reservationBy("{"+held.ID+"}", "")},
		{[]string{"by", "clientToken"}, reservationBy("", "")},
		{[]string{"by", "clientToken"}, reservationBy("", " ")},
		{[]string{"by", "clientToken"}, reservationBy("", "ü")},
		{[]string{"by", "clientToken"}, reservationBy("", strings.Repeat("t", 256))},
	} {
		_, err := w.repo.Reservation(t.Context(), c.by)
		requireBadArgument(t, err, c.field...)
	}
	_, err = w.repo.ReservationByID(t.Context(), "1")
	requireBadArgument(t, err, "id")
}

func TestReservationsAreFilteredByAllThatIsGiven(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	claim := func(token string, holder, reference *string, ttlSeconds int32, lines ...inventory.LineRequest) inventory.Reservation {
		return *done(t, w.repo, inventory.CreateHold{
			ClientToken: token, Lines: lines, Holder: holder, Reference: reference, TTLSeconds: &ttlSeconds,
		}).Reservation
	}
	first := claim("first", new("Alice"), new("cart-1"), 60, line("A", 1))
	second := claim("second", new("Bob"), new("cart-1"), 3600, line("A", 1), line("B", 1))
	third := claim("third", new("Alice"), nil, 600, line("B", 1, "west"))
	allocated := *done(t, w.repo, inventory.CreateAllocation{ClientToken: "allocated", Lines: []inventory.LineRequest{line("A", 1)}}).Reservation
	third = *do(t, w.repo, inventory.ReleaseHold{ReservationID: third.ID}).Reservation
	hidden := hold(t, w.repo, "hidden", line("A", 1))
	execute(t, w.db, "UPDATE reservations SET principal = 'somebody' WHERE id = ?", hidden.ID)

	for name, c := range map[string]struct {
		filter *repo.ReservationFilter
		want   []inventory.Reservation
	}{
		"none":              {nil, []inventory.Reservation{allocated, third, second, first}},
		"empty":             {&repo.ReservationFilter{}, []inventory.Reservation{allocated, third, second, first}},
		"held":              {&repo.ReservationFilter{Status: new(inventory.Held)}, []inventory.Reservation{second, first}},
		"released":          {&repo.ReservationFilter{Status: new(inventory.Released)}, []inventory.Reservation{third}},
		"expired":           {&repo.ReservationFilter{Status: new(inventory.Expired)}, nil},
		"sku":               {&repo.ReservationFilter{SKU: new("B")}, []inventory.Reservation{third, second}},
		"unknown sku":       {&repo.ReservationFilter{SKU: new("GHOST")}, nil},
		"holder":            {&repo.ReservationFilter{Holder: new("Alice")}, []inventory.Reservation{third, first}},
		"holder's case":     {&repo.ReservationFilter{Holder: new("alice")}, nil},
		"reference":         {&repo.ReservationFilter{Reference: new("cart-1")}, []inventory.Reservation{second, first}},
		"created after":     {&repo.ReservationFilter{CreatedAfter: new(second.CreatedAt.Add(time.Microsecond))}, []inventory.Reservation{allocated, third}},
		"created before":    {&repo.ReservationFilter{CreatedBefore: &second.CreatedAt}, []inventory.Reservation{first}},
		"created between":   {&repo.ReservationFilter{CreatedAfter: &second.CreatedAt, CreatedBefore: &allocated.CreatedAt}, []inventory.Reservation{third, second}},
		"expires before":    {&repo.ReservationFilter{ExpiresBefore: second.ExpiresAt}, []inventory.Reservation{third, first}},
		"all that is given": {&repo.ReservationFilter{SKU: new("A"), Holder: new("Alice"), Status: new(inventory.Held), Reference: new("cart-1")}, []inventory.Reservation{first}},
		"contradiction":     {&repo.ReservationFilter{SKU: new("B"), Status: new(inventory.Allocated)}, nil},
	} {
		list, err := w.repo.Reservations(t.Context(), repo.Page{First: 100}, c.filter)
		require.NoError(t, err, name)
		require.Equal(t, c.want, list.Items, name)
		require.Len(t, list.Cursors, len(c.want), name)
		require.False(t, list.More, name)
	}

	for _, c := range []struct {
		field  string
		filter repo.ReservationFilter
	}{
		{"sku", repo.ReservationFilter{SKU: new("it's")}},
		{"holder", repo.ReservationFilter{Holder: new("")}},
		{"holder", repo.ReservationFilter{Holder: new(strings.Repeat("ü", 256))}},
		{"reference", repo.ReservationFilter{Reference: new("two\nlines")}},
	} {
		_, err := w.repo.Reservations(t.Context(), repo.Page{First: 1}, &c.filter)
		requireBadArgument(t, err, "filter", c.field)
	}
}

func TestOverdueHoldIsListedAsStored(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	held := hold(t, w.repo, "t", line("A", 1))
	makeOverdue(t, w.db, held.ID)
	list, err := w.repo.Reservations(t.Context(), repo.Page{First: 1}, &repo.ReservationFilter{Status: new(inventory.Held)})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, inventory.Held, list.Items[0].Status)
}

func TestPagesMeetEachReservationOnceWhileOthersAreMade(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	createSKU(t, w.repo, "MANY", 1000)
	var made []string
	for n := range 12 {
		made = append(made, hold(t, w.repo, fmt.Sprint(n), line("MANY", 1)).ID)
	}
	slices.Reverse(made)

	var seen []string
	page := repo.Page{First: 5}
	for n := 0; ; n++ {
		list, err := w.repo.Reservations(t.Context(), page, nil)
		require.NoError(t, err)
		for _, r := range list.Items {
			seen = append(seen, r.ID)
		}
		if !list.More {
			break
		}
		require.Len(t, list.Items, 5)
		page.After = new(list.Cursors[4])
		hold(t, w.repo, fmt.Sprint("later ", n), line("MANY", 1))
	}
	require.Equal(t, made, seen)

	exactly, err := w.repo.Reservations(t.Context(), repo.Page{First: 7, After: page.After}, nil)
	require.NoError(t, err)
	require.Len(t, exactly.Items, 2)
	last, err := w.repo.Reservations(t.Context(), repo.Page{First: 1, After: new(exactly.Cursors[1])}, nil)
	require.NoError(t, err)
	require.Empty(t, last.Items)
	require.False(t, last.More)
}

func TestPageThatEndsWithTheListHasNoMore(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	for n := range 3 {
		hold(t, w.repo, fmt.Sprint(n), line("A", 1))
	}
	for first, more := range map[int]bool{1: true, 2: true, 3: false, 4: false} {
		list, err := w.repo.Reservations(t.Context(), repo.Page{First: first}, nil)
		require.NoError(t, err)
		require.Len(t, list.Items, min(first, 3))
		require.Equal(t, more, list.More, first)
	}
}

func TestBadPageIsRefused(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	for _, first := range []int{0, -1, 101} {
		_, err := w.repo.Reservations(t.Context(), repo.Page{First: first}, nil)
		requireBadArgument(t, err, "first")
	}
	id := uuid.NewString()
	encode := base64.RawURLEncoding.EncodeToString
	for _, cursor := range []string{
		"", "nonsense", id, encode([]byte(id)), encode([]byte("reservation|")), encode([]byte("reservation|1")),
		encode([]byte("sku|A")), encode([]byte("audit|" + id)), encode([]byte("reservation|" + id + "'")),
		encode([]byte("reservation|"+id)) + "=", "\u202e", strings.Repeat("A", 10_000),
	} {
		_, err := w.repo.Reservations(t.Context(), repo.Page{First: 1, After: &cursor}, nil)
		requireBadArgument(t, err, "after")
	}
}
