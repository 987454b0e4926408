package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// stumbling is a proxy in front of an instance which answers each new delivery
// with 500, although the instance has taken it. A sender that then knocks again
// sends everything twice.
type stumbling struct {
	forward *httputil.ReverseProxy
	mu      sync.Mutex
	seen    map[[32]byte]int
}

func newStumbling(t *testing.T, to int) (s *stumbling, port int) {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(to))}
	s = &stumbling{seen: map[[32]byte]int{}, forward: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	_, text, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if port, err = strconv.Atoi(text); err != nil {
		t.Fatal(err)
	}
	return s, port
}

// ServeHTTP implements http.Handler.
func (s *stumbling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/inbox") {
		s.forward.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.Lock()
	sum := sha256.Sum256(body)
	s.seen[sum]++
	first := s.seen[sum] == 1
	s.mu.Unlock()
	if !first {
		s.forward.ServeHTTP(w, r)
		return
	}
	taken := httptest.NewRecorder()
	s.forward.ServeHTTP(taken, r)
	if taken.Code/100 == 2 {
		taken.Code = http.StatusInternalServerError
	}
	w.WriteHeader(taken.Code)
}

// twice tells how many deliveries came more than once.
func (s *stumbling) twice() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, times := range s.seen {
		if times > 1 {
			n++
		}
	}
	return n
}

// meeting is one instance of ours and one Fedify peer that federate.
type meeting struct {
	t     *testing.T
	us    *rig.Instance
	root  *rig.Client
	peer  *rig.Fedify
	clip  string
	knock string // how our deliveries are signed in the end
}

// wait asks until it gets true.
func (m *meeting) wait(what string, ask func() (bool, error)) {
	m.t.Helper()
	eventually(m.t.Context(), m.t, time.Minute, what, func(context.Context) (bool, error) { return ask() })
}

// do lets the peer act and gives the activity that it has sent.
func (m *meeting) do(verb string, in map[string]any) map[string]any {
	m.t.Helper()
	var out struct{ Sent map[string]any }
	if err := m.peer.Do(m.t.Context(), verb, in, &out); err != nil {
		m.t.Fatal(err)
	}
	return out.Sent
}

// api calls our REST API.
func (m *meeting) api(method, path string, in, out any) {
	m.t.Helper()
	if err := m.root.Send(m.t.Context(), method, "/api/v1"+path, in, out); err != nil {
		m.t.Fatal(err)
	}
}

// verified waits until Fedify has taken an activity of ours and found its
// signature good, and looks at how it was signed.
func (m *meeting) verified(activity string, match func(rig.Heard) bool) rig.Heard {
	m.t.Helper()
	var found rig.Heard
	m.wait("Fedify verifies our "+activity, func() (bool, error) {
		log, err := m.peer.Log(m.t.Context(), 0)
		if err != nil {
			return false, err
		}
		for _, h := range log {
			if h.Kind == "verified" && h.Type == activity && strings.HasPrefix(h.Actor, m.us.Origin+"/") && match(h) {
				found = h
				return true, nil
			}
		}
		return false, nil
	})
	m.wait("its request is logged", func() (bool, error) {
		log, err := m.peer.Log(m.t.Context(), 0)
		if err != nil {
			return false, err
		}
		for _, h := range log {
			if h.Method == http.MethodPost && h.Status/100 == 2 && strings.Contains(h.Body, `"`+found.ID+`"`) {
				if h.Scheme() != m.knock {
					m.t.Errorf("%s came signed in %q, want %q", activity, h.Scheme(), m.knock)
				}
				found.Body = h.Body
				return true, nil
			}
		}
		return false, nil
	})
	return found
}

func any1(rig.Heard) bool { return true }

// about matches activities on an object.
func about(id string) func(rig.Heard) bool {
	return func(h rig.Heard) bool { return h.Object == id }
}

// tally is what visitors see of a video.
type tally struct {
	Likes, Dislikes, Comments int
	Name                      string
}

func (m *meeting) counts(id string) (c tally, err error) {
	return c, m.root.Get(m.t.Context(), "/api/v1/videos/"+id, &c)
}

// total reads how many items an ActivityPub collection has.
func (m *meeting) total(path string) (int, error) {
	var c struct{ TotalItems int }
	_, err := m.root.Do(m.t.Context(), http.MethodGet, path, http.NoBody, http.Header{"Accept": {"application/activity+json"}}, &c)
	return c.TotalItems, err
}

