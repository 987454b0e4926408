package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/followsync"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// Row is a row of the table inbox.
type Row struct {
	ID         int64 `gorm:"primaryKey"`
	ActivityID string
	Actor      string
	Signer     string
	Host       string
	Type       string
	Object     string
	Proof      string
	Raw        string
	State      string
	Attempts   int
	LastError  string
	NextAt     time.Time
	ReceivedAt time.Time
	DoneAt     *time.Time
}

// TableName names the table.
func (Row) TableName() string { return "inbox" }

// The states of a row.
const (
	Waiting = "waiting"
	Active  = "active"
	Done    = "done"
	Dropped = "dropped"
	Dead    = "dead"
)

// store commits the activity together with the job that will take it. What
// nobody takes ends here: it counts towards the sender's limits and is
// forgotten.
func (b *Inbox) store(ctx context.Context, in *incoming) error {
	if err := b.admit(in.signer, 1); err != nil {
		return err
	}
	if in.ignored = !b.handles(in.env.Type); in.ignored {
		return nil
	}
	sum := sha256.Sum256(in.params.Signature)
	row := newRow(in.env, in.signer.IRI, hex.EncodeToString(sum[:]), string(in.body))
	row.State = b.lane(row)
	fresh, err := b.group.add(ctx, row)
	in.stored, in.repeat = err == nil, err == nil && !fresh
	if h := in.req.Header.Get(followsync.HeaderName); fresh && h != "" && b.o.Followers != nil && in.signer.IRI == in.env.Actor {
		b.o.Followers(ctx, in.signer, h)
	}
	return err
}

func newRow(env vocab.Envelope, signer, proof, raw string) *Row {
	now, id := db.Now(), env.ID
	if env.Type == "View" {
		// PeerTube gives all Views of a viewer one id, first and later ones
		// (PT federation 2), so here the signature alone tells repeats.
		id += " " + proof
	}
	if approval := env.Object.IRI("replyApproval"); env.Type == "Create" && approval != "" {
		// PeerTube sends a comment again, under the same id, when the owner of
		// the video has approved it (PT wire 6.3).
		id += " " + approval
	}
	return &Row{
		ActivityID: id, Actor: env.Actor, Signer: signer, Host: iri.Host(env.Actor), Type: env.Type,
		Object: env.ObjectID(), Proof: proof, Raw: raw, State: Waiting, NextAt: now, ReceivedAt: now,
	}
}

// Free lets an actor use the ids of activities again that it has undone:
// PeerTube names a rate by account and video, so a second Like comes under the
// id of the first (PT federation 2). A request that is replayed is still known
// by its proof (SEC-07).
func Free(tx *db.Tx, actor string, ids ...string) error {
	err := tx.Model(&Row{}).Where("activity_id IN ? AND actor = ?", ids, actor).
		Update("activity_id", gorm.Expr("activity_id || ' ' || id")).Error
	if err != nil {
		return fmt.Errorf("free ids: %w", err)
	}
	return nil
}
