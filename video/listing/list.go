package listing

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/picture"
)

// Sorts are the fields that lists of videos sort by. What trending, hot, best
// and match mean is told in rank.go.
func Sorts() []string {
	return []string{
		"publishedAt", "createdAt", "originallyPublishedAt", "name", "duration", "views", "likes", "comments",
		"trending", "hot", "best", "match", bySize,
	}
}

// SearchSorts are those of a search.
func SearchSorts() []string {
	return []string{"match", "publishedAt", "createdAt", "originallyPublishedAt", "name", "duration", "views", "likes", "hot"}
}

// sortColumns gives the SQL of each sort. What has an index in the schema reads
// a page without sorting.
var sortColumns = map[string]string{
	"publishedAt": "v.published_at", "createdAt": "v.created_at", "name": "v.name", "duration": "v.duration",
	"originallyPublishedAt": "COALESCE(v.originally_published_at, v.published_at)",
	"views":                 "v.views", "likes": "v.likes", "comments": "v.comments",
	"trending": "v.views", "hot": "v.published_at", "best": "v.published_at", "match": "v.published_at",
	bySize: "COALESCE(v.files_size, 0)",
}

// bySize sorts by what the files of a video here take: 0 for those of other servers.
const bySize = "localVideoFilesSize"

// column is what a list is sorted by.
func (f *Filter) column() string {
	column, ok := sortColumns[f.Page.Sort]
	if !ok {
		f.Page.Desc = true
		return "v.published_at"
	}
	return column
}

// order is the ORDER BY of a list.
func (f *Filter) order() string { return f.Page.Order(f.column(), "v.id") }

// listColumns are what a list shows of a video's own row.
const listColumns = `v.id, v.uuid, v.iri, v.channel_id, v.local, v.name, SUBSTR(v.description, 1, 251), v.category, v.licence,
 v.language, v.privacy, v.state, v.nsfw, v.nsfw_summary, v.nsfw_flags, v.duration, v.aspect_ratio, v.views, v.likes, v.dislikes,
 v.comments, v.is_live, v.wait_transcoding, v.created_at, v.updated_at, v.published_at, v.originally_published_at,
 v.blocked, ` + catalog.BlockReason

// pageSQL is the query of the count videos from start on. It reads one table:
// SQLite plans a query anew each time, and planning the joins would take longer
// than running them. PostgreSQL finds the ids in an index and then the rows.
func (f *Filter) pageSQL(d db.Dialect, q *query, start, count int) (string, []any) {
	if d == db.SQLite && f.halves(q) == nil {
		limit := " LIMIT " + strconv.Itoa(count)
		if start > 0 {
			limit += " OFFSET " + strconv.Itoa(start)
		}
		return "SELECT " + listColumns + " FROM videos v" + q.sql() + " ORDER BY " + f.order() + limit, q.args
	}
	ids, args := f.idsSQL(d, q, start, count)
	return "SELECT " + listColumns + " FROM videos v WHERE v.id IN (" + ids + ") ORDER BY " + f.order(), args
}

// List returns one page of the videos that f describes and how many there are
// in all (0 with SkipCount). Where many videos are, the number, far pages and what
// a user has subscribed to may be some seconds old.
func (s *Service) List(ctx context.Context, f Filter) (rows []catalog.Listed, total int64, err error) {
	rows, total, err = s.find(ctx, &f)
	if err != nil {
		return nil, 0, fmt.Errorf("list videos: %w", err)
	}
	return rows, total, nil
}

// find lists what f describes; when its words find nothing, what they may have
// been meant to be.
func (s *Service) find(ctx context.Context, f *Filter) (rows []catalog.Listed, total int64, err error) {
	if f.Search != "" {
		if f.words = fulltext.Parse(f.Search); len(f.words) == 0 {
			return nil, 0, nil // punctuation
		}
	}
	rows, total, err = s.read(ctx, f)
	if err != nil || len(rows) > 0 || total > 0 || len(f.words) == 0 || f.Page.Count == 0 || (f.SkipCount && f.Page.Start > 0) {
		return rows, total, err
	}
	if f.words, err = f.words.Near(s.db.Read(ctx)); err != nil || f.words == nil {
		return nil, 0, err
	}
	return s.read(ctx, f)
}

func (s *Service) read(ctx context.Context, f *Filter) (rows []catalog.Listed, total int64, err error) {
	pool, err := s.db.Read(ctx).DB()
	if err != nil {
		return nil, 0, err
	}
	q := s.conditions(ctx, f)
	if f.FollowedBy != 0 {
		if q.version, err = s.followsOf(ctx, pool, f.FollowedBy); err != nil {
			return nil, 0, err
		}
	}
	if !f.SkipCount {
		if total, err = s.total(ctx, pool, f, q); err != nil {
			return nil, 0, err
		}
	}
	if f.Page.Count == 0 || (!f.SkipCount && total <= int64(f.Page.Start)) {
		return nil, total, nil
	}
	if rows, err = s.page(ctx, pool, f, q); err != nil {
		return nil, 0, err
	}
	if err := s.addThumbnails(ctx, pool, rows); err != nil {
		return nil, 0, err
	}
	return rows, total, s.addOwners(ctx, pool, rows)
}

// conditions are those of f and of what its viewer is not shown.
func (s *Service) conditions(ctx context.Context, f *Filter) *query {
	q := f.query(s.db.Dialect(), s.host)
	if len(f.AutoTags) > 0 && s.AutoTagged != nil {
		cond, args := s.AutoTagged(f.AutoTags)
		q.and(cond, args...)
	}
	if !f.All && s.channels.Rules().Any(ctx) {
		q.hide(f)
	}
	s.moderate(ctx, f, q)
	return q
}

