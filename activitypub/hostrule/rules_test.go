package hostrule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

func rules(d *db.DB, mode string) *hostrule.Rules {
	return hostrule.New(hostrule.Options{DB: d, Mode: mode, Own: "tube.example", Logger: slog.New(slog.DiscardHandler)})
}

func set(t *testing.T, r *hostrule.Rules, host, action string) {
	t.Helper()
	if err := r.Set(t.Context(), host, action, ""); err != nil {
		t.Fatalf("%s %s: %v", action, host, err)
	}
}

// SEC-19: a rule covers every spelling of its host and what is below it, and
// nothing else.
func TestSEC19Spellings(t *testing.T) {
	d := dbtest.SQLite(t)
	r := rules(d, hostrule.Open)
	set(t, r, "Evil.Example.", hostrule.Block)
	set(t, r, "bücher.example", hostrule.Block)
	set(t, r, "good.evil.example", hostrule.Allow)
	set(t, r, "bad.good.evil.example", hostrule.Block)
	set(t, r, "quiet.example", hostrule.Limit)
	set(t, r, "127.0.0.2", hostrule.Block)
	set(t, r, "127.0.0.3:8080", hostrule.Block)
	set(t, r, "[2001:db8::1]", hostrule.Block)
	for host, want := range map[string]hostrule.Standing{
		"evil.example": hostrule.Blocked, "a.evil.example": hostrule.Blocked, "a.b.evil.example": hostrule.Blocked,
		"EVIL.EXAMPLE": hostrule.Blocked, "evil.example.": hostrule.Blocked, "evil.example..": hostrule.Blocked, "A.Evil.Example.": hostrule.Blocked,
		"evil.example:8443": hostrule.Blocked, "evil.example:443": hostrule.Blocked, "a.evil.example:80": hostrule.Blocked,
		"ｅvil.example": hostrule.Blocked, "evil。example": hostrule.Blocked, // full width forms
		"bücher.example": hostrule.Blocked, "BÜCHER.example": hostrule.Blocked, "xn--bcher-kva.example": hostrule.Blocked,
		"XN--BCHER-KVA.example": hostrule.Blocked, "shop.bücher.example": hostrule.Blocked, "bu\u0308cher.example": hostrule.Blocked,
		"good.evil.example": hostrule.Full, "x.good.evil.example": hostrule.Full, "bad.good.evil.example": hostrule.Blocked,
		"notevil.example": hostrule.Full, "evil.example.net": hostrule.Full, "example": hostrule.Full, "evil": hostrule.Full,
		"bucher.example": hostrule.Full, "": hostrule.Full, "tube.example": hostrule.Full,
		"quiet.example": hostrule.FollowersOnly, "a.quiet.example:8443": hostrule.FollowersOnly, "notquiet.example": hostrule.Full,
		"127.0.0.2": hostrule.Blocked, "127.0.0.2:9999": hostrule.Blocked, "127.0.0.1": hostrule.Full,
		"127.0.0.3:8080": hostrule.Blocked, "127.0.0.3:8081": hostrule.Full, "127.0.0.3": hostrule.Full,
		"[2001:db8::1]:8080": hostrule.Blocked, "[2001:DB8:0::1]": hostrule.Blocked, "[2001:db8::2]": hostrule.Full,
		"not a host": hostrule.Blocked, "user@evil.example": hostrule.Blocked, "evil.example/path": hostrule.Blocked, "0x7f.1": hostrule.Blocked,
	} {
		if got := r.Standing(t.Context(), host); got != want {
			t.Errorf("%q stands at %d, want %d", host, got, want)
		}
	}
}