// comments lists the texts below a video.
func (m *meeting) comments(id string) (texts []string, err error) {
	var list struct {
		Data []struct {
			Text      string
			IsDeleted bool
		}
	}
	err = m.root.Get(m.t.Context(), "/api/v1/videos/"+id+"/comment-threads", &list)
	for _, c := range list.Data {
		if !c.IsDeleted {
			texts = append(texts, c.Text)
		}
	}
	return texts, err
}

// follows tells whether the peer's person follows our channel.
func (m *meeting) follows() (bool, error) {
	var page struct{ OrderedItems []string }
	_, err := m.root.Do(m.t.Context(), http.MethodGet, "/video-channels/root_channel/followers?page=1", http.NoBody,
		http.Header{"Accept": {"application/activity+json"}}, &page)
	return slices.Contains(page.OrderedItems, m.peer.Person()), err
}

// fedifyActs: every activity of Fedify has its effect here, once.
func (m *meeting) fedifyActs() {
	t := m.t
	channel := m.us.Origin + "/video-channels/root_channel"
	follow := m.do("follow", map[string]any{"actor": channel})
	m.verified("Accept", any1)
	m.wait("the peer follows our channel", m.follows)

	v, err := m.root.Upload(m.t.Context(), m.clip, rig.Fields{"name": "For " + m.peer.Host})
	if err != nil {
		t.Fatal(err)
	}
	id := m.us.Origin + "/videos/watch/" + v.UUID
	m.verified("Announce", about(id)) // the follower hears of it
	has := func(what string, want tally) {
		t.Helper()
		want.Name = "For " + m.peer.Host
		m.wait(what, func() (bool, error) {
			got, err := m.counts(v.UUID)
			return got.Likes == want.Likes && got.Dislikes == want.Dislikes, err
		})
	}

	like := m.do("like", map[string]any{"actor": channel, "object": id})
	has("Like", tally{Likes: 1})
	m.do("undo", map[string]any{"actor": channel, "type": "Like", "object": id, "id": like["id"]})
	has("Undo Like", tally{})
	dislike := m.do("dislike", map[string]any{"actor": channel, "object": id, "shared": true})
	has("Dislike", tally{Dislikes: 1})
	m.do("undo", map[string]any{"actor": channel, "type": "Dislike", "object": id, "id": dislike["id"]})
	has("Undo Dislike", tally{})
	m.do("like", map[string]any{"actor": channel, "object": id})
	has("Like again", tally{Likes: 1})

	create := m.do("note", map[string]any{"actor": channel, "content": "<p>hello from Fedify</p>", "inReplyTo": id})
	m.wait("Create of a comment", func() (bool, error) {
		texts, err := m.comments(v.UUID)
		return len(texts) == 1 && strings.Contains(texts[0], "hello from Fedify"), err
	})
	note, ok := create["object"].(map[string]any)
	if !ok {
		t.Fatalf("Create without its object: %v", create)
	}
	m.do("delete", map[string]any{"actor": channel, "object": note["id"]})
	m.wait("Delete of the comment", func() (bool, error) {
		texts, err := m.comments(v.UUID)
		return len(texts) == 0, err
	})

	shares := strings.TrimPrefix(id, m.us.Origin) + "/announces"
	had, err := m.total(shares)
	if err != nil {
		t.Fatal(err)
	}
	announce := m.do("announce", map[string]any{"actor": channel, "object": id, "as": "bob_channel"})
	m.wait("Announce", func() (bool, error) {
		n, err := m.total(shares)
		return n == had+1, err
	})
	m.do("undo", map[string]any{"actor": channel, "type": "Announce", "object": id, "id": announce["id"], "as": "bob_channel"})
	m.wait("Undo Announce", func() (bool, error) {
		n, err := m.total(shares)
		return n == had, err
	})

	if _, err := m.root.Do(m.t.Context(), http.MethodDelete, "/api/v1/videos/"+v.UUID, http.NoBody, nil, nil); err != nil {
		t.Fatal(err)
	}
	m.verified("Delete", about(id))
	m.do("undo", map[string]any{"actor": channel, "type": "Follow", "object": channel, "id": follow["id"]})
	m.wait("Undo Follow", func() (bool, error) {
		still, err := m.follows()
		return !still, err
	})
}

