package watchedword

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// retagStep is how many texts one job looks at; the next job goes on after them.
const retagStep = 1000

// RetagArgs gives what was written before a list was made or changed the tag of
// the list, and takes it off where no word of it stands any more: videos for a
// list of the instance, and then comments. What a tag does besides is done when
// something is written, not here.
type RetagArgs struct {
	List     int64     `json:"list"`
	As       time.Time `json:"as"` // the change; a later one has jobs of its own
	Comments bool      `json:"comments"`
	After    int64     `json:"after"` // the last id that was looked at
}

// Kind implements jobs.Args.
func (RetagArgs) Kind() string { return "video.retag" }

// Jobs are those of this feature.
func (s *Service) Jobs() []jobs.Handler { return []jobs.Handler{jobs.Handle(s.retag)} }

// retagging has all that is there looked at, after a change of l.
func retagging(tx *db.Tx, l *List) error {
	return jobs.Insert(tx, RetagArgs{List: l.ID, As: l.UpdatedAt, Comments: l.AccountID != nil})
}

func (s *Service) retag(ctx context.Context, a RetagArgs) error {
	var l List
	read := s.o.DB.Read(ctx)
	if err := read.Where("id = ?", a.List).Take(&l).Error; errors.Is(err, gorm.ErrRecordNotFound) {
		return nil
	} else if err != nil {
		return fmt.Errorf("load list: %w", err)
	}
	if !l.UpdatedAt.Equal(a.As) {
		return nil
	}
	o := textsFor(&l, a.Comments)
	texts, err := o.load(read, "o.id > ? ORDER BY o.id LIMIT ?", a.After, retagStep)
	if err != nil {
		return err
	}
	m, wrong := s.matcher(&l), []int64(nil)
	for i := range texts {
		if texts[i].in(m) != texts[i].Tagged {
			wrong = append(wrong, texts[i].ID)
		}
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		now, err := find(tx, o.account, l.ID)
		if errors.Is(err, ErrNotFound) || err == nil && !now.UpdatedAt.Equal(a.As) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := o.correct(tx, m, wrong); err != nil {
			return err
		}
		next := a
		switch {
		case len(texts) == retagStep:
			next.After = texts[len(texts)-1].ID
		case !a.Comments:
			next.Comments, next.After = true, 0
		default:
			return jobs.Done(ctx, tx)
		}
		return errors.Join(jobs.Insert(tx, next), jobs.Done(ctx, tx))
	})
}

// texts are what a list may tag, and how that is done, in trusted SQL.
type texts struct {
	account int64
	name    string // of the list
	table   string // where they are
	from    string // a query of their id, title and text
	args    []any  // of from

	tagged     string // the condition that o has the tag ?
	give, take string // statements for an id and a tag
}

// textsFor are the videos, or the comments, that l is for.
func textsFor(l *List, comments bool) *texts {
	if !comments {
		return &texts{
			name: l.Name, table: "videos", from: "SELECT v.id, v.name AS title, v.description AS text FROM videos v",
			tagged: "EXISTS (SELECT 1 FROM video_auto_tags t WHERE t.video_id = o.id AND t.name = ?)",
			give:   "INSERT INTO video_auto_tags (video_id, name) VALUES (?, ?)",
			take:   "DELETE FROM video_auto_tags WHERE video_id = ? AND name = ?",
		}
	}
	o := &texts{name: l.Name, table: "comments", from: "SELECT c.id, '' AS title, c.text FROM comments c WHERE c.deleted_at IS NULL"}
	if l.AccountID != nil {
		o.account = *l.AccountID
		o.from += " AND c.video_id IN (SELECT v.id FROM videos v JOIN channels ch ON ch.id = v.channel_id WHERE v.local = TRUE AND ch.account_id = ?)"
		o.args = []any{o.account}
	}
	by := strconv.FormatInt(o.account, 10)
	o.tagged = "EXISTS (SELECT 1 FROM comment_auto_tags t WHERE t.comment_id = o.id AND t.account_id = " + by + " AND t.name = ?)"
	o.give = "INSERT INTO comment_auto_tags (comment_id, name, account_id) VALUES (?, ?, " + by + ")"
	o.take = "DELETE FROM comment_auto_tags WHERE comment_id = ? AND name = ? AND account_id = " + by
	return o
}

// text is one of them, and whether it has the tag.
type text struct {
	ID     int64
	Title  string
	Text   string
	Tagged bool
}

func (t *text) in(m *matcher) bool { return m.in(fold(t.Title)) || m.in(fold(markup.Plain(t.Text))) }

func (o *texts) load(q *gorm.DB, where string, args ...any) (rows []text, err error) {
	args = slices.Concat([]any{o.name}, o.args, args)
	err = q.Raw("SELECT o.id, o.title, o.text, "+o.tagged+" AS tagged FROM ("+o.from+") o WHERE "+where, args...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load texts: %w", err)
	}
	return rows, nil
}

// correct looks at texts again, now that nobody else writes them, and gives them
// the tag or takes it off.
func (o *texts) correct(tx *db.Tx, m *matcher, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	if tx.Dialect() == db.Postgres {
		if err := tx.Exec("SELECT 1 FROM "+o.table+" WHERE id IN ? ORDER BY id FOR UPDATE", ids).Error; err != nil {
			return fmt.Errorf("lock texts: %w", err)
		}
	}
	rows, err := o.load(tx.DB, "o.id IN ?", ids)
	if err != nil {
		return err
	}
	for i := range rows {
		statement := o.take
		switch has := rows[i].in(m); {
		case has == rows[i].Tagged:
			continue
		case has:
			statement = o.give
		}
		if err := tx.Exec(statement, rows[i].ID, o.name).Error; err != nil {
			return fmt.Errorf("tag again: %w", err)
		}
	}
	return nil
}
