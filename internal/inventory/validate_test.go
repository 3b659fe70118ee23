package inventory_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

const (
	leftToRightMark     = "\u200e"
	rightToLeftOverride = "\u202e"
	hebrew              = "\u05d0\u05d1"
	lineSeparator       = "\u2028"
)

var (
	a64  = strings.Repeat("a", 64)
	a65  = strings.Repeat("a", 65)
	a255 = strings.Repeat("a", 255)
	a256 = strings.Repeat("a", 256)
)

func TestCodesAreShortAndOfFewCharacters(t *testing.T) {
	t.Parallel()
	requireValid(t, inventory.ValidCode, "a", "Z", "0", "-", "SKU-1", "a_b.c:d/e", a64)
	requireInvalid(t, inventory.ValidCode,
		"", " ", "a b", " a", "a\n", "\na", "a\x00", "a\x7f", "a\tb", "é", "ａ", hebrew, "a"+rightToLeftOverride,
		"a"+leftToRightMark, "a+b", "a,b", "a|b", "a\\b", "a\xff", a65)
}

func TestClientTokensArePrintableASCII(t *testing.T) {
	t.Parallel()
	requireValid(t, inventory.ValidClientToken, "a", "!", "~", "a b", " a", `"';--`, a255)
	requireInvalid(t, inventory.ValidClientToken,
		"", " ", "   ", "a\n", "\x1f", "a\x00", "a\x7f", "é", hebrew, "a"+rightToLeftOverride, "a"+leftToRightMark, "a\xff", a256)
}

func TestTextsAreOneLineOfAnyScript(t *testing.T) {
	t.Parallel()
	requireValid(t, inventory.ValidText, "a", "Größe 38", hebrew, "👟", " a ", a255, strings.Repeat("é", 255), strings.Repeat("👟", 255))
	requireInvalid(t, inventory.ValidText,
		"", " ", "\u00a0\u3000", "a\nb", "a\x00", "a\x7f", "a\u0085b", "a"+lineSeparator+"b", "a\u2029b", "a\xff",
		a256, strings.Repeat("é", 256))
}

func TestReservationIDsAreUUIDs(t *testing.T) {
	t.Parallel()
	requireValid(t, inventory.ValidReservationID, uuid(1), strings.ToUpper(uuid(0xABC)), "00000000-0000-0000-0000-000000000000")
	requireInvalid(t, inventory.ValidReservationID,
		"", " ", "1", uuid(1)+"\n", " "+uuid(1), "{"+uuid(1)+"}", strings.ReplaceAll(uuid(1), "-", ""),
		"01890000-0000-7000-8000-00000000000g", "0189-00000000-7000-8000-000000000001", "01890000-0000-7000-8000-00000000000"+"\u0661")
}

func requireValid(t *testing.T, valid func(string) bool, texts ...string) {
	t.Helper()
	for _, s := range texts {
		assert.True(t, valid(s), "%q", s)
	}
}

func requireInvalid(t *testing.T, valid func(string) bool, texts ...string) {
	t.Helper()
	for _, s := range texts {
		assert.False(t, valid(s), "%q", s)
	}
}

