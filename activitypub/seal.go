package activitypub

import (
	"errors"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/ldsig"
	"github.com/kinemesh/kinemesh/activitypub/proof"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// seal lets an activity of ours prove its origin whoever passes it on: it adds
// an integrity proof (FEP-8b32) and then a linked-data signature over both (PT
// federation 7). The order is the FEP's: those who check the proof take the
// signature off first, those who check the signature leave the proof in.
//
// It runs once, at publishing; what is stored, sent and forwarded are the same
// bytes. Both signatures take about 2 ms of the transaction.
func (e *Engine) seal(tx *db.Tx, from *actor.Actor, raw []byte) ([]byte, error) {
	now := time.Now()
	ed, method, err := e.Actors.Ed25519(tx, from)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	key, _, err := e.Actors.RSA(tx, from)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sealed, err := proof.Sign(vocab.DefineProof(raw), method, ed, now)
	if err == nil {
		sealed, err = ldsig.Sign(sealed, from.IRI, key, now)
	}
	switch {
	case errors.Is(err, proof.ErrInvalid), errors.Is(err, ldsig.ErrInvalid):
		// The request's own signature says all there is to say to its
		// receiver; PeerTube sends such an activity bare, too.
		e.log.WarnContext(tx.Statement.Context, "activity goes without a proof", "actor", from.IRI, "error", err)
		return raw, nil
	case err != nil:
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}
