package accounts_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
)

// face is a PNG of one colour.
func face(t testing.TB, w, h int, c color.Color) []byte {
	t.Helper()
	m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{c})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// widths are those of the pictures in an answer, and their paths.
func widths(v any) (out []int, paths []string) {
	list, _ := v.([]any)
	for _, e := range list {
		i := e.(map[string]any)
		out, paths = append(out, int(i["width"].(float64))), append(paths, i["path"].(string))
	}
	return out, paths
}

// TestPictures sets pictures of users, channels and the instance and looks for
// them wherever these are answered.
func TestPictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		red := face(t, 800, 500, color.RGBA{200, 0, 0, 255})
		for _, c := range []struct {
			path, who, field, answer string
			status                   int
		}{
			{"/users/me/avatar", "alice", "avatarfile", "avatars", 200},
			{"/video-channels/alice_channel/avatar", "alice", "avatarfile", "avatars", 200},
			{"/video-channels/alice_channel/banner", "mod", "bannerfile", "banners", 200},
			{"/config/instance-avatar", "root", "avatarfile", "", 204},
			{"/config/instance-banner", "root", "bannerfile", "", 204},
		} {
			a := e.Upload("/api/v1"+c.path+"/pick", token[c.who], c.field, "me.png", red)
			if a.Code != c.status {
				t.Fatalf("%s: %d %s", c.path, a.Code, a.Text())
			}
			if c.answer == "" {
				continue
			}
			got, paths := widths(a.JSON()[c.answer])
			want := "[48 120 600 1500]"
			if c.answer == "banners" {
				want = "[600 1920]"
			}
			if fmt.Sprint(got) != want || len(a.JSON()) != 1 {
				t.Errorf("%s answers %s", c.path, a.Text())
			}
			for _, p := range paths {
				if e.Files.Get("avatars/"+p[strings.LastIndex(p, "/")+1:]) == nil {
					t.Errorf("%s is not stored", p)
				}
			}
		}
		for _, c := range []struct{ path, who, at string }{
			{"/accounts/alice", "", "avatars"},
			{"/accounts", "", "data.avatars"},
			{"/video-channels/alice_channel", "", "avatars"},
			{"/video-channels/alice_channel", "", "banners"},
			{"/video-channels/alice_channel", "", "ownerAccount.avatars"},
			{"/video-channels", "", "data.avatars"},
			{"/accounts/alice/video-channels", "", "data.banners"},
			{"/search/video-channels?search=alice", "", "data.avatars"},
			{"/users/me", "alice", "account.avatars"},
			{"/users/me", "alice", "videoChannels.avatars"},
		} {
			if !strings.Contains(fmt.Sprint(dig(e.Do("GET", "/api/v1"+c.path, token[c.who], nil).JSON(), c.at)), "/lazy-static/") {
				t.Errorf("%s: no picture at %s", c.path, c.at)
			}
		}
		set, err := e.Channels.InstancePictures(t.Context())
		if err != nil || set.Avatar == nil || set.Banner == nil {
			t.Errorf("pictures of the instance: %+v, %v", set, err)
		}

		// A new one replaces the old one, whose files a job deletes.
		before := e.Files.Keys()
		if a := e.Upload("/api/v1/users/me/avatar/pick", token["alice"], "avatarfile", "x.png", red); a.Code != 200 {
			t.Fatal(a.Text())
		}
		if a := e.Do("DELETE", "/api/v1/video-channels/alice_channel/banner", token["alice"], nil); a.Code != 204 {
			t.Error(a.Text())
		}
		if a := e.Do("DELETE", "/api/v1/config/instance-avatar", token["root"], nil); a.Code != 204 {
			t.Error(a.Text())
		}
		if a := e.Do("DELETE", "/api/v1/users/me/avatar", token["bob"], nil); a.Code != 204 {
			t.Errorf("one that is not there: %s", a.Text())
		}
		if b := e.Do("GET", "/api/v1/video-channels/alice_channel", "", nil).JSON()["banners"]; fmt.Sprint(b) != "[]" {
			t.Errorf("the banner is removed: %v", b)
		}
		var dropped []string
		if err := d.Read(t.Context()).Table("jobs").Where("kind = ?", picture.DropArgs{}.Kind()).Pluck("args", &dropped).Error; err != nil || len(dropped) != 3 {
			t.Errorf("jobs that delete files: %v, %v", dropped, err)
		}
		jobstest.Run(t, d, e.Engine.Jobs()...)
		jobstest.Drain(t, d)
		if left := e.Files.Keys(); len(left) != len(before)+4-4-2-4 {
			t.Errorf("files %v", left)
		}
	})
}

