package webfinger

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

// ErrHandle says that something is no handle.
var ErrHandle = errors.New("invalid handle")

// maxHandle bounds name and host together.
const maxHandle = 320

// Handle is the address of an actor: name@host. Name keeps its case, Host is
// in iri's spelling and may carry a port.
type Handle struct{ Name, Host string }

// String gives name@host.
func (h Handle) String() string { return h.Name + "@" + h.Host }

// Resource gives acct:name@host (RFC 7565).
func (h Handle) Resource() string { return "acct:" + h.String() }

// Equal compares as SEC-20 demands: in lower case and punycode.
func (h Handle) Equal(other Handle) bool {
	return strings.EqualFold(h.Name, other.Name) && h.Host == other.Host
}

// ParseHandle reads "name@host", "@name@host" or "acct:name@host"; scheme
// says which port is the default one.
func ParseHandle(scheme, s string) (Handle, error) {
	if len(s) > maxHandle {
		return Handle{}, fmt.Errorf("%w: %d characters", ErrHandle, len(s))
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "acct:"), "@")
	name, host, ok := strings.Cut(s, "@")
	if !ok || !ValidName(name) {
		return Handle{}, fmt.Errorf("%w: %q", ErrHandle, s)
	}
	host, err := iri.NormalHost(scheme, host)
	if err != nil {
		return Handle{}, fmt.Errorf("%w: %q", ErrHandle, s)
	}
	return Handle{Name: name, Host: host}, nil
}

// ValidName tells whether s can be a preferredUsername (PT federation 1).
func ValidName(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.:", rune(c)) {
			return false
		}
	}
	return true
}
