package activitypub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestRecordedTraffic plays every activity that real servers delivered to the
// inbox of a server under the receiver's name, at the time it was sent: each
// is accepted once, and refused when its body is changed.
func TestRecordedTraffic(t *testing.T) {
	var requests []struct {
		Name, Method, Target, Body string
		Headers                    [][2]string
	}
	var keys map[string]string
	for name, into := range map[string]any{"signed-requests.json": &requests, "keys.json": &keys} {
		raw, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	var now time.Time
	servers := map[string]*aptest.Server{}
	server := func(origin string) *aptest.Server {
		if servers[origin] == nil {
			servers[origin] = recordedServer(t, origin, keys, func() time.Time { return now })
		}
		return servers[origin]
	}
	accepted := 0
	for _, x := range requests {
		header := http.Header{}
		for _, h := range x.Headers {
			header.Add(h[0], h[1])
		}
		host, keyID := header.Get("Host"), regexp.MustCompile(`keyId="([^"]*)"`).FindStringSubmatch(header.Get("Signature"))[1]
		if x.Method != http.MethodPost || keys[keyID] == "" || strings.Contains(keyID, "//"+host+"/") ||
			strings.HasPrefix(x.Target, "/users/") { // the recorder wrote to an inbox of GoToSocial's
			continue
		}
		origin := "http://" + host
		if strings.HasPrefix(keyID, "https:") {
			origin = "https://" + host
		}
		t.Run(x.Name, func(t *testing.T) {
			var err error
			if now, err = http.ParseTime(header.Get("Date")); err != nil {
				t.Fatal(err)
			}
			s := server(origin)
			before := s.Count("inbox", "")
			send := func(body string) int {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Origin+x.Target, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header, req.Host = header.Clone(), host
				req.Header.Del("Host")
				return aptest.Send(t, req)
			}
			if got := send(x.Body + " "); got != 401 {
				t.Errorf("changed body: %d", got)
			}
			if got := send(x.Body); got != 204 {
				t.Errorf("intact: %d", got)
			}
			if got := send(x.Body); got != 204 {
				t.Errorf("repeated: %d", got)
			}
			if n := s.Count("inbox", "") - before; n != 1 {
				t.Errorf("%d rows", n)
			}
			now = now.Add(-time.Minute) // another minute for the count of failures
			accepted++
		})
	}
	if accepted < 55 {
		t.Errorf("only %d activities were played", accepted)
	}
}

// recordedServer is a server under a recorded name that knows the recorded
// keys and has the actors whose inboxes were written to.
func recordedServer(t *testing.T, origin string, keys map[string]string, now func() time.Time) *aptest.Server {
	t.Helper()
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Change: func(o *activitypub.Options) {
		o.Origin, o.Federation.MinRSABits, o.Now = origin, 1024, now
	}})
	for _, name := range []string{"alice", "bob"} {
		s.Local(actor.Person, name)
	}
	for _, name := range []string{"alice_channel", "second_channel"} {
		s.Local(actor.Group, name)
	}
	err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		for id, pem := range keys {
			owner, _, isKey := strings.Cut(strings.TrimSuffix(id, "/main-key"), "#")
			if !isKey && !strings.HasSuffix(id, "/main-key") || strings.HasPrefix(owner, origin+"/") {
				continue
			}
			a := &actor.Actor{
				IRI: owner, Type: actor.Person, Username: fmt.Sprintf("a%d", len(owner)), Host: strings.Split(owner, "/")[2], Inbox: owner + "/inbox",
				PublicKeyID: id, PublicKeyPEM: pem, FetchedAt: new(time.Time), CreatedAt: db.Now(), UpdatedAt: db.Now(),
			}
			if err := tx.Create(a).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