// dig follows a path through objects and, in lists, all elements.
func dig(v any, path string) any {
	if path == "" {
		return v
	}
	if list, ok := v.([]any); ok {
		out := []any{}
		for _, e := range list {
			out = append(out, dig(e, path))
		}
		return out
	}
	key, rest, _ := strings.Cut(path, ".")
	m, _ := v.(map[string]any)
	return dig(m[key], rest)
}

// TestSEC41Refused sends what is no picture, or not by who may: nothing changes.
func TestSEC41Refused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		good := face(t, 60, 60, color.White)
		giant := bytes.Clone(good)
		binary.BigEndian.PutUint32(giant[16:], 60_000)
		binary.BigEndian.PutUint32(giant[20:], 60_000)
		binary.BigEndian.PutUint32(giant[29:], crc32.ChecksumIEEE(giant[12:29]))
		mine, theirs, inst := "/users/me/avatar/pick", "/video-channels/alice_channel/banner/pick", "/config/instance-avatar/pick"
		for _, c := range []struct {
			name, path, who, field string
			data                   []byte
			status                 int
		}{
			{"60,000x60,000 in a kilobyte", mine, "alice", "avatarfile", giant, 400},
			{"html", mine, "alice", "avatarfile", []byte("<html>"), 400},
			{"svg", mine, "alice", "avatarfile", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), 400},
			{"empty", mine, "alice", "avatarfile", nil, 400},
			{"other field", mine, "alice", "bannerfile", good, 400},
			{"too large", mine, "alice", "avatarfile", append(bytes.Clone(good), make([]byte, picture.MaxBytes)...), 413},
			{"much too large", mine, "alice", "avatarfile", make([]byte, 3*picture.MaxBytes), 413},
			{"large part of another name", mine, "alice", "x", make([]byte, 3*picture.MaxBytes), 413},
			{"nobody", mine, "", "avatarfile", good, 401},
			{"another's channel", theirs, "bob", "bannerfile", good, 403},
			{"no such channel", "/video-channels/nobody/avatar/pick", "alice", "avatarfile", good, 404},
			{"an account is no channel", "/video-channels/alice/avatar/pick", "alice", "avatarfile", good, 404},
			{"instance by a user", inst, "alice", "avatarfile", good, 403},
			{"instance by a moderator", inst, "mod", "avatarfile", good, 403},
			{"instance by nobody", inst, "", "avatarfile", good, 401},
		} {
			a := e.Upload("/api/v1"+c.path, token[c.who], c.field, "../../etc/x.html", c.data)
			if a.Code != c.status {
				t.Errorf("%s: %d %.300s, want %d", c.name, a.Code, a.Text(), c.status)
			}
			if a.Code == 413 && a.Header().Get("X-File-Maximum-Size") != "4M" {
				t.Errorf("%s: headers %v", c.name, a.Header())
			}
		}
		if a := e.Do("POST", "/api/v1"+mine, token["alice"], `{"avatarfile":"x"}`); a.Code != 400 {
			t.Errorf("JSON: %d %s", a.Code, a.Text())
		}
		for path, who := range map[string]string{
			"/video-channels/alice_channel/avatar": "bob", "/config/instance-banner": "mod", "/users/me/avatar": "",
		} {
			if a := e.Do("DELETE", "/api/v1"+path, token[who], nil); a.Code != 403 && a.Code != 401 {
				t.Errorf("DELETE %s by %q: %d", path, who, a.Code)
			}
		}
		var rows int64
		if err := d.Read(t.Context()).Table("actor_pictures").Count(&rows).Error; err != nil || rows != 0 {
			t.Errorf("%d rows, %v", rows, err)
		}
		if keys := e.Files.Keys(); len(keys) != 0 {
			t.Errorf("files %v", keys)
		}
	})
}