// weAct: Fedify takes every activity of ours and finds it signed by us.
func (m *meeting) weAct() {
	t := m.t
	m.api(http.MethodPost, "/server/following", map[string]any{"handles": []string{"bob_channel@" + m.peer.Host}}, nil)
	m.verified("Follow", about(m.peer.Channel()))
	m.wait("Fedify's Accept counts", func() (bool, error) { return m.root.Following(m.t.Context(), m.peer.Host) })

	var v struct{ ID, UUID string }
	if err := m.peer.Do(m.t.Context(), "video", map[string]any{}, &v); err != nil {
		t.Fatal(err)
	}
	m.do("announce", map[string]any{"actor": m.us.Origin + "/accounts/peertube", "object": v.ID, "as": "bob_channel"})
	m.wait("Fedify's video is here", func() (bool, error) {
		got, err := m.root.Video(m.t.Context(), v.UUID)
		if hasStatus(err, http.StatusNotFound) {
			return false, nil
		}
		return got.Name == "A video of a peer" && !got.IsLocal, err
	})

	m.api(http.MethodPut, "/videos/"+v.UUID+"/rate", map[string]any{"rating": "like"}, nil)
	like := m.verified("Like", about(v.ID))
	m.proof(like)
	m.api(http.MethodPut, "/videos/"+v.UUID+"/rate", map[string]any{"rating": "dislike"}, nil)
	m.verified("Undo", any1)
	m.verified("Dislike", about(v.ID))

	var made struct {
		Comment struct {
			ID  int64
			URL string
		}
	}
	m.api(http.MethodPost, "/videos/"+v.UUID+"/comment-threads", map[string]any{"text": "hello from Kinemesh"}, &made)
	m.verified("Create", about(made.Comment.URL))
	if _, err := m.root.Do(m.t.Context(), http.MethodDelete, fmt.Sprintf("/api/v1/videos/%s/comments/%d", v.UUID, made.Comment.ID), http.NoBody, nil, nil); err != nil {
		t.Fatal(err)
	}
	m.verified("Delete", about(made.Comment.URL))

	if _, err := m.root.Do(m.t.Context(), http.MethodDelete, "/api/v1/server/following/bob_channel@"+m.peer.Host, http.NoBody, nil, nil); err != nil {
		t.Fatal(err)
	}
	m.verified("Undo", func(h rig.Heard) bool { return strings.Contains(h.Actor, "/accounts/peertube") })
}

// proof lets Fedify's library check the integrity proof in an activity of ours
// (FEP-8b32), whole and changed.
func (m *meeting) proof(h rig.Heard) {
	m.t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(h.Body), &doc); err != nil {
		m.t.Fatal(err)
	}
	check := func() string {
		var out struct{ Actor string }
		if err := m.peer.Do(m.t.Context(), "verify", map[string]any{"document": doc}, &out); err != nil {
			m.t.Fatal(err)
		}
		return out.Actor
	}
	if got := check(); got != h.Actor {
		m.t.Errorf("Fedify finds the proof of %q, want %q: %s", got, h.Actor, h.Body)
	}
	doc["object"] = m.peer.Origin + "/videos/watch/another"
	if got := check(); got != "" {
		m.t.Errorf("Fedify finds a proof of %q in a changed activity", got)
	}
}

// brought: a Like with Fedify's integrity proof counts although another server
// signs the request, and what that server has changed in it does not. Nobody can
// ask the origin, which does not give out Likes.
func (m *meeting) brought(messenger *rig.Fedify) {
	t := m.t
	var ids [2]string
	for i, name := range []string{"Liked", "Not liked"} {
		v, err := m.root.Upload(m.t.Context(), m.clip, rig.Fields{"name": name})
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = v.UUID
	}
	for _, id := range ids {
		m.wait("the video is published", func() (bool, error) {
			v, err := m.root.Video(m.t.Context(), id)
			return v.State.ID == 1, err
		})
	}
	iri := func(i int) string { return m.us.Origin + "/videos/watch/" + ids[i] }
	like := m.do("like", map[string]any{"actor": messenger.Person(), "object": iri(0)})
	var doc map[string]any
	m.wait("the messenger has the Like", func() (bool, error) {
		log, err := messenger.Log(m.t.Context(), 0)
		if err != nil {
			return false, err
		}
		for _, h := range log {
			if h.Method == http.MethodPost && strings.Contains(h.Body, fmt.Sprint(like["id"])) {
				return true, json.Unmarshal([]byte(h.Body), &doc)
			}
		}
		return false, nil
	})
	bring := func(doc map[string]any) {
		t.Helper()
		var out struct{ Status int }
		if err := messenger.Do(m.t.Context(), "forward", map[string]any{"document": doc, "inbox": m.us.Origin + "/inbox"}, &out); err != nil {
			t.Fatal(err)
		}
		if out.Status/100 != 2 {
			t.Errorf("answered %d", out.Status)
		}
	}
	changed := maps.Clone(doc)
	changed["object"], changed["id"] = iri(1), fmt.Sprint(doc["id"])+"x"
	bring(changed)
	for range 2 {
		bring(doc)
	}
	m.wait("the Like that was brought", func() (bool, error) {
		c, err := m.counts(ids[0])
		return c.Likes == 1, err
	})
	if c, err := m.counts(ids[1]); err != nil || c.Likes != 0 {
		t.Errorf("a changed Like counts: %+v, %v", c, err)
	}
}

