// Package watchedword gives automatic tags to what people write: the name of
// each list of watched words of which one stands there, and "external-link".
// The instance's lists are for videos and comments, those of an account for
// comments below its videos. A tag may hold a comment for review, or block a
// video (video/block).
//
// What was written before a list was made or changed gets its tags by jobs, and is
// neither held nor blocked for them.
//
// Specifications: reference REST 12 (Watched Words, Automatic Tags). Imports no
// sibling but catalog.
package watchedword

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// ExternalLink is the tag of texts that lead to other servers.
const ExternalLink = "external-link"

// Instance is the id that stands for the instance in the place of an account's.
const Instance int64 = 0

// Limits of lists (reference enumerations).
const (
	maxName  = 100 // runes
	maxWord  = 100 // runes
	maxWords = 500
	maxLists = 100 // of one account
)

// Errors of the operations.
var (
	ErrNotFound = errors.New("list of watched words not found")
	ErrTaken    = errors.New("another list has this name")
	ErrTooMany  = errors.New("no more lists are possible")
	ErrUnknown  = errors.New("not an automatic tag")
)

// List is a row of watched_word_lists.
type List struct {
	ID        int64
	AccountID *int64 // nil: the instance
	Name      string
	Words     string // JSON
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TableName implements gorm's Tabler.
func (List) TableName() string { return "watched_word_lists" }

func (l *List) words() []string {
	out := []string{}
	if json.Unmarshal([]byte(l.Words), &out) != nil {
		return []string{} // nothing that we wrote
	}
	return out
}

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Channels *channel.Service
	Host     string // of this server
}

// Service keeps lists, tags and policies. It is safe for concurrent use. A nil
// one tags nothing.
type Service struct {
	o Options

	mu       sync.Mutex
	matchers map[int64]compiled // by list
}

// compiled is the matcher of a list as it was at some time.
type compiled struct {
	of time.Time
	m  *matcher
}

// maxMatchers bounds the lists whose matchers are kept.
const maxMatchers = 500

// New returns a Service.
func New(o Options) *Service { return &Service{o: o, matchers: map[int64]compiled{}} }

// of limits a query of lists to those of an account.
func of(q *gorm.DB, accountID int64) *gorm.DB {
	if accountID == Instance {
		return q.Where("account_id IS NULL")
	}
	return q.Where("account_id = ?", accountID)
}

// Lists are a page of an account's lists, and how many it has.
func (s *Service) Lists(ctx context.Context, accountID int64, p rest.Page) (rows []List, total int64, err error) {
	q := of(s.o.DB.Read(ctx).Model(&List{}), accountID).Session(&gorm.Session{})
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count lists: %w", err)
	}
	column := map[string]string{"createdAt": "created_at", "updatedAt": "updated_at", "listName": "name"}[p.Sort]
	if err := q.Order(p.Order(column, "id")).Offset(p.Start).Limit(p.Count).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list lists: %w", err)
	}
	return rows, total, nil
}

// Add makes a list; name and words must have been checked.
func (s *Service) Add(ctx context.Context, accountID int64, name string, words []string) (*List, error) {
	text, err := json.Marshal(words)
	if err != nil {
		return nil, fmt.Errorf("words: %w", err)
	}
	l := &List{Name: name, Words: string(text), CreatedAt: db.Now()}
	l.UpdatedAt = l.CreatedAt
	if accountID != Instance {
		l.AccountID = &accountID
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		l.ID = 0
		var n int64
		if err := of(tx.Model(&List{}), accountID).Count(&n).Error; err != nil {
			return fmt.Errorf("count lists: %w", err)
		}
		if n >= maxLists {
			return ErrTooMany
		}
		if err := tx.Create(l).Error; err != nil {
			return err
		}
		return retagging(tx, l)
	})
	return l, taken(err)
}

func taken(err error) error {
	if db.IsDuplicate(err) {
		return ErrTaken
	}
	return err
}

// Change is what is written anew of a list; nil leaves it alone.
type Change struct {
	Name  *string
	Words []string
}

// Update changes a list of an account. Tags that it gave have its new name.
func (s *Service) Update(ctx context.Context, accountID, id int64, c Change) error {
	now := db.Now()
	set := map[string]any{"updated_at": now}
	if c.Name != nil {
		set["name"] = *c.Name
	}
	if c.Words != nil {
		text, err := json.Marshal(c.Words)
		if err != nil {
			return fmt.Errorf("words: %w", err)
		}
		set["words"] = string(text)
	}
	return taken(s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		l, err := find(tx, accountID, id)
		if err != nil {
			return err
		}
		if err := tx.Model(&List{}).Where("id = ?", id).UpdateColumns(set).Error; err != nil {
			return fmt.Errorf("change list: %w", err)
		}
		l.UpdatedAt = now
		if err := retagging(tx, l); err != nil {
			return err
		}
		if c.Name == nil || *c.Name == l.Name {
			return nil
		}
		return eachTable(accountID, func(table, where string, args ...any) error {
			return tx.Table(table).Where(where+" AND name = ?", append(args, l.Name)...).UpdateColumn("name", *c.Name).Error
		})
	}))
}

