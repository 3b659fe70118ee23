package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/config"
)

func writeDotenv(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestEnvironmentWinsOverDotenv(t *testing.T) {
	t.Parallel()
	path := writeDotenv(t, "# local\nHOLDFAST_LINES_MAX=5\nHOLDFAST_ADDR=:1\nDATABASE_URL='postgres://u:p$1@db/shop'\nPGUSER=x\n")
	got, err := config.Load([]string{"HOLDFAST_ADDR=:2"}, path)
	require.NoError(t, err)
	assert.Equal(t, 5, got.LinesMax)
	assert.Equal(t, ":2", got.Addr)
	assert.Equal(t, "postgres://u:p$1@db/shop", got.DatabaseURL)

	got, err = config.Load([]string{"DATABASE_URL="}, path)
	require.NoError(t, err)
	assert.Empty(t, got.DatabaseURL, "an empty variable hides the file's")
}

func TestMissingDotenvIsNoError(t *testing.T) {
	t.Parallel()
	_, err := config.Load(nil, filepath.Join(t.TempDir(), ".env"))
	require.NoError(t, err)
}

func TestMisspeltAndBadValuesInDotenvAreRefused(t *testing.T) {
	t.Parallel()
	_, err := config.Load(nil, writeDotenv(t, "HOLDFAST_ADR=:1\n"))
	require.ErrorContains(t, err, "did you mean HOLDFAST_ADDR?")
	_, err = config.Load(nil, writeDotenv(t, "HOLDFAST_LINES_MAX=0\n"))
	require.ErrorContains(t, err, "HOLDFAST_LINES_MAX is")
}

func TestUnreadableDotenvIsRefusedWithTheLineAndWithoutItsContent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content string
		line    string
	}{
		"no equals sign":               {"A=1\nhunter2\nB=2\n", "line 2"},
		"no equals sign at the end":    {"A=1\nB=2\nhunter2", "line 3"},
		"space in the name":            {"A=1\nB hunter2=2\n", "line 2"},
		"dash in the name":             {"A-hunter2=1\n", "line 1"},
		"no name":                      {"A=1\n=hunter2\n", "line 2"},
		"open quote":                   {"A=1\n\nB=\"hunter2\nC=3\nD=4\n", "line 3"},
		"after a value of three lines": {"A=\"1\n2\n3\"\nhunter2\n", "line 4"},
		"Windows line ends":            {"A=1\r\nhunter2 x\r\n", "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := writeDotenv(t, test.content)
			_, err := config.Load(nil, path)
			require.EqualError(t, err, path+", "+test.line+` is not NAME=value, NAME="value" or a # comment`)
		})
	}
}

func TestDotenvThatIsNotAFileIsRefused(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	_, err := config.Load(nil, path)
	require.ErrorContains(t, err, path+" can't be read: ")
}