// TestFedify: a server of ours of each first knock meets peers built on Fedify
// that open with either scheme, that challenge, that demand signed fetches and
// that understand one scheme alone. Every activity goes both ways.
func TestFedify(t *testing.T) {
	ctx := slow(t, 3*time.Minute)
	clip, err := rig.Clip(ctx, t.TempDir(), 1, 160, 120)
	if err != nil {
		t.Fatal(err)
	}
	const cavage, rfc = "draft-cavage", "rfc9421"
	peers := []struct {
		name, only string
		args       []string
		peer       *rig.Fedify
	}{
		{"opens with RFC 9421", "", []string{"--first-knock", rfc}, nil},
		{"opens with draft-cavage", "", []string{"--first-knock", "draft-cavage-http-signatures-12"}, nil},
		{"challenges for RFC 9421", rfc, []string{"--first-knock", rfc, "--challenge", "--only", rfc}, nil},
		{"secure, draft-cavage alone", cavage, []string{"--first-knock", rfc, "--secure", "--only", cavage}, nil},
	}
	instances := []*struct {
		first string
		us    *rig.Instance
		root  *rig.Client
	}{{first: cavage}, {first: rfc}}
	settings := func(first string) map[string]any {
		return map[string]any{"federation.first_knock": first, "transcoding.enabled": false}
	}
	port, err := rig.FreePort(ctx)
	if err != nil {
		t.Fatal(err)
	}
	proxy, public := newStumbling(t, port)

	var wg sync.WaitGroup
	for i := range peers {
		wg.Go(func() {
			var err error
			if peers[i].peer, err = rig.StartFedify(ctx, "fedify", peers[i].args...); err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(peers[i].peer.Stop)
		})
	}
	for i, x := range instances {
		wg.Go(func() {
			o := rig.Options{Settings: settings(x.first), Binary: binary, Dir: t.TempDir()}
			if i == 1 {
				o.Port, o.PublicPort = port, public
			}
			var err error
			if x.us, err = rig.Start(ctx, o); err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() {
				if err := x.us.Stop(); err != nil {
					t.Error(err)
				}
				if t.Failed() {
					t.Logf("log of %s:\n%s", x.us.Host, x.us.LogTail())
				}
			})
			if x.root, err = x.us.Root(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	t.Run("matrix", func(t *testing.T) {
		for _, x := range instances {
			for _, p := range peers {
				t.Run(x.first+" meets one that "+p.name, func(t *testing.T) {
					t.Parallel()
					m := &meeting{t: t, us: x.us, root: x.root, peer: p.peer, clip: clip, knock: x.first}
					if p.only != "" {
						m.knock = p.only
					}
					defer func() {
						if t.Failed() {
							m.complaints()
						}
					}()
					m.fedifyActs()
					m.weAct()
				})
			}
		}
	})
	t.Run("an activity that another brings", func(t *testing.T) {
		m := &meeting{t: t, us: instances[0].us, root: instances[0].root, peer: peers[0].peer, clip: clip}
		m.brought(peers[1].peer)
	})
	if n := proxy.twice(); n < 20 {
		t.Errorf("only %d deliveries came twice", n)
	}
}

// complaints logs what the peer did not take.
func (m *meeting) complaints() {
	log, err := m.peer.Log(m.t.Context(), 0)
	if err != nil {
		m.t.Log(err)
	}
	for _, h := range log {
		if h.Kind != "http" && h.Kind != "verified" || h.Status >= 300 {
			m.t.Logf("peer: %s %s %s %d %.300s %v %.600s", h.Kind, h.Method, h.URL, h.Status, h.Message, h.Reason, h.Body)
		}
	}
}
