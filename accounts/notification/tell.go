package notification

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// TellArgs tells users of an event, those that come after the cursor.
type TellArgs struct {
	Event
	After int64 `json:"after"`
}

// Kind implements jobs.Args.
func (TellArgs) Kind() string { return "notification.tell" }

// step is how many users one transaction reaches: some milliseconds for the one
// writer of SQLite.
const step = 1000

// Notify has users told of an event once tx is committed. It costs tx one row,
// whoever is to hear of it.
func (s *Service) Notify(tx *db.Tx, e Event) error { return jobs.Insert(tx, TellArgs{Event: e}) }

// tell is one step. The rows, the mails, the next step and the end of this one
// are one transaction.
func (s *Service) tell(ctx context.Context, a TellArgs) error {
	src := s.sources[a.Type]
	if src == nil {
		return jobs.Discard(fmt.Errorf("notifications of type %d are not known", a.Type))
	}
	to, err := src.Audience(ctx, a.Event)
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if to.Cursor == "" {
		to.Cursor = "u.id"
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		var part []int64
		err := tx.Raw("SELECT "+to.Cursor+" FROM "+to.Tables+" WHERE ("+to.Where+") AND "+to.Cursor+" > ? ORDER BY "+to.Cursor+" LIMIT ?",
			append(slices.Clone(to.Args), a.After, step)...).Scan(&part).Error
		if err != nil {
			return fmt.Errorf("whom to tell: %w", err)
		}
		if len(part) > 0 {
			last := part[len(part)-1]
			if err := s.write(tx, a, to, last); err != nil {
				return err
			}
			if len(part) == step {
				if err := jobs.Insert(tx, TellArgs{a.Event, last}); err != nil {
					return err
				}
			}
		}
		return jobs.Done(ctx, tx)
	})
}

// write adds the rows of those up to last, and their mails.
func (s *Service) write(tx *db.Tx, a TellArgs, to Audience, last int64) error {
	set, now := settingOf(a.Type), "?"
	if tx.Dialect() == db.Postgres {
		now = "?::timestamptz"
	}
	where, args := "("+to.Where+")", slices.Clone(to.Args)
	if a.By != 0 {
		unmuted, more := moderation.Unmuted("self.id", a.By)
		where += " AND self.actor_id <> ? AND " + unmuted
		args = append(append(args, a.By), more...)
	}
	var ids []int64
	err := tx.Raw(fmt.Sprintf(`INSERT INTO notifications (user_id, type, object_id, event, web, read, created_at, updated_at)
		SELECT u.id, %d, %d, %d, (COALESCE(s.value, %d) & %d) <> 0, FALSE, %s, %s
		FROM %s JOIN accounts self ON self.user_id = u.id LEFT JOIN notification_settings s ON s.user_id = u.id AND s.name = ?
		WHERE %s AND %s > ? AND %s <= ? AND NOT u.blocked AND COALESCE(s.value, %d) <> 0
		ON CONFLICT (user_id, type, object_id, event) DO NOTHING RETURNING id`,
		a.Type, a.Object, a.Event.Event, set.value, Web, now, now, to.Tables, where, to.Cursor, to.Cursor, set.value),
		slices.Concat([]any{db.Now(), db.Now(), set.name}, args, []any{a.After, last})...).Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("write notifications: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	tx.Notify(Topic)
	return s.mailLater(tx, set, ids)
}

// ForgetArgs removes the notifications about an object that is gone.
type ForgetArgs struct {
	Types  []Type `json:"types"`
	Object int64  `json:"object"`
}

// Kind implements jobs.Args.
func (ForgetArgs) Kind() string { return "notification.forget" }

// Forget removes what users were told about an object that is gone, soon after tx
// is committed.
func (s *Service) Forget(tx *db.Tx, object int64, types ...Type) error {
	return jobs.Insert(tx, ForgetArgs{types, object})
}

func (s *Service) forget(ctx context.Context, a ForgetArgs) error {
	return s.deleteAll(ctx, "type IN ? AND object_id = ?", a.Types, a.Object)
}

// CleanArgs removes old notifications.
type CleanArgs struct{}

// Kind implements jobs.Args.
func (CleanArgs) Kind() string { return "notification.clean" }

func (s *Service) clean(ctx context.Context, _ CleanArgs) error {
	return s.deleteAll(ctx, "created_at < ?", db.Now().Add(-s.o.Config.Notifications.MaxAge))
}

// deleteAll removes rows in steps.
func (s *Service) deleteAll(ctx context.Context, where string, args ...any) error {
	for {
		var n int64
		err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
			res := tx.Exec("DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE "+where+" LIMIT ?)",
				append(slices.Clone(args), step)...)
			n = res.RowsAffected
			return res.Error
		})
		if err != nil {
			return fmt.Errorf("remove notifications: %w", err)
		}
		if n < step {
			return nil
		}
	}
}
