//go:build unix

package localpg

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asRoot makes the options for a directory that only root can get at.
func asRoot(t *testing.T) Options {
	t.Helper()
	requireRoot(t)
	dir := newDir(t)
	private := filepath.Join(dir, "root")
	require.NoError(t, os.Mkdir(private, 0o700))
	return Options{Dir: filepath.Join(private, "data"), aloofDir: filepath.Join(dir, "aloof")}
}

func TestRootKeepsTheClusterElsewhereIfPostgresCannotGetIn(t *testing.T) {
	t.Parallel()
	opts := asRoot(t)
	first := startServer(t, opts)
	exec1(t, first.URL(), "CREATE TABLE kept AS SELECT 42 AS answer")
	assert.Contains(t, first.DataDir(), opts.aloofDir)
	link, err := os.Readlink(filepath.Join(opts.Dir, "postgres"))
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(link, "data"), first.DataDir())
	stop(t, first)

	second := startServer(t, opts)
	assert.Equal(t, first.DataDir(), second.DataDir())
	assert.Equal(t, "42", ask(t, second.URL(), "SELECT answer FROM kept"))
}

func TestRootRunsPostgresAsTheOwnerOfTheCluster(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	server := startServer(t, Options{Dir: newDir(t), Temporary: true})
	assert.NotEqual(t, uint32(0), server.cluster.as.credential.Uid)
	info, err := os.Stat(server.DataDir())
	require.NoError(t, err)
	assert.Equal(t, server.cluster.as.credential.Uid, owner(info).Uid)
}

func TestRemovingTheClusterRemovesItElsewhereToo(t *testing.T) {
	t.Parallel()
	opts := asRoot(t)
	opts.Temporary = true
	server := startServer(t, opts)
	require.NoError(t, server.Remove(t.Context()))
	left, err := os.ReadDir(opts.aloofDir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestBadDirectoriesAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"AFileInItsPlace": {
			spoil: func(t *testing.T, dir string) { require.NoError(t, os.WriteFile(dir, nil, 0o600)) },
			want:  "not a directory",
		},
		"DataOfSomethingElse": {
			spoil: func(t *testing.T, dir string) {
				makeForeignHome(t, dir)
				require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "data", "photo.jpg"), nil, 0o600))
			},
			want: "not a PostgreSQL data directory",
		},
		"AnotherMajorVersion": {
			spoil: func(t *testing.T, dir string) {
				makeForeignHome(t, dir)
				require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "data", "PG_VERSION"), []byte("9\n"), 0o600))
			},
			want: "was made by PostgreSQL 9",
		},
		"LinkToNowhere": {
			spoil: func(t *testing.T, dir string) {
				require.NoError(t, os.Mkdir(dir, 0o755))
				require.NoError(t, os.Symlink("/nowhere/at/all", filepath.Join(dir, "postgres")))
			},
			want: "/nowhere/at/all, which is missing",
		},
		"NotOurs": {
			spoil: func(t *testing.T, dir string) {
				if os.Geteuid() == 0 {
					require.NoError(t, os.MkdirAll(filepath.Join(dir, "postgres"), 0o700))
					return
				}
				require.NoError(t, os.Mkdir(dir, 0o755))
				require.NoError(t, os.Symlink("/", filepath.Join(dir, "postgres")))
			},
			want: "belongs to",
		},
		"NotWritable": {
			spoil: func(t *testing.T, dir string) {
				if os.Geteuid() == 0 {
					t.Skip("root may write everywhere")
				}
				require.NoError(t, os.Mkdir(dir, 0o555))
			},
			want: "permission denied",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(newDir(t), "cluster")
			test.spoil(t, dir)
			_, err := Start(t.Context(), Options{Dir: dir})
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

// makeForeignHome makes an empty data directory that belongs to whom
// PostgreSQL runs as.
func makeForeignHome(t *testing.T, dir string) {
	t.Helper()
	home := filepath.Join(dir, "postgres")
	as, err := accountFor(home)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(home, "data"), 0o700))
	require.NoError(t, as.give(home))
	require.NoError(t, as.give(filepath.Join(home, "data")))
}

func TestBrokenOffInitialisationIsRepeated(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	makeForeignHome(t, dir)
	unfinished := filepath.Join(dir, "postgres", "data.4711")
	require.NoError(t, os.MkdirAll(filepath.Join(unfinished, "base"), 0o700))

	server := startServer(t, Options{Dir: dir, Temporary: true})
	assert.Equal(t, "1", ask(t, server.URL(), "SELECT 1"))
	assert.NoDirExists(t, unfinished)
}
