package rehost_test

import (
	"errors"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rehost"
)

func TestMove(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec := func(sql string, args ...any) {
			t.Helper()
			if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec(sql, args...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		text := func(sql string) (s string) {
			t.Helper()
			if err := d.Read(t.Context()).Raw(sql).Scan(&s).Error; err != nil {
				t.Fatal(err)
			}
			return s
		}
		const was, now = "https://old.example", "https://new.example:8443"
		if _, err := rehost.Move(t.Context(), d, now, func(*db.Tx) error { return nil }); err == nil {
			t.Error("moved a server that never was")
		}
		at := db.Now()
		exec("INSERT INTO instance_facts (name, value) VALUES ('origin', ?)", was)
		exec(`INSERT INTO actors (id, type, username, host, iri, inbox, created_at, updated_at) VALUES
			(1, 'Person', 'ann', '', ?, ?, ?, ?), (2, 'Person', 'bob', 'far.example', 'https://far.example/bob', 'https://far.example/old.example/inbox', ?, ?),
			(3, 'Person', 'eve', 'old.example.org', 'https://old.example.org/eve', 'https://old.example.org/inbox', ?, ?)`,
			was+"/accounts/ann", was+"/accounts/ann/inbox", at, at, at, at, at, at)
		exec(`INSERT INTO actors (id, type, username, host, iri, inbox, created_at, updated_at) VALUES (4, 'Group', 'films', '', ?, ?, ?, ?)`,
			was+"/video-channels/films", was+"/video-channels/films/inbox", at, at)
		exec(`INSERT INTO follows (id, follower_id, target_id, state, iri, created_at, updated_at) VALUES
			(1, 1, 2, 'accepted', ?, ?, ?), (2, 2, 4, 'accepted', 'https://far.example/f/2', ?, ?), (3, 1, 4, 'accepted', ?, ?, ?), (4, 1, 3, 'rejected', ?, ?, ?)`,
			was+"/f/1", at, at, at, at, was+"/f/3", at, at, was+"/f/4", at, at)
		exec("INSERT INTO custom_pages (name, content, updated_at) VALUES ('homepage', ?, ?)", "See "+was+"/w/1 and "+was+"/w/2", at)
		exec("INSERT INTO tombstones (iri, created_at) VALUES (?, ?)", was+"/gone", at)

		if _, err := rehost.Move(t.Context(), d, now, func(*db.Tx) error { return errors.New("no") }); err == nil || text("SELECT iri FROM actors WHERE id = 1") != was+"/accounts/ann" {
			t.Errorf("half moved: %v", err)
		}
		called := false
		m, err := rehost.Move(t.Context(), d, now, func(*db.Tx) error { called = true; return nil })
		if err != nil || m.From != was || m.To != now || !called || m.Changed["actors.iri"] != 2 || m.Changed["custom_pages.content"] != 1 {
			t.Fatalf("%+v, %v", m, err)
		}
		if m.FollowersGone != 1 || m.FollowsPending != 1 {
			t.Errorf("%+v, want a follower gone and a follow pending", m)
		}
		for sql, want := range map[string]string{
			"SELECT iri FROM actors WHERE id = 1":                    now + "/accounts/ann",
			"SELECT inbox FROM actors WHERE id = 1":                  now + "/accounts/ann/inbox",
			"SELECT inbox FROM actors WHERE id = 2":                  "https://far.example/old.example/inbox",
			"SELECT iri FROM actors WHERE id = 3":                    "https://old.example.org/eve",
			"SELECT content FROM custom_pages":                       "See " + now + "/w/1 and " + now + "/w/2",
			"SELECT value FROM instance_facts WHERE name = 'origin'": now,
			"SELECT iri FROM tombstones":                             was + "/gone",
			"SELECT state FROM follows WHERE id = 1":                 "pending",
			"SELECT state FROM follows WHERE id = 2":                 "", // a follower from elsewhere
			"SELECT state FROM follows WHERE id = 3":                 "accepted",
			"SELECT state FROM follows WHERE id = 4":                 "rejected",
			"SELECT args FROM jobs":                                  `{"ID":1}`,
		} {
			if got := text(sql); got != want {
				t.Errorf("%s: %q, want %q", sql, got, want)
			}
		}
		if _, err := rehost.Move(t.Context(), d, now, func(*db.Tx) error { return nil }); !errors.Is(err, rehost.ErrSame) {
			t.Errorf("again: %v", err)
		}
	})
}
