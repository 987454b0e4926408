package swarm

import "net/netip"

// scope says how far an address reaches. A peer is named to askers of its own
// scope or a narrower one: who sits in a private network may also reach the
// public one, never the other way round (SEC-65).
type scope uint8

const (
	public scope = iota
	private
	loopback
	scopes // how many there are
)

var (
	sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598: carrier-grade NAT
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	oldReserved = netip.MustParsePrefix("240.0.0.0/4")
	siteLocal   = netip.MustParsePrefix("fec0::/10")
)

// scopeOf returns the scope of an unmapped address, and false for addresses
// that no peer can have.
func scopeOf(a netip.Addr) (scope, bool) {
	switch {
	case !a.IsValid(), a.IsUnspecified(), a.IsMulticast(), thisNetwork.Contains(a), oldReserved.Contains(a):
		return 0, false
	case a.IsLoopback():
		return loopback, true
	case a.IsPrivate(), a.IsLinkLocalUnicast(), sharedSpace.Contains(a), siteLocal.Contains(a):
		return private, true
	}
	return public, true
}
