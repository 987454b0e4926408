package listing

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
)

// Some orders are no column. Of those the first videos are ranked here; the
// others follow by their column in sortColumns. The other way round, ascending,
// only the column counts.
//
//	trending  views within the last days (trending.videos.interval_days)
//	hot       what people made of it, divided by ten every thirteen hours
//	best      hot, without what the viewer has seen
//	match     how well the name answers the search, then views
//
// What is hot is among the newest: an older video would need 10^9 times the
// reactions for each further five days.
const (
	maxRanked   = 500
	hotDecay    = 47_000.0 // seconds until a ten times weaker video is as hot
	bestSeen    = 1000.0   // what a video loses that the viewer has seen
	likeWeight  = 3.0
	talkWeight  = 2.0
	viewsWeight = 1.0 / 12
)

// ranked is how the first videos of a list are found; nil where an index does.
func ranked(f *Filter) order {
	if !f.Page.Desc {
		return nil
	}
	switch f.Page.Sort {
	case "trending":
		return trending
	case "hot":
		return hot
	case "best":
		return best
	case "match":
		if len(f.words) > 0 {
			return matching
		}
	}
	return nil
}

// inHead tells whether a page is among the videos that are ranked.
func inHead(f *Filter) bool { return ranked(f) != nil && f.Page.Start+f.Page.Count <= maxRanked }

// candidate is a video that is ranked.
type candidate struct {
	id    int64
	score float64
}

func byScore(list []candidate) []int64 {
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.id, a.id))
	})
	ids := make([]int64, len(list))
	for i, c := range list {
		ids[i] = c.id
	}
	return ids
}

func trending(ctx context.Context, s *Service, pool gorm.ConnPool, _ *Filter, q *query) ([]int64, error) {
	since := db.Now().AddDate(0, 0, -s.trendingDays())
	both := &query{}
	both.all(q)
	both.all(q.private)
	var ids []int64
	text := `SELECT v.id FROM (SELECT video_id, SUM(views) AS n FROM video_views WHERE hour >= ? GROUP BY video_id) t
 JOIN videos v ON v.id = t.video_id` + both.sql() + ` ORDER BY t.n DESC, v.views DESC, v.id DESC LIMIT ` + strconv.Itoa(maxRanked)
	err := s.each(ctx, pool, text, append([]any{since}, both.args...), func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

func hot(ctx context.Context, s *Service, pool gorm.ConnPool, f *Filter, q *query) ([]int64, error) {
	list, err := s.newest(ctx, pool, f, q)
	return byScore(list), err
}

func best(ctx context.Context, s *Service, pool gorm.ConnPool, f *Filter, q *query) ([]int64, error) {
	list, err := s.newest(ctx, pool, f, q)
	if err != nil || f.Viewer == nil || len(list) == 0 {
		return byScore(list), err
	}
	at := make(map[int64]int, len(list))
	for i := range list {
		at[list[i].id] = i
	}
	cond, args := s.idsIn("video_id", len(list), func(i int) int64 { return list[i].id })
	err = s.each(ctx, pool, "SELECT video_id FROM watch_history WHERE user_id = ? AND "+cond, append([]any{f.Viewer.UserID}, args...),
		func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id)
			list[at[id]].score -= bestSeen
			return err
		})
	return byScore(list), err
}

// newest are the last videos with how hot they are.
func (s *Service) newest(ctx context.Context, pool gorm.ConnPool, f *Filter, q *query) (list []candidate, err error) {
	by := *f
	by.Page.Sort, by.Page.Desc = "publishedAt", true
	ids, args := by.idsSQL(s.db.Dialect(), q, 0, maxRanked)
	err = s.each(ctx, pool, "SELECT v.id, v.views, v.likes, v.dislikes, v.comments, v.published_at FROM videos v WHERE v.id IN ("+ids+")", args,
		func(r *sql.Rows) error {
			var c candidate
			var views, likes, dislikes, comments int64
			var at time.Time
			err := r.Scan(&c.id, &views, &likes, &dislikes, &comments, &at)
			c.score = heat(views, likes, dislikes, comments, at)
			list = append(list, c)
			return err
		})
	return list, err
}

// heat grows with the reactions and, since newer ones start higher, falls with
// the age.
func heat(views, likes, dislikes, comments int64, published time.Time) float64 {
	made := likeWeight*float64(likes-dislikes) + talkWeight*float64(comments) + viewsWeight*float64(views)
	return math.Copysign(math.Log10(max(1, math.Abs(made))), made) + float64(published.Unix())/hotDecay
}

// matching ranks the newest videos that a search finds.
func matching(ctx context.Context, s *Service, pool gorm.ConnPool, f *Filter, q *query) ([]int64, error) {
	var list []candidate
	text := "SELECT v.id, v.name, v.views FROM videos v" + q.sql() + " ORDER BY v.id DESC LIMIT " + strconv.Itoa(maxRanked)
	err := s.each(ctx, pool, text, q.args, func(r *sql.Rows) error {
		var c candidate
		var name string
		var views int64
		err := r.Scan(&c.id, &name, &views)
		c.score = f.words.Score(name) + math.Log10(1+float64(views))/2
		list = append(list, c)
		return err
	})
	return byScore(list), err
}
