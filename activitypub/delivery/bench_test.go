package delivery_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// BenchmarkDelivery sends b.N signed activities of 2 kB to inboxes on
// loopback, receipts included, and tells how many a second, beside the RSA
// signatures a second that all cores make when they do nothing else.
func BenchmarkDelivery(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchDelivery(b, dbtest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { benchDelivery(b, dbtest.Postgres(b)) })
}

const benchHosts = 200

func benchDelivery(b *testing.B, d *db.DB) {
	b.Helper()
	s, _ := timed(b, d)
	alice := s.Local(actor.Person, "alice")
	var got atomic.Int64
	var inboxes []string
	for range benchHosts {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			got.Add(1)
			w.WriteHeader(http.StatusNoContent)
		}))
		b.Cleanup(srv.Close)
		inboxes = append(inboxes, srv.URL+"/inbox")
	}
	for i := 0; i < b.N; i += benchHosts {
		doc, err := vocab.Build(vocab.Base, map[string]any{
			"type": "Create", "id": fmt.Sprint(alice.IRI, "/creates/", i), "actor": alice.IRI, "to": []string{vocab.Public},
			"object": map[string]any{"id": fmt.Sprint(alice.IRI, "/notes/", i), "type": "Note", "content": strings.Repeat("words ", 300)},
		})
		if err != nil {
			b.Fatal(err)
		}
		to := inboxes[:min(benchHosts, b.N-i)]
		if err := publishTx(b, s, alice, doc, delivery.Target{Inboxes: to}); err != nil {
			b.Fatal(err)
		}
	}
	signatures := signaturesPerSecond(b)
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	deliver(b, s)
	rate := float64(b.N) / time.Since(start).Seconds()
	b.StopTimer()
	if n := s.Count("deliveries", "state = 'delivered' AND attempts = 1"); n != int64(b.N) || got.Load() != n {
		b.Fatalf("%d delivered, %d received of %d", n, got.Load(), b.N)
	}
	b.ReportMetric(rate, "deliveries/s")
	b.ReportMetric(signatures, "signatures/s")
	b.ReportMetric(rate/signatures, "ratio")
}

// signaturesPerSecond measures RSA-2048 with SHA-256 on all cores.
func signaturesPerSecond(b *testing.B) float64 {
	b.Helper()
	key := aptest.Key(b)
	sum := sha256.Sum256([]byte("words"))
	const measure = time.Second
	var n atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for time.Since(start) < measure {
				if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]); err != nil {
					b.Error(err)
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(start).Seconds()
}
