package vocab

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/go-fed/activity/streams"
	gofed "github.com/go-fed/activity/streams/vocab"
)

// Typed gives a document as go-fed sees it. It is a view for reading: go-fed
// drops what it does not know on the way back (ARCHITECTURE section 10), so a
// received document is never replaced by it. ok is false for the types that
// go-fed has no idea of, and for documents that it cannot read.
func Typed(ctx context.Context, o Object) (t gofed.Type, ok bool) {
	if !Known(o.Type()) {
		return nil, false
	}
	var m map[string]any
	if json.Unmarshal(o.raw, &m) != nil {
		return nil, false
	}
	if !o.Has("@context") {
		// PeerTube sends bare activities when it cannot load the context
		// (PT wire 6.3, trap 2); go-fed finds no type without one.
		m["@context"] = activityStreams
	}
	t, err := streams.ToType(ctx, m)
	return t, err == nil
}

// Known tells whether go-fed has a type of this name that the engine makes
// use of: the activities of ActivityPub and the collections.
func Known(name string) bool {
	switch name {
	case "Accept", "Add", "Announce", "Block", "Create", "Delete", "Dislike", "Flag", "Follow", "Ignore",
		"Like", "Move", "Reject", "Remove", "Undo", "Update",
		"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage", "Tombstone":
		return true
	}
	return false
}

// Serialize gives the JSON of a go-fed value below the context of kind.
func Serialize(kind Kind, t gofed.Type) (json.RawMessage, error) {
	m, err := streams.Serialize(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	delete(m, "@context")
	return Build(kind, m)
}
