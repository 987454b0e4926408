// Package actor keeps the actors of the fediverse: ours with their private
// keys, and those of others as their servers describe them; and who follows
// whom.
//
// Invariants
//   - an actor's IRI, host, kind and inbox host never change once its row is
//     there (SEC-15); everything else of a remote actor comes from a fetch of
//     that very IRI, never from what a third document says about it
//   - host is empty for our own actors and only for them
//   - private keys lie in a table of their own and leave this package only as
//     a transport.Signer or to sign inside a document (SEC-09)
//   - a key that its owner's document does not list any more is dead (SEC-08)
//
// The package does no network inside a transaction.
//
// Specifications: AP 4, AP 5.3, AP 5.4; PT federation 1, 2, 5, 6.
// Imports transport, signature, webfinger, vocab, iri; imported by the engine
// and by every module.
package actor
