package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var lintPackages = installed("tools/schema-lint")

// What graphql-eslint recommends for schemas and for Relay's lists is kept,
// but for the exceptions that its configuration gives reasons for.
func TestSchemaHasNoLintProblems(t *testing.T) {
	t.Parallel()
	dir := lintPackages.dir(t)
	for _, file := range []string{"schema.graphqls", "tools/schema-lint/eslint.config.js"} {
		require.NoError(t, copyFile(filepath.Join(dir, filepath.Base(file)), file))
	}
	run(t, dir, "node", "../node_modules/eslint/bin/eslint.js", "--max-warnings=0", "schema.graphqls")
}
