package migrations_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/migrations"
)

// before is the set of videos up to a migration.
func before(t *testing.T, name string) migrations.Set {
	t.Helper()
	old := fstest.MapFS{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		files, err := fs.ReadDir(migrations.Video.FS, dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Name() >= name {
				continue
			}
			text, err := fs.ReadFile(migrations.Video.FS, dialect+"/"+f.Name())
			if err != nil {
				t.Fatal(err)
			}
			old[dialect+"/"+f.Name()] = &fstest.MapFile{Data: text}
		}
	}
	return migrations.Set{Name: migrations.Video.Name, FS: old}
}

// Rows of the first release come through 0013 and 0014 with what they say.
func TestOldRowsAreCompacted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const now = "'2026-01-02 03:04:05+00:00'"
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			var errs []error
			for _, s := range []string{
				`INSERT INTO actors (id, iri, type, username, host, inbox, created_at, updated_at) VALUES (1, 'https://far.example/a', 'Person', 'a', 'far.example', 'https://far.example/in', ` + now + `, ` + now + `)`,
				`INSERT INTO accounts (id, actor_id, created_at, updated_at) VALUES (1, 1, ` + now + `, ` + now + `)`,
				`INSERT INTO channels (id, actor_id, account_id, local, created_at, updated_at) VALUES (1, 1, 1, FALSE, ` + now + `, ` + now + `)`,
				`INSERT INTO videos (id, uuid, iri, channel_id, local, name, privacy, state, published_at, created_at, updated_at) VALUES
 (1, 'here', 'https://here.example/videos/watch/here', 1, TRUE, 'Here', 1, 1, ` + now + `, ` + now + `, ` + now + `),
 (2, 'far', 'https://far.example/videos/watch/far', 1, FALSE, 'Far', 1, 1, ` + now + `, ` + now + `, ` + now + `),
 (3, 'fetched', 'http://a/fetched', 1, FALSE, 'Fetched', 1, 1, ` + now + `, ` + now + `, ` + now + `),
 (4, 'bare', 'https://far.example/bare', 1, FALSE, 'Bare', 1, 1, ` + now + `, ` + now + `, ` + now + `)`,
				`UPDATE videos SET parts_url = 'https://far.example/videos/watch/far/chapters', shares_url = 'https://far.example/announces/far' WHERE id = 2`,
				`INSERT INTO thumbnails (video_id, type, filename, width, height, remote_url, stored, automatic, created_at, updated_at) VALUES
 (1, 1, 'h1.jpg', 280, 157, '', TRUE, TRUE, ` + now + `, ` + now + `), (1, 2, 'h2.jpg', 850, 480, '', TRUE, FALSE, ` + now + `, ` + now + `),
 (2, 1, 'f1.jpg', 280, 157, 'https://far.example/t/1.jpg', FALSE, FALSE, ` + now + `, ` + now + `),
 (2, 2, 'f2.jpg', 850, 480, 'https://far.example.net/t/2.jpg', FALSE, FALSE, ` + now + `, ` + now + `),
 (3, 2, 'k2.jpg', 850, 480, 'http://a/2.jpg', TRUE, FALSE, ` + now + `, ` + now + `)`,
				`INSERT INTO streaming_playlists (id, video_id, filename, url, segments_filename, segments_url, created_at, updated_at) VALUES
 (71, 1, 'm.m3u8', '', 's.json', '', ` + now + `, ` + now + `),
 (72, 2, '', 'https://far.example/hls/m.m3u8', '', 'https://cdn.example/s.json', ` + now + `, ` + now + `)`,
				`INSERT INTO video_files (id, video_id, playlist_id, resolution, fps, size, filename, url, torrent_url, metadata_url, created_at, updated_at) VALUES
 (81, 1, NULL, 720, 30, 5, 'w.mp4', '', '', '', ` + now + `, ` + now + `), (82, 1, 71, 720, 30, 6, 'h.mp4', '', '', '', ` + now + `, ` + now + `),
 (83, 2, 72, 720, 30, 7, '', 'https://far.example/hls/f.mp4', 'https://far.example/t.torrent', 'https://far.example/m', ` + now + `, ` + now + `)`,
				`INSERT INTO video_tags (video_id, name, folded, position) VALUES (2, 'Big Cats', 'big cats', 0), (2, 'cats', 'cats', 1)`,
			} {
				errs = append(errs, tx.Exec(s).Error)
			}
			return errors.Join(errs...)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := migrations.Up(t.Context(), d, migrations.Video); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string][]string{
			`SELECT video_id || ' ' || miniature || ' ' || preview || ' ' || miniature_url || ' ' || preview_url ||
 CASE WHEN miniature_stored THEN ' m' ELSE '' END || CASE WHEN preview_stored THEN ' p' ELSE '' END ||
 CASE WHEN miniature_automatic THEN ' a' ELSE '' END || CASE WHEN preview_automatic THEN ' b' ELSE '' END FROM thumbnails ORDER BY video_id`: {
				"1 h1.jpg h2.jpg   m p a", "2   /t/1.jpg https://far.example.net/t/2.jpg", "3  k2.jpg  /2.jpg m p",
			},
			"SELECT id || ' ' || playlist_filename || ' ' || segments_filename || ' ' || playlist_url || ' ' || segments_url FROM videos ORDER BY id": {
				"1 m.m3u8 s.json  ", "2   /hls/m.m3u8 https://cdn.example/s.json", "3    ", "4    ",
			},
			"SELECT parts_url || ' ' || shares_url FROM videos ORDER BY id": {" ", "~/chapters https://far.example/announces/far", " ", " "},
			`SELECT id || ' ' || video_id || ' ' || COALESCE(playlist_id, 0) || ' ' || size || ' ' || filename || ' ' || url || ' ' || torrent_url || ' ' || metadata_url
 FROM video_files ORDER BY id`: {
				"81 1 0 5 w.mp4   ", "82 1 1 6 h.mp4   ", "83 2 2 7  /hls/f.mp4 /t.torrent /m",
			},
			"SELECT folded || ' ' || COALESCE(name, '-') FROM video_tags WHERE video_id = 2 ORDER BY position": {"big cats Big Cats", "cats -"},
			"SELECT COUNT(DISTINCT version) || '' FROM thumbnails WHERE version > 0":                           {"3"},
		} {
			var got []string
			if err := d.Read(t.Context()).Raw(query).Scan(&got).Error; err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\n%s", query, diff)
			}
		}
		// New files go on behind the old ones, and go with their video.
		err = d.Tx(t.Context(), func(tx *db.Tx) error {
			return errors.Join(
				tx.Exec("INSERT INTO video_files (video_id, resolution, size) VALUES (4, 480, 1)").Error,
				tx.Exec("DELETE FROM videos WHERE id = 2").Error)
		})
		if err != nil {
			t.Fatal(err)
		}
		var left []int64
		if err := d.Read(t.Context()).Raw("SELECT id FROM video_files ORDER BY id").Scan(&left).Error; err != nil {
			t.Fatal(err)
		}
		if len(left) != 3 || left[2] <= 83 && d.Dialect() == db.SQLite {
			t.Errorf("files %v", left)
		}
	}, migrations.Jobs, migrations.Activitypub, migrations.Accounts, before(t, "0013"))
}
