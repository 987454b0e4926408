package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/ldsig"
	"github.com/kinemesh/kinemesh/activitypub/proof"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// Activities that a messenger brings may carry a proof by their actor in
// themselves. The column proof then says which one, instead of the request's
// signature: it is the same whoever brings the activity, and an activity with
// it has its effect once (SEC-07).
const (
	markProof = "proof "  // FEP-8b32; the document counts as received
	markLD    = "ldsig "  // RsaSignature2017; its compacted form counts
	markAsked = "origin " // the origin gave it
)

// How old an embedded proof may be. A messenger may try for a week to deliver;
// rows are kept for longer, so a replay is still known.
const (
	maxProofAge   = 8 * 24 * time.Hour
	maxProofAhead = time.Hour
)

// errUnproven says that an activity proves nothing by itself.
var errUnproven = errors.New("no proof by its actor")

// prove looks for a proof by the activity's actor in the activity itself, and
// gives what is to be stored of it. Keys are fetched within the budget of ctx
// when they are not known. errUnproven is no failure: then the origin is asked.
func (b *Inbox) prove(ctx context.Context, r Row, env vocab.Envelope) (*Row, error) {
	raw := []byte(r.Raw)
	if env.Type == "View" && b.o.Actors.IsLocal(env.ObjectID()) {
		// Viewers' servers tell the owner themselves (PT federation 7), and a
		// second copy of a View, which has no id of its own, would count twice.
		return nil, errUnproven
	}
	if proof.Has(raw) {
		mark, err := b.proveIntegrity(ctx, r, raw)
		if err == nil || errors.Is(err, actor.ErrStore) {
			return newRow(env, env.Actor, mark, r.Raw), err
		}
		b.log.DebugContext(ctx, "integrity proof does not count", "activity", r.ActivityID, "error", err)
	}
	if ldsig.Has(raw) {
		mark, err := b.proveLD(ctx, r, raw)
		if err == nil || errors.Is(err, actor.ErrStore) {
			return newRow(env, env.Actor, mark, r.Raw), err
		}
		b.log.DebugContext(ctx, "linked-data signature does not count", "activity", r.ActivityID, "error", err)
	}
	return nil, errUnproven
}

// proveIntegrity checks a proof of FEP-8b32: its key must be the actor's.
func (b *Inbox) proveIntegrity(ctx context.Context, r Row, raw []byte) (string, error) {
	p, err := proof.Parse(raw)
	if err != nil {
		return "", err
	}
	if err := inTime(p.Created, p.Expires, r.ReceivedAt); err != nil {
		return "", err
	}
	owner, key, err := b.o.Actors.ProofKey(ctx, p.Method)
	if err != nil {
		return "", err
	}
	if owner.IRI != r.Actor {
		return "", fmt.Errorf("%w: %s proves what %s did", proof.ErrInvalid, owner.IRI, r.Actor)
	}
	err = p.Verify(key)
	if err != nil { // the key may be another by now (SEC-08)
		if _, _, fetchErr := b.o.Actors.RefetchKey(ctx, p.Method); fetchErr != nil {
			return "", err
		}
		if _, key, err = b.o.Actors.ProofKey(ctx, p.Method); err == nil {
			err = p.Verify(key)
		}
	}
	return mark(markProof, p.Value), err
}

// proveLD checks a linked-data signature (SEC-11): its creator must be the
// actor, also of the compacted form.
func (b *Inbox) proveLD(ctx context.Context, r Row, raw []byte) (string, error) {
	s, err := ldsig.Parse(raw)
	if err != nil {
		return "", err
	}
	if err := inTime(s.Created, time.Time{}, r.ReceivedAt); err != nil {
		return "", err
	}
	owner, key, err := b.o.Actors.KeyOf(ctx, s.Creator)
	if err != nil {
		return "", err
	}
	if owner.IRI != r.Actor {
		return "", fmt.Errorf("%w: %s signs what %s did", ldsig.ErrInvalid, owner.IRI, r.Actor)
	}
	compacted, err := s.Verify(key)
	if err != nil { // the key may be another by now (SEC-08)
		if _, key, fetchErr := b.o.Actors.RefetchKey(ctx, s.Creator); fetchErr == nil {
			compacted, err = s.Verify(key)
		}
	}
	if err != nil {
		return "", err
	}
	if _, err := sameActivity(compacted, raw); err != nil {
		return "", err
	}
	return mark(markLD, s.Value), nil
}

func inTime(created, expires, received time.Time) error {
	switch {
	case created.IsZero():
		return errors.New("it does not say when it was made")
	case received.Sub(created) > maxProofAge:
		return fmt.Errorf("of %s, too old", created)
	case created.Sub(received) > maxProofAhead:
		return fmt.Errorf("of %s, ahead of time", created)
	case !expires.IsZero() && received.After(expires):
		return fmt.Errorf("expired on %s", expires)
	}
	return nil
}

// mark tells one embedded proof from all others, however the document around
// it is written.
func mark(kind string, value []byte) string {
	sum := sha256.Sum256(value)
	return kind + hex.EncodeToString(sum[:])
}

// sameActivity reads the compacted form of an activity. What it calls itself
// and its object must be what the received form does, for that is what was
// stored and asked whether it is blocked.
func sameActivity(compacted, raw []byte) (vocab.Envelope, error) {
	env, err := vocab.ParseActivity(compacted)
	if err != nil {
		return env, err
	}
	received, err := vocab.ParseActivity(raw)
	if err != nil {
		return env, err
	}
	if env.ID != received.ID || env.Actor != received.Actor || env.Type != received.Type || env.ObjectID() != received.ObjectID() {
		return env, fmt.Errorf("%w: %s is something else in our terms", vocab.ErrInvalid, received.ID)
	}
	env.Received = raw
	return env, nil
}

// envelope reads a stored activity in the form that was proven.
func envelope(r Row) (vocab.Envelope, error) {
	raw := []byte(r.Raw)
	if !strings.HasPrefix(r.Proof, markLD) {
		return vocab.ParseActivity(raw)
	}
	compacted, err := ldsig.Compact(raw)
	if err != nil {
		return vocab.Envelope{}, fmt.Errorf("%w: %w", vocab.ErrInvalid, err)
	}
	return sameActivity(compacted, raw)
}
