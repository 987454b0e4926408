// Package e2e tests the built binary from outside: real servers that federate,
// real browsers, torrent clients and command lines, real ffmpeg.
//
// The tests need what scripts/setup.sh test installs and, for those on
// PostgreSQL and Redis, TEST_DATABASE_URL and TEST_REDIS_URL. KINEMESH_BIN names
// a binary that is built already.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

var (
	kills       = flag.Int("kills", 4, "how often TestReliability kills a server")
	benchServer = flag.Bool("bench-server", false, "run the benchmarks of a whole server")
	screenshots = flag.String("screenshots", "", "folder that TestScreenshots writes to")
)

// binary is the server under test.
var binary string

func TestMain(m *testing.M) {
	if os.Getenv(uploadClient) != "" {
		os.Exit(runUploadClient())
	}
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if testing.Short() {
		return m.Run() // every test is skipped, nothing is built
	}
	binary = os.Getenv("KINEMESH_BIN")
	if binary == "" {
		dir, err := os.MkdirTemp("", "kinemesh-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "kinemesh")
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "..") // as scripts/build.sh does
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the server: %v\n%s", err, out)
			return 1
		}
	}
	defer shared.stop()
	return m.Run()
}

// slow skips a test in the quick loop and bounds it otherwise.
func slow(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the built server")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// engine is where an instance keeps its data.
type engine struct {
	name string
	urls func(t *testing.T) (database, redis string)
}

var redisDB atomic.Int64

// engines are SQLite with the embedded broker and, when the environment names
// them, PostgreSQL with Redis.
func engines() []engine {
	all := []engine{{"SQLite", func(*testing.T) (string, string) { return "", "" }}}
	if os.Getenv("TEST_DATABASE_URL") != "" && os.Getenv("TEST_REDIS_URL") != "" {
		all = append(all, engine{"PostgreSQL", servers})
	}
	return all
}

// servers makes a database of its own and takes a Redis number of its own.
func servers(t *testing.T) (database, redis string) {
	t.Helper()
	database, drop, err := rig.Database(t.Context(), os.Getenv("TEST_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(drop)
	u, err := url.Parse(os.Getenv("TEST_REDIS_URL"))
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + strconv.FormatInt(1+redisDB.Add(1)%15, 10) // 0 is for other packages
	flush(t.Context(), t, u.String())
	return database, u.String()
}

// start runs an instance until the test ends.
func start(ctx context.Context, t *testing.T, o rig.Options) *rig.Instance {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Binary = binary
	i, err := rig.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", i.Host, i.LogTail())
		}
	})
	return i
}

func startOn(ctx context.Context, t *testing.T, e engine, settings map[string]any) *rig.Instance {
	t.Helper()
	database, redis := e.urls(t)
	return start(ctx, t, rig.Options{DatabaseURL: database, RedisURL: redis, Settings: settings})
}

func root(ctx context.Context, t *testing.T, i *rig.Instance) *rig.Client {
	t.Helper()
	c, err := i.Root(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func eventually(ctx context.Context, t *testing.T, limit time.Duration, what string, ask func(context.Context) (bool, error)) {
	t.Helper()
	if err := rig.Eventually(ctx, limit, what, ask); err != nil {
		t.Fatal(err)
	}
}

// follow makes b follow a and waits until a has accepted.
func follow(ctx context.Context, t *testing.T, b, a *rig.Instance) {
	t.Helper()
	c := root(ctx, t, b)
	if err := c.Follow(ctx, a.Host); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, 30*time.Second, b.Host+" follows "+a.Host, func(ctx context.Context) (bool, error) {
		return c.Following(ctx, a.Host)
	})
}

// named finds a video in what visitors of c see.
func named(ctx context.Context, c *rig.Client, name string) ([]rig.Video, error) {
	all, err := c.Videos(ctx)
	var found []rig.Video
	for _, v := range all {
		if v.Name == name {
			found = append(found, v)
		}
	}
	return found, err
}

func hasStatus(err error, status int) bool {
	var s *rig.StatusError
	return errors.As(err, &s) && s.Status == status
}

// shared is one instance with one published video, for the tests that only
// watch.
var shared sharedInstance

type sharedInstance struct {
	once   sync.Once
	cancel context.CancelFunc
	dir    string
	clip   string
	i      *rig.Instance
	proxy  *rig.Proxy // in front of it
	video  rig.Video
	err    error
}

// clipSeconds is long enough that no player has all of it buffered at once.
const clipSeconds = 90

// get starts it for the first that asks, which may take minutes: tests ask before
// their own time begins with [slow].
func (s *sharedInstance) get(t *testing.T) (*rig.Instance, rig.Video) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the built server")
	}
	s.once.Do(func() { s.err = s.start() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.i, s.video
}

func (s *sharedInstance) start() error {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	var err error
	if s.dir, err = os.MkdirTemp("", "kinemesh-e2e-shared-"); err != nil {
		return err
	}
	if s.clip, err = rig.Clip(ctx, s.dir, clipSeconds, 640, 360); err != nil {
		return err
	}
	port, err := rig.FreePort(ctx)
	if err != nil {
		return err
	}
	if s.proxy, err = rig.NewProxy(ctx, port); err != nil {
		return err
	}
	s.i, err = rig.Start(ctx, rig.Options{Binary: binary, Dir: filepath.Join(s.dir, "a"), Port: port, PublicPort: s.proxy.Port})
	if err != nil {
		return err
	}
	c, err := s.i.Root(ctx)
	if err != nil {
		return err
	}
	v, err := c.Upload(ctx, s.clip, rig.Fields{"name": "Shared clip", "description": "Ninety seconds of a test picture."})
	if err != nil {
		return err
	}
	// With all its renditions: pages that see another list of levels are in
	// swarms of their own.
	return rig.Eventually(ctx, 5*time.Minute, "the shared video has all its files", func(ctx context.Context) (bool, error) {
		var err error
		s.video, err = c.Video(ctx, v.UUID)
		return len(s.video.Files) == 2 && len(s.video.StreamingPlaylists) == 1 && len(s.video.StreamingPlaylists[0].Files) == 2, err
	})
}

func (s *sharedInstance) stop() {
	if s.i != nil {
		_ = s.i.Stop() // the tests are over
	}
	if s.proxy != nil {
		s.proxy.Close()
	}
	if s.cancel != nil {
		s.cancel()
		_ = os.RemoveAll(s.dir)
	}
}
