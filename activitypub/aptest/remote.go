package aptest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/signature"
)

// Remote is another instance. Its zero documents are 404.
type Remote struct {
	Origin string // http://127.0.0.1:port
	Host   string

	t        testing.TB
	mu       sync.Mutex
	pages    map[string]http.HandlerFunc
	fetches  map[string]int
	received []Received
	answer   int // status for deliveries
	demand   func(*http.Request, []byte) int
}

// Received is a request to an inbox.
type Received struct {
	Path   string
	Header http.Header
	Body   []byte
	Doc    map[string]any
}

// Actor is an actor of a Remote.
type Actor struct {
	IRI, KeyID, Inbox string
	Key               *rsa.PrivateKey
	Doc               map[string]any

	remote *Remote
}

// New starts an instance that lives as long as the test.
func New(t testing.TB) *Remote {
	t.Helper()
	r := &Remote{t: t, pages: map[string]http.HandlerFunc{}, fetches: map[string]int{}, answer: http.StatusNoContent}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.Origin, r.Host = s.URL, strings.TrimPrefix(s.URL, "http://")
	return r
}

// ServeHTTP answers as scripted and keeps count.
func (r *Remote) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodPost {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if status := r.demands(req, body); status != 0 && status/100 != 2 {
			w.WriteHeader(status)
			return
		}
		rec := Received{Path: req.URL.Path, Header: req.Header.Clone(), Body: body}
		if err := json.Unmarshal(body, &rec.Doc); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		r.received = append(r.received, rec)
		status := r.answer
		r.mu.Unlock()
		w.WriteHeader(status)
		return
	}
	r.mu.Lock()
	r.fetches[req.URL.Path]++
	page := r.pages[req.URL.RequestURI()]
	if page == nil {
		page = r.pages[req.URL.Path]
	}
	r.mu.Unlock()
	if page == nil {
		http.NotFound(w, req)
		return
	}
	page(w, req)
}

// Handle scripts the answer to GET of a path, with or without a query.
func (r *Remote) Handle(path string, h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pages[path] = h
}

// Serve publishes an ActivityPub document. A path that begins with the origin
// is cut.
func (r *Remote) Serve(path string, doc any) {
	raw, err := json.Marshal(doc)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Handle(strings.TrimPrefix(path, r.Origin), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/activity+json")
		write(w, raw)
	})
}

