//go:build unix

package localpg

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeInstallation makes programs that do nothing but tell their version.
func fakeInstallation(t *testing.T, version string) string {
	t.Helper()
	dir := filepath.Join(newDir(t), "bin")
	require.NoError(t, makePassable(dir))
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, program := range []string{"postgres", "initdb"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755))
		require.NoError(t, os.Chmod(filepath.Join(dir, program), 0o755))
	}
	return dir
}

func TestNewestInstallationIsFoundFirst(t *testing.T) {
	t.Parallel()
	old, older, tooOld := fakeInstallation(t, "16.9"), fakeInstallation(t, "16.2 (Debian 16.2-1)"), fakeInstallation(t, "14.18")
	preview, withoutInitdb := fakeInstallation(t, "18beta1"), fakeInstallation(t, "19.1")
	require.NoError(t, os.Remove(filepath.Join(withoutInitdb, "initdb")))
	linked := newDir(t)
	require.NoError(t, os.Symlink(filepath.Join(old, "postgres"), filepath.Join(linked, "postgres")))

	as, err := accountFor(filepath.Join(linked, "none"))
	require.NoError(t, err)
	found := findInstallations(t.Context(), []string{"/nowhere", tooOld, older, linked, old, withoutInitdb, preview}, as)
	var dirs []string
	for _, installation := range found {
		dirs = append(dirs, installation.binDir)
	}
	assert.Equal(t, []string{preview, old, older}, dirs)
}

func TestExistingDataIsServedByItsOwnVersion(t *testing.T) {
	t.Parallel()
	opts := Options{Dir: newDir(t), binDirs: []string{fakeInstallation(t, "17.5"), fakeInstallation(t, "16.9")}}.withDefaults()
	as, err := accountFor(filepath.Join(opts.Dir, "none"))
	require.NoError(t, err)
	chosen, err := chooseInstallation(t.Context(), opts, as, 16)
	require.NoError(t, err)
	assert.Equal(t, "16.9", chosen.String())
	_, err = chooseInstallation(t.Context(), opts, as, 15)
	assert.ErrorContains(t, err, "was made by PostgreSQL 15 (installed: 17.5): install PostgreSQL 15, or")
}

func TestWithoutPostgresAndDownloadTheUserIsToldWhatToDo(t *testing.T) {
	t.Setenv("TMPDIR", newDir(t)) // where the library leaves a file
	nothing := httptest.NewServer(http.NotFoundHandler())
	defer nothing.Close()
	dir := newDir(t)
	_, err := Start(t.Context(), Options{
		Dir: filepath.Join(dir, "cluster"), binDirs: []string{}, downloadURL: nothing.URL, aloofDir: filepath.Join(dir, "aloof"),
	})
	require.Error(t, err)
	for _, want := range []string{"no PostgreSQL is installed", "apt-get install postgresql", "brew install", "DATABASE_URL"} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "\n")
	left, _ := filepath.Glob(filepath.Join(dir, "aloof", "*"))
	assert.Empty(t, left)
}

func TestDownloadedPostgresIsKept(t *testing.T) {
	t.Setenv("TMPDIR", newDir(t)) // where the library leaves a file
	requireRoot(t)                // for others it is kept in their own cache
	archive := archiveOf(t, fakeInstallation(t, "17.5"))
	downloads := 0
	repository := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".jar") {
			http.NotFound(w, r)
			return
		}
		downloads++
		_, _ = w.Write(archive)
	}))
	defer repository.Close()
	dir := newDir(t)
	opts := Options{
		Dir: filepath.Join(dir, "cluster"), downloadURL: repository.URL, aloofDir: filepath.Join(dir, "aloof"),
	}.withDefaults()
	as, err := accountFor(filepath.Join(opts.Dir, "none"))
	require.NoError(t, err)
	for range 2 {
		found, err := download(t.Context(), opts, as)
		require.NoError(t, err)
		assert.Equal(t, "17.5", found.String())
		assert.Contains(t, found.binDir, opts.aloofDir)
	}
	assert.Equal(t, 1, downloads)
	left, err := os.ReadDir(opts.aloofDir)
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

// archiveOf packs programs as the embedded PostgreSQL's repository does.
func archiveOf(t *testing.T, binDir string) []byte {
	t.Helper()
	tar := exec.Command("tar", "-cJf", "-", "-C", filepath.Dir(binDir), "bin")
	packed, err := tar.Output()
	if err != nil {
		t.Skip("no tar that knows xz")
	}
	var jar bytes.Buffer
	archive := zip.NewWriter(&jar)
	file, err := archive.Create("postgres.txz")
	require.NoError(t, err)
	_, err = file.Write(packed)
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	return jar.Bytes()
}
