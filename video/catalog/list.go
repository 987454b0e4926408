package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Sorts are the fields that lists of videos sort by. Trending and best follow
// the views, hot the likes.
func Sorts() []string {
	return []string{
		"publishedAt", "createdAt", "originallyPublishedAt", "name", "duration", "views", "likes", "comments",
		"trending", "hot", "best", "match", "localVideoFilesSize",
	}
}

// sortColumns gives the SQL of each sort. What has an index in the schema reads
// a page without sorting.
var sortColumns = map[string]string{
	"publishedAt": "v.published_at", "createdAt": "v.created_at", "name": "v.name", "duration": "v.duration",
	"originallyPublishedAt": "COALESCE(v.originally_published_at, v.published_at)",
	"views":                 "v.views", "likes": "v.likes", "comments": "v.comments",
	"trending": "v.views", "hot": "v.likes", "best": "v.views", "match": "v.published_at",
	"localVideoFilesSize": "(SELECT COALESCE(SUM(f.size), 0) FROM video_files f WHERE f.video_id = v.id)",
}

// Filter says which videos a list holds.
type Filter struct {
	Page      rest.Page
	SkipCount bool // total is not asked for

	AccountID int64 // 0: any
	ChannelID int64 // 0: any
	All       bool  // any privacy, any state: the owner's own list, moderators
	Privacies []int // with All: of these only
	States    []int // with All: of these only

	Local                    *bool
	Live                     *bool
	Search                   string
	Categories, Licences     []int
	Languages                []string // "_unknown": none
	TagsOneOf, TagsAllOf     []string
	NSFW                     *bool // nil: both
	Host                     string
	DurationMin, DurationMax *int
	Since, Until             *time.Time // of publication
	FirstSince, FirstUntil   *time.Time // of the original publication
	HasHLS, HasWeb           *bool
	UUIDs                    []string
}

// Listed is a video in a list.
type Listed struct {
	Video                      // Description holds its beginning only
	Account, Channel           channel.Summary
	MiniatureName, PreviewName string
}

// query collects the conditions of a list; every value becomes a parameter
// (SEC-51).
type query struct {
	where strings.Builder
	args  []any
}

func (q *query) and(cond string, args ...any) {
	if q.where.Len() > 0 {
		q.where.WriteString(" AND ")
	}
	q.where.WriteString(cond)
	q.args = append(q.args, args...)
}

// in adds "column IN (…)".
func in[T any](q *query, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	q.and(column+" IN (?"+strings.Repeat(",?", len(values)-1)+")", args...)
}

func (f *Filter) query(host string) *query {
	q := &query{}
	if f.All {
		in(q, "v.privacy", f.Privacies)
		in(q, "v.state", f.States)
	} else {
		// In the order of the indexes. Constants, so that planners see them.
		q.and("v.privacy = 1 AND v.state = 1 AND v.listed = TRUE")
	}
	if f.ChannelID != 0 {
		q.and("v.channel_id = ?", f.ChannelID)
	}
	if f.AccountID != 0 {
		q.and("v.channel_id IN (SELECT id FROM channels WHERE account_id = ?)", f.AccountID)
	}
	if f.Local != nil {
		q.and("v.local = ?", *f.Local)
	}
	if f.Live != nil {
		q.and("v.is_live = ?", *f.Live)
	}
	if f.NSFW != nil {
		q.and("v.nsfw = ?", *f.NSFW)
	}
	in(q, "v.category", f.Categories)
	in(q, "v.licence", f.Licences)
	in(q, "v.uuid", f.UUIDs)
	f.languages(q)
	f.text(q)
	if f.Host != "" {
		h := f.Host
		if strings.EqualFold(h, host) {
			h = ""
		}
		q.and(`v.channel_id IN (SELECT c.id FROM channels c JOIN actors a ON a.id = c.actor_id WHERE a.host = ?)`, strings.ToLower(h))
	}
	if f.DurationMin != nil {
		q.and("v.duration >= ?", *f.DurationMin)
	}
	if f.DurationMax != nil {
		q.and("v.duration <= ?", *f.DurationMax)
	}
	f.times(q)
	f.files(q, f.HasWeb, "IS NULL")
	f.files(q, f.HasHLS, "IS NOT NULL")
	return q
}

