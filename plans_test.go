//go:build !race

package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/e2e/seed"
)

// statement is what a list asked the database.
type statement struct {
	text string
	args []any
}

// heard collects the statements that go to a database by GORM.
type heard struct {
	mu  sync.Mutex
	all []statement
}

func listen(t *testing.T, d *db.DB) *heard {
	t.Helper()
	h := &heard{}
	hook := func(g *gorm.DB) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.all = append(h.all, statement{g.Statement.SQL.String(), slices.Clone(g.Statement.Vars)})
	}
	callbacks := d.Read(t.Context()).Callback()
	for _, err := range []error{
		callbacks.Query().After("gorm:query").Register("heard", hook), callbacks.Row().After("gorm:row").Register("heard", hook),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h *heard) take() []statement {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.all
	h.all = nil
	return out
}

// large are tables that grow with what others do.
const large = "videos|comments|actors|accounts|channels|users|thumbnails|video_files|playlists|playlist_elements|notifications|abuses|follows|video_tags|watch_history"

var (
	// wholeTable is a table that is read row by row, without an index.
	wholeTable = map[db.Dialect]*regexp.Regexp{
		db.SQLite:   regexp.MustCompile(`(?m)^SCAN [a-z_]+$`),
		db.Postgres: regexp.MustCompile(`Seq Scan on (` + large + `)\b.*`),
	}
	// counts are statements that have to look at all there is.
	counts = regexp.MustCompile(`(?i)^\s*SELECT (count\(|COALESCE\(SUM\()`)
)

// explain is the plan of a statement. On PostgreSQL it scans a table only when
// no index serves, however few rows there are.
func explain(ctx context.Context, t *testing.T, d *db.DB, s statement) string {
	t.Helper()
	pool, err := d.Read(ctx).DB()
	if err != nil {
		t.Fatal(err)
	}
	c, err := pool.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	prefix, columns := "EXPLAIN QUERY PLAN ", 4
	if d.Dialect() == db.Postgres {
		prefix, columns = "EXPLAIN ", 1
		if _, err := c.ExecContext(ctx, "SET enable_seqscan = off"); err != nil {
			t.Fatal(err)
		}
		defer c.ExecContext(context.WithoutCancel(ctx), "RESET enable_seqscan") //nolint:errcheck // the connection is of this test
	}
	rows, err := c.QueryContext(ctx, prefix+s.text, s.args...)
	if err != nil {
		t.Fatalf("%s: %v", s.text, err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		values := make([]any, columns)
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, *values[columns-1].(*any))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPlans looks at what the lists ask the database on a page, other than lists
// of videos (see video/listing): no statement reads a whole table row by row.
func TestPlans(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a database")
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := assembleWhole(t, d)
		root, bob := s.login("root"), s.user("bob", 2)
		if err := seed.Fill(t.Context(), d, seed.Options{Videos: 2000, Comments: 5000, Channels: 100, Playlists: 400, Origin: s.cfg.Origin()}); err != nil {
			t.Fatal(err)
		}
		one := fillMore(t, d)
		h := listen(t, d)
		for _, c := range []struct{ path, token string }{
			{fmt.Sprintf("/videos/%d/comment-threads", one.video), ""},
			{fmt.Sprintf("/videos/%d/comment-threads?sort=-totalReplies&start=1", one.video), bob},
			{fmt.Sprintf("/videos/%d/comment-threads/%d", one.video, one.thread), ""},
			{"/videos/comments?sort=-createdAt", root},
			{"/videos/comments?start=2000", root},
			{"/videos/comments?isLocal=true", root},
			{"/users/me/videos/comments", root},
			{"/users/me/notifications", root},
			{"/users/me/notifications?unread=true&start=100", root},
			{"/users/me/subscriptions", root},
			{"/users/me/subscriptions?start=50", root},
			{"/users/me/history/videos", root},
			{"/video-playlists", ""},
			{"/video-playlists?sort=-updatedAt&start=10", ""},
			{fmt.Sprintf("/video-playlists/%d/videos", one.playlist), ""},
			{"/accounts/person2/video-playlists", ""},
			{"/abuses", root},
			{"/abuses?state=1&sort=-createdAt&start=100", root},
			{"/users/me/abuses", bob},
			{"/users/me/blocklist/accounts", root},
			{"/users/me/blocklist/servers", root},
			{"/server/blocklist/accounts", root},
			{"/server/blocklist/servers", root},
			{"/accounts", ""},
			{"/accounts?start=50", ""},
			{"/accounts/person2/video-channels", ""},
			{"/video-channels", ""},
			{"/users", root},
			{"/users?sort=-videoQuotaUsed", root},
			{"/videos?start=30&nsfw=both", bob},
			{"/users/me/subscriptions/videos", root},
			{"/accounts/person2/videos", ""},
			{"/search/video-channels?search=music", ""},
			{"/search/video-playlists?search=music", ""},
			{"/overviews/videos", ""},
			{"/users?sort=-createdAt&start=20", root},
			{"/videos/blacklist", root},
			{"/server/followers", ""},
			{"/server/following", ""},
		} {
			h.take()
			if a := s.do(http.MethodGet, "/api/v1"+c.path, c.token, nil); a.Code != http.StatusOK {
				t.Errorf("%s: %d %s", c.path, a.Code, a.Body)
				continue
			}
			asked := h.take()
			if len(asked) == 0 {
				t.Errorf("%s asks the database nothing", c.path)
			}
			for _, x := range asked {
				if x.text == "" || counts.MatchString(x.text) {
					continue
				}
				plan := explain(t.Context(), t, d, x)
				if scan := wholeTable[d.Dialect()].FindString(plan); scan != "" && ofLarge(scan, x.text) {
					t.Errorf("%s: %s\n%s\n%s", c.path, scan, x.text, plan)
				}
			}
		}
	})
}

