package video

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestUsage has an administrator look at what users' videos take and what users
// did.
func TestUsage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		root, alice, bob := w.User("root", rest.RoleAdmin), w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
		w.User("carol", rest.RoleUser)
		far := w.Remote("zoe", "far.example")
		cfg := config.Default()
		users := user.New(user.Options{
			DB: d, Channels: w.Options.Channels, Mail: mail.New(mail.Options{DB: d, Config: cfg}), Config: cfg, Logger: slog.New(slog.DiscardHandler),
		})
		(&Video{o: Options{DB: d}, Catalog: w.Catalog}).TellUsers(users)
		w.Routes = users.Routes

		old, fresh := w.Video(alice, "Old"), w.Video(alice, "Fresh")
		w.WithFiles(fresh)
		w.Video(bob, "Bob's", func(n *catalog.NewVideo) { n.SourceSize = 5000 })
		w.SaveRemote(catalogtest.RemoteVideo(far, "0d6ba8e0-6a41-4a6e-bd1b-6e0a5e7c0001"))
		w.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE videos SET created_at = ? WHERE id = ?", db.Now().Add(-48*time.Hour), old.ID).Error
		})
		upload := map[string]any{"id": "running", "user_id": alice.ID, "fingerprint": "x", "metadata": "{}", "size": 300, "created_at": db.Now(), "updated_at": db.Now()}
		w.Tx(func(tx *db.Tx) error { return tx.Table("uploads").Create(upload).Error })
		w.Insert("comments", map[string]any{"iri": "https://videos.example/c/1", "video_id": old.ID, "actor_id": alice.ActorID, "local": true, "text": "hello"})
		for i, abuse := range []map[string]any{
			{"reporter_id": bob.ActorID, "flagged_id": alice.ActorID, "state": 3},
			{"reporter_id": bob.ActorID, "flagged_id": alice.ChannelActorID, "state": 1},
			{"reporter_id": alice.ActorID, "flagged_id": bob.ActorID, "state": 2},
		} {
			abuse["iri"], abuse["object"], abuse["type"], abuse["local"], abuse["reason"] = fmt.Sprint("https://videos.example/a/", i), "x", "account", true, "because"
			w.Insert("abuses", abuse)
		}

		sorted := func(sort string) string {
			var names []string
			for _, x := range w.Do(root, "GET", "/api/v1/users?sort="+sort, nil).JSON(t)["data"].([]any) {
				u := x.(map[string]any)
				names = append(names, fmt.Sprintf("%v:%.0f:%.0f:%.0f", u["username"], u["videoQuotaUsed"], u["videoQuotaUsedDaily"], u["totalVideoFileSize"]))
			}
			return strings.Join(names, " ")
		}
		if got, want := sorted("-videoQuotaUsed"), "bob:5000:5000:0 alice:2300:1300:1325857 carol:0:0:0 root:0:0:0"; got != want {
			t.Errorf("users by what they use: %s, want %s", got, want)
		}
		if got := sorted("videoQuotaUsed"); !strings.HasPrefix(got, "root:0:0:0 carol:0:0:0 alice:2300") {
			t.Errorf("the other way round: %s", got)
		}
		w.Tx(func(tx *db.Tx) error {
			m, err := catalog.LoadMedia(tx.DB, fresh.ID)
			if err != nil {
				return err
			}
			return w.Catalog.DropFiles(tx, fresh, m.Playlist, m.HLS...)
		})
		if got := sorted("-videoQuotaUsed"); !strings.Contains(got, "alice:2300:1300:680948") {
			t.Errorf("without its HLS files: %s", got)
		}
		stats := w.Do(root, "GET", fmt.Sprintf("/api/v1/users/%d?withStats=true", alice.ID), nil).JSON(t)
		for k, v := range map[string]float64{
			"videosCount": 2, "abusesCount": 2, "abusesAcceptedCount": 1, "abusesCreatedCount": 1, "videoCommentsCount": 1, "videoQuotaUsed": 2300,
		} {
			if stats[k] != v {
				t.Errorf("%s = %v, want %v", k, stats[k], v)
			}
		}
		if plain := w.Do(root, "GET", fmt.Sprintf("/api/v1/users/%d", alice.ID), nil).JSON(t); plain["videosCount"] != nil {
			t.Error("statistics come without being asked for")
		}
		quota := w.Do(alice, "GET", "/api/v1/users/me/video-quota-used", nil).JSON(t)
		if quota["videoQuotaUsed"] != 2300.0 || quota["videoQuotaUsedDaily"] != 1300.0 {
			t.Errorf("quota %v", quota)
		}
	})
}
