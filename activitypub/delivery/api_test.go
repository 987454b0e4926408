package delivery_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// mixed is a server with one delivery in each state: delivered to up, failed
// at no, pending for a broken host and superseded there.
func mixed(t *testing.T, d *db.DB) (s *aptest.Server, c *clock, up, no, down *host) {
	t.Helper()
	s, c = timed(t, d)
	alice := s.Local(actor.Person, "alice")
	up, no, down = hostOf(t), hostOf(t), hostOf(t)
	no.answer(410)
	breakHost(t, s, c, down, alice)
	say(t, s, alice, "Create 1", "https://a.example/1", delivery.Target{Inboxes: []string{up.inbox(), no.inbox()}})
	say(t, s, alice, "Update 2", "https://a.example/1", delivery.Target{Inboxes: []string{down.inbox()}})
	say(t, s, alice, "Update 3", "https://a.example/1", delivery.Target{Inboxes: []string{down.inbox()}})
	until := c.now().Add(time.Hour).UTC() // the probe is not due
	change(t, d, &delivery.Host{}, map[string]any{"wait_until": until}, "host = ?", down.name())
	deliver(t, s)
	return s, c, up, no, down
}

// TestAdminLists: hosts and receipts with their filters, for administrators
// alone.
func TestAdminLists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _, up, no, down := mixed(t, d)
		for query, want := range map[string]int{
			"/hosts":                                        3,
			"/hosts?class=broken":                           1,
			"/hosts?class=healthy":                          2,
			"/hosts?class=unreachable":                      0,
			"/hosts?host=" + up.name():                      1,
			"/hosts?sort=-failures&count=1&start=1":         3,
			"/deliveries":                                   5,
			"/deliveries?host=" + down.name():               3,
			"/deliveries?state=superseded":                  1,
			"/deliveries?state=pending":                     2,
			"/deliveries?activity=Create":                   2,
			"/deliveries?object=https://a.example/1":        4,
			"/deliveries?id=1":                              1,
			"/deliveries?state=pending&activity=Update":     1,
			"/deliveries?sort=createdAt&count=2":            5,
			"/deadletters":                                  1,
			"/deadletters?state=pending":                    1, // the list is what it is
			"/deadletters?host=" + up.name():                0,
			"/deliveries?activity=" + s.Origin + "/nothing": 0,
		} {
			got := s.API(http.MethodGet, "/server/federation"+query, "")
			if got.Status != 200 || int(got.JSON["total"].(float64)) != want {
				t.Errorf("%s: %d, %v, want %d", query, got.Status, got.JSON["total"], want)
			}
		}
		one := func(query string) map[string]any {
			t.Helper()
			list, _ := s.API(http.MethodGet, "/server/federation"+query, "").JSON["data"].([]any)
			if len(list) == 0 {
				t.Fatalf("%s: nothing", query)
			}
			return list[0].(map[string]any)
		}
		if h := one("/hosts?class=broken"); h["host"] != down.name() || h["breaker"] != "open" || h["pending"] != 2.0 || h["lastStatus"] != 503.0 || h["nextTry"] == nil || h["downSince"] == nil {
			t.Errorf("broken host %v", h)
		}
		dead := one("/deadletters")
		if dead["host"] != no.name() || dead["lastStatus"] != 410.0 || dead["attempts"] != 1.0 || dead["triedAt"] == nil || dead["deliveredAt"] != nil ||
			dead["activity"].(map[string]any)["type"] != "Create" {
			t.Errorf("dead letter %v", dead)
		}
		if x := one("/deliveries?state=delivered"); x["deliveredAt"] == nil || x["lastStatus"] != 204.0 || x["nextTry"] != nil {
			t.Errorf("delivered %v", x)
		}
		for _, query := range []string{"/hosts?class=ill", "/hosts?sort=name", "/deliveries?state=lost", "/deliveries?id=x", "/deliveries?count=101", "/deliveries?host=" + strings.Repeat("x", 3000)} {
			if got := s.API(http.MethodGet, "/server/federation"+query, ""); got.Status != 400 {
				t.Errorf("%.40s: %d", query, got.Status)
			}
		}
		for _, path := range []string{"/hosts", "/deliveries", "/deadletters"} {
			if got := s.Get("/api/v1/server/federation"+path, "application/json"); got.Status != 401 {
				t.Errorf("%s without a token: %d", path, got.Status)
			}
		}
	})
}

