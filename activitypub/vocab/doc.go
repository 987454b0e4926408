// Package vocab reads and builds the documents of ActivityPub.
//
// Reading works on the bytes as received: Object is a view over raw JSON that
// hides the quirks of the fediverse (a value may be a scalar or a list, an
// object may be embedded or named by its IRI, the public audience has three
// spellings). The bytes stay the record; no value is ever written back into
// them. Building puts PeerTube's own @context before a document, because
// linked-data signatures depend on it to the letter.
//
// Typed gives the same document as a go-fed value for the activities that
// go-fed knows; this is the only package beside activitypub itself that sees
// its generated types.
//
// Specifications: AS2; AP 4; PT federation 8 (contexts).
// Imports nobody of the project but iri and strict.
package vocab
