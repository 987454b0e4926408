package comment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxThread bounds the comments of one thread that are shown at once.
const maxThread = 5_000

// JSON is a comment in the API (OpenAPI VideoComment).
type JSON struct {
	ID            int64                `json:"id"`
	URL           string               `json:"url"`
	Text          string               `json:"text"`
	ThreadID      int64                `json:"threadId"`
	InReplyTo     *int64               `json:"inReplyToCommentId"`
	VideoID       int64                `json:"videoId"`
	CreatedAt     channel.Time         `json:"createdAt"`
	UpdatedAt     channel.Time         `json:"updatedAt"`
	DeletedAt     *channel.Time        `json:"deletedAt"`
	HeldForReview bool                 `json:"heldForReview"`
	IsDeleted     bool                 `json:"isDeleted"`
	AuthorReplies int64                `json:"totalRepliesFromVideoAuthor"`
	Replies       int64                `json:"totalReplies"`
	Account       *channel.AccountJSON `json:"account"` // null when it is gone
}

// Tree is a comment with what hangs below it.
type Tree struct {
	Comment  JSON    `json:"comment"`
	Children []*Tree `json:"children"`
}

// seen limits a query to what p may see below v: the owner and moderators also
// what is held, everybody else of that what is their own.
func seen(q *gorm.DB, p *rest.Principal, v *catalog.Video) *gorm.DB {
	switch {
	case p.IsModerator(), catalog.IsOwner(p, v):
		return q
	case p != nil:
		return q.Where("(held = ? OR actor_id = ?)", false, p.ActorID)
	}
	return q.Where("held = ?", false)
}

// Threads lists the roots below a video. Deleted ones stand there while
// somebody answered. comments is the number of all comments that are there to
// be read.
func (s *Service) Threads(ctx context.Context, p *rest.Principal, v *catalog.Video, page rest.Page) (rows []Comment, total, comments int64, err error) {
	roots := func() *gorm.DB {
		q := s.db.Read(ctx).Model(&Comment{}).Where("video_id = ? AND parent_id IS NULL AND (deleted_at IS NULL OR replies > 0)", v.ID)
		return s.shown(ctx, seen(q, p, v), p)
	}
	if err := roots().Count(&total).Error; err != nil {
		return nil, 0, 0, fmt.Errorf("count threads: %w", err)
	}
	column := map[string]string{"createdAt": "created_at", "totalReplies": "replies"}[page.Sort]
	// Only the index is walked up to a deep page, the rows are read at its end.
	ids := roots().Select("id").Order(page.Order(column, "id")).Offset(page.Start).Limit(page.Count)
	if err := s.db.Read(ctx).Where("id IN (?)", ids).Order(page.Order(column, "id")).Find(&rows).Error; err != nil {
		return nil, 0, 0, fmt.Errorf("list threads: %w", err)
	}
	comments = v.Comments
	if p != nil {
		err = seen(s.db.Read(ctx).Model(&Comment{}).Where("video_id = ? AND deleted_at IS NULL", v.ID), p, v).Count(&comments).Error
		if err != nil {
			return nil, 0, 0, fmt.Errorf("count comments: %w", err)
		}
	}
	gone, err := s.leftOut(ctx, p, v)
	if err != nil {
		return nil, 0, 0, err
	}
	for i := range gone {
		comments = max(0, comments-gone[i].All) // another server's count may be behind
	}
	subtract(rows, gone)
	return rows, total, comments, nil
}

