package transport

import (
	"fmt"
	"net/netip"
)

// Guard decides which addresses may be dialled (SEC-23).
type Guard struct {
	// Allow holds networks that are reachable in spite of the rules
	// (federation.allow_networks).
	Allow []netip.Prefix
}

// notPublic lists the IPv4 networks of the IANA special-purpose registry and
// what lies beside them: nothing in them is another server on the internet.
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)

// global6 is the only part of IPv6 that is handed out; notPublic6 are its
// special networks.
var (
	global6    = netip.MustParsePrefix("2000::/3")
	notPublic6 = prefixes("2001:db8::/32", "2001::/23", "2620:4f:8000::/48", "3fff::/20", "5f00::/16")

	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
	teredo = netip.MustParsePrefix("2001::/32")
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Allowed tells whether addr lies in one of the named networks.
func (g Guard) Allowed(addr netip.Addr) bool {
	return within(addr.Unmap().WithZone(""), g.Allow)
}

// Check gives nil when addr may be dialled, else ErrAddress.
func (g Guard) Check(addr netip.Addr) error {
	if g.Allowed(addr) || isPublic(addr, 0) {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrAddress, addr)
}

// isPublic unwraps IPv4 addresses carried inside IPv6 ones and judges what
// is inside as well; depth bounds the nesting.
func isPublic(addr netip.Addr, depth int) bool {
	if !addr.IsValid() || addr.Zone() != "" || depth > 2 {
		return false
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return !within(addr, notPublic)
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr): // RFC 6052
		return isPublic(netip.AddrFrom4([4]byte(b[12:16])), depth+1)
	case sixTo4.Contains(addr): // RFC 3056
		return isPublic(netip.AddrFrom4([4]byte(b[2:6])), depth+1)
	case teredo.Contains(addr): // RFC 4380: server, and client address inverted
		client := [4]byte{^b[12], ^b[13], ^b[14], ^b[15]}
		return isPublic(netip.AddrFrom4([4]byte(b[4:8])), depth+1) && isPublic(netip.AddrFrom4(client), depth+1)
	}
	return global6.Contains(addr) && !within(addr, notPublic6)
}

func within(addr netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
