package origin_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"holdfast/internal/web/origin"
)

var proxies = origin.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestClientIsTheRightMostThatIsNoTrustedProxy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from      string
		forwarded []string
		client    string
	}{
		"nobody between":                         {"192.0.2.1:4000", nil, "192.0.2.1"},
		"a stranger's word":                      {"192.0.2.1:4000", []string{"198.51.100.9"}, "192.0.2.1"},
		"one proxy":                              {"10.0.0.1:4000", []string{"192.0.2.1"}, "192.0.2.1"},
		"two proxies":                            {"10.0.0.1:4000", []string{"192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		"two proxies, a header each":             {"10.0.0.1:4000", []string{"192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		"a client that made up who is before it": {"10.0.0.1:4000", []string{"10.9.9.9, 198.51.100.9, 192.0.2.1"}, "192.0.2.1"},
		"a proxy alone":                          {"10.0.0.1:4000", nil, "10.0.0.1"},
		"proxies alone":                          {"10.0.0.1:4000", []string{"10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		"nonsense before the proxy":              {"10.0.0.1:4000", []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		"ports":                                  {"10.0.0.1:4000", []string{"192.0.2.1:5000"}, "192.0.2.1"},
		"IPv6":                                   {"[fd00::1]:4000", []string{"2001:db8::1"}, "2001:db8::1"},
		"IPv6 in brackets":                       {"[fd00::1]:4000", []string{"[2001:db8::1]"}, "2001:db8::1"},
		"IPv6 with a port":                       {"[fd00::1]:4000", []string{"[2001:db8::1]:5000"}, "2001:db8::1"},
		"IPv4 in IPv6":                           {"[::ffff:10.0.0.1]:4000", []string{"192.0.2.1"}, "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequest(http.MethodPost, "/graphql", nil)
			request.RemoteAddr = test.from
			request.Header["X-Forwarded-For"] = test.forwarded
			assert.Equal(t, test.client, proxies.Client(request).String())
		})
	}
}

func TestWithoutTrustedProxiesTheClientIsWhoConnected(t *testing.T) {
	t.Parallel()
	request := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	request.RemoteAddr = "10.0.0.1:4000"
	request.Header.Set("X-Forwarded-For", "192.0.2.1")
	assert.Equal(t, "10.0.0.1", origin.Proxies(nil).Client(request).String())
	request.RemoteAddr = "@"
	assert.False(t, origin.Proxies(nil).Client(request).IsValid(), "a socket has no address")
}