// Delete removes a list of an account, the tags that it gave and what they did.
func (s *Service) Delete(ctx context.Context, accountID, id int64) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		l, err := find(tx, accountID, id)
		if err != nil {
			return err
		}
		if err := tx.Delete(&List{}, id).Error; err != nil {
			return fmt.Errorf("delete list: %w", err)
		}
		return eachTable(accountID, func(table, where string, args ...any) error {
			return tx.Exec("DELETE FROM "+table+" WHERE "+where+" AND name = ?", append(args, l.Name)...).Error
		})
	})
}

// eachTable calls fn with every table that holds tags of an account.
func eachTable(accountID int64, fn func(table, where string, args ...any) error) error {
	err := errors.Join(fn("comment_auto_tags", "account_id = ?", accountID), fn("auto_tag_policies", "account_id = ?", accountID))
	if accountID == Instance {
		err = errors.Join(err, fn("video_auto_tags", "1 = 1"))
	}
	if err != nil {
		return fmt.Errorf("tags of a list: %w", err)
	}
	return nil
}

// find locks a list, with the account in the query (SEC-44).
func find(tx *db.Tx, accountID, id int64) (*List, error) {
	var rows []List
	q := of(tx.Where("id = ?", id), accountID)
	if tx.Dialect() == db.Postgres {
		q = q.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load list: %w", err)
	}
	if len(rows) == 0 {
		return nil, ErrNotFound
	}
	return &rows[0], nil
}

// tagsOf are the tags that an account's lists, or the instance's, give to texts.
func (s *Service) tagsOf(tx *db.Tx, accountID int64, texts ...string) ([]string, error) {
	var lists []List
	if err := of(tx.DB, accountID).Order("id").Limit(maxLists).Find(&lists).Error; err != nil {
		return nil, fmt.Errorf("load lists: %w", err)
	}
	var out []string
	for _, text := range texts {
		if links(text, s.o.Host) && !slices.Contains(out, ExternalLink) {
			out = append(out, ExternalLink)
		}
		if len(lists) == 0 {
			continue
		}
		runes := fold(text)
		for i := range lists {
			if !slices.Contains(out, lists[i].Name) && s.matcher(&lists[i]).in(runes) {
				out = append(out, lists[i].Name)
			}
		}
	}
	return out, nil
}

func (s *Service) matcher(l *List) *matcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.matchers[l.ID]; ok && c.of.Equal(l.UpdatedAt) {
		return c.m
	}
	if len(s.matchers) >= maxMatchers {
		clear(s.matchers)
	}
	c := compiled{l.UpdatedAt, newMatcher(l.words())}
	s.matchers[l.ID] = c
	return c.m
}

// TagVideo gives a video the instance's tags for its texts, and returns those
// that it had not before.
func (s *Service) TagVideo(tx *db.Tx, v *catalog.Video) (fresh []string, err error) {
	if s == nil {
		return nil, nil
	}
	tags, err := s.tagsOf(tx, Instance, v.Name, markup.Plain(v.Description))
	if err != nil {
		return nil, err
	}
	var had []string
	if err := tx.Table("video_auto_tags").Where("video_id = ?", v.ID).Pluck("name", &had).Error; err != nil {
		return nil, fmt.Errorf("load tags: %w", err)
	}
	for _, name := range had {
		if slices.Contains(tags, name) {
			continue
		}
		if err := tx.Exec("DELETE FROM video_auto_tags WHERE video_id = ? AND name = ?", v.ID, name).Error; err != nil {
			return nil, fmt.Errorf("take tag off: %w", err)
		}
	}
	for _, name := range tags {
		if slices.Contains(had, name) {
			continue
		}
		fresh = append(fresh, name)
		if err := tx.Exec("INSERT INTO video_auto_tags (video_id, name) VALUES (?, ?)", v.ID, name).Error; err != nil {
			return nil, fmt.Errorf("tag video: %w", err)
		}
	}
	return fresh, nil
}

// Tags are what a comment is tagged with.
type Tags struct {
	Hold bool // the owner of the video wants to see it first

	byAccount map[int64][]string
}

