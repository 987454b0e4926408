package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// What an idle server may take, and what is aimed at.
const (
	maxIdleMB      = 60.0
	aimIdleMB      = 45.0
	maxStart       = 300 * time.Millisecond
	aimStart       = 100 * time.Millisecond
	listVideos     = 50
	listWorkers    = 16
	listSeconds    = 10
	aimListP99     = 20 * time.Millisecond
	idleAfterStart = 60 * time.Second
)

// TestBenchIdle prints the size of the binary, the start and the memory of a
// server with its database and broker inside.
func TestBenchIdle(t *testing.T) {
	if !*benchServer {
		t.Skip("run by make bench")
	}
	ctx := slow(t, 3*time.Minute)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("binary: %.1f MB\n", float64(info.Size())/1e6)

	i := start(ctx, t, rig.Options{Settings: map[string]any{"log.level": "info"}})
	var starts []time.Duration
	for range 5 {
		if err := i.Stop(); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := i.Launch(ctx); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, time.Since(begun))
	}
	slices.Sort(starts)
	median := starts[len(starts)/2]
	fmt.Printf("start of a migrated instance to the first 200: median %v, at most %v (limit %v, aim %v)\n", median, starts[len(starts)-1], maxStart, aimStart)
	if median > maxStart {
		t.Errorf("start takes %v, the limit is %v", median, maxStart)
	}

	select {
	case <-time.After(idleAfterStart):
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
	mb := resident(t, i.PID())
	fmt.Printf("resident memory idle, %v after start: %.1f MB (limit %.0f, aim %.0f)\n", idleAfterStart, mb, maxIdleMB, aimIdleMB)
	if mb > maxIdleMB {
		t.Errorf("the idle server holds %.1f MB, the limit is %.0f", mb, maxIdleMB)
	}
}

func resident(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb * 1024 / 1e6
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// TestBenchList prints how fast the list of videos is, on both databases.
func TestBenchList(t *testing.T) {
	if !*benchServer {
		t.Skip("run by make bench")
	}
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 5*time.Minute)
			const unlimited = 1_000_000_000
			i := startOn(ctx, t, e, map[string]any{
				"transcoding.enabled": false, "log.level": "warn",
				"rates_limit.api.max": unlimited, "rates_limit.activity_pub.max": unlimited, "rates_limit.client.max": unlimited,
			})
			c := root(ctx, t, i)
			clip, err := rig.Clip(ctx, t.TempDir(), 1, 160, 90)
			if err != nil {
				t.Fatal(err)
			}
			for n := range listVideos {
				if _, err := c.Upload(ctx, clip, rig.Fields{"name": fmt.Sprintf("Video %d", n)}); err != nil {
					t.Fatal(err)
				}
			}
			eventually(ctx, t, 2*time.Minute, "all are listed", func(ctx context.Context) (bool, error) {
				all, err := c.Videos(ctx)
				return len(all) == listVideos, err
			})
			all, err := c.Videos(ctx)
			if err != nil {
				t.Fatal(err)
			}
			v := all[0]
			for _, what := range []struct {
				name, path, accept string
				aim                int // requests a second
			}{
				{"list", "/api/v1/videos?count=15", "application/json", 2500},
				{"search", "/api/v1/search/videos?search=video+1", "application/json", 2500},
				{"one video", "/api/v1/videos/" + v.UUID, "application/json", 4000},
				{"its ActivityPub document", "/videos/watch/" + v.UUID, "application/activity+json", 10_000},
				{"its page", "/w/" + v.ShortUUID, "text/html", 1500},
			} {
				rate, p50, p99 := loadAs(ctx, t, listSeconds*time.Second, "", what.accept, func(int) string { return i.Origin + what.path })
				fmt.Printf("%s: %s, %d videos at concurrency %d: %.0f requests a second (aim %d), p50 %v, p99 %v (aim for lists %v)\n",
					e.name, what.name, listVideos, listWorkers, rate, what.aim, p50, p99, aimListP99)
			}
			fmt.Printf("%s: resident memory afterwards: %.1f MB\n", e.name, resident(t, i.PID()))
		})
	}
}

// loadAs asks for what url gives to each request from several connections at
// once, with a token unless it is empty.
func loadAs(ctx context.Context, t *testing.T, limit time.Duration, token, accept string, url func(int) string) (rate float64, p50, p99 time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: listWorkers}}
	took := make([][]time.Duration, listWorkers)
	var next atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for w := range listWorkers {
		wg.Go(func() {
			for ctx.Err() == nil {
				url := url(int(next.Add(1)))
				at := time.Now()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Accept", accept)
				if token != "" {
					req.Header.Set("Authorization", "Bearer "+token)
				}
				res, err := client.Do(req)
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Errorf("%s: status %s", url, res.Status)
					return
				}
				if err == nil {
					took[w] = append(took[w], time.Since(at))
				}
			}
		})
	}
	wg.Wait()
	all := slices.Concat(took...)
	if len(all) == 0 {
		t.Fatalf("no answer from %s", url(0))
	}
	slices.Sort(all)
	return float64(len(all)) / time.Since(begun).Seconds(), all[len(all)/2], all[len(all)*99/100]
}
