package picture_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/picture"
)

const home = "https://far.example/videos/watch/1"

// shelf is a database with videos 1 and 2.
type shelf struct {
	t *testing.T
	d *db.DB
}

func newShelf(t *testing.T, d *db.DB) *shelf {
	t.Helper()
	s := &shelf{t, d}
	now := db.Now()
	s.tx(func(tx *db.Tx) error {
		return errors.Join(
			tx.Exec("INSERT INTO actors (id, iri, type, username, host, inbox, created_at, updated_at) VALUES (1, 'https://far.example/a', 'Group', 'a', 'far.example', 'x', ?, ?)", now, now).Error,
			tx.Exec("INSERT INTO accounts (id, actor_id, created_at, updated_at) VALUES (1, 1, ?, ?)", now, now).Error,
			tx.Exec("INSERT INTO channels (id, actor_id, account_id, local, created_at, updated_at) VALUES (1, 1, 1, FALSE, ?, ?)", now, now).Error,
			tx.Exec(`INSERT INTO videos (id, uuid, iri, channel_id, local, name, privacy, state, published_at, created_at, updated_at)
 SELECT n, '0000000' || n, 'https://far.example/videos/watch/' || n, 1, FALSE, 'A', 1, 1, c.created_at, c.created_at, c.created_at
 FROM channels c, (SELECT 1 AS n UNION SELECT 2) s`).Error)
	})
	return s
}

func (s *shelf) tx(do func(*db.Tx) error) {
	s.t.Helper()
	if err := s.d.Tx(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

// set writes pictures and returns the keys that nobody names any more.
func (s *shelf) set(video int64, pictures ...picture.Picture) (gone []string) {
	s.t.Helper()
	s.tx(func(tx *db.Tx) error {
		old, err := picture.Set(tx, video, home, pictures)
		for i := range old {
			gone = append(gone, old[i].Key())
		}
		return err
	})
	return gone
}

func (s *shelf) of(video int64) []picture.Picture {
	s.t.Helper()
	out, err := picture.Of(s.d.Read(s.t.Context()), video, home)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *shelf) find(kind int, name string) *picture.Picture {
	s.t.Helper()
	p, err := picture.Find(s.d.Read(s.t.Context()), kind, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *shelf) store(p picture.Picture) (noted bool) {
	s.t.Helper()
	s.tx(func(tx *db.Tx) (err error) {
		noted, err = picture.Store(tx, &p, true)
		return err
	})
	return noted
}

// TestLocalPictures: each picture keeps the name it was given, and the other's
// replacement leaves it alone.
func TestLocalPictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newShelf(t, d)
		if got := s.of(1); len(got) != 0 {
			t.Fatalf("before: %+v", got)
		}
		s.set(1, picture.Picture{Type: picture.Miniature, Filename: "m.jpg", Stored: true, Automatic: true})
		if got := s.of(1); len(got) != 1 || got[0].Key() != "thumbnails/m.jpg" || !got[0].Automatic {
			t.Fatalf("one alone: %+v", got)
		}
		s.set(1, picture.Picture{Type: picture.Preview, Filename: "p.jpg", Stored: true})
		if gone := s.set(1, picture.Picture{Type: picture.Miniature, Filename: "n.jpg", Stored: true}); !slices.Equal(gone, []string{"thumbnails/m.jpg"}) {
			t.Errorf("gone %v", gone)
		}
		got := s.of(1)
		if len(got) != 2 || got[0].Filename != "n.jpg" || got[0].Automatic || got[1].Key() != "previews/p.jpg" || got[1].Width != 850 || got[1].Height != 480 {
			t.Errorf("%+v", got)
		}
		for _, c := range []struct {
			kind  int
			name  string
			found bool
		}{
			{picture.Miniature, "n.jpg", true},
			{picture.Preview, "p.jpg", true},
			{picture.Preview, "n.jpg", false},
			{picture.Miniature, "m.jpg", false},
			{picture.Miniature, "", false},
			{picture.Miniature, "1-0000000000000000.jpg", false},
			{picture.Miniature, "9999999999999999999-0000000000000000.jpg", false},
		} {
			if p := s.find(c.kind, c.name); (p != nil) != c.found {
				t.Errorf("%d %q: %+v", c.kind, c.name, p)
			}
		}
	})
}

