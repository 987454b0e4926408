package iri

import "strings"

// Short is an address without the origin of home where that is its own, and then
// begins with a slash: what is kept many times beside home takes less. Full
// undoes it.
func Short(home, address string) string {
	if o := origin(home); o != "" && strings.HasPrefix(address, o+"/") {
		return address[len(o):]
	}
	return address
}

// Full is the address that Short was given.
func Full(home, short string) string {
	if strings.HasPrefix(short, "/") {
		return origin(home) + short
	}
	return short
}

// origin is what stands before the path of an identifier; empty when it has none.
func origin(id string) string {
	_, rest, ok := strings.Cut(id, "://")
	host := strings.IndexByte(rest, '/')
	if !ok || host <= 0 {
		return ""
	}
	return id[:len(id)-len(rest)+host]
}
