// Package signature signs and verifies HTTP requests in the two forms that the
// fediverse speaks, draft-cavage and RFC 9421, and checks everything around the
// signature that decides whether it proves anything: what it covers, that the
// body is the one digested, that it is fresh, that it was made for this host
// and path, and that the key is worth trusting.
//
// Reading has two steps, so that a caller can look up the key in between:
//
//	p, err := signature.Parse(r)        // who claims to have signed
//	err = policy.Check(r, p, body)      // everything that needs no key
//	err = policy.Verify(r, p, key)      // the signature itself
//
// A caller need not know in which form a request is signed; one that is signed
// in both is refused.
//
// Signing in draft-cavage is done by go-fed/httpsig. Verifying is not: that
// library measures (created) and (expires) against the wall clock with ten
// seconds of grace, builds the request target from the decoded path, splits the
// header at every comma and never looks at body, date or coverage (SECURITY-bar
// M). A test holds both to the same verdict on every recorded request.
//
// Of RFC 9421 that is spoken which the fediverse uses: one signature, derived
// components and headers without parameters, rsa-v1_5-sha256 and ed25519.
//
// Specifications: draft-cavage-http-signatures-12; RFC 3230 (Digest); RFC 9421;
// RFC 8941 (structured fields); RFC 9530 (Content-Digest); FEP-521a (Multikey).
// Imports nobody of the project but iri.
package signature
