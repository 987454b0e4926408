package actor

import (
	"encoding/json"
	"maps"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// Document is the document of one of our actors as PeerTube 6.3 sends it (PT
// federation 1). extra adds fields or replaces them: avatars, support.
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