func (f *Filter) times(q *query) {
	for _, t := range []struct {
		cond string
		at   *time.Time
	}{
		{"v.published_at >= ?", f.Since},
		{"v.published_at <= ?", f.Until},
		{"v.originally_published_at >= ?", f.FirstSince},
		{"v.originally_published_at <= ?", f.FirstUntil},
	} {
		if t.at != nil {
			q.and(t.cond, t.at.UTC())
		}
	}
}

func (f *Filter) files(q *query, has *bool, playlist string) {
	if has == nil {
		return
	}
	not := ""
	if !*has {
		not = "NOT "
	}
	q.and(not + "EXISTS (SELECT 1 FROM video_files f WHERE f.video_id = v.id AND f.playlist_id " + playlist + ")")
}

func (f *Filter) languages(q *query) {
	if len(f.Languages) == 0 {
		return
	}
	var known []string
	none := false
	for _, l := range f.Languages {
		if l == "_unknown" {
			none = true
		} else {
			known = append(known, l)
		}
	}
	var sub query
	in(&sub, "v.language", known)
	if none && sub.where.Len() > 0 {
		sub.where.WriteString(" OR ")
	}
	if none {
		sub.where.WriteString("v.language IS NULL")
	}
	q.and("("+sub.where.String()+")", sub.args...)
}

// maxWords bounds the conditions that a search text makes.
const maxWords = 10

// text adds the conditions of search and tags: every word of the search must
// be in the name or the tags.
func (f *Filter) text(q *query) {
	for i, w := range strings.Fields(Fold(f.Search)) {
		if i == maxWords {
			break
		}
		q.and(`v.folded LIKE ? ESCAPE '\'`, "%"+db.Like(w)+"%")
	}
	if len(f.TagsOneOf) > 0 {
		var sub query
		in(&sub, "t.folded", folded(f.TagsOneOf))
		q.and("EXISTS (SELECT 1 FROM video_tags t WHERE t.video_id = v.id AND "+sub.where.String()+")", sub.args...)
	}
	for _, t := range folded(f.TagsAllOf) {
		q.and("EXISTS (SELECT 1 FROM video_tags t WHERE t.video_id = v.id AND t.folded = ?)", t)
	}
}

func folded(tags []string) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = foldTag(t)
	}
	return out
}

// order is the ORDER BY of a page and the arguments in it.
func (f *Filter) order() (string, []any) {
	p := f.Page
	if p.Sort == "match" && f.Search != "" {
		// Names that begin with what was asked come first.
		dir := " DESC"
		if !p.Desc {
			dir = " ASC"
		}
		return `CASE WHEN v.folded LIKE ? ESCAPE '\' THEN 1 ELSE 0 END` + dir + ", v.published_at" + dir + ", v.id" + dir,
			[]any{db.Like(Fold(strings.TrimSpace(f.Search))) + "%"}
	}
	column, ok := sortColumns[p.Sort]
	if !ok {
		column, p.Desc = "v.published_at", true
	}
	return p.Order(column, "v.id"), nil
}

// listColumns are what a list shows of a video, and of whom it is.
const listColumns = `v.id, v.uuid, v.iri, v.local, v.name, SUBSTR(v.description, 1, 251), v.category, v.licence, v.language,
 v.privacy, v.state, v.nsfw, v.nsfw_summary, v.nsfw_flags, v.duration, v.aspect_ratio, v.views, v.likes, v.dislikes, v.comments,
 v.is_live, v.wait_transcoding, v.created_at, v.updated_at, v.published_at, v.originally_published_at,
 ch.id, ca.username, ca.name, ca.iri, ca.host, ac.id, aa.username, aa.name, aa.iri, aa.host,
 COALESCE((SELECT t.filename FROM thumbnails t WHERE t.video_id = v.id AND t.type = 1), ''),
 COALESCE((SELECT t.filename FROM thumbnails t WHERE t.video_id = v.id AND t.type = 2), '')`

