package e2e

import (
	"context"
	"fmt"
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
// emptied in between, the servers lose nothing and do nothing twice. REL-14
func TestReliability(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, time.Duration(*kills)*30*time.Second+5*time.Minute)
			databaseA, redisA := e.urls(t)
			r := &killing{
				a: start(ctx, t, rig.Options{DatabaseURL: databaseA, RedisURL: redisA}),
				b: startOn(ctx, t, e, nil), redisURL: redisA, left: *kills,
			}
			follow(ctx, t, r.b, r.a)
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			r.random = rand.New(rand.NewPCG(seed, 1))

			r.upload(ctx, t, *kills/3)
			v := r.transcode(ctx, t, *kills/3)
			name := r.deliver(ctx, t, v.UUID)
			t.Logf("killed %d times during upload, %d during transcoding, %d during delivery", r.times[0], r.times[1], r.times[2])

			once(ctx, t, r.a, r.b, name)
			complete(ctx, t, root(ctx, t, r.a), v.UUID)
			for _, i := range []*rig.Instance{r.a, r.b} {
				if err := i.Stop(); err != nil {
					t.Fatal(err)
				}
				if out, err := i.Run(ctx, "check"); err != nil {
					t.Errorf("kinemesh check on %s: %v\n%s", i.Host, err, out)
				}
				if err := i.Launch(ctx); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// killing kills the servers while they work.
type killing struct {
	a, b     *rig.Instance
	redisURL string
	random   *rand.Rand
	left     int
	times    [3]int // in each phase
	flushed  bool
}

// kill ends one server after a random time and starts it again.
func (r *killing) kill(ctx context.Context, t *testing.T, i *rig.Instance, phase int, most time.Duration) {
	t.Helper()
	time.Sleep(time.Duration(r.random.Int64N(int64(most))))
	if r.redisURL != "" && !r.flushed && phase > 0 && r.times[phase] == 1 {
		r.flushed = true
		flush(ctx, t, r.redisURL)
		time.Sleep(time.Duration(r.random.IntN(100)) * time.Millisecond)
	}
	if err := i.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := i.Launch(ctx); err != nil {
		t.Fatal(err)
	}
	r.left--
	r.times[phase]++
}

// upload sends the file while A is killed n times.
func (r *killing) upload(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	clip, err := rig.Clip(ctx, t.TempDir(), 20, 640, 360)
	if err != nil {
		t.Fatal(err)
	}
	u := newUploader(t, root(ctx, t, r.a), clip, "Never twice", 400*time.Millisecond)
	done := make(chan error, 1)
	go func() { done <- u.finish(ctx) }()
	for range n {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
			r.kill(ctx, t, r.a, 0, 2*time.Second)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// transcode kills A n times on the way to the files of the video.
func (r *killing) transcode(ctx context.Context, t *testing.T, n int) rig.Video {
	t.Helper()
	c := root(ctx, t, r.a)
	for range n {
		if v, err := mine(ctx, c); err != nil || len(v.StreamingPlaylists) > 0 && len(v.Files) == 2 && len(v.StreamingPlaylists[0].Files) == 2 {
			break
		}
		r.kill(ctx, t, r.a, 1, 2*time.Second)
	}
	v, err := mine(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return complete(ctx, t, c, v.UUID)
}

// deliver renames the video again and again, and kills A or B each time.
func (r *killing) deliver(ctx context.Context, t *testing.T, id string) (name string) {
	t.Helper()
	c := root(ctx, t, r.a)
	for n := 0; r.left > 0 || n == 0; n++ {
		name = fmt.Sprintf("Never twice, name %d", n)
		if err := c.Send(ctx, http.MethodPut, "/api/v1/videos/"+id, map[string]any{"name": name}, nil); err != nil {
			t.Fatal(err)
		}
		r.kill(ctx, t, []*rig.Instance{r.a, r.b}[r.random.IntN(2)], 2, 250*time.Millisecond)
	}
	return name
}

// mine is the only video of root.
func mine(ctx context.Context, c *rig.Client) (rig.Video, error) {
	var list struct {
		Data []rig.Video `json:"data"`
	}
	if err := c.Get(ctx, "/api/v1/users/me/videos?count=100", &list); err != nil {
		return rig.Video{}, err
	}
	if len(list.Data) != 1 {
		return rig.Video{}, fmt.Errorf("A has %d videos, want one", len(list.Data))
	}
	return c.Video(ctx, list.Data[0].UUID)
}

// once checks that the video is there once on both sides, with its last name.
func once(ctx context.Context, t *testing.T, a, b *rig.Instance, name string) {
	t.Helper()
	for _, i := range []*rig.Instance{a, b} {
		c := i.NewClient()
		eventually(ctx, t, 3*time.Minute, i.Host+" has the video", func(ctx context.Context) (bool, error) {
			all, err := c.Videos(ctx)
			if len(all) > 1 {
				t.Fatalf("%s has the video %d times", i.Host, len(all))
			}
			return len(all) == 1 && all[0].Name == name, err
		})
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
	ctx := slow(t, 5*time.Minute)
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
			log := tc.o.Dir + "/server.log"
			short, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			if tc.o.DatabaseURL != "" {
				// A database that is starting is waited for; here it is enough
				// that the server says so.
				go func() {
					for short.Err() == nil && !saysAll(log, tc.want) {
						time.Sleep(100 * time.Millisecond)
					}
					cancel()
				}()
			}
			if i, err := rig.Start(short, tc.o); err == nil {
				_ = i.Stop() // reported below
				t.Fatal("the server started")
			} else if tc.o.DatabaseURL == "" && short.Err() != nil {
				t.Error("the server does not end")
			}
			text, err := os.ReadFile(log)
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

func saysAll(file string, want []string) bool {
	text, err := os.ReadFile(file)
	for _, s := range want {
		if err != nil || !strings.Contains(string(text), s) {
			return false
		}
	}
	return true
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
