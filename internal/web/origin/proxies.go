package origin

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks of the proxies in front of the server. What anybody
// else says of whom a request is from is not believed.
type Proxies []netip.Prefix

// Client is the address that a request is from: the right-most of its way here
// that isn't one of the proxies'. What stands to the left of it in
// X-Forwarded-For is the client's own word. It isn't valid where the connection
// has no address.
func (p Proxies) Client(r *http.Request) netip.Addr {
	client := addrOf(r.RemoteAddr)
	if !p.include(client) {
		return client
	}
	way := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, before := range slices.Backward(way) {
		addr := addrOf(strings.TrimSpace(before))
		if !addr.IsValid() {
			break
		}
		if client = addr; !p.include(client) {
			break
		}
	}
	return client
}

// address is how the server is reached from outside: the scheme, "" where it
// isn't known, and the host, with its port unless that goes without saying.
func (p Proxies) address(r *http.Request) (scheme, host string) {
	host = r.Host
	if len(p) == 0 || !p.include(addrOf(r.RemoteAddr)) {
		return "", host
	}
	if forwarded := first(r.Header.Get("X-Forwarded-Host")); forwarded != "" {
		host = forwarded
	}
	return strings.ToLower(first(r.Header.Get("X-Forwarded-Proto"))), host
}

// first is what the outermost proxy said, of those that each add to a header.
func first(header string) string {
	first, _, _ := strings.Cut(header, ",")
	return strings.TrimSpace(first)
}

func (p Proxies) include(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// addrOf reads an address with or without a port.
func addrOf(text string) netip.Addr {
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, _ := netip.ParseAddrPort(text)
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone("")
}