// Thread is the tree of a root, as p may see it.
func (s *Service) Thread(ctx context.Context, p *rest.Principal, v *catalog.Video, root *Comment) (*Tree, error) {
	var rows []Comment
	q := s.shown(ctx, s.db.Read(ctx).Where("thread_id = ? AND id <> ?", root.ID, root.ID), p)
	if err := seen(q, p, v).Order("created_at, id").Limit(maxThread).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list thread: %w", err)
	}
	rows = append([]Comment{*root}, rows...)
	gone, err := s.leftOut(ctx, p, v)
	if err != nil {
		return nil, err
	}
	subtract(rows[:1], gone)
	all, err := s.API(ctx, rows)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*Tree, len(all))
	for _, c := range all {
		byID[c.ID] = &Tree{Comment: c, Children: []*Tree{}}
	}
	for _, c := range all[1:] {
		if above := byID[*c.InReplyTo]; above != nil { // else what it answers is held, or left out
			above.Children = append(above.Children, byID[c.ID])
		}
	}
	tree := byID[root.ID]
	prune(tree)
	return tree, nil
}

// prune takes the deleted out below which nothing hangs.
func prune(t *Tree) {
	t.Children = slices.DeleteFunc(t.Children, func(c *Tree) bool {
		prune(c)
		return c.Comment.IsDeleted && len(c.Children) == 0
	})
}

// API is comments as the API answers with them.
func (s *Service) API(ctx context.Context, rows []Comment) ([]JSON, error) {
	accounts, err := s.accountsOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	out := make([]JSON, len(rows))
	for i := range rows {
		c := &rows[i]
		out[i] = JSON{
			ID: c.ID, URL: c.IRI, Text: c.Text, ThreadID: c.ThreadID, InReplyTo: c.ParentID, VideoID: c.VideoID,
			CreatedAt: channel.Time(c.CreatedAt), UpdatedAt: channel.Time(c.UpdatedAt), DeletedAt: channel.TimePtr(c.DeletedAt),
			HeldForReview: c.Held, IsDeleted: c.DeletedAt != nil, AuthorReplies: c.AuthorReplies, Replies: c.Replies,
		}
		if c.ActorID != nil && c.DeletedAt == nil {
			out[i].Account = accounts[*c.ActorID]
		}
	}
	return out, nil
}

// accountsOf loads the authors of comments, by their actors.
func (s *Service) accountsOf(ctx context.Context, rows []Comment) (map[int64]*channel.AccountJSON, error) {
	var ids []int64
	for i := range rows {
		if id := rows[i].ActorID; id != nil && rows[i].DeletedAt == nil && !slices.Contains(ids, *id) {
			ids = append(ids, *id)
		}
	}
	accounts, err := s.channels.AccountsByActors(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]*channel.AccountJSON, len(accounts))
	for id, a := range accounts {
		shown := s.channels.APIAccount(a)
		out[id] = &shown
	}
	return out, nil
}

// Filter says which comments a list for review holds.
type Filter struct {
	Page          rest.Page
	OwnerID       int64 // account whose videos they hang below; 0: any
	VideoID       int64
	ChannelID     int64
	Held          *bool
	Local         *bool // by our users
	OnLocalVideo  *bool
	Search        string // in the text, the author and the video
	SearchAccount string
	SearchVideo   string
	AutoTags      []string // one of these was given
	TagsOf        int64    // by whom: the account, or watchedword.Instance
}

