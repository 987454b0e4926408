package inbox

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// Filter selects activities that were given up; empty fields do not narrow.
type Filter struct {
	IDs      []int64
	Host     string // of the actor
	Activity string // its id or its type
	Object   string // id of the object
}

func (f Filter) empty() bool {
	return len(f.IDs) == 0 && f.Host == "" && f.Activity == "" && f.Object == ""
}

func (f Filter) apply(q *gorm.DB) *gorm.DB {
	q = q.Where("state = ?", Dead)
	if len(f.IDs) > 0 {
		q = q.Where("id IN ?", f.IDs)
	}
	if f.Host != "" {
		q = q.Where("host = ?", f.Host)
	}
	if f.Activity != "" {
		// What stands behind a space is not of the activity's id, see newRow.
		q = q.Where(`(type = ? OR activity_id = ? OR activity_id LIKE ? ESCAPE '\')`, f.Activity, f.Activity, db.Like(f.Activity)+" %")
	}
	if f.Object != "" {
		q = q.Where("object = ?", f.Object)
	}
	return q
}

// Letter is an activity that was given up, as operators see it.
type Letter struct {
	ID         int64          `json:"id"`
	Activity   LetterActivity `json:"activity"`
	Signer     string         `json:"signer"` // who brought it: the actor, or a messenger
	Host       string         `json:"host"`   // of the actor
	Attempts   int            `json:"attempts"`
	LastError  string         `json:"lastError"`
	ReceivedAt string         `json:"receivedAt"`
	GivenUpAt  *string        `json:"givenUpAt"`
}

// LetterActivity names what was given up.
type LetterActivity struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Actor  string `json:"actor"`
	Object string `json:"object"`
}

// DeadLetters lists what was given up (REL-10). order is trusted SQL.
func (b *Inbox) DeadLetters(ctx context.Context, f Filter, order string, offset, limit int) ([]Letter, int64, error) {
	q := f.apply(b.o.DB.Read(ctx).Model(&Row{})).Session(&gorm.Session{})
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count dead activities: %w", err)
	}
	var rows []Row
	if err := q.Omit("raw").Order(order).Offset(offset).Limit(limit).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list dead activities: %w", err)
	}
	out := make([]Letter, len(rows))
	for i, r := range rows {
		id, _, _ := strings.Cut(r.ActivityID, " ")
		out[i] = Letter{
			ID: r.ID, Activity: LetterActivity{ID: id, Type: r.Type, Actor: r.Actor, Object: r.Object}, Signer: r.Signer, Host: r.Host,
			Attempts: r.Attempts, LastError: r.LastError, ReceivedAt: vocab.Time(r.ReceivedAt),
		}
		if r.DoneAt != nil {
			at := vocab.Time(*r.DoneAt)
			out[i].GivenUpAt = &at
		}
	}
	return out, total, nil
}

// retryChunk is how many rows one statement changes.
const retryChunk = 500

// Retry has what f selects worked on again, with all attempts before it, and
// tells how many that are. The errors stay until then: they tell that others may
// have overtaken these rows (see skipLate).
func (b *Inbox) Retry(ctx context.Context, f Filter) (n int64, err error) {
	err = b.o.DB.Tx(ctx, func(tx *db.Tx) error {
		n = 0
		var ids []int64
		if err := f.apply(tx.Model(&Row{})).Order("id").Pluck("id", &ids).Error; err != nil {
			return err
		}
		for chunk := range slices.Chunk(ids, retryChunk) {
			res := tx.Model(&Row{}).Where("id IN ? AND state = ?", chunk, Dead).
				Updates(map[string]any{"state": Waiting, "attempts": 0, "next_at": db.Now(), "done_at": nil})
			if res.Error != nil {
				return res.Error
			}
			n += res.RowsAffected
		}
		if n == 0 {
			return nil
		}
		return jobs.Insert(tx, ProcessArgs{}, jobs.Unique("now"))
	})
	if err != nil {
		return 0, fmt.Errorf("retry activities: %w", err)
	}
	return n, nil
}
