package inbox_test

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// Senders of the benchmark, and how they come.
const (
	benchHosts   = 40
	benchActors  = 5   // of each host
	benchClients = 128 // connections
	videoBytes   = 12_000
)

// sender is a remote actor that is known already.
type sender struct {
	iri, keyID string
	key        *rsa.PrivateKey
}

// newSenders writes actors of many hosts straight into the database.
func newSenders(tb testing.TB, d *db.DB) []sender {
	tb.Helper()
	var out []sender
	var rows []actor.Actor
	now := db.Now()
	for h := range benchHosts {
		for n := range benchActors {
			id := fmt.Sprintf("https://peer%d.example/accounts/user%d", h, n)
			key := aptest.Key(tb)
			pem, err := signature.EncodeKey(&key.PublicKey)
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, sender{id, id + "#main-key", key})
			rows = append(rows, actor.Actor{
				IRI: id, Type: actor.Person, Username: fmt.Sprintf("user%d", n), Host: fmt.Sprintf("peer%d.example", h),
				Inbox: id + "/inbox", PublicKeyID: id + "#main-key", PublicKeyPEM: pem, FetchedAt: &now, CreatedAt: now, UpdatedAt: now,
			})
		}
	}
	err := d.Tx(tb.Context(), func(tx *db.Tx) error { return tx.CreateInBatches(rows, 100).Error })
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

var benchSerial atomic.Int64

// smallLike is what PeerTube sends for a like.
func smallLike(s sender, origin string) []byte {
	return fmt.Appendf(nil, `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"],`+
		`"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["%s/followers"],"id":"%s/likes/%d","type":"Like","actor":%q,`+
		`"object":"%s/videos/watch/c3b47eec-2d62-4cac-86cb-104daedde723"}`, s.iri, s.iri, benchSerial.Add(1), s.iri, origin)
}

// createVideo wraps a recorded video of PeerTube, cut or filled to 12 kB.
func createVideo(tb testing.TB) func(s sender, origin string) []byte {
	tb.Helper()
	raw, err := os.ReadFile("../testdata/docs/video.json")
	if err != nil {
		tb.Fatal(err)
	}
	var video map[string]any
	if err := json.Unmarshal(raw, &video); err != nil {
		tb.Fatal(err)
	}
	host := video["id"].(string)
	host = host[:strings.Index(host, "/videos/")]
	context := video["@context"]
	delete(video, "@context")
	for { // only as many files as fit
		small, err := json.Marshal(video)
		if err != nil {
			tb.Fatal(err)
		}
		links := video["url"].([]any)
		if len(small) <= videoBytes-1500 {
			video["content"] = strings.Repeat("A description. ", (videoBytes-1200-len(small))/15)
			break
		}
		video["url"] = links[:len(links)-1]
	}
	template, err := json.Marshal(map[string]any{
		"@context": context, "type": "Create", "id": "IDENT/activity", "actor": "ACTOR", "object": video,
		"to": []string{"https://www.w3.org/ns/activitystreams#Public"}, "cc": []string{"ACTOR/followers"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	old := video["id"].(string)
	return func(s sender, _ string) []byte {
		id := fmt.Sprintf("%s/videos/watch/%d", s.iri[:strings.Index(s.iri, "/accounts/")], benchSerial.Add(1))
		return []byte(strings.NewReplacer("IDENT", id, "ACTOR", s.iri, old, id, host, id[:strings.Index(id, "/videos/")]).Replace(string(template)))
	}
}

// presign makes n requests as they go over the wire.
func presign(tb testing.TB, senders []sender, origin string, n int, body func(sender, string) []byte) [][]byte {
	tb.Helper()
	out := make([][]byte, n)
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				s := senders[i%len(senders)]
				b := body(s, origin)
				req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, origin+"/inbox", bytes.NewReader(b))
				if err != nil {
					tb.Error(err)
					return
				}
				req.Header.Set("Content-Type", "application/activity+json")
				if err := signature.Sign(req, s.keyID, s.key, b); err != nil {
					tb.Error(err)
					return
				}
				var buf bytes.Buffer
				if err := req.Write(&buf); err != nil {
					tb.Error(err)
					return
				}
				out[i] = buf.Bytes()
			}
		})
	}
	wg.Wait()
	return out
}