// page reads the rows of a page in their order.
func (s *Service) page(ctx context.Context, pool gorm.ConnPool, f *Filter, q *query) ([]catalog.Listed, error) {
	start, count := f.Page.Start, f.Page.Count
	var head []int64
	rank := ranked(f)
	switch {
	case s.whole(f) && !inHead(f):
		ids, err := s.wholeIDs(ctx, f, q)
		if err != nil {
			return nil, err
		}
		return s.shown(ctx, pool, f, part(ids, start, count))
	case rank != nil:
		var err error
		if head, err = s.ids(ctx, f.Page.Sort, rank, f, q); err != nil {
			return nil, err
		}
		q = q.without(head)
	}
	rows, err := s.shown(ctx, pool, f, part(head, start, count))
	if err != nil || len(part(head, start, count)) == count || rank != nil && f.Page.Sort != "trending" && len(head) < maxRanked {
		return rows, err // all there are were ranked
	}
	text, args := f.pageSQL(s.db.Dialect(), q, max(0, start-len(head)), count-len(part(head, start, count)))
	err = s.each(ctx, pool, text, args, func(r *sql.Rows) error {
		rows = append(rows, catalog.Listed{})
		return scan(&rows[len(rows)-1], r)
	})
	return rows, err
}

// part are the elements of a page.
func part(ids []int64, start, count int) []int64 {
	if start >= len(ids) {
		return nil
	}
	return ids[start:min(len(ids), start+count)]
}

// shown reads videos whose ids were found a while ago: what has been hidden since
// then is left out.
func (s *Service) shown(ctx context.Context, pool gorm.ConnPool, f *Filter, ids []int64) ([]catalog.Listed, error) {
	rows, err := s.rows(ctx, pool, ids)
	return slices.DeleteFunc(rows, func(l catalog.Listed) bool { return !f.shows(&l) }), err
}

// shows tells whether the list may hold a video as it is now.
func (f *Filter) shows(l *catalog.Listed) bool {
	one := func(values []int, value int) bool { return len(values) == 0 || slices.Contains(values, value) }
	switch {
	case !f.All:
		return (l.Privacy == catalog.Public || l.Privacy == catalog.Internal && f.internal()) && l.State == catalog.Published && !l.Blocked
	case f.Moderated && f.Include&IncludeBlocked == 0 && l.Blocked:
		return false
	}
	return one(f.Privacies, int(l.Privacy)) && one(f.States, int(l.State))
}

// rows reads videos by their ids and keeps that order. One that went meanwhile
// is left out.
func (s *Service) rows(ctx context.Context, pool gorm.ConnPool, ids []int64) ([]catalog.Listed, error) {
	rows := make([]catalog.Listed, 0, max(len(ids), 15))
	if len(ids) == 0 {
		return rows, nil
	}
	cond, args := s.idsIn("v.id", len(ids), func(i int) int64 { return ids[i] })
	err := s.each(ctx, pool, "SELECT "+listColumns+" FROM videos v WHERE "+cond, args, func(r *sql.Rows) error {
		rows = append(rows, catalog.Listed{})
		return scan(&rows[len(rows)-1], r)
	})
	at := make(map[int64]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	slices.SortFunc(rows, func(a, b catalog.Listed) int { return at[a.ID] - at[b.ID] })
	return rows, err
}

// each runs a query and gives its rows to fn.
func (s *Service) each(ctx context.Context, pool gorm.ConnPool, text string, args []any, fn func(*sql.Rows) error) error {
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
		&l.OriginallyPublishedAt, &l.Blocked, &l.BlockReason)
}

// idsIn is the condition that a column is one of n ids. They are numbers, so
// there is nothing to escape.
func (s *Service) idsIn(column string, n int, id func(int) int64) (string, []any) {
	list := idList(n, id)
	if s.db.Dialect() == db.SQLite {
		return column + " IN (" + list + ")", nil
	}
	return column + " = ANY(?::bigint[])", []any{"{" + list + "}"}
}

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

// without leaves videos out.
func (q *query) without(ids []int64) *query {
	if len(ids) == 0 {
		return q
	}
	out := &query{args: slices.Clip(q.args), half: q.half, private: q.private, version: q.version}
	out.where.WriteString(q.where.String())
	out.and("v.id NOT IN (" + idList(len(ids), func(i int) int64 { return ids[i] }) + ")")
	return out
}

func (s *Service) addThumbnails(ctx context.Context, pool gorm.ConnPool, rows []catalog.Listed) error {
	if len(rows) == 0 {
		return nil
	}
	byID := make(map[int64]*catalog.Listed, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	cond, args := s.idsIn("video_id", len(rows), func(i int) int64 { return rows[i].ID })
	return s.each(ctx, pool, "SELECT "+picture.Columns+" FROM thumbnails WHERE "+cond, args, func(r *sql.Rows) error {
		var row picture.Row
		err := r.Scan(row.Names()...)
		if v := byID[row.VideoID]; err == nil {
			v.MiniatureName, v.PreviewName = row.Name(picture.Miniature), row.Name(picture.Preview)
		}
		return err
	})
}

// key names a query, with its values.
func (q *query) key(what string) string {
	var b strings.Builder
	b.WriteString(what)
	b.WriteString(q.version)
	b.WriteString(q.sql())
	args := q.args
	if q.private != nil {
		b.WriteString("\x00" + q.private.sql())
		args = slices.Concat(args, q.private.args)
	}
	for _, a := range args {
		fmt.Fprintf(&b, "\x00%v", a)
	}
	return b.String()
}