// What no rule covers is decided by the mode; our own host is never blocked.
func TestModes(t *testing.T) {
	for _, c := range []struct {
		mode                                     string
		unknown, blocked, limited, allowed, ours hostrule.Standing
	}{
		{hostrule.Open, hostrule.Full, hostrule.Blocked, hostrule.FollowersOnly, hostrule.Full, hostrule.Full},
		{hostrule.Limited, hostrule.FollowersOnly, hostrule.Blocked, hostrule.FollowersOnly, hostrule.Full, hostrule.Full},
		{hostrule.Allowlist, hostrule.Blocked, hostrule.Blocked, hostrule.FollowersOnly, hostrule.Full, hostrule.Full},
		{"", hostrule.Full, hostrule.Blocked, hostrule.FollowersOnly, hostrule.Full, hostrule.Full},
	} {
		r := rules(dbtest.SQLite(t), c.mode)
		for host, want := range map[string]hostrule.Standing{"u.example": c.unknown, "tube.example": c.ours, "": c.ours} {
			if got := r.Standing(t.Context(), host); got != want {
				t.Errorf("mode %q without rules: %q stands at %d, want %d", c.mode, host, got, want)
			}
		}
		set(t, r, "b.example", hostrule.Block)
		set(t, r, "l.example", hostrule.Limit)
		set(t, r, "a.example", hostrule.Allow)
		set(t, r, "example", hostrule.Block) // above ours
		for host, want := range map[string]hostrule.Standing{
			"u.other": c.unknown, "b.example": c.blocked, "l.example": c.limited, "a.example": c.allowed, "tube.example": c.ours,
		} {
			if got := r.Standing(t.Context(), host); got != want {
				t.Errorf("mode %q: %q stands at %d, want %d", c.mode, host, got, want)
			}
		}
	}
}

func TestSetRefuses(t *testing.T) {
	r := rules(dbtest.SQLite(t), hostrule.Open)
	for _, c := range []struct {
		host, action string
		want         error
	}{
		{"", hostrule.Block, hostrule.ErrHost},
		{"https://evil.example", hostrule.Block, hostrule.ErrHost},
		{"a b", hostrule.Block, hostrule.ErrHost},
		{strings.Repeat("a", 300), hostrule.Block, hostrule.ErrHost},
		{"TUBE.example.", hostrule.Block, hostrule.ErrOwnHost},
		{"evil.example", "ban", hostrule.ErrAction},
		{"evil.example", hostrule.Block, nil},
	} {
		if err := r.Set(t.Context(), c.host, c.action, ""); !errors.Is(err, c.want) {
			t.Errorf("%s %q: %v, want %v", c.action, c.host, err, c.want)
		}
	}
	if err := r.Remove(t.Context(), "other.example", ""); !errors.Is(err, hostrule.ErrNotFound) {
		t.Errorf("removing what is not there: %v", err)
	}
	if err := r.Remove(t.Context(), "evil.example", hostrule.Allow); !errors.Is(err, hostrule.ErrNotFound) {
		t.Errorf("removing an allow where a block is: %v", err)
	}
	if err := r.Remove(t.Context(), "EVIL.example", hostrule.Block); err != nil || r.Blocked(t.Context(), "evil.example") {
		t.Errorf("the block stands after its removal (%v)", err)
	}
}

