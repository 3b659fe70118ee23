package scalar_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/scalar"
)

func TestNumbersAreTakenAsNumbersOnly(t *testing.T) {
	t.Parallel()
	for _, v := range []any{int64(7), json.Number("7")} {
		n, err := scalar.UnmarshalInt(v)
		require.NoError(t, err)
		require.Equal(t, int32(7), n)
		long, err := scalar.UnmarshalLong(v)
		require.NoError(t, err)
		require.Equal(t, int64(7), long)
	}
	for _, v := range []any{"7", 7.0, json.Number("7.5"), json.Number("1e3"), true, nil, []any{}, json.Number("99999999999999999999")} {
		_, err := scalar.UnmarshalInt(v)
		assert.Error(t, err, "Int %v", v)
		_, err = scalar.UnmarshalLong(v)
		assert.Error(t, err, "Long %v", v)
	}
}

func TestNumbersAreBounded(t *testing.T) {
	t.Parallel()
	for _, v := range []int64{1 << 31, -1<<31 - 1} {
		_, err := scalar.UnmarshalInt(v)
		assert.Error(t, err, "%d", v)
	}
	for _, v := range []int64{1<<31 - 1, -1 << 31} {
		_, err := scalar.UnmarshalInt(v)
		assert.NoError(t, err, "%d", v)
	}
	for _, v := range []int64{1 << 53, -1 << 53} {
		_, err := scalar.UnmarshalLong(v)
		assert.Error(t, err, "%d", v)
	}
	for _, v := range []int64{1<<53 - 1, 1 - 1<<53} {
		_, err := scalar.UnmarshalLong(v)
		assert.NoError(t, err, "%d", v)
	}
}

func TestDateTimeIsWrittenInUTCToTheMicrosecond(t *testing.T) {
	t.Parallel()
	given, err := scalar.UnmarshalDateTime("2026-01-31T13:00:00.1234567+01:00")
	require.NoError(t, err)
	var out strings.Builder
	scalar.MarshalDateTime(given).MarshalGQL(&out)
	require.Equal(t, `"2026-01-31T12:00:00.123456Z"`, out.String())
	require.Equal(t, time.UTC, given.Location())
	for _, v := range []any{"", "yesterday", "2026-01-31", "2026-01-31 12:00:00Z", "2026-02-30T00:00:00Z", int64(0), nil, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"} {
		_, err := scalar.UnmarshalDateTime(v)
		assert.Error(t, err, "%v", v)
	}
}

func TestTheSameObjectBecomesTheSameBytes(t *testing.T) {
	t.Parallel()
	one, err := scalar.UnmarshalJSON(map[string]any{"b": json.Number("1.50"), "a": []any{"<&>", nil, true}})
	require.NoError(t, err)
	require.Equal(t, `{"a":["<&>",null,true],"b":1.50}`, string(one))
}

func TestJSONIsAnObjectWithinBounds(t *testing.T) {
	t.Parallel()
	nested := func(depth int) map[string]any {
		object := map[string]any{}
		for range depth - 1 {
			object = map[string]any{"a": object}
		}
		return object
	}
	size := func(bytes int) map[string]any {
		return map[string]any{"a": strings.Repeat("x", bytes-len(`{"a":""}`))}
	}
	for name, v := range map[string]any{"32 levels": nested(32), "16 kB": size(16 << 10), "empty": map[string]any{}} {
		_, err := scalar.UnmarshalJSON(v)
		assert.NoError(t, err, name)
	}
	for name, v := range map[string]any{
		"33 levels":           nested(33),
		"33 levels of arrays": map[string]any{"a": deepArray(32)},
		"over 16 kB":          size(16<<10 + 1),
		"NUL in a value":      map[string]any{"a": "\x00"},
		"NUL in a key":        map[string]any{"\x00": 1},
		"beyond double":       map[string]any{"a": json.Number("1e999")},
		"an array":            []any{},
		"a string":            "{}",
		"nothing":             nil,
	} {
		_, err := scalar.UnmarshalJSON(v)
		assert.Error(t, err, name)
	}
}

func deepArray(depth int) any {
	var array any = []any{}
	for range depth - 1 {
		array = []any{array}
	}
	return array
}

func TestEnumsAreTakenAsTheSchemaWritesThem(t *testing.T) {
	t.Parallel()
	strategy, err := scalar.UnmarshalLockStrategy("OPTIMISTIC")
	require.NoError(t, err)
	require.EqualValues(t, "OPTIMISTIC", strategy)
	for _, v := range []any{"optimistic", "", "FASTEST", int64(0), nil} {
		_, err := scalar.UnmarshalLockStrategy(v)
		assert.Error(t, err, "%v", v)
	}
}
