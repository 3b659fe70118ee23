package playground_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

func TestExamplesFitTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../schema.graphqls")
	require.NoError(t, err)
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
	require.NoError(t, err)
	script, err := os.ReadFile("page/examples.js")
	require.NoError(t, err)
	// Each example is two template literals: the operation and its variables.
	literals := regexp.MustCompile("(?:query|variables): `([^`]*)`").FindAllStringSubmatch(string(script), -1)

	var names []string
	for i := 0; i < len(literals); i += 2 {
		document, errs := gqlparser.LoadQueryWithRules(schema, literals[i][1], rules.NewDefaultRules())
		require.Empty(t, errs, "%s", literals[i][1])
		names = append(names, document.Operations[0].Name)

		var variables map[string]any
		decoder := json.NewDecoder(strings.NewReader(literals[i+1][1]))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&variables), "%s", literals[i][1])
		for _, operation := range document.Operations {
			_, err := validator.VariableValues(schema, operation, variables)
			require.NoError(t, err, "%s", operation.Name)
		}
		if input, ok := variables["input"].(map[string]any); ok && input["clientToken"] != nil {
			assert.Equal(t, "{{token}}", input["clientToken"], "%s", literals[i][1])
		}
	}
	assert.Equal(t, []string{
		"CreateSku", "CheckStock", "Hold", "RefusedOversell", "Convert", "Release", "Fulfill", "WatchSku",
		"FindSkus", "Stocktake", "Reservations", "History", "Past", "Reconcile",
	}, names)
}
