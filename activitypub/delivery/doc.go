// Package delivery sends activities to other servers: the outbox that they
// are written to, the receipts of what each inbox answered, and how hosts that
// are slow or away are treated. docs/federation-delivery.md tells the rules.
//
// The rows are the truth: outbox (what), deliveries (to which inbox, and what
// came of it), hosts (when each is looked at next, and how it is doing). Jobs
// are hints. One pump a process claims hosts under a lease, has a worker send
// each host's batch, and writes the receipts of many hosts in one transaction.
//
// Invariants
//   - of the deliveries to one inbox about one object, none is due before an
//     older one; a transaction that writes deliveries or receipts of a host
//     holds the lock of its row in hosts, so that both sides see each other
//   - hosts.next_at is set while a delivery to the host is pending
//   - hosts.missed_from is set from the moment when something was left out for
//     a host until resume has written it; meanwhile everything else goes
//     through resume too
//   - a delivery ends once: delivered, failed or superseded; only what was not
//     sent becomes superseded
//
// Specifications: AP 7.1 (delivery), AP 7.1.3 (shared inboxes), RFC 9110 10.2.3
// (Retry-After); REL-02, REL-05, REL-07, REL-08, REL-10, REL-24, REL-26.
package delivery
