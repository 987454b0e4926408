package transport

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/signature"
)

// door is a server that lets in what it understands and keeps what it saw.
type door struct {
	opens  func(r *http.Request) int // status
	header http.Header               // of refusals

	mu    sync.Mutex
	knock []string
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	said := r.Header.Get("X-Knock") + " " + string(body)
	d.mu.Lock()
	d.knock = append(d.knock, strings.TrimSpace(said))
	d.mu.Unlock()
	status := d.opens(r)
	if status/100 != 2 {
		maps.Copy(w.Header(), d.header)
	} else {
		w.Header().Set("Content-Type", ActivityJSON)
	}
	w.WriteHeader(status)
	if status/100 == 2 && r.Method == http.MethodGet {
		say(w, `{"id":"x"}`)
	}
}

// seen gives the knocks since the last call.
func (d *door) seen() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := strings.Join(d.knock, ", ")
	d.knock = nil
	return out
}

// say what was knocked, where a signature would stand.
func knocker(req *http.Request, _ []byte, k signature.Knock) error {
	said := string(k.Scheme)
	if k.PathOnly {
		said += "-path"
	}
	if k.Wanted != nil {
		said += "-" + k.Wanted.Label
	}
	req.Header.Set("X-Knock", said)
	return nil
}

// only lets in one kind of knock.
func only(knock string, otherwise int) func(*http.Request) int {
	return func(r *http.Request) int {
		if r.Header.Get("X-Knock") == knock {
			return http.StatusOK
		}
		return otherwise
	}
}

// TestKnocks: what is sent the first and the second time, and what the caller
// learns of it (federation-behaviours 6 and 7).
func TestKnocks(t *testing.T) {
	challenge := http.Header{"Accept-Signature": {`c1=("@method" "date");created`}}
	for _, c := range []struct {
		name          string
		first         signature.Scheme
		opens         func(*http.Request) int
		header        http.Header
		get           string // path of a GET; else a POST of {}
		status        int    // that the caller sees; 0: success
		once, another string // knocks of one attempt, of the next
	}{
		{"taken", "", only("draft-cavage", 401), nil, "", 0, "draft-cavage {}", "draft-cavage {}"},
		{"401", "", only("rfc9421", 401), nil, "", 0, "draft-cavage {}, rfc9421 {}", "rfc9421 {}"},
		{"400", "", only("rfc9421", 400), nil, "", 0, "draft-cavage {}, rfc9421 {}", "rfc9421 {}"},
		{"403", "", only("rfc9421", 403), nil, "", 0, "draft-cavage {}, rfc9421 {}", "rfc9421 {}"},
		{"404 is final", "", only("rfc9421", 404), nil, "", 404, "draft-cavage {}", "draft-cavage {}"},
		{"410 is final", "", only("rfc9421", 410), nil, "", 410, "draft-cavage {}", "draft-cavage {}"},
		{"429 waits", "", only("rfc9421", 429), nil, "", 429, "draft-cavage {}", "draft-cavage {}"},
		{"500 waits", "", only("rfc9421", 500), nil, "", 500, "draft-cavage {}", "draft-cavage {}"},
		{"the other way round", signature.RFC9421, only("draft-cavage", 401), nil, "", 0, "rfc9421 {}, draft-cavage {}", "draft-cavage {}"},
		{"neither", "", only("nothing", 401), nil, "", 401, "draft-cavage {}, rfc9421 {}", "draft-cavage {}, rfc9421 {}"},
		{"the second says more", "", func(r *http.Request) int {
			if r.Header.Get("X-Knock") == "rfc9421" {
				return 410
			}
			return 401
		}, nil, "", 410, "draft-cavage {}, rfc9421 {}", "draft-cavage {}, rfc9421 {}"},
		{"the second is doubted otherwise", "", func(r *http.Request) int {
			if r.Header.Get("X-Knock") == "rfc9421" {
				return 401
			}
			return 403
		}, nil, "", 403, "draft-cavage {}, rfc9421 {}", "draft-cavage {}, rfc9421 {}"},
		{"challenge", "", only("rfc9421-c1", 401), challenge, "", 0, "draft-cavage {}, rfc9421-c1 {}", "rfc9421-c1 {}"},
		{"challenge to the same scheme", signature.RFC9421, only("rfc9421-c1", 401), challenge, "", 0, "rfc9421 {}, rfc9421-c1 {}", "rfc9421-c1 {}"},
		{
			"challenge with a nonce is for once", "", only("rfc9421-n", 401),
			http.Header{"Accept-Signature": {`n=("@method");created;nonce="5"`}},
			"", 0, "draft-cavage {}, rfc9421-n {}", "rfc9421 {}, rfc9421-n {}",
		},
		{
			"challenge for what was there", signature.RFC9421, only("draft-cavage", 401),
			http.Header{"Accept-Signature": {signature.Challenge(http.MethodPost)}},
			"", 0, "rfc9421 {}, draft-cavage {}", "draft-cavage {}",
		},
		{
			"challenge that we cannot meet", "", only("rfc9421", 401),
			http.Header{"Accept-Signature": {`c1=("@method");alg="hmac-sha256"`}},
			"", 0, "draft-cavage {}, rfc9421 {}", "rfc9421 {}",
		},
		{"get", "", only("rfc9421", 401), nil, "/x", 0, "draft-cavage, rfc9421", "rfc9421"},
		{"get of what all may read proves nothing", signature.RFC9421, func(*http.Request) int { return 200 }, nil, "/x", 0, "rfc9421", "rfc9421"},
		{"get with a query, taken", "", only("draft-cavage", 401), nil, "/x?page=1", 0, "draft-cavage", "draft-cavage"},
		{"get whose query is not checked", "", only("draft-cavage-path", 401), nil, "/x?page=1", 0, "draft-cavage, rfc9421, draft-cavage-path", "draft-cavage-path"},
		{"get with a query, neither", "", only("nothing", 401), nil, "/x?page=1", 401, "draft-cavage, rfc9421, draft-cavage-path", "draft-cavage, rfc9421, draft-cavage-path"},
		{"get with a query, 403", "", only("draft-cavage-path", 403), nil, "/x?page=1", 403, "draft-cavage, rfc9421", "draft-cavage, rfc9421"},
		{"get without a query", "", only("draft-cavage-path", 401), nil, "/x", 401, "draft-cavage, rfc9421", "draft-cavage, rfc9421"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &door{opens: c.opens, header: c.header}
			origin := serve(t, d.ServeHTTP)
			client := loopback(t, func(cfg *Config) { cfg.FirstKnock = c.first })
			for _, want := range []string{c.once, c.another} {
				var err error
				if c.get != "" {
					_, err = client.Get(t.Context(), knocker, origin+c.get)
				} else {
					err = client.Post(t.Context(), knocker, origin+"/inbox", []byte("{}"))
				}
				status := 0
				if s, ok := errors.AsType[*StatusError](err); ok {
					status = s.Code
				} else if err != nil {
					t.Fatal(err)
				}
				if status != c.status {
					t.Errorf("status %d, want %d", status, c.status)
				}
				if got := d.seen(); got != want {
					t.Errorf("knocked %q, want %q", got, want)
				}
			}
		})
	}
}

