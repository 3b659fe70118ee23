package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

const clientsPage = "docs/clients.md"

func TestClientsOfTheClientsPagePrintWhatItShows(t *testing.T) {
	t.Parallel()
	page := readPage(t, clientsPage)
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_DEMO=true")
	t.Run("curl", func(t *testing.T) {
		t.Parallel()
		require.Len(t, page.curls, 1)
		require.JSONEq(t, page.curls[0].answer, page.curls[0].run(t, s).line())
	})
	t.Run("TypeScript", func(t *testing.T) {
		t.Parallel()
		dir := clientPackages.dir(t)
		scripts := []string{"hold", "apollo", "urql"}
		page.write(t, s, dir, "codegen.ts", "tsconfig.json")
		for _, name := range scripts {
			page.write(t, s, dir, name+".ts")
		}
		run(t, dir, "node", "../node_modules/@graphql-codegen/cli/esm/bin.js", "--config", "codegen.ts")
		run(t, dir, "node", "../node_modules/typescript/bin/tsc")
		for _, name := range scripts {
			require.Equal(t, page.printed(t, name+".ts"), run(t, dir, "node", filepath.Join("out", name+".js")), name)
		}
	})
	t.Run("Go", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		for _, file := range []string{"docs/clients/go.mod", "docs/clients/go.sum", "schema.graphqls"} {
			require.NoError(t, copyFile(filepath.Join(dir, filepath.Base(file)), file))
		}
		page.write(t, s, dir, "genqlient.yaml", "operations.graphql", "main.go")
		_, err := tryRun(t, dir, "go", "mod", "download")
		skipWithout(t, err)
		run(t, dir, "go", "tool", "genqlient")
		require.Equal(t, page.printed(t, "main.go"), run(t, dir, "go", "run", "."))
	})
}
