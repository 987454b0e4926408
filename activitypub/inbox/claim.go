package inbox

import (
	"context"
	"fmt"
	"strings"

	"github.com/kinemesh/kinemesh/config/db"
)

// maxKills is after how many attempts a row is given up that took its process
// along (REL-10), or its process it: the two look alike, and of a server that is
// killed at random 200 times, an innocent row in some thousand was hit three times.
const maxKills = 6

// claim leases due rows, and tells how many it passed over. Hosts take turns, so that one which floods does not
// delay what others sent. Actors of whom another worker has rows are left to
// it, which keeps the order.
func (b *Inbox) claim(ctx context.Context) (rows []Row, skipped int, err error) {
	err = b.o.DB.Tx(ctx, func(tx *db.Tx) error {
		rows, skipped = nil, 0
		if err := b.claimAlone(tx); err != nil {
			return err
		}
		if err := b.claimLost(tx, &rows); err != nil || len(rows) > 0 {
			return err
		}
		hosts, err := b.turns(tx)
		if err != nil {
			return err
		}
		if len(hosts) > 1 {
			if err := b.claimFair(tx, hosts, &rows); err != nil {
				return err
			}
		}
		if n := drainBatch - len(rows); n > 0 {
			if err := b.claimRest(tx, n, &rows); err != nil {
				return err
			}
		}
		if skipped, err = b.skipOld(tx, &rows); err != nil {
			return err
		}
		late, err := b.skipLate(tx, &rows)
		skipped += late
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("claim activities: %w", err)
	}
	return rows, skipped, nil
}

// claimLost takes one row whose worker has died. It is worked on alone, so that
// one which kills its process is found without its neighbours.
func (b *Inbox) claimLost(tx *db.Tx, rows *[]Row) error {
	now := db.Now()
	res := tx.Model(&Row{}).Where("state = ? AND next_at <= ? AND attempts >= ?", Active, now, maxKills).
		Updates(map[string]any{"state": Dead, "done_at": now, "last_error": "the process died each time this was worked on"})
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected > 0 {
		b.log.ErrorContext(tx.Statement.Context, "activities given up that killed their process", "count", res.RowsAffected)
		b.metrics.activities.WithLabelValues("other", Dead).Add(float64(res.RowsAffected))
	}
	return b.lease(tx, rows, `SELECT id FROM inbox WHERE state = ? AND next_at <= ? ORDER BY attempts, id LIMIT 1`, Active, now)
}

// turns lists up to a batch of hosts that rows wait of, beginning after the one
// served last.
func (b *Inbox) turns(tx *db.Tx) ([]string, error) {
	const next = `WITH RECURSIVE h(host) AS (
			SELECT min(host) FROM inbox WHERE state IN ('waiting', 'active') AND host > ?
			UNION ALL
			SELECT (SELECT min(host) FROM inbox WHERE state IN ('waiting', 'active') AND host > h.host) FROM h WHERE h.host IS NOT NULL
		) SELECT host FROM h WHERE host IS NOT NULL LIMIT ?`
	after, _ := b.lastHost.Load().(string)
	var hosts, first []string
	if err := tx.Raw(next, after, drainBatch).Scan(&hosts).Error; err != nil {
		return nil, err
	}
	if len(hosts) < drainBatch && after != "" {
		if err := tx.Raw(next, "", drainBatch-len(hosts)).Scan(&first).Error; err != nil {
			return nil, err
		}
		for _, h := range first {
			if h <= after {
				hosts = append(hosts, h)
			}
		}
	}
	if len(hosts) > 0 {
		b.lastHost.Store(hosts[len(hosts)-1])
	}
	return hosts, nil
}

// due are rows that wait for a worker, but not for another row of their actor.
const due = `i.state = 'waiting' AND i.next_at <= ? AND NOT EXISTS (SELECT 1 FROM inbox b WHERE b.actor = i.actor AND b.state = 'active')`

// claimFair takes the same number of rows of each host.
func (b *Inbox) claimFair(tx *db.Tx, hosts []string, rows *[]Row) error {
	now, share := db.Now(), max(1, drainBatch/len(hosts))
	parts := make([]string, len(hosts))
	args := make([]any, 0, 3*len(hosts))
	for n, h := range hosts {
		parts[n] = "SELECT id FROM (SELECT i.id FROM inbox i WHERE i.host = ? AND " + due + " ORDER BY i.id LIMIT ?) h"
		args = append(args, h, now, share)
	}
	return b.lease(tx, rows, strings.Join(parts, " UNION ALL "), args...)
}

// claimRest takes up to n rows more, the oldest.
func (b *Inbox) claimRest(tx *db.Tx, n int, rows *[]Row) error {
	// Those claimed just now are active: their actors' other rows come with
	// the next batch, or one of them could overtake.
	return b.lease(tx, rows, "SELECT i.id FROM inbox i WHERE "+due+" ORDER BY i.id LIMIT ?", db.Now(), n)
}

// lease gives the rows that the query names to this worker.
func (b *Inbox) lease(tx *db.Tx, rows *[]Row, query string, args ...any) error {
	var more []Row
	err := tx.Raw("UPDATE inbox SET state = ?, attempts = attempts + 1, next_at = ? WHERE id IN ("+query+") RETURNING *",
		append([]any{Active, db.Now().Add(leaseTime)}, args...)...).Scan(&more).Error
	*rows = append(*rows, more...)
	return err
}

// skipOld leaves out Updates of an object that its actor has sent again since:
// PeerTube sends one after every rate, view and step of transcoding, and each
// holds the whole object. What a messenger brought proves nothing and replaces
// nothing.
func (b *Inbox) skipOld(tx *db.Tx, rows *[]Row) (int, error) {
	type key struct{ actor, object string }
	newest := map[key]int64{}
	var objects []string
	for _, r := range *rows {
		if r.updates() {
			k := key{r.Actor, r.Object}
			if newest[k] == 0 {
				objects = append(objects, r.Object)
			}
			newest[k] = max(newest[k], r.ID)
		}
	}
	if len(objects) == 0 {
		return 0, nil
	}
	var waiting []Row
	err := tx.Raw(`SELECT actor, object, max(id) AS id FROM inbox WHERE type = 'Update' AND state = 'waiting' AND signer = actor
		AND object IN ? GROUP BY actor, object`, objects).Scan(&waiting).Error
	if err != nil {
		return 0, err
	}
	for _, r := range waiting {
		if k := (key{r.Actor, r.Object}); newest[k] != 0 {
			newest[k] = max(newest[k], r.ID)
		}
	}
	var old []int64
	left := (*rows)[:0]
	for _, r := range *rows {
		if r.updates() && newest[key{r.Actor, r.Object}] > r.ID {
			old = append(old, r.ID)
			continue
		}
		left = append(left, r)
	}
	*rows = left
	if len(old) == 0 {
		return 0, nil
	}
	b.metrics.activities.WithLabelValues("Update", "superseded").Add(float64(len(old)))
	return len(old), tx.Model(&Row{}).Where("id IN ?", old).
		Updates(map[string]any{"state": Done, "done_at": db.Now(), "last_error": superseded}).Error
}

// skipLate leaves out what has failed before, or was given up and is tried
// again, and was overtaken meanwhile: its effect would bring back what is over.
// All others have their turn in the order in which they came.
func (b *Inbox) skipLate(tx *db.Tx, rows *[]Row) (int, error) {
	var late []int64
	left := (*rows)[:0]
	for _, r := range *rows {
		over := false
		if r.LastError != "" {
			var err error
			if over, err = overtaken(tx, r); err != nil {
				return 0, err
			}
		}
		if !over {
			left = append(left, r)
			continue
		}
		late = append(late, r.ID)
		b.metrics.activities.WithLabelValues(activityLabel(r.Type), "superseded").Inc()
	}
	*rows = left
	if len(late) == 0 {
		return 0, nil
	}
	return len(late), tx.Model(&Row{}).Where("id IN ?", late).
		Updates(map[string]any{"state": Done, "done_at": db.Now(), "last_error": overtakenNote}).Error
}

// replacedBy names the types of newer activities of the same actor about the same
// object that leave nothing of an older one. Besides, Undo and Delete do.
func replacedBy(activity string) []string {
	switch activity {
	case "Create", "Update":
		return []string{"Create", "Update"}
	case "Like", "Dislike":
		return []string{"Like", "Dislike"}
	case "Accept", "Reject":
		return []string{"Accept", "Reject"}
	case "Follow", "Announce", "Undo":
		return []string{activity}
	}
	return nil
}

// overtaken tells whether an activity that came after r has taken effect and
// leaves nothing of it. What a messenger brought has not: what was proven of it
// is a row of its own.
func overtaken(tx *db.Tx, r Row) (bool, error) {
	const newer = "n.host = ? AND n.id > ? AND n.state = 'done' AND n.done_at IS NOT NULL AND n.signer = n.actor"
	id, _, _ := strings.Cut(r.ActivityID, " ") // Free and newRow write behind it
	about := []string{id}
	if r.Object != "" {
		about = append(about, r.Object)
	}
	var n int64
	err := tx.Raw("SELECT count(*) FROM inbox n WHERE "+newer+` AND n.object IN ? AND (
			(n.object = ? AND n.type = 'Undo' AND n.actor = ?)
			OR (n.object = ? AND (n.type = 'Delete' OR (n.actor = ? AND n.type IN ?))))`,
		r.Host, r.ID, about, id, r.Actor, r.Object, r.Actor, replacedBy(r.Type)).Scan(&n).Error
	if err != nil || n > 0 || r.Type != "Undo" {
		return n > 0, err
	}
	// What it undoes may have been done again.
	err = tx.Raw("SELECT count(*) FROM inbox u JOIN inbox n ON n.object = u.object AND n.actor = u.actor AND n.type = u.type WHERE "+newer+
		" AND u.activity_id = ? AND u.actor = ? AND u.object <> ''", r.Host, r.ID, r.Object, r.Actor).Scan(&n).Error
	return n > 0, err
}

// overtakenNote is the note of what skipLate leaves out.
const overtakenNote = "replaced by a newer activity"

// superseded is the note of an Update that a newer one made needless.
const superseded = "superseded by a newer Update"

// updates tells whether a row is an Update of an object by its own actor.
func (r *Row) updates() bool { return r.Type == "Update" && r.Object != "" && r.Signer == r.Actor }
