package delivery_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// idle is a server whose jobs do not run.
func idle(t *testing.T, d *db.DB) *aptest.Server {
	t.Helper()
	return aptest.Serve(t, d, aptest.Options{Idle: true})
}

// clock is the time of a server; it moves when told.
type clock struct{ passed atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.passed.Load())) }
func (c *clock) pass(d time.Duration) { c.passed.Add(int64(d)) }

// timed is an idle server with a clock.
func timed(t testing.TB, d *db.DB) (*aptest.Server, *clock) {
	t.Helper()
	c := &clock{}
	return aptest.Serve(t, d, aptest.Options{Idle: true, Change: func(o *activitypub.Options) { o.Now = c.now }}), c
}

// process is another process of the same server.
func process(t testing.TB, s *aptest.Server, c *clock) *delivery.Outbox {
	t.Helper()
	return delivery.New(delivery.Options{
		DB: s.DB, Actors: s.Engine.Actors, Transport: aptest.Transport(t), Logger: slog.New(slog.DiscardHandler), Now: c.now,
	})
}

// deliver makes what is due.
func deliver(t testing.TB, s *aptest.Server) {
	t.Helper()
	if err := s.Engine.Outbox.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func change(t testing.TB, d *db.DB, model any, set map[string]any, where string, args ...any) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Model(model).Where(where, args...).Updates(set).Error })
	if err != nil {
		t.Fatal(err)
	}
}

// host is a server that only has inboxes.
type host struct {
	url string

	mu     sync.Mutex
	status int
	header []string
	hold   time.Duration
	poison string // a body with it is answered 500
	bodies []string
	paths  []string
}

func hostOf(t testing.TB) *host {
	t.Helper()
	h := &host{status: 204}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	h.url = srv.URL
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h.mu.Lock()
	status, header, hold := h.status, h.header, h.hold
	if err == nil {
		h.bodies, h.paths = append(h.bodies, string(body)), append(h.paths, r.URL.Path)
	}
	if h.poison != "" && strings.Contains(string(body), h.poison+`"`) {
		status = 500
	}
	h.mu.Unlock()
	if hold > 0 {
		select {
		case <-r.Context().Done():
		case <-time.After(hold):
		}
	}
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
}

func (h *host) answer(status int, header ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status, h.header = status, header
}

func (h *host) inbox() string { return h.url + "/inbox" }
func (h *host) name() string  { return strings.TrimPrefix(h.url, "http://") }

// got lists the bodies of all requests.
func (h *host) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.bodies)
}

// took lists "type object" of all requests and forgets them.
func (h *host) took(t testing.TB) (out []string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.bodies {
		env, err := vocab.ParseActivity([]byte(b))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, env.Type+" "+env.ID[strings.LastIndex(env.ID, "/")+1:])
	}
	h.bodies, h.paths = nil, nil
	return out
}

// row reads what is known of a host.
func (h *host) row(t testing.TB, d *db.DB) delivery.Host {
	t.Helper()
	var out delivery.Host
	if err := d.Read(t.Context()).Where("host = ?", h.name()).Find(&out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

// drain processes what is in the inbox.
func drain(t *testing.T, s *aptest.Server) {
	t.Helper()
	if err := s.Engine.Inbox.Process(t.Context(), inbox.ProcessArgs{}); err != nil {
		t.Fatal(err)
	}
}

// followBy makes remote actors follow one of ours.
func followBy(t *testing.T, s *aptest.Server, target *actor.Actor, followers ...*aptest.Actor) {
	t.Helper()
	for _, f := range followers {
		if got := f.Post(s.Origin+"/inbox", f.Activity("Follow", target.IRI, nil)); got != 204 {
			t.Fatalf("follow answered %d", got)
		}
	}
	drain(t, s)
}

func deliveries(t testing.TB, d *db.DB) (rows []delivery.Receipt) {
	t.Helper()
	if err := d.Read(t.Context()).Order("id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

// verifySigned checks a delivery as another server would.
func verifySigned(t *testing.T, s *aptest.Server, host string, got aptest.Received, by *actor.Actor) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "http://"+host+got.Path, bytes.NewReader(got.Body))
	req.Header, req.Host = got.Header, host
	p, err := signature.Parse(req)
	if err != nil {
		t.Fatal(err)
	}
	doc := s.Get(by.IRI[len(s.Origin):], "application/activity+json")
	key := doc.JSON["publicKey"].(map[string]any)
	if p.KeyID != key["id"] {
		t.Errorf("signed by %s, the actor lists %v", p.KeyID, key["id"])
	}
	public, err := signature.ParseKey(key["publicKeyPem"].(string))
	if err != nil {
		t.Fatal(err)
	}
	policy := signature.Policy{Serves: func(h string) bool { return h == host }}
	if err := errors.Join(policy.Check(req, p, got.Body), policy.Verify(req, p, public)); err != nil {
		t.Errorf("delivery does not verify: %v", err)
	}
}

var serial atomic.Int64

func publish(t testing.TB, s *aptest.Server, from *actor.Actor, inbox string) {
	t.Helper()
	doc, err := vocab.Build(vocab.Base, map[string]any{
		"type": "Like", "id": fmt.Sprint(from.IRI, "/likes/", serial.Add(1)), "actor": from.IRI, "object": fmt.Sprint("https://a.example/", serial.Add(1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		return s.Engine.Outbox.Publish(tx, from, doc, delivery.Target{Inboxes: []string{inbox}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func publishTx(t testing.TB, s *aptest.Server, from *actor.Actor, doc any, d delivery.Target) error {
	t.Helper()
	return s.DB.Tx(t.Context(), func(tx *db.Tx) error { return s.Engine.Outbox.Publish(tx, from, doc, d) })
}