// TestKnockPathOnlyIsForQueries: other requests to such a host are signed as
// before.
func TestKnockPathOnlyIsForQueries(t *testing.T) {
	d := &door{opens: func(r *http.Request) int {
		want := "draft-cavage"
		if r.URL.RawQuery != "" {
			want += "-path"
		}
		if r.Header.Get("X-Knock") == want {
			return 200
		}
		return 401
	}}
	origin, c := serve(t, d.ServeHTTP), loopback(t)
	for path, want := range map[string]string{"/x?page=1": "draft-cavage, rfc9421, draft-cavage-path", "/x": "draft-cavage"} {
		if _, err := c.Get(t.Context(), knocker, origin+path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if got := d.seen(); got != want {
			t.Errorf("%s: knocked %q, want %q", path, got, want)
		}
	}
	if err := c.Post(t.Context(), knocker, origin+"/inbox", []byte("{}")); err != nil {
		t.Error(err)
	}
	if got := d.seen(); got != "draft-cavage {}" {
		t.Errorf("post: knocked %q", got)
	}
	if _, err := c.Get(t.Context(), knocker, origin+"/x?page=2"); err != nil || d.seen() != "draft-cavage-path" {
		t.Errorf("the query is signed again, %v", err)
	}
}

// TestUnsignedKnocksOnce: there is no other way to sign nothing.
func TestUnsignedKnocksOnce(t *testing.T) {
	d := &door{opens: func(*http.Request) int { return 401 }}
	origin := serve(t, d.ServeHTTP)
	if _, err := loopback(t).Get(t.Context(), nil, origin+"/x?y"); err == nil {
		t.Error("got a document for 401")
	}
	if got := d.seen(); got != "" {
		t.Errorf("knocked %q, want one request without a signature", got)
	}
}

// TestKnocksSpend: a second knock is a request of the budget (SEC-29).
func TestKnocksSpend(t *testing.T) {
	d := &door{opens: only("rfc9421", 401)}
	origin := serve(t, d.ServeHTTP)
	for budget, ok := range map[int]bool{1: false, 2: true} {
		_, err := loopback(t).Get(WithBudget(t.Context(), budget), knocker, origin+"/x")
		if (err == nil) != ok {
			t.Errorf("budget of %d: %v", budget, err)
		}
		if s, isStatus := errors.AsType[*StatusError](err); !ok && (!isStatus || s.Code != 401) {
			t.Errorf("budget of %d: %v, want the answer that there was", budget, err)
		}
	}
}

// book is a Schemes in memory.
type book map[string]signature.Scheme

func (b book) Scheme(_ context.Context, host string) signature.Scheme  { return b[host] }
func (b book) Took(_ context.Context, host string, s signature.Scheme) { b[host] = s }

// TestKnocksAreKept: what is stored comes first, and what changes is stored.
func TestKnocksAreKept(t *testing.T) {
	d := &door{opens: only("rfc9421", 401)}
	origin := serve(t, d.ServeHTTP)
	host := strings.TrimPrefix(origin, "http://")
	kept := book{host: signature.RFC9421}
	post := func(c *Client, want string) {
		t.Helper()
		if err := c.Post(t.Context(), knocker, origin+"/inbox", []byte("{}")); err != nil {
			t.Error(err)
		}
		if got := d.seen(); got != want {
			t.Errorf("knocked %q, want %q", got, want)
		}
	}
	c := loopback(t, func(cfg *Config) { cfg.Schemes = kept })
	post(c, "rfc9421 {}")
	d.opens = only("draft-cavage", 401)
	post(c, "rfc9421 {}, draft-cavage {}")
	if kept[host] != signature.Cavage {
		t.Errorf("kept %v", kept)
	}
	post(c, "draft-cavage {}")
}

// TestKnocksAreBounded: a server with endless names does not fill the memory.
func TestKnocksAreBounded(t *testing.T) {
	k := newKnocks(Config{})
	for range 3 {
		for i := range maxHosts {
			k.put(strings.Repeat("x", i%50)+string(rune('a'+i%26))+strings.Repeat("y", i/50), habit{})
		}
	}
	if len(k.hosts) > maxHosts {
		t.Errorf("%d hosts are remembered", len(k.hosts))
	}
}
