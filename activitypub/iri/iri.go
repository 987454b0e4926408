// Package iri reads the identifiers of the fediverse: http(s) URLs that name
// actors, objects and activities. Every identifier that came from outside
// passes Parse before it is compared, stored or fetched, so that two
// spellings of one host never count as two hosts.
//
// Imports nobody of the project.
package iri

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// MaxLength is the longest identifier accepted, in bytes (PT federation 1).
const MaxLength = 2000

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("invalid identifier")

// Parse reads an absolute http or https URL with a host and without userinfo.
// The returned URL's Host is in the form that Host gives.
func Parse(s string) (*url.URL, error) {
	if len(s) < 3 || len(s) > MaxLength {
		return nil, fmt.Errorf("%w: length %d", ErrInvalid, len(s))
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unsafeRune) {
		return nil, fmt.Errorf("%w: forbidden character", ErrInvalid)
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%w: not a URL", ErrInvalid)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https": // SEC-24
		return nil, fmt.Errorf("%w: scheme %q", ErrInvalid, u.Scheme)
	case u.User != nil: // SEC-10: https://victim@evil
		return nil, fmt.Errorf("%w: userinfo", ErrInvalid)
	case u.Opaque != "":
		return nil, fmt.Errorf("%w: opaque", ErrInvalid)
	}
	host, err := NormalHost(u.Scheme, u.Host)
	if err != nil {
		return nil, err
	}
	u.Host = host
	return u, nil
}

// unsafeRune tells characters that have no place in a URL and that parsers
// disagree about.
func unsafeRune(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune("\"<>\\^`{|}", r)
}

// NormalHost gives the one spelling of a host with an optional port: lower
// case, punycode, no trailing dot, no default port of the scheme.
func NormalHost(scheme, hostport string) (string, error) {
	host, port, err := splitPort(hostport)
	if err != nil {
		return "", err
	}
	host, err = normalName(host)
	if err != nil {
		return "", err
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || (scheme == "https" && port == "443") || (scheme == "http" && port == "80") {
		return host, nil
	}
	return host + ":" + port, nil
}

func splitPort(hostport string) (host, port string, err error) {
	host = hostport
	switch {
	case strings.HasPrefix(hostport, "["):
		end := strings.IndexByte(hostport, ']')
		if end < 0 {
			return "", "", fmt.Errorf("%w: host %q", ErrInvalid, hostport)
		}
		rest := hostport[end+1:]
		host = hostport[1:end]
		if rest != "" && !strings.HasPrefix(rest, ":") {
			return "", "", fmt.Errorf("%w: host %q", ErrInvalid, hostport)
		}
		port = strings.TrimPrefix(rest, ":")
	case strings.Contains(hostport, ":"):
		host, port, err = net.SplitHostPort(hostport)
		if err != nil {
			return "", "", fmt.Errorf("%w: host %q", ErrInvalid, hostport)
		}
	}
	port = strings.TrimLeft(port, "0")
	if strings.Trim(port, "0123456789") != "" || len(port) > 5 || (len(port) == 5 && port > "65535") {
		return "", "", fmt.Errorf("%w: port %q", ErrInvalid, port)
	}
	if port == "" && strings.HasSuffix(hostport, "0") && strings.HasSuffix(strings.TrimRight(hostport, "0"), ":") {
		return "", "", fmt.Errorf("%w: port 0", ErrInvalid) // SEC-24
	}
	return host, port, nil
}

// normalName checks a host without port. Names whose last label is a number
// are refused unless they are a plain dotted IPv4 address: resolvers read
// 0x7f.1, 0177.1 and 2130706433 as 127.0.0.1 (SEC-23).
func normalName(host string) (string, error) {
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > 253 {
		return "", fmt.Errorf("%w: host %q", ErrInvalid, host)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return "", fmt.Errorf("%w: address zone", ErrInvalid)
		}
		return addr.String(), nil
	}
	if strings.Contains(host, ":") {
		return "", fmt.Errorf("%w: host %q", ErrInvalid, host)
	}
	if !utf8.ValidString(host) {
		return "", fmt.Errorf("%w: host %q", ErrInvalid, host)
	}
	profile := idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.BidiRule())
	ascii, err := profile.ToASCII(host)
	if err != nil {
		return "", fmt.Errorf("%w: host %q", ErrInvalid, host)
	}
	if again, err := profile.ToASCII(ascii); err != nil || again != ascii { // punycode that stands for nothing
		return "", fmt.Errorf("%w: host %q", ErrInvalid, host)
	}
	ascii = strings.TrimSuffix(strings.ToLower(ascii), ".")
	labels := strings.Split(ascii, ".")
	for _, l := range labels {
		if !validLabel(l) {
			return "", fmt.Errorf("%w: host %q", ErrInvalid, host)
		}
	}
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		return "", fmt.Errorf("%w: numeric host %q", ErrInvalid, host)
	}
	return ascii, nil
}

func validLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	for _, c := range []byte(l) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// Valid tells whether Parse accepts s.
func Valid(s string) bool {
	_, err := Parse(s)
	return err == nil
}

// Host gives the host (with a port that is not the default one) of s in its
// one spelling, or "" when s is no valid identifier.
func Host(s string) string {
	u, err := Parse(s)
	if err != nil {
		return ""
	}
	return u.Host
}

// SameHost tells whether all identifiers are valid and lie on one host.
func SameHost(first string, others ...string) bool {
	h := Host(first)
	if h == "" {
		return false
	}
	for _, o := range others {
		if Host(o) != h {
			return false
		}
	}
	return true
}

// Equal tells whether a and b are the same identifier: host in any spelling,
// everything else byte for byte; a fragment counts.
func Equal(a, b string) bool {
	ua, errA := Parse(a)
	ub, errB := Parse(b)
	if errA != nil || errB != nil {
		return false
	}
	return ua.Scheme == ub.Scheme && ua.Host == ub.Host && ua.EscapedPath() == ub.EscapedPath() &&
		ua.RawQuery == ub.RawQuery && ua.EscapedFragment() == ub.EscapedFragment()
}

// WithoutFragment cuts "#…" off.
func WithoutFragment(s string) string {
	s, _, _ = strings.Cut(s, "#")
	return s
}
