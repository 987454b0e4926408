// Package catalogtest makes what tests of the video module stand on: a database
// with users, channels and videos, and the catalog's routes in process.
package catalogtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/edit"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/video/oembed"
	"github.com/kinemesh/kinemesh/web/openapi/openapitest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Origin is where the instance of a test is.
const Origin = "https://videos.example"

// World is one instance without a network.
type World struct {
	T       testing.TB
	DB      *db.DB
	Actors  *actor.Service
	Catalog *catalog.Service
	Listing *listing.Service
	Options catalog.Options
	Files   *Files
	Routes  func(*rest.Router) // of the feature under test, besides the catalog's

	HideNSFW bool // of the lists; set before the first request

	Instance int64 // the Application actor
	echo     *echo.Echo
	users    map[int64]*User
}

// User is a local user with its account and one channel, or, without ID, an
// account of another server.
type User struct {
	ID, AccountID, ActorID       int64
	ChannelID, ChannelActorID    int64
	Name, AccountIRI, ChannelIRI string
	Role                         rest.Role
}

// Principal is the user signed in; nil for nil.
func (u *User) Principal() *rest.Principal {
	if u == nil {
		return nil
	}
	return &rest.Principal{UserID: u.ID, AccountID: u.AccountID, ActorID: u.ActorID, Username: u.Name, Role: u.Role}
}

// New makes a world on d. change may alter the options of the catalog.
func New(t testing.TB, d *db.DB, change ...func(*catalog.Options)) *World {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	actors, err := actor.New(actor.Options{DB: d, Origin: Origin, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	w := &World{T: t, DB: d, Actors: actors, Files: &Files{}, users: map[int64]*User{}}
	w.Options = catalog.Options{
		DB: d, Origin: Origin, Logger: log, PutFile: w.Files.Put, DeleteFile: w.Files.Delete,
		Channels: channel.New(channel.Options{DB: d, Actors: actors, Logger: log}),
	}
	for _, f := range change {
		f(&w.Options)
	}
	if w.Catalog, err = catalog.New(w.Options); err != nil {
		t.Fatal(err)
	}
	w.Listing = listing.New(listing.Options{DB: d, Catalog: w.Catalog, Channels: w.Options.Channels})
	w.Instance = w.actor("Application", "peertube", "", Origin+"/accounts/peertube", "")
	return w
}

// Tx runs fn in a transaction and fails the test with its error.
func (w *World) Tx(fn func(tx *db.Tx) error) {
	w.T.Helper()
	if err := w.DB.Tx(context.Background(), fn); err != nil {
		w.T.Fatal(err)
	}
}

// Insert writes a row and returns its id.
func (w *World) Insert(table string, row map[string]any) int64 {
	w.T.Helper()
	var id int64
	w.Tx(func(tx *db.Tx) error {
		now := db.Now()
		if _, ok := row["created_at"]; !ok {
			row["created_at"] = now
		}
		if _, ok := row["updated_at"]; !ok {
			row["updated_at"] = now
		}
		if err := tx.Table(table).Create(row).Error; err != nil {
			return err
		}
		return tx.Raw("SELECT MAX(id) FROM " + table).Scan(&id).Error
	})
	return id
}

func (w *World) actor(kind, name, host, iri, owner string) int64 {
	return w.Insert("actors", map[string]any{
		"iri": iri, "type": kind, "username": name, "host": host, "name": name + " shown", "inbox": iri + "/inbox",
		"followers": iri + "/followers", "attributed_to": owner, "public_key_id": iri + "#main-key",
	})
}

// User makes a local user with the channel NAME_channel.
func (w *World) User(name string, role rest.Role) *User {
	w.T.Helper()
	u := &User{Name: name, Role: role, AccountIRI: Origin + "/accounts/" + name, ChannelIRI: Origin + "/video-channels/" + name + "_channel"}
	u.ID = w.Insert("users", map[string]any{"username": name, "email": name + "@example.org", "password_hash": "x", "role": int(role)})
	w.people(u, "", u.ID)
	w.users[u.ID] = u
	return u
}

// Remote makes an account and a channel of another server.
func (w *World) Remote(name, host string) *User {
	w.T.Helper()
	u := &User{Name: name, AccountIRI: "https://" + host + "/accounts/" + name, ChannelIRI: "https://" + host + "/video-channels/" + name + "_channel"}
	w.people(u, host, 0)
	return u
}

func (w *World) people(u *User, host string, userID int64) {
	u.ActorID = w.actor("Person", u.Name, host, u.AccountIRI, "")
	account := map[string]any{"actor_id": u.ActorID}
	if userID != 0 {
		account["user_id"] = userID
	}
	u.AccountID = w.Insert("accounts", account)
	u.ChannelActorID = w.actor("Group", u.Name+"_channel", host, u.ChannelIRI, u.AccountIRI)
	u.ChannelID = w.Insert("channels", map[string]any{"actor_id": u.ChannelActorID, "account_id": u.AccountID, "local": host == ""})
}

// Follow makes the instance actor follow an actor.
func (w *World) Follow(actorID int64) {
	w.Insert("follows", map[string]any{
		"follower_id": w.Instance, "target_id": actorID, "state": "accepted", "iri": fmt.Sprint(Origin, "/follows/", actorID),
	})
}

// Video publishes a video of u without files.
func (w *World) Video(u *User, name string, change ...func(*catalog.NewVideo)) *catalog.Video {
	w.T.Helper()
	n := catalog.NewVideo{ChannelID: u.ChannelID, Attributes: catalog.NewAttributes(), Duration: 20, AspectRatio: 1.7778, SourceSize: 1000}
	n.Attributes.Name, n.Attributes.Privacy = name, catalog.Public
	for _, f := range change {
		f(&n)
	}
	var v *catalog.Video
	w.Tx(func(tx *db.Tx) (err error) {
		v, err = w.Catalog.Create(tx, n)
		return err
	})
	return v
}

// WithFiles adds a web file and an HLS rendition of 720p with torrents, a
// playlist and both pictures.
func (w *World) WithFiles(v *catalog.Video) {
	w.T.Helper()
	w.Tx(func(tx *db.Tx) error {
		f := catalog.File{
			Resolution: 720, Width: 1280, Height: 720, FPS: 30, Size: 680948, Extname: ".mp4", HasAudio: true, HasVideo: true,
			Filename: v.UUID + "-web-720.mp4", TorrentFilename: v.UUID + "-720.torrent",
			InfoHash: "6d43fead57e8eb647b5e8643fb5ab0c16ba8a4ae", Metadata: `{"format":{"duration":20}}`,
		}
		if err := w.Catalog.AddFile(tx, v, &f); err != nil {
			return err
		}
		p := catalog.StreamingPlaylist{Filename: v.UUID + "-master.m3u8", SegmentsFilename: v.UUID + "-segments-sha256.json"}
		if err := w.Catalog.SetPlaylist(tx, v, &p); err != nil {
			return err
		}
		h := f
		h.PlaylistID, h.Filename, h.PlaylistName = &p.ID, v.UUID+"-720-fragmented.mp4", v.UUID+"-720.m3u8"
		h.TorrentFilename, h.InfoHash, h.Size = v.UUID+"-720-hls.torrent", "40ea012a6d3e697ac2347f4486e94340f1cdd62a", 644909
		if err := w.Catalog.AddFile(tx, v, &h); err != nil {
			return err
		}
		return w.Catalog.SetThumbnails(tx, v, []catalog.Thumbnail{
			{Type: catalog.Miniature, Filename: v.UUID + "-t.jpg", Width: 280, Height: 157, Stored: true},
			{Type: catalog.Preview, Filename: v.UUID + "-p.jpg", Width: 850, Height: 480, Stored: true},
		})
	})
}

// Reload reads a video anew.
func (w *World) Reload(id int64) *catalog.Video {
	w.T.Helper()
	v, err := w.Catalog.ByID(context.Background(), id)
	if err != nil {
		w.T.Fatal(err)
	}
	return v
}

// Job is a waiting job.
type Job struct{ Kind, Args string }

// TakeJobs returns the jobs that wait, oldest first, and forgets them.
func (w *World) TakeJobs(kinds ...string) []Job {
	w.T.Helper()
	var out []Job
	w.Tx(func(tx *db.Tx) error {
		q := tx.Table("jobs").Where("state = 'waiting'")
		if len(kinds) > 0 {
			q = q.Where("kind IN ?", kinds)
		}
		if err := q.Select("kind, args").Order("id").Find(&out).Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM jobs").Error
	})
	return out
}

// Handler serves the routes of the catalog and of the lists. The header X-User names the user who is
// signed in.
func (w *World) Handler() http.Handler {
	if w.echo != nil {
		return w.echo
	}
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, slog.New(slog.DiscardHandler), err) }
	r := rest.NewRouter(e, func(c echo.Context) (*rest.Principal, error) {
		id, err := strconv.ParseInt(c.Request().Header.Get("X-User"), 10, 64)
		if err != nil {
			return nil, nil //nolint:nilerr,nilnil // anonymous
		}
		return w.users[id].Principal(), nil
	})
	w.Catalog.Routes(r)
	edit.New(w.Catalog).Routes(r)
	oembed.New(oembed.Options{Catalog: w.Catalog, Channels: w.Options.Channels, Provider: func() string { return "Test" }}).Routes(r)
	listing.New(listing.Options{DB: w.DB, Catalog: w.Catalog, Channels: w.Options.Channels, HideNSFW: func() bool { return w.HideNSFW }}).Routes(r)
	if w.Routes != nil {
		w.Routes(r)
	}
	if err := r.Err(); err != nil {
		w.T.Fatal(err)
	}
	w.echo = e
	return e
}

