package actor

import (
	"encoding/json"
	"maps"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// Document is the document of one of our actors as PeerTube sends it (PT
// federation 1). extra adds fields or replaces them: avatars, banners, support.
//
// url stays one address, although PeerTube 8 sends a list of Links: 6.x takes no
// list, and 7.x the first element of one only when it is a string.
func Document(a *Actor, extra map[string]any) (json.RawMessage, error) {
	return vocab.Build(vocab.Actor, Fields(a, extra))
}

// Fields are the members of the document without the context, for embedding
// it in an Update.
func Fields(a *Actor, extra map[string]any) map[string]any {
	doc := map[string]any{
		"type": a.Type, "id": a.IRI, "following": a.Following, "followers": a.Followers,
		"playlists": a.IRI + "/playlists", "inbox": a.Inbox, "outbox": a.Outbox,
		"preferredUsername": a.Username, "url": a.URL, "name": a.Name,
		"endpoints": map[string]string{"sharedInbox": a.SharedInbox},
		"publicKey": map[string]string{"id": a.PublicKeyID, "owner": a.IRI, "publicKeyPem": a.PublicKeyPEM},
		"published": nil, "summary": nil,
		"indexable": a.Indexable, "discoverable": a.Discoverable, // FEP-5feb
	}
	if h := iri.Host(a.IRI); h != "" {
		doc["webfinger"] = a.Username + "@" + h // FEP-2c59
	}
	if len(a.AlsoKnownAs) > 0 {
		doc["alsoKnownAs"] = []string(a.AlsoKnownAs)
	}
	if a.MovedTo != "" { // FEP-7628
		doc["movedTo"] = a.MovedTo
	}
	if a.PublishedAt != nil {
		doc["published"] = vocab.Time(*a.PublishedAt)
	}
	if a.Ed25519Key != "" {
		doc["assertionMethod"] = assertionMethod(a)
	}
	if a.Summary != "" {
		doc["summary"] = a.Summary
	}
	if a.Type == Group {
		doc["postingRestrictedToMods"] = true
		if a.AttributedTo != "" {
			doc["attributedTo"] = []map[string]string{{"type": Person, "id": a.AttributedTo}}
		}
	}
	maps.Copy(doc, extra)
	return doc
}
