package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// clientPackages are what the scripts of the pages import.
var clientPackages = installed("docs/clients")

// pageHost is where the snippets of a page look for a server.
const pageHost = "localhost:8080"

var (
	// A snippet that is a whole file says so in its first line: a comment with
	// its name.
	pageFile = regexp.MustCompile("(?s)```\\w+\n(?://|#) (\\S+\\.\\w+)\n(.*?)\n```")
	// What a file prints may be shown behind it.
	pagePrinted = regexp.MustCompile("(?s)^\n```\n\n```\n(.*?\n)```\n")
	// A call of curl may be followed by what it prints.
	pageCurl = regexp.MustCompile("(?s)```sh\n(curl .*?)\n```(?:\n\n```json\n(.*?)\n```)?")
)

// docsPage is one of docs/, and what can be run of it.
type docsPage struct {
	text  string
	files map[string]string
	curls []curlCall
}

type curlCall struct{ command, answer string }

func readPage(t *testing.T, path string) docsPage {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	p := docsPage{text: string(text), files: map[string]string{}}
	for _, found := range pageFile.FindAllStringSubmatch(p.text, -1) {
		p.files[found[1]] = found[2]
	}
	for _, found := range pageCurl.FindAllStringSubmatch(p.text, -1) {
		p.curls = append(p.curls, curlCall{found[1], found[2]})
	}
	return p
}

// write puts some of the page's files into a directory, for this server.
func (p docsPage) write(t *testing.T, s *server, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		require.Contains(t, p.files, name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(s.at(p.files[name])), 0o600))
	}
}

// run starts a script of the page, in a directory that has its packages.
func (p docsPage) run(t *testing.T, s *server, dir, name string) *script {
	t.Helper()
	p.write(t, s, dir, name)
	require.Contains(t, p.files[name], pageHost)
	return startScript(t, exec.Command("node", filepath.Join(dir, name)))
}

// printed is what the page shows behind a file: what it prints.
func (p docsPage) printed(t *testing.T, name string) string {
	t.Helper()
	require.Contains(t, p.files, name)
	_, behind, _ := strings.Cut(p.text, p.files[name])
	found := pagePrinted.FindStringSubmatch(behind)
	require.NotNil(t, found, name)
	return found[1]
}

// at is a snippet for this server.
func (s *server) at(snippet string) string {
	return strings.ReplaceAll(snippet, pageHost, strings.TrimPrefix(s.url, "http://"))
}

// run starts the call.
func (c curlCall) run(t *testing.T, s *server) *script {
	t.Helper()
	for _, program := range []string{"curl", "sh"} {
		_, err := exec.LookPath(program)
		skipWithout(t, err)
	}
	return startScript(t, exec.Command("sh", "-c", s.at(c.command)))
}
