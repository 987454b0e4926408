package signature

import (
	"errors"
	"fmt"
)

// Reason says in one word why a request was refused; the closed list makes it
// a metric label.
type Reason string

// Reasons of refusal.
const (
	ReasonMissing   Reason = "missing"   // no signature at all
	ReasonAmbiguous Reason = "ambiguous" // more than one signature or parameter
	ReasonMalformed Reason = "malformed" // header that does not parse
	ReasonAlgorithm Reason = "algorithm" // named algorithm is not one of ours
	ReasonCoverage  Reason = "coverage"  // a needed header is not signed
	ReasonDigest    Reason = "digest"    // body and Digest differ, or no usable digest
	ReasonDate      Reason = "date"      // outside of the time window
	ReasonHost      Reason = "host"      // made for a host that we do not serve
	ReasonKey       Reason = "key"       // key too short, too long or of a foreign kind
	ReasonMismatch  Reason = "mismatch"  // the key did not make this signature
)

// Error is the only error type of this package.
type Error struct {
	Reason Reason
	Detail string
}

func (e *Error) Error() string { return "signature refused (" + string(e.Reason) + "): " + e.Detail }

// ReasonOf gives the reason inside err, or "" when err is none of ours.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}

func refuse(r Reason, format string, args ...any) error {
	return &Error{Reason: r, Detail: fmt.Sprintf(format, args...)}
}
