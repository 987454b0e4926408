package delivery

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// spreadChunk bounds the parameters of one statement.
const spreadChunk = 300

// FanOutArgs spreads one activity over the inboxes of followers.
type FanOutArgs struct{ OutboxID int64 }

// Kind names the job.
func (FanOutArgs) Kind() string { return "activitypub.fanout" }

// fanOut writes the deliveries of an activity, after those of earlier ones
// about the same object, whichever job runs first. The inboxes are found now,
// so a follower of a second ago gets it too.
func (o *Outbox) fanOut(ctx context.Context, a FanOutArgs) error {
	var row Entry
	err := o.db.Read(ctx).Select("id", "object_key", "spread").Where("id = ?", a.OutboxID).Take(&row).Error
	if errors.Is(err, db.ErrNotFound) {
		return nil // its actor was removed
	}
	if err != nil || row.Spread {
		return err
	}
	var ids []int64
	err = o.db.Read(ctx).Model(&Entry{}).Where("object_key = ? AND spread = FALSE AND id <= ?", row.ObjectKey, row.ID).Order("id").Pluck("id", &ids).Error
	if err != nil {
		return fmt.Errorf("fan out: %w", err)
	}
	for _, id := range ids {
		err := o.db.Tx(ctx, func(tx *db.Tx) error {
			if err := o.fanOutOne(tx, id); err != nil || id != row.ID {
				return err
			}
			return jobs.Done(ctx, tx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) fanOutOne(tx *db.Tx, id int64) error {
	var row Entry
	err := tx.Raw("SELECT * FROM outbox WHERE id = ? AND spread = FALSE"+tx.Dialect().ForUpdate(), id).Scan(&row).Error
	if err != nil || row.ID == 0 {
		return err // another process was first
	}
	var d Target
	if err := json.Unmarshal([]byte(row.Target), &d); err != nil {
		return fmt.Errorf("fan out %d: %w", id, err)
	}
	inboxes, err := actor.FollowerInboxes(tx.DB, d.FollowersOf)
	if err != nil {
		return err
	}
	if err := o.spread(tx, &row, d, append(inboxes, d.Inboxes...)); err != nil {
		return err
	}
	if err := tx.Model(&Entry{}).Where("id = ?", id).Update("spread", true).Error; err != nil {
		return fmt.Errorf("fan out %d: %w", id, err)
	}
	return nil
}

type box struct{ inbox, host string }

// spread makes one delivery for each inbox that is not ours, and wakes the
// pump.
func (o *Outbox) spread(tx *db.Tx, row *Entry, d Target, inboxes []string) error {
	boxes := o.boxes(tx.Statement.Context, inboxes, d.Except)
	if len(boxes) == 0 {
		return nil
	}
	for chunk := range slices.Chunk(boxes, spreadChunk) {
		chunk, err := o.reach(tx, row, chunk)
		if err != nil {
			return err
		}
		if err := o.insert(tx, row, d, chunk); err != nil {
			return err
		}
	}
	return wake(tx)
}

// boxes gives the inboxes of other servers, each once, sorted by host so that
// two transactions lock hosts in the same order.
func (o *Outbox) boxes(ctx context.Context, inboxes, except []string) []box {
	var out []box
	seen := make(map[string]bool, len(inboxes))
	for _, in := range inboxes {
		host := iri.Host(in)
		if host == "" || seen[in] || slices.Contains(except, host) || o.actors.ServesHost(host) {
			continue
		}
		if o.blocked != nil && o.blocked(ctx, host) { // SEC-19
			continue
		}
		seen[in] = true
		out = append(out, box{in, host})
	}
	slices.SortFunc(out, func(a, b box) int { return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.inbox, b.inbox)) })
	return out
}

// insert writes the rows. What they make needless ends; what waits for the
// same object lets them wait too.
func (o *Outbox) insert(tx *db.Tx, row *Entry, d Target, boxes []box) error {
	if len(boxes) == 0 {
		return nil
	}
	inboxes := make([]string, len(boxes))
	for i, b := range boxes {
		inboxes[i] = b.inbox
	}
	merge := mergeKey(row, d)
	if err := o.supersede(tx, row, merge, inboxes); err != nil {
		return err
	}
	var waiting []Receipt
	err := tx.Select("inbox", "next_at").Where("object_key = ? AND state = 'pending' AND inbox IN ?", row.ObjectKey, inboxes).Find(&waiting).Error
	if err != nil {
		return fmt.Errorf("create deliveries: %w", err)
	}
	now := o.now()
	next := map[string]time.Time{}
	for _, w := range waiting {
		if w.NextAt.After(next[w.Inbox]) {
			next[w.Inbox] = w.NextAt
		}
	}
	rows := make([]Receipt, len(boxes))
	for i, b := range boxes {
		rows[i] = Receipt{
			OutboxID: row.ID, Inbox: b.inbox, Host: b.host, State: Pending, ObjectKey: row.ObjectKey, MergeKey: merge, NextAt: now, CreatedAt: now,
		}
		if at := next[b.inbox]; at.After(now) {
			rows[i].NextAt = at
		}
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
		return fmt.Errorf("create deliveries: %w", err)
	}
	return nil
}

// mergeKey names what the newest activity replaces; "" replaces nothing.
func mergeKey(row *Entry, d Target) string {
	switch {
	case d.Coalesce != "":
		return fmt.Sprintf("%d %s", row.ActorID, d.Coalesce)
	case row.Type == "Update":
		return fmt.Sprintf("%d Update %s", row.ActorID, row.ObjectKey)
	}
	return ""
}

// supersede ends what waits for these inboxes and is not worth sending any
// more: the older ones of the same merge key, and, when the object is
// deleted, what would show it. An Undo or a Like is always sent.
func (o *Outbox) supersede(tx *db.Tx, row *Entry, merge string, inboxes []string) error {
	set := map[string]any{"state": Superseded, "last_error": ""}
	if merge != "" {
		err := tx.Model(&Receipt{}).Where("merge_key = ? AND merge_key <> '' AND state = 'pending' AND outbox_id < ? AND inbox IN ?", merge, row.ID, inboxes).
			Updates(set).Error
		if err != nil {
			return fmt.Errorf("supersede: %w", err)
		}
	}
	if row.Type != "Delete" {
		return nil
	}
	err := tx.Model(&Receipt{}).Where(`object_key = ? AND state = 'pending' AND outbox_id < ? AND inbox IN ? AND
		outbox_id IN (SELECT id FROM outbox WHERE object_key = ? AND type IN ('Create', 'Update', 'Announce'))`,
		row.ObjectKey, row.ID, inboxes, row.ObjectKey).Updates(set).Error
	if err != nil {
		return fmt.Errorf("supersede: %w", err)
	}
	return nil
}

// wake has the pump look, once tx has committed.
func wake(tx *db.Tx) error {
	tx.Notify(topic)
	return jobs.Insert(tx, DeliverArgs{}, jobs.Unique("now"))
}