// insertActor writes a remote actor as it is when the engine has saved it.
func insertActor(t *testing.T, d *db.DB, r *hostrule.Rules, host string) *actor.Actor {
	t.Helper()
	now := db.Now()
	a := &actor.Actor{
		IRI: "https://" + host + "/u", Type: actor.Person, Username: "u", Host: host, Inbox: "https://" + host + "/inbox", CreatedAt: now, UpdatedAt: now,
	}
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		if err := tx.Create(a).Error; err != nil {
			return err
		}
		return r.Seen(tx, host)
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Lists leave out what is blocked, and show what is limited to followers; a
// rule that is taken back restores both.
func TestShown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := rules(d, hostrule.Open)
		fine, viewer := insertActor(t, d, r, "fine.example"), insertActor(t, d, r, "viewer.example")
		limited, blocked := insertActor(t, d, r, "cdn.quiet.example"), insertActor(t, d, r, "a.evil.example")
		follow := &actor.Follow{FollowerID: viewer.ID, TargetID: limited.ID, State: actor.Accepted, CreatedAt: db.Now(), UpdatedAt: db.Now()}
		ask := &actor.Follow{FollowerID: viewer.ID, TargetID: blocked.ID, State: actor.Accepted, CreatedAt: db.Now(), UpdatedAt: db.Now()}
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return errors.Join(tx.Create(follow).Error, tx.Create(ask).Error) }); err != nil {
			t.Fatal(err)
		}
		shown := func(viewer int64) string {
			condition, args := hostrule.Shown("a.host", "a.id", viewer)
			var hosts []string
			err := d.Read(t.Context()).Table("actors AS a").Where("a.host <> 'viewer.example'").Where(condition, args...).Order("host").Pluck("host", &hosts).Error
			if err != nil {
				t.Fatal(err)
			}
			hidden, args := hostrule.Hidden(viewer)
			var same []string
			err = d.Read(t.Context()).Table("actors").Where("host <> 'viewer.example' AND id NOT IN ("+hidden+")", args...).Order("host").Pluck("host", &same).Error
			if err != nil || strings.Join(same, " ") != strings.Join(hosts, " ") {
				t.Errorf("Shown leaves %v, Hidden leaves %v, %v", hosts, same, err)
			}
			return strings.Join(hosts, " ")
		}
		reached := func() string {
			silent, args := hostrule.Silent()
			var hosts []string
			if err := d.Read(t.Context()).Table("actors").Where("id NOT IN ("+silent+")", args...).Order("host").Pluck("host", &hosts).Error; err != nil {
				t.Fatal(err)
			}
			return strings.Join(hosts, " ")
		}
		check := func(when, stranger, follower, sent string) {
			t.Helper()
			if got := shown(0); got != stranger {
				t.Errorf("%s a stranger sees %q, want %q", when, got, stranger)
			}
			if got := shown(viewer.ID); got != follower {
				t.Errorf("%s a follower sees %q, want %q", when, got, follower)
			}
			if got := reached(); got != sent {
				t.Errorf("%s not silent are %q, want %q", when, got, sent)
			}
		}
		const all = "a.evil.example cdn.quiet.example fine.example"
		check("before", all, all, all+" viewer.example")
		set(t, r, "evil.example", hostrule.Block)
		set(t, r, "quiet.example", hostrule.Limit)
		check("with rules", "fine.example", "cdn.quiet.example fine.example", "cdn.quiet.example fine.example viewer.example")
		late := insertActor(t, d, r, "late.quiet.example")
		check("a host that comes later", "fine.example", "cdn.quiet.example fine.example", "cdn.quiet.example fine.example late.quiet.example viewer.example")
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Delete(late).Error }); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.Remove(t.Context(), "evil.example", ""), r.Remove(t.Context(), "quiet.example", "")); err != nil {
			t.Fatal(err)
		}
		check("after", all, all, all+" viewer.example")

		// Another mode at the next start.
		strict := rules(d, hostrule.Allowlist)
		if err := strict.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("allowlist", "", "", "")
		set(t, strict, "fine.example", hostrule.Allow)
		check("allowlist with one", "fine.example", "fine.example", "fine.example")
		if err := rules(d, hostrule.Open).Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("open again", all, all, all+" viewer.example")
		_ = fine
	})
}

// A second process sees a change soon, and two that change rules at once do
// not disturb each other.
func TestTwoProcesses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		one, two := rules(d, hostrule.Open), rules(d, hostrule.Open)
		insertActor(t, d, one, "h3.example")
		if two.Blocked(t.Context(), "evil.example") {
			t.Fatal("blocked without a rule")
		}
		set(t, one, "evil.example", hostrule.Block)
		if !one.Blocked(t.Context(), "evil.example") {
			t.Error("the process that made the rule does not see it")
		}
		deadline := time.Now().Add(10 * hostrule.Lag)
		for !two.Blocked(t.Context(), "evil.example") {
			if time.Now().After(deadline) {
				t.Fatal("the other process never sees it")
			}
			time.Sleep(20 * time.Millisecond)
		}
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				r := one
				if i%2 == 1 {
					r = two
				}
				if err := r.Set(context.Background(), fmt.Sprintf("h%d.example", i), hostrule.Block, ""); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var n int64
		if err := d.Read(t.Context()).Table("host_standings").Count(&n).Error; err != nil || n != 1 {
			t.Errorf("%d standings (%v), want that of h3.example", n, err)
		}
	})
}

