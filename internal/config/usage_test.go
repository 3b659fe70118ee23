package config_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/config"
)

func TestUsageDescribesEveryVariable(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSuffix(config.Usage(), "\n"), "\n")
	fields := reflect.TypeFor[config.Config]()
	require.Len(t, lines, fields.NumField())
	for i, line := range lines {
		field := fields.Field(i)
		about := field.Tag.Get("about")
		require.NotEmpty(t, about, "%s has no description", field.Name)
		assert.True(t, strings.HasPrefix(line, field.Tag.Get("env")+" "), "%s", line)
		assert.True(t, strings.HasSuffix(line, "  "+about), "%s", line)
		assert.Contains(t, line, "  "+field.Tag.Get("envDefault")+field.Tag.Get("shown")+"  ")
		assert.LessOrEqual(t, utf8.RuneCountInString(line), 100, "%s", line)
	}
}
