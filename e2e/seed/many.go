package seed

import (
	"fmt"

	"github.com/kinemesh/kinemesh/config/db"
)

// What there are many of is made by the database itself.

// at is a time, some seconds before the run.
func (f *filler) at(secondsBefore string) string {
	t := f.o.Now.UTC().Format("2006-01-02 15:04:05")
	return fmt.Sprintf("{strftime('%%Y-%%m-%%d %%H:%%M:%%S', '%s', '-' || (%s) || ' seconds') || '+00:00' @@ TIMESTAMPTZ '%s+00' - (%s) * INTERVAL '1 second'}",
		t, secondsBefore, t, secondsBefore)
}

// fileSize is what a file takes besides 1,000 bytes for each second.
const fileSize = 20_000_000

func (f *filler) files(tx *db.Tx) error {
	here := fmt.Sprintf("FROM videos v WHERE v.id >= %d ORDER BY v.id", f.ids["videos"])
	return exec(tx,
		// Two names as long as PeerTube's, of each video its own.
		`INSERT INTO thumbnails (video_id, version, miniature, preview, miniature_url, preview_url, miniature_stored, preview_stored)
 SELECT v.id, CASE WHEN v.local THEN 0 ELSE v.id * 7919 END,
  CASE WHEN v.local THEN v.uuid || '-1.jpg' ELSE '' END, CASE WHEN v.local THEN v.uuid || '-2.jpg' ELSE '' END,
  CASE WHEN v.local THEN '' ELSE '/lazy-static/thumbnails/' || v.uuid || '.jpg' END,
  CASE WHEN v.local THEN '' ELSE '/lazy-static/previews/' || v.uuid || '.jpg' END, v.local, v.local `+here,
		fmt.Sprintf(`INSERT INTO video_files (video_id, playlist_id, resolution, width, height, fps, size, filename, url, info_hash)
 SELECT v.id, v.id, 720, 1280, 720, 30, %d + v.duration * 1000, CASE WHEN v.local THEN v.uuid || '-720-fragmented.mp4' ELSE '' END,
  CASE WHEN v.local THEN '' ELSE '/videos/watch/' || v.uuid || '-720-fragmented.mp4' END, '' `, fileSize)+here,
	)
}

// comments come in tens on one video: seven threads, the first of which has
// three answers.
func (f *filler) comments(tx *db.Tx) error {
	if f.o.Comments == 0 {
		return nil
	}
	first := f.ids["comments"]
	author := fmt.Sprintf("%d + 2 * (s.n * 7919 %% %d)", f.ids["actors"]+2*int64(f.o.Channels), f.o.Accounts)
	at := f.at(fmt.Sprintf("(%d - s.n) * 60", f.o.Comments))
	return exec(tx, fmt.Sprintf(`INSERT INTO comments (id, iri, url, video_id, thread_id, parent_id, actor_id, local, text, replies, created_at, updated_at)
 SELECT %d + s.n, 'https://h' || (s.n %% %d) || '.example/c/' || s.n, '', %d + s.n / 10 * 7919 %% %d,
  CASE WHEN s.n %% 10 < 7 THEN %d + s.n ELSE %d + s.n / 10 * 10 END,
  CASE WHEN s.n %% 10 < 7 THEN NULL WHEN s.n %% 10 = 9 THEN %d + s.n - 1 ELSE %d + s.n / 10 * 10 END,
  %s, FALSE, t.body, CASE WHEN s.n %% 10 = 0 THEN 3 ELSE 0 END, %s, %s
 FROM %s JOIN seed_texts t ON t.n = s.n * 31 %% %d`,
		first, hosts, f.ids["videos"], f.o.Videos, first, first, first, first, author, at, at, series(f.o.Comments), seedTexts))
}

func (f *filler) reactions(tx *db.Tx) error {
	rater := fmt.Sprintf("%d + 2 * ((v.id * 31 + k.n * 7919) %% %d)", f.ids["actors"]+2*int64(f.o.Channels), f.o.Accounts)
	from := fmt.Sprintf("videos v, (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2) k WHERE v.id >= %d", f.ids["videos"])
	hour := "{strftime('%Y-%m-%d %H:00:00', 'now', '-' || (v.id * 7 % 400 + k.n) || ' hours') || '+00:00' @@ date_trunc('hour', now()) - (v.id * 7 % 400 + k.n) * INTERVAL '1 hour'}"
	return exec(tx,
		`INSERT INTO video_rates (video_id, actor_id, type, iri, created_at)
 SELECT v.id, `+rater+`, 'like', 'https://h1.example/likes/' || v.id || '/' || k.n, v.published_at FROM `+from+` ON CONFLICT DO NOTHING`,
		`INSERT INTO video_views (video_id, hour, views, told) SELECT v.id, `+hour+`, 1 + v.views % 50, 1 + v.views % 50 FROM `+from+` AND v.id % 5 = 0 ON CONFLICT DO NOTHING`,
	)
}

// viewers has the instance follow the channels of other servers, so that their
// videos stay listed, gives the first user subscriptions and a history, and
// the actors of this server their keys.
func (f *filler) viewers(tx *db.Tx) error {
	now := f.at("0")
	follow := func(follower string, limit int) string {
		return fmt.Sprintf(`INSERT INTO follows (follower_id, target_id, state, iri, created_at, updated_at)
 SELECT me.id, c.actor_id, 'accepted', 'https://seed.example/follows/' || me.id || '/' || c.id, %s, %s
 FROM (%s) me, channels c WHERE c.id >= %d AND c.local = FALSE AND c.id < %d ON CONFLICT DO NOTHING`,
			now, now, follower, f.ids["channels"], f.ids["channels"]+int64(limit))
	}
	first := "SELECT MIN(id) FROM users"
	return exec(tx,
		follow("SELECT id FROM actors WHERE host = '' AND type = 'Application' ORDER BY id LIMIT 1", f.o.Channels),
		follow("SELECT a.actor_id AS id FROM accounts a WHERE a.user_id = ("+first+")", min(f.o.Channels, 200)),
		fmt.Sprintf(`INSERT INTO watch_history (user_id, video_id, at, created_at, updated_at)
 SELECT (%s), v.id, v.duration / 2, %s, %s FROM videos v WHERE v.id >= %d AND v.id %% 100 = 0 AND (%s) IS NOT NULL`,
			first, now, now, f.ids["videos"], first),
		// Actors of this server share a key that is there already, since making one
		// takes long. Without one the server does not start with these rows.
		fmt.Sprintf(`UPDATE actors SET public_key_pem = COALESCE((SELECT o.public_key_pem FROM actors o JOIN actor_keys k ON k.actor_id = o.id
 ORDER BY o.id LIMIT 1), '') WHERE id >= %d AND host = ''`, f.ids["actors"]),
		fmt.Sprintf(`INSERT INTO actor_keys (actor_id, private_pem) SELECT a.id, k.private_pem
 FROM actors a, (SELECT private_pem FROM actor_keys ORDER BY actor_id LIMIT 1) k WHERE a.id >= %d AND a.host = ''`, f.ids["actors"]),
		"DROP TABLE seed_texts",
	)
}
