package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// npmPackages are those of a directory's package.json, installed into the
// user's cache.
type npmPackages func() (string, error)

// installed installs them once for each lock file, when they are first needed.
func installed(source string) npmPackages {
	return sync.OnceValues(func() (string, error) { return installPackages(source) })
}

// dir returns a directory in which a script finds the packages. Where there is
// no Node, or npm can't fetch them, the test is skipped, except in CI.
func (p npmPackages) dir(t *testing.T) string {
	t.Helper()
	packages, err := p()
	skipWithout(t, err)
	dir, err := os.MkdirTemp(packages, "test-") // in there: that is how Node looks for packages
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// skipWithout skips the test if err says that what it needs isn't to be had,
// except in CI, where everything is.
func skipWithout(t *testing.T, err error) {
	t.Helper()
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("this can't be run here: %v", err)
	}
	require.NoError(t, err)
}

func installPackages(source string) (string, error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", err
		}
	}
	lock, err := os.ReadFile(filepath.Join(source, "package-lock.json"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	hash := sha256.Sum256(lock)
	target := filepath.Join(cache, "holdfast-npm", hex.EncodeToString(hash[:8]))
	if exists(target) {
		return target, nil
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(target), "installing-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, file := range []string{".npmrc", "package.json", "package-lock.json"} {
		if err := copyFile(filepath.Join(dir, file), filepath.Join(source, file)); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), toolPatience)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
		"--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000")
	npm.Dir = dir
	if said, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w: %s", err, said)
	}
	if err := os.Rename(dir, target); err != nil && !exists(target) { // another test binary may have been faster
		return "", err
	}
	return target, nil
}

func copyFile(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