// TestResend: what failed or waits is sent again; what is done is not, nor
// what a newer activity replaced.
func TestResend(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _, up, no, down := mixed(t, d)
		resend := func(body string, status, want int) {
			t.Helper()
			got := s.API(http.MethodPost, "/server/federation/deliveries/resend", body)
			if got.Status != status || status == 200 && int(got.JSON["resent"].(float64)) != want {
				t.Errorf("resend %s: %d %v, want %d", body, got.Status, got.JSON["resent"], want)
			}
		}
		resend(`{}`, 400, 0)
		resend(`[`, 400, 0)
		resend(`{"state":"delivered"}`, 400, 0)
		resend(`{"host":"`+up.name()+`"}`, 200, 0)
		for _, h := range []*host{up, no, down} {
			h.answer(204)
			h.took(t)
		}
		resend(`{"state":"failed"}`, 200, 1)
		deliver(t, s)
		same(t, "failed", no.took(t), []string{"Create 1"})
		resend(`{"host":"`+down.name()+`"}`, 200, 2)
		deliver(t, s)
		if got := down.took(t); len(got) != 2 || got[1] != "Update 3" {
			t.Errorf("waiting: got %q", got)
		}
		if n := s.Count("deliveries", "state NOT IN ('delivered', 'superseded')"); n != 0 || len(up.took(t)) != 0 {
			t.Errorf("%d are left", n)
		}
		// A failed Update after which a newer one arrived would undo it.
		change(t, d, &delivery.Receipt{}, map[string]any{"state": "failed"}, "state = 'superseded'")
		resend(`{"state":"failed"}`, 200, 0)
	})
}

// run runs a subcommand as the binary does.
func run(t *testing.T, s *aptest.Server, use string, flags ...string) (string, error) {
	t.Helper()
	for _, c := range s.Engine.Outbox.Commands() {
		if c.Use != "federation "+use {
			continue
		}
		fs := flag.NewFlagSet(use, flag.ContinueOnError)
		c.Flags(fs)
		if err := fs.Parse(flags); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := c.Run(t.Context(), &out, nil)
		return out.String(), err
	}
	t.Fatalf("no command %s", use)
	return "", nil
}