// TestAPI: PeerTube's blocklist of servers, for moderators.
func TestAPI(t *testing.T) {
	d := dbtest.SQLite(t)
	r := rules(d, hostrule.Open)
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, slog.New(slog.DiscardHandler), err) }
	roles := map[string]rest.Role{"admin": rest.RoleAdmin, "moderator": rest.RoleModerator, "user": rest.RoleUser}
	router := rest.NewRouter(e, func(c echo.Context) (*rest.Principal, error) {
		role, ok := roles[c.Request().Header.Get("X-Role")]
		if !ok {
			return nil, nil
		}
		return &rest.Principal{UserID: 1, Role: role}, nil
	})
	hostrule.API{Rules: r, Name: "kinemesh", Host: "tube.example", URL: "https://tube.example/accounts/kinemesh"}.Routes(router)
	if err := router.Err(); err != nil {
		t.Fatal(err)
	}
	call := func(role, method, path, body string) (int, map[string]any) {
		t.Helper()
		req := httptest.NewRequestWithContext(t.Context(), method, "/api/v1/server/blocklist/servers"+path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Role", role)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, req)
		var out map[string]any
		if w.Body.Len() > 0 && json.Unmarshal(bytes.TrimSpace(w.Body.Bytes()), &out) != nil {
			t.Fatalf("%s %s: %s", method, path, w.Body)
		}
		return w.Code, out
	}
	for _, c := range []struct {
		role, method, path, body string
		want                     int
	}{
		{"", "GET", "", "", http.StatusUnauthorized},
		{"user", "GET", "", "", http.StatusForbidden},
		{"user", "POST", "", `{"host":"evil.example"}`, http.StatusForbidden},
		{"user", "DELETE", "/evil.example", "", http.StatusForbidden},
		{"moderator", "POST", "", `{"host":"Evil.example"}`, http.StatusNoContent},
		{"moderator", "POST", "", `{"host":"evil.example"}`, http.StatusNoContent},
		{"admin", "POST", "", `{"host":"quiet.example","action":"limit","reason":"loud"}`, http.StatusNoContent},
		{"moderator", "POST", "", `{"host":"tube.example"}`, http.StatusConflict},
		{"moderator", "POST", "", `{"host":"https://x.example"}`, http.StatusBadRequest},
		{"moderator", "POST", "", `{"host":"x.example","action":"ban"}`, http.StatusBadRequest},
		{"moderator", "POST", "", `{"host":"x.example","reason":"` + strings.Repeat("r", 3001) + `"}`, http.StatusBadRequest},
		{"moderator", "POST", "", `{"host":5}`, http.StatusBadRequest},
		{"moderator", "POST", "", `nonsense`, http.StatusBadRequest},
		{"moderator", "GET", "?action=ban", "", http.StatusBadRequest},
		{"moderator", "GET", "?sort=reason", "", http.StatusBadRequest},
		{"moderator", "DELETE", "/other.example", "", http.StatusNotFound},
		{"moderator", "DELETE", "/%zz", "", http.StatusNotFound},
	} {
		path := c.path
		if path == "/%zz" {
			path = "/%25zz"
		}
		if got, out := call(c.role, c.method, path, c.body); got != c.want {
			t.Errorf("%s: %s %s %.60s: %d %v, want %d", c.role, c.method, c.path, c.body, got, out, c.want)
		}
	}
	_, out := call("moderator", "GET", "", "")
	data, _ := out["data"].([]any)
	if out["total"] != 1.0 || len(data) != 1 {
		t.Fatalf("blocks: %v", out)
	}
	first := data[0].(map[string]any)
	if first["blockedServer"].(map[string]any)["host"] != "evil.example" || first["byAccount"].(map[string]any)["name"] != "kinemesh" || first["byAccount"].(map[string]any)["displayName"] != "kinemesh" || first["createdAt"] == nil {
		t.Errorf("block: %v", first)
	}
	if _, out := call("moderator", "GET", "?action=all&sort=host&search=QUIET", ""); out["total"] != 1.0 {
		t.Errorf("search: %v", out)
	}
	if _, out := call("moderator", "GET", "?action=limit", ""); out["total"] != 1.0 || out["data"].([]any)[0].(map[string]any)["reason"] != "loud" {
		t.Errorf("limits: %v", out)
	}
	if code, _ := call("moderator", "DELETE", "/EVIL.example", ""); code != http.StatusNoContent || r.Blocked(t.Context(), "evil.example") {
		t.Errorf("unblock: %d", code)
	}
}

func BenchmarkBlocked(b *testing.B) {
	r := rules(dbtest.SQLite(b), hostrule.Open)
	for i := range 100 {
		if err := r.Set(b.Context(), fmt.Sprintf("evil%d.example", i), hostrule.Block, ""); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if r.Blocked(b.Context(), "videos.somewhere.example") {
			b.Fatal("blocked")
		}
	}
}