// where adds the conditions of the filter; every value is a parameter (SEC-51).
func (f *Filter) where(q *gorm.DB, rules bool) *gorm.DB {
	q = q.Where("deleted_at IS NULL")
	if rules { // SEC-19
		silent, args := hostrule.Silent()
		q = q.Where("(actor_id IS NULL OR actor_id NOT IN ("+silent+"))", args...)
	}
	if f.OwnerID != 0 {
		q = q.Where("video_id IN (SELECT v.id FROM videos v JOIN channels ch ON ch.id = v.channel_id WHERE ch.account_id = ?)", f.OwnerID)
	}
	if f.VideoID != 0 {
		q = q.Where("video_id = ?", f.VideoID)
	}
	if f.ChannelID != 0 {
		q = q.Where("video_id IN (SELECT id FROM videos WHERE channel_id = ?)", f.ChannelID)
	}
	if f.Held != nil {
		q = q.Where("held = ?", *f.Held)
	}
	if f.Local != nil {
		q = q.Where("local = ?", *f.Local)
	}
	if f.OnLocalVideo != nil {
		q = q.Where("video_id IN (SELECT id FROM videos WHERE local = ?)", *f.OnLocalVideo)
	}
	if len(f.AutoTags) > 0 {
		q = q.Where("id IN (SELECT comment_id FROM comment_auto_tags WHERE account_id = ? AND name IN ?)", f.TagsOf, f.AutoTags)
	}
	const (
		text    = `lower(text) LIKE lower(?) ESCAPE '\'`
		account = `actor_id IN (SELECT id FROM actors WHERE lower(username) LIKE lower(?) ESCAPE '\' OR lower(name) LIKE lower(?) ESCAPE '\')`
		video   = `video_id IN (SELECT id FROM videos WHERE lower(name) LIKE lower(?) ESCAPE '\')`
	)
	if f.Search != "" {
		like := "%" + db.Like(f.Search) + "%"
		q = q.Where("("+text+" OR "+account+" OR "+video+")", like, like, like, like)
	}
	if f.SearchAccount != "" {
		like := "%" + db.Like(f.SearchAccount) + "%"
		q = q.Where(account, like, like)
	}
	if f.SearchVideo != "" {
		q = q.Where(video, "%"+db.Like(f.SearchVideo)+"%")
	}
	return q
}

// farStart is from where on a page is far.
const farStart = 1_000

// whole tells whether f describes comments of the whole instance.
func (f *Filter) whole() bool { return f.OwnerID == 0 && f.VideoID == 0 && f.ChannelID == 0 }

// key names what f describes, but for the page.
func (f Filter) key(rules bool) string {
	f.Page = rest.Page{}
	key, _ := json.Marshal(f) //nolint:errchkjson // numbers and texts
	return fmt.Sprint(rules, string(key))
}

// total counts the comments of f. That of a list of the whole instance is kept,
// and may be some seconds old where many comments are.
func (s *Service) total(ctx context.Context, f Filter, rules bool) (int64, error) {
	count := func(ctx context.Context) (n int64, err error) {
		if err = f.where(s.db.Read(ctx).Model(&Comment{}), rules).Count(&n).Error; err != nil {
			err = fmt.Errorf("count comments: %w", err)
		}
		return n, err
	}
	if !f.whole() {
		return count(ctx)
	}
	return s.kept.Total(ctx, f.key(rules), count)
}

// ids are those of the page of f: a query, or for a far page of many the numbers
// themselves, which are kept like the total.
func (s *Service) ids(ctx context.Context, f Filter, rules bool) (any, error) {
	order := f.Page.Order("created_at", "id")
	q := func(g *gorm.DB) *gorm.DB { return f.where(g.Model(&Comment{}), rules).Order(order) }
	if f.Page.Start < farStart || !f.whole() || !s.kept.Many() {
		return q(s.db.Read(ctx)).Select("id").Offset(f.Page.Start).Limit(f.Page.Count), nil
	}
	all, err := s.kept.Get(ctx, order+f.key(rules), func(ctx context.Context) (v kept.Value, err error) {
		err = s.db.AlongIndexes(ctx, func(g *gorm.DB) error { return q(g).Limit(1_000_100).Pluck("id", &v.IDs).Error })
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("order comments: %w", err)
	}
	first := min(f.Page.Start, len(all.IDs))
	return all.IDs[first:min(first+f.Page.Count, len(all.IDs))], nil
}

// List lists comments for review and moderation.
func (s *Service) List(ctx context.Context, f Filter) (rows []Comment, total int64, err error) {
	rules := s.channels.Rules().Any(ctx)
	if total, err = s.total(ctx, f, rules); err != nil {
		return nil, 0, err
	}
	ids, err := s.ids(ctx, f, rules)
	if err != nil {
		return nil, 0, err
	}
	err = s.db.Read(ctx).Where("id IN (?) AND deleted_at IS NULL", ids).Order(f.Page.Order("created_at", "id")).Find(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list comments: %w", err)
	}
	return rows, total, nil
}
