package e2e

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// Killed at random moments of upload, transcoding and delivery, with Redis
// emptied in between, the server loses nothing and does nothing twice. REL-14
func TestReliability(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, time.Duration(*kills)*30*time.Second+5*time.Minute)
			database, redisURL := e.urls(t)
			a := start(ctx, t, rig.Options{DatabaseURL: database, RedisURL: redisURL})
			b := startOn(ctx, t, e, nil)
			follow(ctx, t, b, a)
			clip, err := rig.Clip(ctx, t.TempDir(), 20, 640, 360)
			if err != nil {
				t.Fatal(err)
			}
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 1))

			onA := root(ctx, t, a)
			uploads := newUploader(t, onA, clip, "Never twice", 300*time.Millisecond)
			uploading := make(chan error, 1)
			go func() { uploading <- uploads.finish(ctx) }()
			uploaded := false
			for n := range *kills {
				wait := time.Duration(100+random.IntN(3000)) * time.Millisecond
				select {
				case err := <-uploading:
					if err != nil {
						t.Fatal(err)
					}
					uploaded = true
				case <-time.After(wait):
				}
				if err := a.Kill(); err != nil {
					t.Fatal(err)
				}
				if n == *kills/2 && redisURL != "" {
					flush(ctx, t, redisURL)
				}
				if err := a.Launch(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if !uploaded {
				if err := <-uploading; err != nil {
					t.Fatal(err)
				}
			}
			published(ctx, t, a, b, "Never twice")
		})
	}
}

// published checks that the video is there once on both sides, complete.
func published(ctx context.Context, t *testing.T, a, b *rig.Instance, name string) {
	t.Helper()
	onA := root(ctx, t, a)
	var mine struct {
		Data []rig.Video `json:"data"`
	}
	if err := onA.Get(ctx, "/api/v1/users/me/videos?count=100", &mine); err != nil {
		t.Fatal(err)
	}
	if len(mine.Data) != 1 {
		t.Fatalf("A has %d videos, want one", len(mine.Data))
	}
	v, err := onA.WaitPublished(ctx, mine.Data[0].UUID, 3*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	visitor := b.NewClient()
	eventually(ctx, t, 3*time.Minute, "B has the video once", func(ctx context.Context) (bool, error) {
		found, err := named(ctx, visitor, name)
		if len(found) > 1 {
			t.Fatalf("B has the video %d times", len(found))
		}
		return len(found) == 1, err
	})
	heights := map[int]int{}
	for _, f := range v.Files {
		heights[f.Resolution.ID]++
		if f.Resolution.ID == 360 {
			res, err := http.Head(f.FileURL)
			if err != nil || res.StatusCode != http.StatusOK || res.ContentLength != f.Size {
				t.Errorf("the file of 360p: %v, %v", res, err)
			}
		}
	}
	if heights[360] != 1 || heights[240] != 1 || len(heights) != 2 {
		t.Errorf("files by height %v, want 360 and 240 once", heights)
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	out, err := a.Run(ctx, "check")
	if err != nil {
		t.Errorf("kinemesh check: %v\n%s", err, out)
	}
	if err := a.Launch(ctx); err != nil {
		t.Fatal(err)
	}
}

func flush(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.FlushDB(ctx).Err(); err != nil { // FLUSHALL would hit other tests
		t.Fatal(err)
	}
}

// What keeps the server from starting is one clear sentence.
func TestStartRefusals(t *testing.T) {
	ctx := slow(t, 2*time.Minute)
	taken, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for _, tc := range []struct {
		name string
		o    rig.Options
		path string // PATH, when it is not ours
		want []string
	}{
		{"taken port", rig.Options{Port: port}, "", []string{"listen.port", "in use"}},
		{"wrong value", rig.Options{Settings: map[string]any{"log.level": "loud"}}, "", []string{"log.level", "loud", "one of debug"}},
		{"no database", rig.Options{DatabaseURL: "postgres://nobody@127.0.0.1:1/none"}, "", []string{"database does not answer", "refused"}},
		{"roles on SQLite", rig.Options{Roles: "web"}, "", []string{"SQLite", "one process"}},
		{"no ffmpeg", rig.Options{}, "/nowhere", []string{"ffmpeg"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.path != "" {
				t.Setenv("PATH", tc.path)
			}
			tc.o.Dir, tc.o.Binary = t.TempDir(), binary
			// A database that is starting is waited for; here it is enough that
			// the server says so.
			short, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			if i, err := rig.Start(short, tc.o); err == nil {
				_ = i.Stop() // reported below
				t.Fatal("the server started")
			}
			text, err := os.ReadFile(tc.o.Dir + "/server.log")
			if err != nil {
				t.Fatal(err)
			}
			t.Log(string(text))
			for _, want := range tc.want {
				if !strings.Contains(string(text), want) {
					t.Errorf("the server does not say %q: %s", want, text)
				}
			}
			if strings.Contains(string(text), "goroutine ") || strings.Contains(string(text), "panic") {
				t.Errorf("not a sentence: %s", text)
			}
		})
	}
}

// The second start finds everything of the first.
func TestSecondStart(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 2*time.Minute)
			i := startOn(ctx, t, e, map[string]any{"transcoding.enabled": false})
			c := root(ctx, t, i)
			clip, err := rig.Clip(ctx, t.TempDir(), 2, 320, 240)
			if err != nil {
				t.Fatal(err)
			}
			v, err := c.Upload(ctx, clip, rig.Fields{"name": "Kept"})
			if err != nil {
				t.Fatal(err)
			}
			if err := i.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := i.Launch(ctx); err != nil {
				t.Fatal(err)
			}
			after, err := c.Video(ctx, v.UUID) // with the token of before
			if err != nil || after.Name != "Kept" {
				t.Errorf("after the second start: %+v, %v", after, err)
			}
			if err := i.NewClient().Login(ctx, "root", rig.Password); err != nil {
				t.Errorf("root cannot log in again: %v", err)
			}
			if err := i.NewClient().Login(ctx, "root", "wrong "+rig.Password); !hasStatus(err, http.StatusBadRequest) {
				t.Errorf("a wrong password: %v, want status 400", err)
			}
		})
	}
}
