// Package channel keeps accounts and channels: Person and Group actors seen as
// the authors and holders of videos, of this instance and of others.
//
// An account is a row on top of a Person actor, a channel one on top of a Group
// actor that belongs to exactly one account. What the actor document says
// (names, text, counts) lies in the actor's row; these rows add what is ours.
//
// Invariants
//   - local names of users and channels share one name space and are never
//     given out twice, not even after a deletion
//   - a remote channel and its account live on one host (SEC-12)
//   - rows whose actor is gone are never shown; the deletion job removes them
//     once everything that hangs on them is removed
//
// Specifications: AS2 Person, Group; PT federation 1 (actors).
// Imported by: accounts/user, accounts/oauth, video. Imports no sibling but input.
package channel
