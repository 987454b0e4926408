// Package activitypub is the federation engine. It receives, authenticates,
// stores and dispatches activities, publishes and delivers ours, keeps
// follows, and answers for actors, collections and discovery. What the
// activities are about is not its business: a content type is plugged in as a
// Module, and the engine imports none of them.
//
// The example of this package is a whole module; docs/federation.md explains it
// and walks through the engine.
//
// How an activity comes in: the inbox checks size, digest, signature and
// origin, commits one row, and only then answers 204. A job drains the rows, in
// order for each actor, finds the object (at its origin, when the sender only
// names it or copies somebody else's) and calls the handler registered for
// activity and object.
//
// How one goes out: Outbox.Publish seals it and writes it in the transaction of
// its cause; it is spread over inboxes, one row for each; a delivery is signed
// when it is sent, and tried until the host is back. The rows are receipts.
//
// Around that: follows, their back-fill and their comparison with the other
// side, moves, blocks, copies that are fetched again when they are stale.
//
// Invariants
//   - the bytes received or published are stored and forwarded unchanged
//   - an activity takes effect once for its id and actor
//   - an effect is authorised by the signer, or by the origin that was asked;
//     never by what a document says about itself
//   - no network inside a transaction, nothing leaves before the commit
//
// go-fed supplies the inbox scaffold and the typed vocabulary; dispatch,
// storage, delivery targets and every check are ours.
//
// Specifications: AP 3 to 7; PT federation.
// Imports its children, jobs, migrations, config, web/rest. Imported by every
// module and by main.
package activitypub
