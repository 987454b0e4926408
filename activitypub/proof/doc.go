// Package proof makes and checks the integrity proofs of FEP-8b32: an
// activity carries, in the member "proof", a signature by its actor over its
// text, so that it proves its origin whoever brings it.
//
// The cryptosuite is eddsa-jcs-2022: the document without the proof is put in
// the canonical form of RFC 8785, which keeps all its members and its
// @context, and signed with Ed25519. Nothing is interpreted before the check,
// and what was checked is what was sent, so that the document may be used as
// received; other than with linked-data signatures no contexts are needed.
//
// A linked-data signature is made after the proof and taken off before it is
// checked, as the FEP demands.
//
// Specifications: FEP-8b32; FEP-521a; W3C Data Integrity EdDSA Cryptosuites
// v1.0, 3.3; RFC 8785. Imports iri, signature; imported by activitypub and its
// children.
package proof
