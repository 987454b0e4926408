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
	b.ReportAllocs()
	b.ResetTimer()
	b.StopTimer()
	var took, signing time.Duration
	signatures := 0
	const parts = 8 // taking turns, so that other work on the machine counts in both
	for part := range parts {
		for i := b.N * part / parts; i < b.N*(part+1)/parts; i += benchHosts {
			publishNote(b, s, alice, i, inboxes[:min(benchHosts, b.N*(part+1)/parts-i)])
		}
		n, t := signFor(b, time.Second/parts*2)
		signatures, signing = signatures+n, signing+t
		b.StartTimer()
		start := time.Now()
		deliver(b, s)
		took += time.Since(start)
		b.StopTimer()
	}
	rate, most := float64(b.N)/took.Seconds(), float64(signatures)/signing.Seconds()
	if n := s.Count("deliveries", "state = 'delivered' AND attempts = 1"); n != int64(b.N) || got.Load() != n {
		b.Fatalf("%d delivered, %d received of %d", n, got.Load(), b.N)
	}
	b.ReportMetric(rate, "deliveries/s")
	b.ReportMetric(most, "signatures/s")
	b.ReportMetric(rate/most, "ratio")
}

func publishNote(b *testing.B, s *aptest.Server, from *actor.Actor, i int, inboxes []string) {
	b.Helper()
	doc, err := vocab.Build(vocab.Base, map[string]any{
		"type": "Create", "id": fmt.Sprint(from.IRI, "/creates/", i), "actor": from.IRI, "to": []string{vocab.Public},
		"object": map[string]any{"id": fmt.Sprint(from.IRI, "/notes/", i), "type": "Note", "content": strings.Repeat("words ", 300)},
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := publishTx(b, s, from, doc, delivery.Target{Inboxes: inboxes}); err != nil {
		b.Fatal(err)
	}
}

// signFor makes RSA-2048 signatures with SHA-256 on all cores for some time.
func signFor(b *testing.B, d time.Duration) (int, time.Duration) {
	b.Helper()
	key := aptest.Key(b)
	sum := sha256.Sum256([]byte("words"))
	var n atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for time.Since(start) < d {
				if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]); err != nil {
					b.Error(err)
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return int(n.Load()), time.Since(start)
}