// ServeStatus answers a path with a bare status.
func (r *Remote) ServeStatus(path string, status int) {
	r.Handle(strings.TrimPrefix(path, r.Origin), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

// AnswerDeliveries sets the status that inboxes answer with.
func (r *Remote) AnswerDeliveries(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

// Fetches tells how often a path was asked for, "" for all together.
func (r *Remote) Fetches(path string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if path != "" {
		return r.fetches[strings.TrimPrefix(path, r.Origin)]
	}
	n := 0
	for _, v := range r.fetches {
		n += v
	}
	return n
}

// Received lists what came to the inboxes.
func (r *Remote) Received() []Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Received(nil), r.received...)
}

// Await waits for an activity of a type in any inbox, the newest first.
func (r *Remote) Await(activity string) Received {
	r.t.Helper()
	var out Received
	Eventually(r.t, "a "+activity+" at "+r.Host, func() bool {
		for _, got := range slices.Backward(r.Received()) {
			if got.Doc["type"] == activity {
				out = got
				return true
			}
		}
		return false
	})
	return out
}

// keys are made once for all tests of a process; making one takes long.
var (
	keysMu sync.Mutex
	keys   []*rsa.PrivateKey
	next   atomic.Int64
)

const keyPool = 4

// Key gives one of a few RSA-2048 keys in turn.
func Key(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	keysMu.Lock()
	defer keysMu.Unlock()
	if len(keys) < keyPool {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
		return k
	}
	return keys[int(next.Add(1))%keyPool]
}

// own are keys of servers under test, none of which a remote actor has.
var own struct {
	sync.Mutex
	keys []*actor.Key
	next int
}

// ownKeys is how many actors of one server have keys of their own.
const ownKeys = 8

// NewKey gives one of a few keys in turn, since to make one takes long; it is
// for [activitypub.Options.NewKey].
func NewKey() (*actor.Key, error) {
	own.Lock()
	defer own.Unlock()
	if len(own.keys) < ownKeys {
		k, err := actor.GenerateKey()
		if err == nil {
			own.keys = append(own.keys, k)
		}
		return k, err
	}
	own.next++
	return own.keys[own.next%ownKeys], nil
}

// Actor publishes an actor with its key at /users/NAME and in WebFinger.
func (r *Remote) Actor(kind, name string) *Actor {
	r.t.Helper()
	id := r.Origin + "/users/" + name
	a := &Actor{IRI: id, KeyID: id + "#main-key", Inbox: id + "/inbox", Key: Key(r.t), remote: r}
	a.Doc = map[string]any{
		"@context": []string{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"type":     kind, "id": id, "preferredUsername": name, "name": strings.ToUpper(name), "inbox": a.Inbox,
		"outbox": id + "/outbox", "followers": id + "/followers", "following": id + "/following",
		"endpoints": map[string]any{"sharedInbox": r.Origin + "/inbox"},
		"publicKey": map[string]any{"id": a.KeyID, "owner": id, "publicKeyPem": a.PEM()},
	}
	a.Publish()
	r.Finger(name, id)
	return a
}

// PEM gives the public key.
func (a *Actor) PEM() string {
	text, err := signature.EncodeKey(&a.Key.PublicKey)
	if err != nil {
		a.remote.t.Fatal(err)
	}
	return text
}

// Publish serves a.Doc as it is now.
func (a *Actor) Publish() { a.remote.Serve(a.IRI, a.Doc) }

// Rotate gives the actor another key under the same id.
func (a *Actor) Rotate() {
	old := a.Key
	for a.Key == old {
		a.Key = Key(a.remote.t)
	}
	a.Doc["publicKey"] = map[string]any{"id": a.KeyID, "owner": a.IRI, "publicKeyPem": a.PEM()}
	a.Publish()
}

// Finger makes WebFinger answer for a name.
func (r *Remote) Finger(name, self string) {
	subject := "acct:" + name + "@" + r.Host
	r.Handle("/.well-known/webfinger?resource="+url.QueryEscape(subject), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jrd+json")
		write(w, fmt.Appendf(nil, `{"subject":%q,"links":[{"rel":"self","type":"application/activity+json","href":%q}]}`, subject, self))
	})
}

// NodeInfo makes the host name its instance actor as PeerTube does.
func (r *Remote) NodeInfo(instance string) {
	r.Handle("/.well-known/nodeinfo", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		write(w, fmt.Appendf(nil, `{"links":[{"rel":"https://www.w3.org/ns/activitystreams#Application","href":%q}]}`, instance))
	})
}

func write(w io.Writer, raw []byte) {
	if _, err := w.Write(raw); err != nil {
		return // the client went away
	}
}

// Activity makes an activity by the actor; members of more replace or add.
func (a *Actor) Activity(typ string, object any, more map[string]any) map[string]any {
	doc := map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "type": typ, "actor": a.IRI, "object": object,
		"id": fmt.Sprintf("%s/activities/%d", a.IRI, serial.Add(1)),
		"to": []string{"https://www.w3.org/ns/activitystreams#Public"},
	}
	maps.Copy(doc, more)
	return doc
}

var serial atomic.Int64

// Request makes a signed POST of doc, for tests that spoil it before it is
// sent.
func (a *Actor) Request(address string, doc any) *http.Request {
	a.remote.t.Helper()
	body, ok := doc.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(doc); err != nil {
			a.remote.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(a.remote.t.Context(), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		a.remote.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/activity+json")
	if err := signature.Sign(req, a.KeyID, a.Key, body); err != nil {
		a.remote.t.Fatal(err)
	}
	return req
}

// Post delivers doc, signed, and gives the status.
func (a *Actor) Post(address string, doc any) int {
	a.remote.t.Helper()
	return Send(a.remote.t, a.Request(address, doc))
}

// Send sends a request and gives the status.
func Send(t testing.TB, req *http.Request) int {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp.StatusCode
}

// Eventually waits up to a minute for a condition.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within a minute", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