// TestCommands: tables, JSON and refusals of the command line; answers of
// other servers cannot write on the terminal.
func TestCommands(t *testing.T) {
	s, _, up, no, down := mixed(t, dbtest.SQLite(t))
	change(t, s.DB, &delivery.Host{}, map[string]any{"last_error": "bad \x1b[31mred\nline"}, "host = ?", down.name())
	for _, c := range []struct {
		use   string
		flags []string
		lines int
		has   []string
	}{
		{"hosts", nil, 4, []string{up.name(), no.name(), down.name(), "broken", "bad  [31mred line"}},
		{"hosts", []string{"--class", "broken"}, 2, []string{down.name()}},
		{"hosts", []string{"--limit", "1"}, 3, []string{"1 of 3; more with --start 1"}},
		{"deliveries", []string{"--state", "superseded"}, 2, []string{"Update", "superseded"}},
		{"deliveries", []string{"--host", no.name()}, 2, []string{"410", "failed", "Create/1"}},
		{"deadletters", nil, 2, []string{no.name(), "410"}},
		{"resend", []string{"--host", "nobody.example"}, 1, []string{"0 deliveries are sent again"}},
		{"resend", []string{"--state", "failed", "--json"}, 1, []string{`{"resent":1}`}},
	} {
		out, err := run(t, s, c.use, c.flags...)
		if err != nil || strings.Count(out, "\n") != c.lines {
			t.Errorf("%s %v: %v\n%s", c.use, c.flags, err, out)
		}
		for _, h := range c.has {
			if !strings.Contains(out, h) {
				t.Errorf("%s %v: no %q in\n%s", c.use, c.flags, h, out)
			}
		}
	}
	for _, flags := range [][]string{
		{"hosts", "--class", "ill"},
		{"hosts", "--limit", "0"},
		{"deliveries", "--state", "lost"},
		{"deliveries", "--limit", "5000"},
		{"deadletters", "--start", "-1"},
		{"resend"},
		{"resend", "--state", "delivered"},
	} {
		if _, err := run(t, s, flags[0], flags[1:]...); err == nil {
			t.Errorf("%v was taken", flags)
		}
	}
	out, err := run(t, s, "deliveries", "--json", "--limit", "2")
	var list struct {
		Total int
		Data  []delivery.Info
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	if err != nil || list.Total != 5 || len(list.Data) != 2 || list.Data[0].ID < list.Data[1].ID {
		t.Errorf("%v: %s", err, out)
	}
}

// TestMetrics: results by the class of the host, attempts, the breaker, the
// oldest that waits, hosts by class (REL-26).
func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := &clock{}
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Change: func(o *activitypub.Options) { o.Now, o.Metrics = c.now, reg }})
	alice := s.Local(actor.Person, "alice")
	h, up := hostOf(t), hostOf(t)
	publish(t, s, alice, up.inbox())
	breakHost(t, s, c, h, alice)
	c.pass(time.Hour)
	got := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "kinemesh_activitypub_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"deliveries_total healthy delivered": 1, "deliveries_total healthy retried": 1, "deliveries_total shaky retried": 4,
		"breaker_opens_total": 1, "hosts broken": 1, "hosts healthy": 1, "hosts shaky": 0, "delivery_attempts": 1,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	if got["delivery_oldest_seconds"] < 7200 {
		t.Errorf("the oldest waits for %v s", got["delivery_oldest_seconds"])
	}
	if age := s.Engine.Outbox.OldestPending(t.Context()); age < 2*time.Hour || age > 4*time.Hour {
		t.Errorf("the oldest waits for %v", age)
	}
}

// TestFollowersAreMarked: a follower whose host is down is shown as such and
// stays; when the host is back the mark is gone.
func TestFollowersAreMarked(t *testing.T) {
	s, _ := timed(t, dbtest.SQLite(t))
	r, up := aptest.New(t), aptest.New(t)
	followBy(t, s, s.Instance(), r.Actor(actor.Application, "relay"), up.Actor(actor.Application, "relay"))
	deliver(t, s)
	marks := func() (scores, since int) {
		t.Helper()
		list := s.API(http.MethodGet, "/server/followers", "").JSON["data"].([]any)
		for _, f := range list {
			f := f.(map[string]any)
			if f["score"] == 0.0 {
				scores++
			}
			if f["unreachableSince"] != nil {
				since++
			}
		}
		if len(list) != 2 {
			t.Errorf("%d followers are shown", len(list))
		}
		return scores, since
	}
	if a, b := marks(); a+b != 0 {
		t.Errorf("%d, %d marked without a reason", a, b)
	}
	change(t, s.DB, &delivery.Host{}, map[string]any{"failures": 9, "state": delivery.Open, "down_since": db.Now()}, "host = ?", r.Host)
	if a, b := marks(); a != 1 || b != 1 {
		t.Errorf("%d, %d marked, want 1", a, b)
	}
	publish(t, s, s.Instance(), r.Origin+"/inbox")
	deliver(t, s)
	if a, b := marks(); a+b != 0 {
		t.Errorf("%d, %d marked after it is back", a, b)
	}
}
