// Package report takes reports of videos, comments and accounts, by our users
// and as Flags of other servers, and lets moderators work on them.
//
// Invariants
//   - a report keeps what it is about by name, so that it outlives its object
//   - a Flag of others is taken when it is about something of ours that the
//     public may see; whatever else it names is left out (SEC-17, SEC-18)
//   - a report of something of another server goes there once, to the shared
//     inbox of the account in question
//
// Specifications: AS2 Flag; PT federation 3, 4 (Flag), 2 (Abuse). Imports no
// sibling but catalog.
package report