// TestPicturesFederate looks at what other servers get of our pictures and we of
// theirs.
func TestPicturesFederate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a := federated(t, d)
		files := &accountstest.Files{}
		a.Pictures.Files = files
		ctx := t.Context()
		u, err := a.Users.Create(ctx, newUser("alice"))
		if err != nil {
			t.Fatal(err)
		}
		own, err := a.Channels.OfUsers(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		c := own[u.ID].Channels[0]
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		follow(t, s, r, bob, c.Actor.IRI)
		if _, err := a.Channels.SetPicture(ctx, c.ActorID, picture.Avatar, face(t, 90, 90, color.Transparent)); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Channels.SetPicture(ctx, c.ActorID, picture.Banner, face(t, 90, 90, color.Black)); err != nil {
			t.Fatal(err)
		}
		aptest.Eventually(t, "an Update with both pictures", func() bool {
			o, _ := r.Await("Update").Doc["object"].(map[string]any)
			icons, _ := o["icon"].([]any)
			images, _ := o["image"].([]any)
			return len(icons) == 4 && len(images) == 2
		})
		doc := s.Get("/video-channels/alice_channel", "application/activity+json").JSON
		icon := doc["icon"].([]any)[1].(map[string]any)
		if icon["type"] != "Image" || icon["mediaType"] != "image/png" || icon["width"] != 120.0 || icon["height"] != 120.0 || !strings.Contains(icon["url"].(string), "/lazy-static/avatars/") {
			t.Errorf("icon %v", icon)
		}

		// Theirs: fetched when it is looked at, once, and made anew.
		var g bytes.Buffer
		frame := image.NewPaletted(image.Rect(0, 0, 50, 50), color.Palette{color.Black, color.White})
		if err := gif.EncodeAll(&g, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{1}}); err != nil {
			t.Fatal(err)
		}
		r.Handle("/pics/bob.gif", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/gif")
			_, _ = io.Copy(w, bytes.NewReader(g.Bytes()))
		})
		r.Handle("/pics/page.png", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
		bob.Doc["icon"] = []any{
			map[string]any{"type": "Image", "url": r.Origin + "/pics/small.gif", "width": 48},
			map[string]any{"type": "Image", "url": r.Origin + "/pics/bob.gif", "width": 600},
		}
		bob.Doc["image"] = map[string]any{"type": "Image", "url": r.Origin + "/pics/page.png"}
		bob.Publish()
		set := refreshed(t, s, a.Pictures, bob.IRI)
		if set.Avatar == nil || set.Banner == nil || set.Avatar.Stored || r.Fetches("/pics/bob.gif") != 0 {
			t.Fatalf("pictures %+v", set)
		}
		path := set.Avatar.At(100)
		file := path[strings.LastIndex(path, "/")+1:]
		for range 2 {
			key, err := a.Pictures.Find(ctx, "avatars", file)
			if err != nil {
				t.Fatal(err)
			}
			m, format, err := image.Decode(bytes.NewReader(files.Get(key)))
			if err != nil || format != "jpeg" || m.Bounds().Dx() != 120 {
				t.Errorf("%s %v, %v", format, m, err)
			}
		}
		if n := r.Fetches("/pics/bob.gif"); n != 1 {
			t.Errorf("fetched %d times", n)
		}
		if _, err := a.Pictures.Find(ctx, "banners", file); err == nil {
			t.Error("an avatar is found among the banners")
		}
		if _, err := a.Pictures.Find(ctx, "avatars", strings.Replace(file, "-120", "-121", 1)); err == nil {
			t.Error("a size that nobody made")
		}
		// What is no picture is asked for once, too.
		path = set.Banner.At(600)
		for range 2 {
			if key, err := a.Pictures.Find(ctx, "banners", path[strings.LastIndex(path, "/")+1:]); err == nil {
				t.Errorf("a page as a picture: %s", key)
			}
		}
		if n := r.Fetches("/pics/page.png"); n != 1 {
			t.Errorf("a page fetched %d times", n)
		}

		// The same address keeps the file, another one replaces it, none removes it.
		if again := refreshed(t, s, a.Pictures, bob.IRI); again.Avatar == nil || again.Avatar.Name != set.Avatar.Name {
			t.Errorf("same address: %+v", again.Avatar)
		}
		bob.Doc["icon"] = map[string]any{"type": "Image", "url": r.Origin + "/pics/new.gif"}
		delete(bob.Doc, "image")
		bob.Publish()
		if again := refreshed(t, s, a.Pictures, bob.IRI); again.Banner != nil || again.Avatar == nil || again.Avatar.Name == set.Avatar.Name || again.Avatar.Stored {
			t.Errorf("new address: %+v", again)
		}
		aptest.Eventually(t, "the old files to go", func() bool {
			return !strings.Contains(strings.Join(files.Keys(), " "), set.Avatar.Name)
		})
		if _, err := a.Pictures.Find(ctx, "avatars", file); err == nil {
			t.Error("the old picture is still found")
		}
	})
}

