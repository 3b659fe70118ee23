package live_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

func TestOperationsFitTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../schema.graphqls")
	require.NoError(t, err)
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
	require.NoError(t, err)
	script, err := os.ReadFile("page/operations.js")
	require.NoError(t, err)

	// An operation is a template literal that ends with its fragments.
	fragments := map[string]string{}
	var names []string
	for _, match := range regexp.MustCompile("const (\\w+) = `([^`]*)`").FindAllStringSubmatch(string(script), -1) {
		document := match[2]
		if strings.HasPrefix(strings.TrimSpace(document), "fragment") {
			fragments["${"+match[1]+"}"] = document
			continue
		}
		for placeholder, fragment := range fragments {
			document = strings.ReplaceAll(document, placeholder, fragment)
		}
		parsed, errs := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules())
		require.Empty(t, errs, "%s", document)
		names = append(names, parsed.Operations[0].Name)
	}
	assert.Equal(t, []string{
		"FindSkus", "OneSku", "Board", "Hold", "HoldsOf", "CreateHold", "ConvertHold", "ReleaseHold", "ExtendHold",
	}, names)
}
