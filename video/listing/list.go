package listing

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
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

// query collects the conditions of a list; every value becomes a parameter
// (SEC-51).
type query struct {
	where strings.Builder
	args  []any
}

// sql is the WHERE clause, empty without conditions.
func (q *query) sql() string {
	if q.where.Len() == 0 {
		return ""
	}
	return " WHERE " + q.where.String()
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

// hide leaves out what strangers are not shown of other servers (SEC-19).
func (q *query) hide() {
	hidden, args := hostrule.Hidden(0)
	q.and("v.channel_id NOT IN (SELECT hc.id FROM channels hc WHERE hc.actor_id IN ("+hidden+"))", args...)
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
	for i, w := range strings.Fields(catalog.Fold(f.Search)) {
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
		out[i] = catalog.FoldTag(t)
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
			[]any{db.Like(catalog.Fold(strings.TrimSpace(f.Search))) + "%"}
	}
	column, ok := sortColumns[p.Sort]
	if !ok {
		column, p.Desc = "v.published_at", true
	}
	return p.Order(column, "v.id"), nil
}

// listColumns are what a list shows of a video's own row.
const listColumns = `v.id, v.uuid, v.iri, v.channel_id, v.local, v.name, SUBSTR(v.description, 1, 251), v.category, v.licence,
 v.language, v.privacy, v.state, v.nsfw, v.nsfw_summary, v.nsfw_flags, v.duration, v.aspect_ratio, v.views, v.likes, v.dislikes,
 v.comments, v.is_live, v.wait_transcoding, v.created_at, v.updated_at, v.published_at, v.originally_published_at`

// pageSQL is the query of one page. It reads one table: SQLite plans a query
// anew each time, and planning the joins would take longer than running them.
func (f *Filter) pageSQL(d db.Dialect, q *query) (string, []any) {
	order, orderArgs := f.order()
	args := append(append([]any{}, q.args...), orderArgs...)
	// SQLite plans twice when a limit is a parameter; PostgreSQL keeps plans by
	// text.
	limit := " LIMIT ? OFFSET ?"
	if d == db.SQLite {
		limit = " LIMIT " + strconv.Itoa(f.Page.Count) + " OFFSET " + strconv.Itoa(f.Page.Start)
	} else {
		args = append(args, f.Page.Count, f.Page.Start)
	}
	return "SELECT " + listColumns + " FROM videos v" + q.sql() + " ORDER BY " + order + limit, args
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
func (s *Service) List(ctx context.Context, f Filter) (rows []catalog.Listed, total int64, err error) {
	pool, err := s.db.Read(ctx).DB()
	if err != nil {
		return nil, 0, fmt.Errorf("list videos: %w", err)
	}
	dialect := s.db.Dialect()
	q := f.query(s.host)
	if !f.All && s.channels.Rules().Any(ctx) {
		q.hide()
	}
	if !f.SkipCount {
		if err := pool.QueryRowContext(ctx, bind(dialect, "SELECT COUNT(*) FROM videos v"+q.sql()), q.args...).Scan(&total); err != nil {
			return nil, 0, fmt.Errorf("count videos: %w", err)
		}
	}
	if f.Page.Count == 0 || (!f.SkipCount && total <= int64(f.Page.Start)) {
		return nil, total, nil
	}
	text, args := f.pageSQL(dialect, q)
	rows = make([]catalog.Listed, 0, f.Page.Count)
	err = s.each(ctx, pool, text, args, func(r *sql.Rows) error {
		rows = append(rows, catalog.Listed{})
		return scan(&rows[len(rows)-1], r)
	})
	if err == nil {
		err = s.addThumbnails(ctx, pool, rows)
	}
	if err == nil {
		err = s.addOwners(ctx, pool, rows)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("list videos: %w", err)
	}
	return rows, total, nil
}

// each runs a query and gives its rows to fn.
func (s *Service) each(ctx context.Context, pool *sql.DB, text string, args []any, fn func(*sql.Rows) error) error {
	rows, err := pool.QueryContext(ctx, bind(s.db.Dialect(), text), args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells what went wrong
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scan(l *catalog.Listed, r *sql.Rows) error {
	return r.Scan(&l.ID, &l.UUID, &l.IRI, &l.ChannelID, &l.Local, &l.Name, &l.Description, &l.Category, &l.Licence, &l.Language,
		&l.Privacy, &l.State, &l.NSFW, &l.NSFWSummary, &l.NSFWFlags, &l.Duration, &l.AspectRatio, &l.Views, &l.Likes,
		&l.Dislikes, &l.Comments, &l.IsLive, &l.WaitTranscoding, &l.CreatedAt, &l.UpdatedAt, &l.PublishedAt,
		&l.OriginallyPublishedAt)
}

// idList is a list of row ids as SQL: numbers, so nothing to escape.
func idList(n int, id func(int) int64) string {
	b := make([]byte, 0, 8*n)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, id(i), 10)
	}
	return string(b)
}

func (s *Service) addThumbnails(ctx context.Context, pool *sql.DB, rows []catalog.Listed) error {
	if len(rows) == 0 {
		return nil
	}
	byID := make(map[int64]*catalog.Listed, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	text := "SELECT video_id, type, filename FROM thumbnails WHERE video_id "
	var args []any
	if s.db.Dialect() == db.SQLite {
		text += "IN (" + idList(len(rows), func(i int) int64 { return rows[i].ID }) + ")"
	} else {
		text += "= ANY(?::bigint[])"
		args = []any{"{" + idList(len(rows), func(i int) int64 { return rows[i].ID }) + "}"}
	}
	return s.each(ctx, pool, text, args, func(r *sql.Rows) error {
		var id int64
		var kind int
		var name string
		if err := r.Scan(&id, &kind, &name); err != nil {
			return err
		}
		if kind == catalog.Preview {
			byID[id].PreviewName = name
		} else {
			byID[id].MiniatureName = name
		}
		return nil
	})
}
