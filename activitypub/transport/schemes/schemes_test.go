package schemes_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/transport/schemes"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/migrations"
)

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Each(t, test, migrations.Jobs, migrations.Activitypub)
}

func TestStore(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, ctx := schemes.New(d, slog.New(slog.DiscardHandler)), t.Context()
		if k := s.Scheme(ctx, "a.example"); k != "" {
			t.Errorf("unknown host takes %q", k)
		}
		for _, k := range []signature.Scheme{signature.RFC9421, signature.Cavage, signature.Cavage} {
			s.Took(ctx, "a.example", k)
			if got := schemes.New(d, slog.New(slog.DiscardHandler)).Scheme(ctx, "a.example"); got != k {
				t.Errorf("kept %q, want %q", got, k)
			}
		}
		if k := s.Scheme(ctx, "b.example"); k != "" {
			t.Errorf("another host takes %q", k)
		}
		if err := d.Tx(ctx, func(tx *db.Tx) error {
			return tx.Exec("UPDATE host_schemes SET scheme = 'of a later release'").Error
		}); err != nil {
			t.Fatal(err)
		}
		if k := s.Scheme(ctx, "a.example"); k != "" {
			t.Errorf("unknown scheme is %q", k)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		s.Took(gone, "c.example", signature.RFC9421) // the answer came, then somebody hung up
		if k := s.Scheme(ctx, "c.example"); k != signature.RFC9421 {
			t.Errorf("after the end of its context: %q", k)
		}
	})
}

// A server that takes one scheme alone is knocked at twice once, and never
// again after a restart.
func TestRemembersOverRestart(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var posts atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			posts.Add(1)
			if r.Header.Get("Signature-Input") == "" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}))
		t.Cleanup(server.Close)
		sign := func(req *http.Request, _ []byte, k signature.Knock) error {
			if k.Scheme == signature.RFC9421 {
				req.Header.Set("Signature-Input", "x")
			}
			return nil
		}
		for i, want := range []int64{2, 3, 4} { // one knock more each time
			c := transport.New(transport.Config{
				AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
				Schemes: schemes.New(d, slog.New(slog.DiscardHandler)),
			})
			if err := c.Post(t.Context(), sign, server.URL+"/inbox", []byte("{}")); err != nil {
				t.Errorf("start %d: %v", i, err)
			}
			c.Close()
			if got := posts.Load(); got != want {
				t.Errorf("start %d: %d requests so far, want %d", i, got, want)
			}
		}
		if k := schemes.New(d, slog.New(slog.DiscardHandler)).Scheme(t.Context(), strings.TrimPrefix(server.URL, "http://")); k != signature.RFC9421 {
			t.Errorf("kept %q", k)
		}
	})
}