// Answer is what a request got.
type Answer struct {
	Status int
	Body   []byte
	Header http.Header
}

// JSON decodes the body.
func (a Answer) JSON(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(a.Body, &out); err != nil {
		t.Fatalf("answer %d is not JSON: %v: %s", a.Status, err, a.Body)
	}
	return out
}

// Do sends a request as u, nil for nobody. body is nil, a reader or a value that
// is sent as JSON.
func (w *World) Do(u *User, method, path string, body any, header ...string) Answer {
	w.T.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		r = b
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			w.T.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, path, r)
	req.Header.Set("Content-Type", "application/json")
	if u != nil {
		req.Header.Set("X-User", strconv.FormatInt(u.ID, 10))
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, req)
	openapitest.Check(w.T, method, req.URL.Path, rec.Code, rec.Header(), rec.Body.Bytes())
	return Answer{rec.Code, rec.Body.Bytes(), rec.Header()}
}

// Files is storage in memory. The zero value is empty.
type Files struct {
	mu      sync.Mutex
	objects map[string][]byte
}

// Put stores an object.
func (f *Files) Put(_ context.Context, key string, r io.Reader) error {
	data, err := io.ReadAll(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.objects == nil {
		f.objects = map[string][]byte{}
	}
	f.objects[key] = data
	return err
}

// Delete removes an object.
func (f *Files) Delete(_ context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.objects, key)
	return nil
}

// Get returns an object, nil when it is not there.
func (f *Files) Get(key string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.objects[key]
}

// Keys lists what is stored.
func (f *Files) Keys() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for k := range f.objects {
		out = append(out, k)
	}
	return out
}