func TestBadLinesAreNamedByTheirPath(t *testing.T) {
	t.Parallel()
	line := func(sku string, quantity int32, location *string) inventory.LineRequest {
		return inventory.LineRequest{SKU: sku, Quantity: quantity, Location: location}
	}
	many := func(n int) []inventory.LineRequest {
		lines := make([]inventory.LineRequest, n)
		for i := range lines {
			lines[i] = line(fmt.Sprint("SKU-", i), 1, nil)
		}
		return lines
	}
	tests := map[string]struct {
		lines []inventory.LineRequest
		paths []string
	}{
		"one":                     {many(1), nil},
		"as many as allowed":      {many(100), nil},
		"largest quantity":        {[]inventory.LineRequest{line("A", 1_000_000, nil)}, nil},
		"none":                    {nil, []string{"input.lines"}},
		"one too many":            {many(101), []string{"input.lines"}},
		"quantity 0":              {[]inventory.LineRequest{line("A", 0, nil)}, []string{"input.lines.0.quantity"}},
		"quantity -1":             {[]inventory.LineRequest{line("A", -1, nil)}, []string{"input.lines.0.quantity"}},
		"quantity 1,000,001":      {[]inventory.LineRequest{line("A", 1_000_001, nil)}, []string{"input.lines.0.quantity"}},
		"quantity 2^31-1":         {[]inventory.LineRequest{line("A", 1<<31-1, nil)}, []string{"input.lines.0.quantity"}},
		"quantity -2^31":          {[]inventory.LineRequest{line("A", -1<<31, nil)}, []string{"input.lines.0.quantity"}},
		"blank SKU":               {[]inventory.LineRequest{line("", 1, nil)}, []string{"input.lines.0.sku"}},
		"overlong SKU":            {[]inventory.LineRequest{line(a65, 1, nil)}, []string{"input.lines.0.sku"}},
		"control character":       {[]inventory.LineRequest{line("A\x07", 1, nil)}, []string{"input.lines.0.sku"}},
		"right-to-left":           {[]inventory.LineRequest{line(hebrew, 1, nil)}, []string{"input.lines.0.sku"}},
		"right-to-left override":  {[]inventory.LineRequest{line(rightToLeftOverride+"A", 1, nil)}, []string{"input.lines.0.sku"}},
		"blank location":          {[]inventory.LineRequest{line("A", 1, new(""))}, []string{"input.lines.0.location"}},
		"overlong location":       {[]inventory.LineRequest{line("A", 1, &a65)}, []string{"input.lines.0.location"}},
		"same SKU twice":          {[]inventory.LineRequest{line("A", 1, nil), line("B", 1, nil), line("A", 2, nil)}, []string{"input.lines.2"}},
		"same location twice":     {[]inventory.LineRequest{line("A", 1, new("west")), line("A", 1, new("west"))}, []string{"input.lines.1"}},
		"three times":             {[]inventory.LineRequest{line("A", 1, nil), line("A", 1, nil), line("A", 1, nil)}, []string{"input.lines.1", "input.lines.2"}},
		"other location":          {[]inventory.LineRequest{line("A", 1, new("east")), line("A", 1, new("west"))}, nil},
		"with and without":        {[]inventory.LineRequest{line("A", 1, nil), line("A", 1, new("default"))}, nil},
		"same but for case":       {[]inventory.LineRequest{line("A", 1, nil), line("a", 1, nil)}, nil},
		"all that is wrong, once": {[]inventory.LineRequest{line("A", 1, nil), line(" ", 0, new(" "))}, []string{"input.lines.1.sku", "input.lines.1.location", "input.lines.1.quantity"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireViolations(t, inventory.CreateHold{ClientToken: "1", Lines: test.lines}, test.paths...)
			requireViolations(t, inventory.CreateAllocation{ClientToken: "1", Lines: test.lines}, test.paths...)
		})
	}
}