// TestRemotePictures: pictures of other servers have names that lead to them, and
// other names once one has another address.
func TestRemotePictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newShelf(t, d)
		small := picture.Picture{Type: picture.Miniature, RemoteURL: "https://far.example/t/1.jpg"}
		large := picture.Picture{Type: picture.Preview, RemoteURL: "https://cdn.example/p/1.jpg"}
		s.set(1, small, large)
		s.set(2, small, large)
		first := s.of(1)
		if len(first) != 2 || first[0].RemoteURL != small.RemoteURL || first[1].RemoteURL != large.RemoteURL || first[0].Stored || first[1].Stored {
			t.Fatalf("%+v", first)
		}
		for _, p := range first {
			if f := s.find(p.Type, p.Filename); f == nil || f.VideoID != 1 || f.Filename != p.Filename {
				t.Errorf("%s leads to %+v", p.Filename, f)
			}
		}
		var asked string
		if err := d.Read(t.Context()).Raw("SELECT " + picture.MiniatureSQL(d.Dialect()) + " FROM thumbnails t WHERE video_id = 1").Scan(&asked).Error; err != nil || asked != first[0].Filename {
			t.Errorf("SQL gives %q, want %q (%v)", asked, first[0].Filename, err)
		}
		if s.of(2)[0].Filename == first[0].Filename {
			t.Error("two videos share a name")
		}
		if !s.store(first[0]) || !s.store(first[1]) || !s.of(1)[0].Stored || !s.of(1)[1].Stored || s.of(2)[0].Stored {
			t.Error("what was fetched is not noted, or elsewhere")
		}
		if p := s.find(picture.Miniature, first[0].Filename); p == nil || !p.Stored {
			t.Errorf("found %+v", p)
		}

		s.tx(func(tx *db.Tx) error {
			if _, err := picture.Store(tx, &first[1], false); err != nil {
				return err
			}
			fetched, err := picture.Fetched(tx.DB)
			if len(fetched) != 1 || fetched[0].Filename != first[0].Filename {
				t.Errorf("fetched are %+v", fetched)
			}
			return err
		})
		s.store(first[1])

		large.RemoteURL = "https://cdn.example/p/2.jpg"
		gone := s.set(1, large)
		if !slices.Equal(gone, []string{first[0].Key(), first[1].Key()}) {
			t.Errorf("gone %v", gone)
		}
		second := s.of(1)
		if second[0].Filename == first[0].Filename || second[0].RemoteURL != small.RemoteURL || second[0].Stored || second[1].RemoteURL != large.RemoteURL {
			t.Errorf("after another address: %+v", second)
		}
		if s.find(picture.Miniature, first[0].Filename) != nil || s.store(first[0]) {
			t.Error("the old name still leads somewhere")
		}
		for _, name := range []string{fmt.Sprintf("2%s", second[0].Filename[1:]), fmt.Sprintf("0%s", second[0].Filename)} {
			if p := s.find(picture.Miniature, name); p != nil {
				t.Errorf("%s leads to %+v", name, p)
			}
		}
	})
}

// A picture that had a name before the row named them keeps it, and its file.
func TestNamedRemotePicture(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newShelf(t, d)
		s.tx(func(tx *db.Tx) error {
			return tx.Exec(`INSERT INTO thumbnails (video_id, version, miniature, miniature_url, miniature_stored, preview_url, preview_stored)
 VALUES (1, 7, 'old.jpg', '/t.jpg', FALSE, '/p.jpg', TRUE)`).Error
		})
		old := s.of(1)
		if len(old) != 2 || old[0].Filename != "old.jpg" || old[1].Filename != "1-0000000000000007.jpg" {
			t.Fatalf("%+v", old)
		}
		if !s.store(old[0]) {
			t.Error("not noted")
		}
		if gone := s.set(1, picture.Picture{Type: picture.Preview, RemoteURL: "https://far.example/q.jpg"}); !slices.Equal(gone, []string{"previews/1-0000000000000007.jpg"}) {
			t.Errorf("gone %v", gone)
		}
		if now := s.of(1); now[0].Filename != "old.jpg" || !now[0].Stored || now[1].Stored {
			t.Errorf("%+v", now)
		}
	})
}