// drive sends all requests over some connections, one after the other on
// each, and gives the time of each.
func drive(tb testing.TB, address string, requests [][]byte, want string) []time.Duration {
	tb.Helper()
	took := make([]time.Duration, len(requests))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(benchClients, len(requests)) {
		wg.Go(func() {
			var dial net.Dialer
			conn, err := dial.DialContext(tb.Context(), "tcp", address)
			if err != nil {
				tb.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(requests) {
					return
				}
				at := time.Now()
				if _, err := conn.Write(requests[i]); err != nil {
					tb.Error(err)
					return
				}
				status, err := readAnswer(in)
				if err != nil || status != want {
					tb.Errorf("answer %q, %v; want %s", status, err, want)
					return
				}
				took[i] = time.Since(at)
			}
		})
	}
	wg.Wait()
	return took
}

// readAnswer reads one answer and gives its status.
func readAnswer(in *bufio.Reader) (string, error) {
	line, err := in.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return "", fmt.Errorf("status line: %w", err)
	}
	status, length := string(line[9:12]), 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			if _, err := fmt.Sscan(string(value), &length); err != nil {
				return "", err
			}
		}
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return status, err
}

// verifications measures RSA-2048 verifications a second on one core.
func verifications(tb testing.TB) float64 {
	tb.Helper()
	key := aptest.Key(tb)
	sum := sha256.Sum256([]byte("kinemesh"))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		tb.Fatal(err)
	}
	n, begun := 0, time.Now()
	for ; time.Since(begun) < 500*time.Millisecond; n++ {
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], sig); err != nil {
			tb.Fatal(err)
		}
	}
	return float64(n) / time.Since(begun).Seconds()
}

// cpuTime is what this process has used of the processors.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkInbox is the way of signed activities from a socket to a committed
// row. It needs a fixed number of requests, each of them signed beforehand:
//
//	go test ./activitypub/inbox -run '^$' -bench Inbox -benchtime 5000x
//
// accepted/s is what all clients together got 204 for, verify/s what one core
// of this machine verifies, ratio the one by the other; p99-ms is the 99th
// percentile of the answers' times with benchClients connections at once. The clients
// share the processors with the server.
func BenchmarkInbox(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) *db.DB
	}{
		{"sqlite", func(tb testing.TB) *db.DB { return dbtest.SQLite(tb) }},
		{"postgres", func(tb testing.TB) *db.DB { return dbtest.Postgres(tb) }},
	} {
		for _, load := range []struct {
			name string
			body func(sender, string) []byte
		}{
			{"Like", smallLike},
			{"CreateVideo", createVideo(b)},
		} {
			b.Run(engine.name+"/"+load.name, func(b *testing.B) { benchInbox(b, engine.open(b), load.body) })
		}
	}
}

func benchInbox(b *testing.B, d *db.DB, body func(sender, string) []byte) {
	b.Helper()
	s := aptest.Serve(b, d, aptest.Options{Idle: true})
	senders := newSenders(b, d)
	s.Local(actor.Person, "alice")
	requests := presign(b, senders, s.Origin, b.N+200, body)
	drive(b, s.Host, requests[b.N:], "204") // warm
	before := verifications(b)
	b.ReportAllocs()
	cpu := cpuTime(b)
	b.ResetTimer()
	took := drive(b, s.Host, requests[:b.N], "204")
	b.StopTimer()
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/request")
	elapsed := b.Elapsed()
	rate, verify := float64(b.N)/elapsed.Seconds(), (before+verifications(b))/2
	slices.Sort(took)
	b.ReportMetric(rate, "accepted/s")
	b.ReportMetric(verify, "verify/s")
	b.ReportMetric(rate/verify, "ratio")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(requests[0])), "B/request")
	if n := int(s.Count("inbox", "")); n != len(requests) {
		b.Errorf("%d rows for %d requests", n, len(requests))
	}
}