func TestBadInputIsNamedByItsPath(t *testing.T) {
	t.Parallel()
	lines := []inventory.LineRequest{{SKU: "A", Quantity: 1}}
	hold := func(change func(*inventory.CreateHold)) inventory.Command {
		c := inventory.CreateHold{ClientToken: "1", Lines: lines}
		change(&c)
		return c
	}
	allocation := func(change func(*inventory.CreateAllocation)) inventory.Command {
		c := inventory.CreateAllocation{ClientToken: "1", Lines: lines}
		change(&c)
		return c
	}
	convert := func(change func(*inventory.ConvertHold)) inventory.Command {
		c := inventory.ConvertHold{ReservationID: uuid(1)}
		change(&c)
		return c
	}
	release := func(change func(*inventory.ReleaseHold)) inventory.Command {
		c := inventory.ReleaseHold{ReservationID: uuid(1)}
		change(&c)
		return c
	}
	fulfil := func(change func(*inventory.FulfillAllocation)) inventory.Command {
		c := inventory.FulfillAllocation{ReservationID: uuid(1)}
		change(&c)
		return c
	}
	cancel := func(change func(*inventory.CancelAllocation)) inventory.Command {
		c := inventory.CancelAllocation{ReservationID: uuid(1)}
		change(&c)
		return c
	}
	extend := func(id string, seconds int32) inventory.Command {
		return inventory.ExtendHold{ReservationID: id, TTLSeconds: seconds}
	}
	adjust := func(change func(*inventory.AdjustStock)) inventory.Command {
		c := inventory.AdjustStock{ClientToken: "1", SKU: "A", Delta: 1, Reason: "RECEIVED"}
		change(&c)
		return c
	}
	set := func(change func(*inventory.SetStock)) inventory.Command {
		c := inventory.SetStock{ClientToken: "1", SKU: "A", Total: 1, Reason: "CORRECTION"}
		change(&c)
		return c
	}
	create := func(change func(*inventory.CreateSKU)) inventory.Command {
		c := inventory.CreateSKU{SKU: "A", Name: "a name"}
		change(&c)
		return c
	}
	const most = inventory.CounterMax
	tests := map[string]struct {
		command inventory.Command
		paths   []string
	}{
		"hold":                      {hold(func(c *inventory.CreateHold) {}), nil},
		"hold for a second":         {hold(func(c *inventory.CreateHold) { c.TTLSeconds = new(int32(1)) }), nil},
		"hold for the longest":      {hold(func(c *inventory.CreateHold) { c.TTLSeconds = new(int32(3600)) }), nil},
		"hold TTL 0":                {hold(func(c *inventory.CreateHold) { c.TTLSeconds = new(int32(0)) }), []string{"input.ttlSeconds"}},
		"hold TTL -1":               {hold(func(c *inventory.CreateHold) { c.TTLSeconds = new(int32(-1)) }), []string{"input.ttlSeconds"}},
		"hold TTL beyond the most":  {hold(func(c *inventory.CreateHold) { c.TTLSeconds = new(int32(3601)) }), []string{"input.ttlSeconds"}},
		"hold TTL 2^31-1":           {hold(func(c *inventory.CreateHold) { c.TTLSeconds = new(int32(1<<31 - 1)) }), []string{"input.ttlSeconds"}},
		"hold token empty":          {hold(func(c *inventory.CreateHold) { c.ClientToken = "" }), []string{"input.clientToken"}},
		"hold token blank":          {hold(func(c *inventory.CreateHold) { c.ClientToken = " " }), []string{"input.clientToken"}},
		"hold token 255":            {hold(func(c *inventory.CreateHold) { c.ClientToken = a255 }), nil},
		"hold token 256":            {hold(func(c *inventory.CreateHold) { c.ClientToken = a256 }), []string{"input.clientToken"}},
		"hold token right-to-left":  {hold(func(c *inventory.CreateHold) { c.ClientToken = hebrew }), []string{"input.clientToken"}},
		"hold token with a newline": {hold(func(c *inventory.CreateHold) { c.ClientToken = "a\n" }), []string{"input.clientToken"}},
		"hold holder empty":         {hold(func(c *inventory.CreateHold) { c.Holder = new("") }), []string{"input.holder"}},
		"hold holder 255":           {hold(func(c *inventory.CreateHold) { c.Holder = &a255 }), nil},
		"hold holder 256":           {hold(func(c *inventory.CreateHold) { c.Holder = &a256 }), []string{"input.holder"}},
		"hold reference with NUL":   {hold(func(c *inventory.CreateHold) { c.Reference = new("a\x00") }), []string{"input.reference"}},
		"hold, all at once": {
			inventory.CreateHold{Holder: new(""), Reference: new(""), TTLSeconds: new(int32(0))},
			[]string{"input.clientToken", "input.lines", "input.holder", "input.reference", "input.ttlSeconds"},
		},

		"allocation":                {allocation(func(c *inventory.CreateAllocation) {}), nil},
		"allocation token empty":    {allocation(func(c *inventory.CreateAllocation) { c.ClientToken = "" }), []string{"input.clientToken"}},
		"allocation holder blank":   {allocation(func(c *inventory.CreateAllocation) { c.Holder = new(" ") }), []string{"input.holder"}},
		"allocation reference long": {allocation(func(c *inventory.CreateAllocation) { c.Reference = &a256 }), []string{"input.reference"}},

		"convert":                 {convert(func(c *inventory.ConvertHold) {}), nil},
		"convert in upper case":   {convert(func(c *inventory.ConvertHold) { c.ReservationID = strings.ToUpper(uuid(0xABC)) }), nil},
		"convert malformed id":    {convert(func(c *inventory.ConvertHold) { c.ReservationID = "1" }), []string{"input.reservationId"}},
		"convert reference blank": {convert(func(c *inventory.ConvertHold) { c.Reference = new("") }), []string{"input.reference"}},
		"release":                 {release(func(c *inventory.ReleaseHold) {}), nil},
		"release malformed id":    {release(func(c *inventory.ReleaseHold) { c.ReservationID = "" }), []string{"input.reservationId"}},
		"release reference long":  {release(func(c *inventory.ReleaseHold) { c.Reference = &a256 }), []string{"input.reference"}},
		"fulfil":                  {fulfil(func(c *inventory.FulfillAllocation) {}), nil},
		"fulfil malformed id":     {fulfil(func(c *inventory.FulfillAllocation) { c.ReservationID = "1" }), []string{"input.reservationId"}},
		"fulfil reference blank":  {fulfil(func(c *inventory.FulfillAllocation) { c.Reference = new(" ") }), []string{"input.reference"}},
		"fulfil, all at once":     {inventory.FulfillAllocation{Reference: &a256}, []string{"input.reservationId", "input.reference"}},
		"cancel":                  {cancel(func(c *inventory.CancelAllocation) {}), nil},
		"cancel malformed id":     {cancel(func(c *inventory.CancelAllocation) { c.ReservationID = uuid(1) + " " }), []string{"input.reservationId"}},
		"cancel reference long":   {cancel(func(c *inventory.CancelAllocation) { c.Reference = &a256 }), []string{"input.reference"}},
		"cancel, all at once":     {inventory.CancelAllocation{Reference: new("")}, []string{"input.reservationId", "input.reference"}},
		"extend":                  {extend(uuid(1), 3600), nil},
		"extend malformed id":     {extend("x", 1), []string{"input.reservationId"}},
		"extend TTL 0":            {extend(uuid(1), 0), []string{"input.ttlSeconds"}},
		"extend TTL -1":           {extend(uuid(1), -1), []string{"input.ttlSeconds"}},
		"extend TTL beyond":       {extend(uuid(1), 3601), []string{"input.ttlSeconds"}},
		"extend, all at once":     {extend("", 0), []string{"input.reservationId", "input.ttlSeconds"}},

		"adjust":                  {adjust(func(c *inventory.AdjustStock) {}), nil},
		"adjust by the most":      {adjust(func(c *inventory.AdjustStock) { c.Delta = most }), nil},
		"adjust by the least":     {adjust(func(c *inventory.AdjustStock) { c.Delta = -most }), nil},
		"adjust by 0":             {adjust(func(c *inventory.AdjustStock) { c.Delta = 0 }), []string{"input.delta"}},
		"adjust by too much":      {adjust(func(c *inventory.AdjustStock) { c.Delta = most + 1 }), []string{"input.delta"}},
		"adjust by too little":    {adjust(func(c *inventory.AdjustStock) { c.Delta = -most - 1 }), []string{"input.delta"}},
		"adjust token empty":      {adjust(func(c *inventory.AdjustStock) { c.ClientToken = "" }), []string{"input.clientToken"}},
		"adjust SKU long":         {adjust(func(c *inventory.AdjustStock) { c.SKU = a65 }), []string{"input.sku"}},
		"adjust location empty":   {adjust(func(c *inventory.AdjustStock) { c.Location = new("") }), []string{"input.location"}},
		"adjust reference empty":  {adjust(func(c *inventory.AdjustStock) { c.Reference = new("") }), []string{"input.reference"}},
		"adjust version 0":        {adjust(func(c *inventory.AdjustStock) { c.ExpectedVersion = new(int64(0)) }), nil},
		"adjust version -1":       {adjust(func(c *inventory.AdjustStock) { c.ExpectedVersion = new(int64(-1)) }), []string{"input.expectedVersion"}},
		"adjust version too high": {adjust(func(c *inventory.AdjustStock) { c.ExpectedVersion = new(int64(most + 1)) }), []string{"input.expectedVersion"}},

		"set":                  {set(func(c *inventory.SetStock) {}), nil},
		"set to 0":             {set(func(c *inventory.SetStock) { c.Total = 0 }), nil},
		"set to the most":      {set(func(c *inventory.SetStock) { c.Total = most }), nil},
		"set to -1":            {set(func(c *inventory.SetStock) { c.Total = -1 }), []string{"input.total"}},
		"set to 2^53":          {set(func(c *inventory.SetStock) { c.Total = 1 << 53 }), []string{"input.total"}},
		"set to -2^63":         {set(func(c *inventory.SetStock) { c.Total = -1 << 63 }), []string{"input.total"}},
		"set token empty":      {set(func(c *inventory.SetStock) { c.ClientToken = "" }), []string{"input.clientToken"}},
		"set SKU long":         {set(func(c *inventory.SetStock) { c.SKU = a65 }), []string{"input.sku"}},
		"set location empty":   {set(func(c *inventory.SetStock) { c.Location = new("") }), []string{"input.location"}},
		"set reference empty":  {set(func(c *inventory.SetStock) { c.Reference = new("") }), []string{"input.reference"}},
		"set version 0":        {set(func(c *inventory.SetStock) { c.ExpectedVersion = new(int64(0)) }), nil},
		"set version -1":       {set(func(c *inventory.SetStock) { c.ExpectedVersion = new(int64(-1)) }), []string{"input.expectedVersion"}},
		"set version too high": {set(func(c *inventory.SetStock) { c.ExpectedVersion = new(int64(most + 1)) }), []string{"input.expectedVersion"}},
		"set, all at once": {
			inventory.SetStock{Location: new(""), Total: -1, Reference: new(""), ExpectedVersion: new(int64(-1))},
			[]string{"input.clientToken", "input.sku", "input.location", "input.reference", "input.expectedVersion", "input.total"},
		},

		"create":               {create(func(c *inventory.CreateSKU) {}), nil},
		"create with 0":        {create(func(c *inventory.CreateSKU) { c.InitialStock = new(int64(0)) }), nil},
		"create with the most": {create(func(c *inventory.CreateSKU) { c.InitialStock = new(int64(most)) }), nil},
		"create with -1":       {create(func(c *inventory.CreateSKU) { c.InitialStock = new(int64(-1)) }), []string{"input.initialStock"}},
		"create with too much": {create(func(c *inventory.CreateSKU) { c.InitialStock = new(int64(most + 1)) }), []string{"input.initialStock"}},
		"create SKU empty":     {create(func(c *inventory.CreateSKU) { c.SKU = "" }), []string{"input.sku"}},
		"create SKU 64":        {create(func(c *inventory.CreateSKU) { c.SKU = a64 }), nil},
		"create SKU 65":        {create(func(c *inventory.CreateSKU) { c.SKU = a65 }), []string{"input.sku"}},
		"create name blank":    {create(func(c *inventory.CreateSKU) { c.Name = " " }), []string{"input.name"}},
		"create name of lines": {create(func(c *inventory.CreateSKU) { c.Name = "a\nb" }), []string{"input.name"}},
		"create name in any":   {create(func(c *inventory.CreateSKU) { c.Name = hebrew }), nil},
		"create location long": {create(func(c *inventory.CreateSKU) { c.Location = &a65 }), []string{"input.location"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireViolations(t, test.command, test.paths...)
		})
	}
}

