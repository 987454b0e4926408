package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// line is what socket/client.cjs tells.
type line struct {
	What string          `json:"what"`
	Data json.RawMessage `json:"data"`
}

// socketClient runs the client of Socket.IO that the world uses.
type socketClient struct {
	name  string
	lines chan line
	t     *testing.T
}

func startSocket(ctx context.Context, t *testing.T, name, address, token, transports, video string) *socketClient {
	t.Helper()
	cmd := exec.CommandContext(ctx, "node", filepath.Join("socket", "client.cjs"), npmPackages(ctx, t), address, token, transports, video)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &socketClient{name, make(chan line, 1000), t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := bufio.NewScanner(out); s.Scan(); {
			var l line
			if json.Unmarshal(s.Bytes(), &l) == nil {
				c.lines <- l
			}
		}
		_ = cmd.Wait() // it ends with its input
	}()
	t.Cleanup(func() { in.Close(); <-done })
	return c
}

// wait reads what the client tells until match says yes.
func (c *socketClient) wait(what, holds string) string {
	c.t.Helper()
	limit := time.After(time.Minute)
	var seen []string
	for {
		select {
		case l := <-c.lines:
			if l.What == what && strings.Contains(string(l.Data), holds) {
				return string(l.Data)
			}
			seen = append(seen, l.What+" "+string(l.Data))
		case <-limit:
			c.t.Fatalf("%s: waited in vain for %s %s, got %q", c.name, what, holds, seen)
		}
	}
}

// all reads what the client tells until it has told all of this, in any order.
func (c *socketClient) all(what ...string) {
	c.t.Helper()
	limit := time.After(time.Minute)
	for len(what) > 0 {
		select {
		case l := <-c.lines:
			what = slices.DeleteFunc(what, func(w string) bool { return w == l.What })
		case <-limit:
			c.t.Fatalf("%s: waited in vain for %q", c.name, what)
		}
	}
}

// The client of Socket.IO that PeerTube's pages and apps use, unmodified, gets
// notifications and the numbers of a video by every transport, from whichever
// process it is connected to, and is sent away when its session ends (SEC-47).
func TestSocketIO(t *testing.T) {
	ctx := slow(t, 5*time.Minute)
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			database, redis := e.urls(t)
			data := map[string]any{
				"data_dir": t.TempDir() + "/data", "signup.enabled": true, "signup.limit": -1, "signup.requires_approval": false,
				"signup.requires_email_verification": false, "views.videos.count_view_after": "1s",
			}
			a := start(ctx, t, rig.Options{DatabaseURL: database, RedisURL: redis, Settings: data})
			c := root(ctx, t, a)
			nodes := []string{a.Origin}
			if database != "" { // another process of the same server
				port, err := rig.FreePort(ctx)
				if err != nil {
					t.Fatal(err)
				}
				start(ctx, t, rig.Options{
					DatabaseURL: database, RedisURL: redis, Roles: "web", Settings: data, Port: port, PublicPort: portOf(t, a),
				})
				nodes = append(nodes, fmt.Sprintf("http://127.0.0.1:%d", port))
			}
			clip, err := rig.Clip(ctx, t.TempDir(), 2, 320, 240)
			if err != nil {
				t.Fatal(err)
			}
			v, err := c.Upload(ctx, clip, rig.Fields{"name": "Live numbers"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.WaitPublished(ctx, v.UUID, 2*time.Minute); err != nil {
				t.Fatal(err)
			}

			var told, watching []*socketClient
			for _, node := range nodes {
				for _, transports := range []string{"polling", "websocket", ""} {
					name := node + " " + transports
					told = append(told, startSocket(ctx, t, name, node+"/user-notifications", c.Token, transports, ""))
				}
				watching = append(watching, startSocket(ctx, t, node+" live", node+"/live-videos", "", "", fmt.Sprint(v.ID)))
			}
			for i, s := range told {
				if i%3 == 2 { // it goes over to the socket before or after
					s.all("connect", "upgrade")
				} else {
					s.all("connect")
				}
			}
			startSocket(ctx, t, "bad token", nodes[0]+"/user-notifications", "none", "", "").wait("connect_error", "Unauthorized")

			err = a.NewClient().Send(ctx, http.MethodPost, "/api/v1/users/register", map[string]any{
				"username": "newcomer", "email": "newcomer@example.org", "password": rig.Password,
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range told {
				if got := s.wait("new-notification", "newcomer"); !strings.Contains(got, `"type":9`) {
					t.Errorf("%s got %s", s.name, got)
				}
			}

			for _, s := range watching {
				s.wait("connect", "")
			}
			viewer := a.NewClient()
			for second, done := 0, false; !done; second++ {
				err := viewer.Send(ctx, http.MethodPost, "/api/v1/videos/"+v.UUID+"/views", map[string]any{"currentTime": second % 2, "sessionId": "watcher0"}, nil)
				if err != nil {
					t.Fatal(err)
				}
				select {
				case <-time.After(time.Second):
				case l := <-watching[len(watching)-1].lines:
					done = l.What == "views-change" && strings.Contains(string(l.Data), `"viewers":1`)
				}
				if second > 100 {
					t.Fatal("who is connected to the other process hears of no viewer")
				}
			}

			if err := c.Send(ctx, http.MethodPost, "/api/v1/users/revoke-token", nil, nil); err != nil {
				t.Fatal(err)
			}
			for _, s := range told {
				s.wait("disconnect", "io server disconnect")
			}
		})
	}
}
