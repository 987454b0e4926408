package iri

import "strings"

// Short is an address without what it has in common with home: with a tilde in
// place of home where it is below that, otherwise without the origin, where that
// is the same, and then it begins with a slash. What is kept many times beside
// home takes less. Full undoes it.
func Short(home, address string) string {
	if home != "" && strings.HasPrefix(address, home+"/") {
		return "~" + address[len(home):]
	}
	if o := origin(home); o != "" && strings.HasPrefix(address, o+"/") {
		return address[len(o):]
	}
	return address
}

// Full is the address that Short was given.
func Full(home, short string) string {
	switch {
	case strings.HasPrefix(short, "~/"):
		return home + short[1:]
	case strings.HasPrefix(short, "/"):
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