func TestUpdateOfASKUIsNamedByItsPath(t *testing.T) {
	t.Parallel()
	require.Empty(t, inventory.UpdateSKU{SKU: "A"}.Validate())
	require.Empty(t, inventory.UpdateSKU{SKU: "A", Name: new("a name")}.Validate())
	require.Equal(t, []string{"input.sku", "input.name"}, paths(inventory.UpdateSKU{SKU: "A B", Name: new("")}.Validate()))
}

func TestLongestHoldIsTheOperators(t *testing.T) {
	t.Parallel()
	short := inventory.Limits{HoldTTL: time.Second, HoldTTLMax: 90 * time.Second, LinesMax: 1}
	c := inventory.CreateHold{ClientToken: "1", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 1}}, TTLSeconds: new(int32(90))}
	require.Empty(t, c.Validate(short))
	c.TTLSeconds = new(int32(91))
	c.Lines = append(c.Lines, inventory.LineRequest{SKU: "B", Quantity: 1})
	require.Equal(t, []string{"input.lines", "input.ttlSeconds"}, paths(c.Validate(short)))
}

// requireViolations checks that exactly these arguments are at fault.
func requireViolations(t *testing.T, command inventory.Command, wanted ...string) {
	t.Helper()
	found := command.Validate(limits)
	require.Equal(t, wanted, paths(found))
	for _, e := range found {
		require.Equal(t, inventory.InvalidInput, e.Code)
		require.NotEmpty(t, e.Error())
	}
}

func paths(violations []*inventory.Error) (joined []string) {
	for _, e := range violations {
		joined = append(joined, strings.Join(e.Field, "."))
	}
	return joined
}
