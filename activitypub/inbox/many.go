package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// maxMany is how many activities one request may bring in a collection.
const maxMany = 100

// activitiesOf reads a body that is a collection of activities (PT federation
// 7), or nil when it is none. What is no activity among them is left out.
func activitiesOf(body []byte) []vocab.Envelope {
	doc, err := vocab.Parse(body)
	if err != nil || !slices.ContainsFunc([]string{"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"}, doc.Is) {
		return nil
	}
	var out []vocab.Envelope
	for _, item := range append(doc.Objects("orderedItems"), doc.Objects("items")...) {
		if env, err := vocab.Activity(item); err == nil && len(out) < maxMany {
			out = append(out, env)
		}
	}
	return out
}

// storeMany takes the activities of a collection, each checked like one that
// came alone. All of them that somebody takes are committed, or none is.
func (b *Inbox) storeMany(ctx context.Context, in *incoming) error {
	for _, env := range in.many {
		one := *in
		one.env = env
		if err := b.claims(ctx, &one); err != nil {
			return err
		}
		if err := b.authorize(ctx, &one); err != nil {
			return err
		}
	}
	if err := b.admit(in.signer, len(in.many)); err != nil {
		return err
	}
	sum := sha256.Sum256(in.params.Signature)
	rows := make([]*Row, 0, len(in.many))
	for i, env := range in.many {
		if !b.handles(env.Type) {
			continue
		}
		// Of the one signature each activity has its part.
		row := newRow(env, in.signer.IRI, fmt.Sprintf("%s.%d", hex.EncodeToString(sum[:]), i), string(env.Raw()))
		row.State = b.lane(row)
		rows = append(rows, row)
	}
	if in.ignored = len(rows) == 0; in.ignored {
		return nil
	}
	fresh, err := b.commitRows(ctx, rows)
	in.stored, in.repeat = err == nil, err == nil && !slices.Contains(fresh, true)
	return err
}

// claims refuses who pretends to be of this server (SEC-13), or is on a blocked
// host (SEC-19).
func (b *Inbox) claims(ctx context.Context, in *incoming) error {
	if b.o.Actors.IsLocal(in.env.Actor) || b.o.Actors.IsLocal(in.env.ID) && !namedByObject(in.env) {
		return refuse(http.StatusForbidden, "origin", fmt.Errorf("%s by %s claims to be ours", in.env.ID, in.env.Actor))
	}
	if b.blocked(ctx, iri.Host(in.env.Actor)) || b.blocked(ctx, b.o.Actors.KeyHost(in.params.KeyID)) {
		return refuse(http.StatusForbidden, "blocked", fmt.Errorf("host of %s or of its signer is blocked", in.env.Actor))
	}
	return nil
}