// refreshed fetches a remote actor again and gives its pictures.
func refreshed(t *testing.T, s *aptest.Server, pictures *picture.Service, iri string) picture.Set {
	t.Helper()
	a, err := s.Engine.Actors.Refresh(t.Context(), iri)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := pictures.Of(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	return sets[a.ID]
}

// TestSEC44Pictures lets a user and a moderator reach for what is not theirs.
func TestSEC44Pictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		red := face(t, 60, 60, color.RGBA{200, 0, 0, 255})
		for path, field := range map[string]string{
			"/users/me/avatar": "avatarfile", "/video-channels/alice_channel/avatar": "avatarfile", "/video-channels/alice_channel/banner": "bannerfile",
		} {
			if a := e.Upload("/api/v1"+path+"/pick", token["alice"], field, "a.png", red); a.Code != 200 {
				t.Fatalf("%s: %d %s", path, a.Code, a.Text())
			}
		}
		before := e.Do("GET", "/api/v1/video-channels/alice_channel", "", nil).Text()
		for _, part := range []string{"avatar", "banner"} {
			path := "/api/v1/video-channels/alice_channel/" + part
			if a := e.Upload(path+"/pick", token["bob"], part+"file", "b.png", red); a.Code != 403 {
				t.Errorf("%s of another user set: %d", part, a.Code)
			}
			if a := e.Do("DELETE", path, token["bob"], nil); a.Code != 403 {
				t.Errorf("%s of another user removed: %d", part, a.Code)
			}
			if a := e.Do("DELETE", "/api/v1/config/instance-"+part, token["mod"], nil); a.Code != 403 {
				t.Errorf("%s of the instance removed by a moderator: %d", part, a.Code)
			}
		}
		if a := e.Do("DELETE", "/api/v1/users/me/avatar", token["bob"], nil); a.Code != 204 {
			t.Errorf("his own, which is not there: %d", a.Code)
		}
		if after := e.Do("GET", "/api/v1/video-channels/alice_channel", "", nil).Text(); after != before {
			t.Errorf("changed:\n%s\n%s", before, after)
		}
	})
}