// OfComment are the tags for the text of a comment below a video: of the
// instance, and below one of ours those of its owner.
func (s *Service) OfComment(tx *db.Tx, v *catalog.Video, text string) (t Tags, err error) {
	if s == nil {
		return t, nil
	}
	text = markup.Plain(text)
	t.byAccount = map[int64][]string{}
	if t.byAccount[Instance], err = s.tagsOf(tx, Instance, text); err != nil || !v.Local {
		return t, err
	}
	owners, err := s.tagsOf(tx, v.Owner.AccountID, text)
	if err != nil || len(owners) == 0 {
		return t, err
	}
	t.byAccount[v.Owner.AccountID] = owners
	var n int64
	err = tx.Table("auto_tag_policies").Where("account_id = ? AND name IN ?", v.Owner.AccountID, owners).Count(&n).Error
	if err != nil {
		return t, fmt.Errorf("look up policies: %w", err)
	}
	t.Hold = n > 0
	return t, nil
}

// TagComment writes the tags of a comment in the place of those that it had.
func (s *Service) TagComment(tx *db.Tx, commentID int64, t Tags) error {
	if s == nil {
		return nil
	}
	if err := tx.Exec("DELETE FROM comment_auto_tags WHERE comment_id = ?", commentID).Error; err != nil {
		return fmt.Errorf("take tags off: %w", err)
	}
	for account, names := range t.byAccount {
		for _, name := range names {
			err := tx.Exec("INSERT INTO comment_auto_tags (comment_id, account_id, name) VALUES (?, ?, ?)", commentID, account, name).Error
			if err != nil {
				return fmt.Errorf("tag comment: %w", err)
			}
		}
	}
	return nil
}

// tagged are the names of tags by what carries them.
func tagged(q *gorm.DB, id string) (map[int64][]string, error) {
	var rows []struct {
		ID   int64
		Name string
	}
	if err := q.Select(id + " AS id, name").Order(id + ", name").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("load tags: %w", err)
	}
	out := map[int64][]string{}
	for _, r := range rows {
		out[r.ID] = append(out[r.ID], r.Name)
	}
	return out, nil
}

// OfComments are the tags that an account, or the instance, gave to comments.
func (s *Service) OfComments(ctx context.Context, accountID int64, ids []int64) (map[int64][]string, error) {
	if s == nil || len(ids) == 0 {
		return nil, nil
	}
	return tagged(s.o.DB.Read(ctx).Table("comment_auto_tags").Where("account_id = ? AND comment_id IN ?", accountID, ids), "comment_id")
}

// OfVideos are the tags of videos.
func (s *Service) OfVideos(ctx context.Context, ids []int64) (map[int64][]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return tagged(s.o.DB.Read(ctx).Table("video_auto_tags").Where("video_id IN ?", ids), "video_id")
}

// VideosWith is the condition on the videos v that carry one of some tags.
func VideosWith(tags []string) (condition string, args []any) {
	args = make([]any, len(tags))
	for i, t := range tags {
		args[i] = t
	}
	return "v.id IN (SELECT video_id FROM video_auto_tags WHERE name IN (?" + strings.Repeat(",?", len(tags)-1) + "))", args
}

// Available is an automatic tag that an account, or the instance, may use.
type Available struct {
	Name string `json:"name"`
	Type string `json:"type"` // core, watched-words-list
}

// Available are the tags that there are for an account.
func (s *Service) Available(ctx context.Context, accountID int64) ([]Available, error) {
	var names []string
	if err := of(s.o.DB.Read(ctx).Model(&List{}), accountID).Order("name, id").Limit(maxLists).Pluck("name", &names).Error; err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	out := []Available{{ExternalLink, "core"}}
	for _, name := range names {
		out = append(out, Available{name, "watched-words-list"})
	}
	return out, nil
}

// Policy are the tags that hold comments for an account or, for the instance,
// block videos.
func (s *Service) Policy(ctx context.Context, accountID int64) (names []string, err error) {
	names = []string{}
	err = s.o.DB.Read(ctx).Table("auto_tag_policies").Where("account_id = ?", accountID).Order("name").Pluck("name", &names).Error
	if err != nil {
		return nil, fmt.Errorf("load policies: %w", err)
	}
	return names, nil
}

// SetPolicy sets them; ErrUnknown when one is no tag of the account.
func (s *Service) SetPolicy(ctx context.Context, accountID int64, names []string) error {
	available, err := s.Available(ctx, accountID)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(available, func(a Available) bool { return a.Name == name }) {
			return ErrUnknown
		}
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Exec("DELETE FROM auto_tag_policies WHERE account_id = ?", accountID).Error; err != nil {
			return fmt.Errorf("replace policies: %w", err)
		}
		for _, name := range names {
			err := tx.Exec("INSERT INTO auto_tag_policies (account_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING", accountID, name).Error
			if err != nil {
				return fmt.Errorf("replace policies: %w", err)
			}
		}
		return nil
	})
}
