// Package ldsig makes and checks linked-data signatures of the kind
// RsaSignature2017, which PeerTube and Mastodon put into activities that
// others forward.
//
// What is signed is not the text of a document but its meaning: the
// document without its signature becomes RDF, that is put in canonical order
// (URDNA2015), and its hash is signed together with the hash of who and when.
// Two things follow.
//   - The meaning depends on the @context, and that is the sender's. So a
//     document is compacted with a context of ours before the signature is
//     checked, the signature must fit the compacted form, and only the
//     compacted form may be used from there on (SEC-11): a term that the
//     sender redefined has another name in it, one that nobody signed is gone.
//   - Canonical order can be made expensive on purpose. So depth, nodes,
//     statements, contexts and the steps of the ordering itself are bounded.
//
// No context is ever fetched: the package knows those in contexts/, and a
// document with any other one does not verify. @graph, @included and @reverse
// are refused, for they let one and the same meaning be written with another
// object on top.
//
// Expansion and compaction are those of json-gold; what follows it, from
// expanded form to hash, is ours, because it must be bounded and is in the
// path of every published activity.
//
// Specifications: JSON-LD 1.1 API; RDF Dataset Canonicalization (URDNA2015);
// Linked Data Signatures 1.0; PT federation 7. Imports iri and json-gold;
// imported by activitypub and its children.
package ldsig