// TestSEC56PictureNames names files as nobody else may: what a user calls a file
// is forgotten, and only whole names that we gave are found.
func TestSEC56PictureNames(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		a := e.Upload("/api/v1/users/me/avatar/pick", token["alice"], "avatarfile", "../../../../etc/cron.d/x.html", face(t, 60, 60, color.White))
		_, paths := widths(a.JSON()["avatars"])
		ours := regexp.MustCompile(`^avatars/[0-9a-f-]{36}-(48|120|600|1500)\.jpg$`)
		for _, key := range e.Files.Keys() {
			if !ours.MatchString(key) {
				t.Errorf("stored as %s", key)
			}
		}
		file := paths[0][strings.LastIndex(paths[0], "/")+1:]
		if key, err := e.Pictures.Find(t.Context(), "avatars", file); err != nil || key != "avatars/"+file {
			t.Errorf("Find(%s) = %s, %v", file, key, err)
		}
		name := file[:36]
		for _, other := range []string{
			"", ".", "..", "/", name, name + ".jpg", name + "-48", name + "-48.png", name + "-48.jpg.html", name + "-49.jpg", name + "-048.jpg",
			name + "-48.jpg/", name + "-48.jpg\x00", "../" + file, "avatars/" + file, "..%2f" + file, `..\` + file, strings.ToUpper(file), " " + file, file + " ",
			"%", "%-48.jpg", "_" + file[1:],
		} {
			if key, err := e.Pictures.Find(t.Context(), "avatars", other); err == nil {
				t.Errorf("Find(%q) = %s", other, key)
			}
		}
		for _, folder := range []string{"banners", "", "..", "avatars/"} {
			if key, err := e.Pictures.Find(t.Context(), folder, file); err == nil {
				t.Errorf("Find in %q = %s", folder, key)
			}
		}
	})
}

// TestPicturesOfFollows: lists of the instance's follows show the pictures of both
// sides.
func TestPicturesOfFollows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a := federated(t, d)
		a.Pictures.Files = &accountstest.Files{}
		ctx := t.Context()
		us := s.Instance()
		if _, err := a.Channels.SetPicture(ctx, us.ID, picture.Avatar, face(t, 90, 90, color.White)); err != nil {
			t.Fatal(err)
		}
		r := aptest.New(t)
		them, plain := r.Actor(actor.Application, "peertube"), r.Actor(actor.Application, "plain")
		them.Doc["icon"] = map[string]any{"type": "Image", "url": r.Origin + "/pics/them.png", "width": 600}
		them.Publish()
		for _, by := range []*aptest.Actor{them, plain} {
			follow(t, s, r, by, us.IRI)
		}
		aptest.Eventually(t, "both follow", func() bool { return s.Count("follows", "target_id = ? AND state = 'accepted'", us.ID) == 2 })
		if err := d.Tx(ctx, func(tx *db.Tx) error {
			return tx.Exec(`INSERT INTO follows (follower_id, target_id, state, iri, created_at, updated_at)
 SELECT ?, id, 'accepted', ?, ?, ? FROM actors WHERE iri = ?`, us.ID, us.IRI+"/follows/1", db.Now(), db.Now(), them.IRI).Error
		}); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]map[string]string{
			"followers": {"peertube": "avatar of follower, avatar of following", "plain": "avatar of following"},
			"following": {"peertube": "avatar of follower, avatar of following"},
		} {
			got := map[string]string{}
			for _, row := range s.Get("/api/v1/server/"+path, "").JSON["data"].([]any) {
				row := row.(map[string]any)
				var has []string
				for _, side := range []string{"follower", "following"} {
					actor := row[side].(map[string]any)
					if list := actor["avatars"].([]any); len(list) > 0 {
						has = append(has, "avatar of "+side)
						if p, _ := list[0].(map[string]any)["path"].(string); !strings.HasPrefix(p, "/lazy-static/avatars/") {
							t.Errorf("%s: %s", path, p)
						}
					}
					if len(actor["banners"].([]any)) != 0 {
						t.Errorf("%s: %s has a banner", path, side)
					}
				}
				other := row[map[string]string{"followers": "follower", "following": "following"}[path]].(map[string]any)
				got[other["name"].(string)] = strings.Join(has, ", ")
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s: %v, want %v", path, got, want)
			}
		}
	})
}