// ofLarge tells whether a scan is that of a large table, whose short name in the
// statement SQLite tells.
func ofLarge(scan, text string) bool {
	name, ok := strings.CutPrefix(scan, "SCAN ")
	if !ok {
		return true
	}
	q := regexp.QuoteMeta(name)
	return regexp.MustCompile("^("+large+")$").MatchString(name) ||
		regexp.MustCompile("(?i)[` \"]("+large+")[`\"]? (AS )?"+q+`\b`).MatchString(text)
}

// ids are rows to ask for.
type ids struct{ video, thread, playlist int64 }

// fillMore adds what the seed has not: notifications, reports, mutes and blocks.
func fillMore(t *testing.T, d *db.DB) (one ids) {
	t.Helper()
	now := db.Now()
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		for _, x := range []struct {
			text string
			args []any
		}{
			{`INSERT INTO notifications (user_id, type, object_id, event, web, read, created_at, updated_at)
 SELECT u.id, 2, c.id, 0, TRUE, c.id % 2 = 0, ?, ? FROM comments c JOIN users u ON u.id % 7 = c.id % 7 WHERE c.id % 5 = 0`, []any{now, now}},
			{`INSERT INTO abuses (iri, object, type, local, reporter_id, flagged_id, video_id, reason, state, created_at, updated_at)
 SELECT 'https://far.example/flags/' || v.id, v.iri, 'video', FALSE, c.actor_id, c.actor_id, v.id, 'because', 1, ?, ? FROM videos v JOIN channels c ON c.id = v.channel_id`, []any{now, now}},
			{"INSERT INTO muted_accounts (account_id, actor_id, created_at) SELECT NULL, a.actor_id, ? FROM accounts a WHERE a.id % 20 = 3", []any{now}},
			{"INSERT INTO muted_accounts (account_id, actor_id, created_at) SELECT (SELECT MIN(id) FROM accounts), a.actor_id, ? FROM accounts a WHERE a.id % 20 = 5", []any{now}},
			{"INSERT INTO video_blocks (video_id, type, created_at, updated_at) SELECT v.id, 1, ?, ? FROM videos v WHERE v.id % 20 = 7", []any{now, now}},
			{"ANALYZE", nil},
		} {
			if err := tx.Exec(x.text, x.args...).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for query, into := range map[string]*int64{
		"SELECT v.id FROM videos v JOIN comments c ON c.video_id = v.id WHERE v.privacy = 1 ORDER BY v.id LIMIT 1": &one.video,
		"SELECT MIN(id) FROM playlists WHERE privacy = 1":                                                          &one.playlist,
	} {
		if err := d.Read(t.Context()).Raw(query).Scan(into).Error; err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Read(t.Context()).Raw("SELECT MIN(id) FROM comments WHERE parent_id IS NULL AND video_id = ? AND actor_id NOT IN (SELECT actor_id FROM muted_accounts)", one.video).Scan(&one.thread).Error; err != nil {
		t.Fatal(err)
	}
	return one
}