// pageSQL is the query of one page: an index gives the ids in order, then the
// rows of those few are joined.
func (f *Filter) pageSQL(q *query) (string, []any) {
	order, orderArgs := f.order()
	args := append(append(append([]any{}, q.args...), orderArgs...), f.Page.Count, f.Page.Start)
	args = append(args, orderArgs...)
	where := ""
	if q.where.Len() > 0 {
		where = " WHERE " + q.where.String()
	}
	return "SELECT " + listColumns + ` FROM (SELECT v.id FROM videos v` + where + " ORDER BY " + order + ` LIMIT ? OFFSET ?) p
 JOIN videos v ON v.id = p.id` + ownerJoin + `
 JOIN actors ca ON ca.id = ch.actor_id JOIN actors aa ON aa.id = ac.actor_id ORDER BY ` + order, args
}

// bind turns ? into what the engine reads.
func bind(d db.Dialect, s string) string {
	if d != db.Postgres {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	n := 0
	for {
		i := strings.IndexByte(s, '?')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		n++
		b.WriteString(s[:i])
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		s = s[i+1:]
	}
}

// List returns one page of the videos that f describes and how many there are
// in all (0 with SkipCount).
func (s *Service) List(ctx context.Context, f Filter) (rows []Listed, total int64, err error) {
	pool, err := s.db.Read(ctx).DB()
	if err != nil {
		return nil, 0, fmt.Errorf("list videos: %w", err)
	}
	dialect := s.db.Dialect()
	q := f.query(s.urls.Host)
	if !f.SkipCount {
		where := ""
		if q.where.Len() > 0 {
			where = " WHERE " + q.where.String()
		}
		if err := pool.QueryRowContext(ctx, bind(dialect, "SELECT COUNT(*) FROM videos v"+where), q.args...).Scan(&total); err != nil {
			return nil, 0, fmt.Errorf("count videos: %w", err)
		}
	}
	if f.Page.Count == 0 || (!f.SkipCount && total <= int64(f.Page.Start)) {
		return nil, total, nil
	}
	text, args := f.pageSQL(q)
	res, err := pool.QueryContext(ctx, bind(dialect, text), args...)
	if err != nil {
		return nil, 0, fmt.Errorf("list videos: %w", err)
	}
	defer res.Close()
	rows = make([]Listed, 0, f.Page.Count)
	for res.Next() {
		var l Listed
		if err := l.scan(res); err != nil {
			return nil, 0, fmt.Errorf("list videos: %w", err)
		}
		s.complete(&l.Account)
		s.complete(&l.Channel)
		rows = append(rows, l)
	}
	if err := res.Err(); err != nil {
		return nil, 0, fmt.Errorf("list videos: %w", err)
	}
	return rows, total, nil
}

func (l *Listed) scan(r *sql.Rows) error {
	c, a := &l.Channel, &l.Account
	return r.Scan(&l.ID, &l.UUID, &l.IRI, &l.Local, &l.Name, &l.Description, &l.Category, &l.Licence, &l.Language,
		&l.Privacy, &l.State, &l.NSFW, &l.NSFWSummary, &l.NSFWFlags, &l.Duration, &l.AspectRatio, &l.Views, &l.Likes,
		&l.Dislikes, &l.Comments, &l.IsLive, &l.WaitTranscoding, &l.CreatedAt, &l.UpdatedAt, &l.PublishedAt,
		&l.OriginallyPublishedAt, &c.ID, &c.Name, &c.DisplayName, &c.URL, &c.Host, &a.ID, &a.Name, &a.DisplayName, &a.URL,
		&a.Host, &l.MiniatureName, &l.PreviewName)
}

// noImages is what an actor without pictures answers with.
var noImages = []channel.Image{}

// complete fills what the rows of local and nameless actors leave out.
func (s *Service) complete(p *channel.Summary) {
	if p.Host == "" {
		p.Host = s.urls.Host
	}
	if p.DisplayName == "" {
		p.DisplayName = p.Name
	}
	p.Avatars = noImages
}
