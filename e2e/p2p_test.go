package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

const inNetwork = "KINEMESH_E2E_NETWORK"

// needNetwork makes sure that browsers offer addresses to each other: without a
// default route Chromium offers none. Where there is no route the test runs
// again in a network of its own.
func needNetwork(t *testing.T) {
	t.Helper()
	routes, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return // not Linux
	}
	for line := range strings.Lines(string(routes)) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == "00000000" {
			return
		}
	}
	if os.Getenv(inNetwork) != "" {
		t.Fatal("no default route in a network of our own")
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-n", "sh", "-c", `ip link set lo up &&
		ip link add v0 type veth peer name v1 && ip addr add 10.99.0.1/24 dev v0 &&
		ip link set v0 up && ip link set v1 up && ip route add default via 10.99.0.2 dev v0 && exec "$@"`,
		"sh", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNetwork+"=1", "KINEMESH_BIN="+binary)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a network of its own: %v\n%s", err, out)
	}
	t.Skip("passed in a network of its own")
}

// Two viewers exchange segments; a third goes on when the server gives no media.
func TestPeerToPeer(t *testing.T) {
	ctx := slow(t, 8*time.Minute)
	needNetwork(t)
	i, v := shared.get(t)
	browser, err := rig.StartBrowser(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer browser.Close()
	open := func() *rig.Page {
		t.Helper()
		p, err := browser.Open(ctx, i.Origin+"/w/"+v.ShortUUID, rig.PageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	shows := func(p *rig.Page, frames int, who string) {
		t.Helper()
		eventually(ctx, t, time.Minute, who+" shows frames", func(ctx context.Context) (bool, error) {
			n, err := p.Frames(ctx)
			return n > frames, err
		})
	}
	first := open()
	shows(first, 50, "the first page")
	second := open()
	shows(second, 25, "the second page")
	var stats rig.PlayerStats
	eventually(ctx, t, 90*time.Second, "bytes come from a peer", func(ctx context.Context) (bool, error) {
		for _, p := range []*rig.Page{second, first} {
			var err error
			if stats, err = p.Stats(ctx); err != nil || stats.P2PBytes > 0 {
				return err == nil, err
			}
			if _, err := p.Frames(ctx); err != nil { // plays on
				return false, err
			}
		}
		return false, nil
	})
	if stats.Validated == 0 || stats.Invalid > 0 {
		t.Errorf("%d segments had the right hash, %d a wrong one", stats.Validated, stats.Invalid)
	}

	// The first page takes the whole video, so that there is somebody who has it.
	eventually(ctx, t, 2*time.Minute, "the first page has all of it", func(ctx context.Context) (bool, error) {
		if _, err := first.Frames(ctx); err != nil { // plays
			return false, err
		}
		err := first.Eval(ctx, `document.querySelector('video').playbackRate = 4`, nil)
		return bufferedTo(ctx, t, first) > clipSeconds-1, err
	})

	// The server stops giving media when the third page is in the swarm and past
	// what a page loads before it joins: that part nobody can offer.
	const alone = 20 // seconds of video
	third := open()
	defer func() { // not a cleanup: the browser ends before those
		if t.Failed() {
			report(t, first, second, third)
		}
	}()
	eventually(ctx, t, time.Minute, "the third page joins the swarm", func(ctx context.Context) (bool, error) {
		if _, err := third.Frames(ctx); err != nil { // plays
			return false, err
		}
		s, err := third.Stats(ctx)
		return s.P2P == "on" && s.Peers > 0 && bufferedTo(ctx, t, third) > alone, err
	})
	shared.proxy.NoMedia.Store(true)
	defer shared.proxy.NoMedia.Store(false)
	before, err := third.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// Far past everything that is buffered, and past the segments that were on
	// their way: what comes now comes from peers.
	const onTheirWay = 16 // seconds of video
	edge := bufferedTo(ctx, t, third)
	eventually(ctx, t, 3*time.Minute, "the third page plays past its buffer", func(ctx context.Context) (bool, error) {
		if _, err := third.Frames(ctx); err != nil {
			return false, err
		}
		var now, end float64
		if err := third.Eval(ctx, `document.querySelector('video').currentTime`, &now); err != nil {
			return false, err
		}
		err := third.Eval(ctx, `document.querySelector('video').duration`, &end)
		return now > edge+onTheirWay || now >= end-1, err
	})
	after, err := third.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// What it played beyond the edge is from peers, be it fetched ahead before the
	// server went silent or after; a segment on its way may still have come.
	if most := before.HTTPBytes + 1<<20; after.P2PBytes == 0 || after.HTTPBytes > most {
		t.Errorf("it did not go on from peers: %+v, then %+v", before, after)
	}
	if res, _ := fetch(ctx, t, v.StreamingPlaylists[0].Files[0].FileURL, "0-0"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the server that gives no media answers %s", res.Status)
	}
	if after.Invalid > 0 {
		t.Errorf("%d segments had a wrong hash", after.Invalid)
	}
	t.Logf("second page: %+v", stats)
	t.Logf("third page: %+v when the server went down, then %+v", before, after)
}

// bufferedTo is the second up to which a page could play by itself.
func bufferedTo(ctx context.Context, t *testing.T, p *rig.Page) (end float64) {
	t.Helper()
	err := p.Eval(ctx, `(() => { const b = document.querySelector('video').buffered; return b.length ? b.end(b.length - 1) : 0 })()`, &end)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// report says where each page stands.
func report(t *testing.T, pages ...*rig.Page) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for i, p := range pages {
		stats, err := p.Stats(ctx)
		var video string
		if err == nil {
			err = p.Eval(ctx, `(v => [v.currentTime, 'of', v.duration, 'ready', v.readyState, 'paused', v.paused, 'error', v.error?.message,
				'buffered', ...Array.from({ length: v.buffered.length }, (_, i) => v.buffered.start(i) + '-' + v.buffered.end(i))].join(' '))(document.querySelector('video'))`, &video)
		}
		t.Logf("page %d: %+v, video at %s, %d errors, %v", i+1, stats, video, len(p.Errors()), err)
	}
}
