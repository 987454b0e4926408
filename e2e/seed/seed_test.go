package seed_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/e2e/seed"
)

// TestFill: what the options ask for is there, and the counters tell the truth.
func TestFill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		count := func(query string) (n int) {
			t.Helper()
			if err := d.Read(t.Context()).Raw("SELECT COUNT(*) FROM " + query).Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		o := seed.Options{Videos: 200, Comments: 500, Channels: 10, Remote: 50, Origin: "https://videos.example"}
		if err := seed.Fill(t.Context(), d, o); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]int{
			"videos": 200, "comments": 500, "channels": 10, "channels WHERE local": 4, "users": 4, "thumbnails": 200, "video_files": 200,
			"playlists": 4, "comments WHERE parent_id IS NULL": 350,
			"comments c JOIN comments p ON p.id = c.parent_id WHERE p.video_id <> c.video_id OR p.thread_id <> c.thread_id": 0,
			"videos v WHERE v.comments <> (SELECT COUNT(*) FROM comments c WHERE c.video_id = v.id)":                        0,
			"videos v JOIN channels c ON c.id = v.channel_id WHERE c.local <> v.local":                                      0,
			"videos WHERE folded = ''": 0, "channels WHERE words = ''": 0,
		} {
			if got := count(query); got != want {
				t.Errorf("%s: %d, want %d", query, got, want)
			}
		}
		// Rows that come later go on behind.
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("INSERT INTO playlists (uuid, iri, account_id, local, name, privacy, created_at, updated_at) SELECT 'u', 'i', MIN(id), TRUE, 'n', 1, ?, ? FROM accounts",
				db.Now(), db.Now()).Error
		})
		if err != nil {
			t.Error(err)
		}
	})
}
