package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/strict"
)

// loopback is a client for test servers: every other rule is in force.
func loopback(t *testing.T, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, UserAgent: "Kinemesh/test"}
	for _, f := range change {
		f(&cfg)
	}
	c := New(cfg)
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// say writes an answer; a client that hangs up is no error here.
func say(w io.Writer, body string) {
	if _, err := io.WriteString(w, body); err != nil {
		return
	}
}

func document(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ActivityJSON)
		say(w, body)
	}
}

// TestGetContentTypes: only the two types of ActivityPub are documents (SEC-26).
func TestGetContentTypes(t *testing.T) {
	c := loopback(t)
	for _, x := range []struct {
		contentType string
		document    bool
	}{
		{"application/activity+json", true},
		{"application/activity+json; charset=utf-8", true},
		{"Application/Activity+JSON", true},
		{`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, true},
		{`application/ld+json; charset=utf-8; profile="https://www.w3.org/ns/other https://www.w3.org/ns/activitystreams"`, true},
		{"application/ld+json", false},
		{`application/ld+json; profile="https://www.w3.org/ns/activitystreams2"`, false},
		{"application/json", false},
		{"application/jrd+json", false},
		{"text/html", false},
		{"text/plain; application/activity+json", false},
		{"application/octet-stream", false},
		{"image/png", false},
		{"", false},
	} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{x.contentType}
			say(w, `{"id":"x"}`)
		})
		_, err := c.Get(t.Context(), nil, url)
		if (err == nil) != x.document || err != nil && !errors.Is(err, ErrContentType) {
			t.Errorf("Get of %q: %v", x.contentType, err)
		}
	}
}

func TestGetJSONAndFile(t *testing.T) {
	c := loopback(t)
	var accept string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		accept = r.Header.Get("Accept")
		if r.Header.Get("Signature") != "" {
			t.Error("GetJSON signed")
		}
		w.Header().Set("Content-Type", "application/jrd+json")
		say(w, `{"subject":"acct:a@b"}`)
	})
	raw, err := c.GetJSON(t.Context(), url)
	if err != nil || string(raw) != `{"subject":"acct:a@b"}` || !strings.Contains(accept, "application/jrd+json") {
		t.Errorf("GetJSON = %s, %v; accept %q", raw, err, accept)
	}
	body, mediaType, err := c.GetFile(t.Context(), url, 22)
	if err != nil || len(body) != 22 || mediaType != "application/jrd+json" {
		t.Errorf("GetFile = %q, %q, %v", body, mediaType, err)
	}
	if _, _, err := c.GetFile(t.Context(), url, 21); !errors.Is(err, ErrTooLarge) {
		t.Errorf("GetFile over the limit: %v", err)
	}
	html := serve(t, func(w http.ResponseWriter, _ *http.Request) { say(w, "<html>") })
	if _, err := c.GetJSON(t.Context(), html); !errors.Is(err, ErrContentType) {
		t.Errorf("GetJSON of a page: %v", err)
	}
}

// TestURLs: schemes, ports and user names that are not asked for (SEC-24).
func TestURLs(t *testing.T) {
	insecure, secure := loopback(t), loopback(t, func(c *Config) { c.AllowHTTP = false })
	for _, u := range []string{
		"file:///etc/passwd", "gopher://127.0.0.1/", "unix:///run/x", "data:application/activity+json,{}", "ftp://127.0.0.1/",
		"jar:http://127.0.0.1!/", "http://user@127.0.0.1/", "http://user:pw@127.0.0.1/", "//127.0.0.1/", "127.0.0.1", "", "http://",
		"http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://exa mple/", "http://a.example/\r\nX: y",
	} {
		if _, err := insecure.Get(t.Context(), nil, u); !errors.Is(err, ErrURL) {
			t.Errorf("Get(%q): %v", u, err)
		}
	}
	url := serve(t, document(`{}`))
	if _, err := insecure.Get(t.Context(), nil, url); err != nil {
		t.Errorf("http in test mode: %v", err)
	}
	if _, err := secure.Get(t.Context(), nil, url); !errors.Is(err, ErrURL) {
		t.Errorf("http outside of test mode: %v", err)
	}
	if _, err := loopback(t, func(c *Config) { c.AllowNetworks = nil }).Get(t.Context(), nil, url); !errors.Is(err, ErrAddress) {
		t.Errorf("loopback outside of test mode: %v", err)
	}
}

func TestTLSIsVerified(t *testing.T) {
	s := httptest.NewTLSServer(document(`{}`))
	defer s.Close()
	if _, err := loopback(t).Get(t.Context(), nil, s.URL); err == nil {
		t.Error("unknown certificate accepted")
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	if _, err := loopback(t, func(c *Config) { c.RootCAs = pool }).Get(t.Context(), nil, s.URL); err != nil {
		t.Errorf("known certificate: %v", err)
	}
}

// TestNoProxy: the environment cannot put a proxy in the way.
func TestNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	c := loopback(t, func(c *Config) {
		c.Lookup = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
	})
	url := serve(t, document(`{}`))
	// A name, since Go never uses a proxy for a loopback address.
	if _, err := c.Get(t.Context(), nil, strings.Replace(url, "127.0.0.1", "somewhere.example", 1)); err != nil {
		t.Error(err)
	}
}

// TestRedirects: three at most, each checked and signed anew (SEC-25).
func TestRedirects(t *testing.T) {
	var signed atomic.Int64
	sign := func(r *http.Request, _ []byte, _ signature.Knock) error {
		r.Header.Set("Signature", fmt.Sprint(signed.Add(1), " ", r.URL.Path))
		return nil
	}
	mux := http.NewServeMux()
	for i := range 5 {
		mux.HandleFunc(fmt.Sprintf("/%d", i), func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.Header.Get("Signature"), r.URL.Path) {
				t.Errorf("%s carries the signature %q", r.URL.Path, r.Header.Get("Signature"))
			}
			http.Redirect(w, r, fmt.Sprintf("/%d", i+1), http.StatusFound)
		})
	}
	mux.HandleFunc("/5", document(`{"id":"five"}`))
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/loop", http.StatusMovedPermanently)
	})
	to := func(target string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}
	mux.HandleFunc("/private", to("http://10.0.0.1/"))
	mux.HandleFunc("/file", to("file:///etc/passwd"))
	mux.HandleFunc("/userinfo", to("http://a:b@127.0.0.1/"))
	mux.HandleFunc("/nowhere", to(""))
	mux.HandleFunc("/blocked", to("http://blocked.example/"))
	url := serve(t, mux.ServeHTTP)
	c := loopback(t, func(c *Config) {
		c.Blocked = func(_ context.Context, host string) bool { return host == "blocked.example" }
	})
	for path, want := range map[string]error{
		"/2": nil, "/1": ErrRedirect, "/loop": ErrRedirect, "/private": ErrAddress, "/file": ErrURL, "/userinfo": ErrURL, "/blocked": ErrBlocked,
	} {
		signed.Store(0)
		_, err := c.Get(t.Context(), sign, url+path)
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
		if path == "/2" && signed.Load() != 4 {
			t.Errorf("%d signatures for 4 hops", signed.Load())
		}
	}
	if _, err := c.Get(t.Context(), nil, url+"/nowhere"); err == nil {
		t.Error("redirect to nowhere accepted")
	}
}

// TestPost: the body arrives as given and signed; a redirect is an error, and
// nothing is sent on.
func TestPost(t *testing.T) {
	var got atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/inbox", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == `{"a":1}` && r.Header.Get("Content-Type") == ActivityJSON && r.Header.Get("Signature") == "s" &&
			r.Header.Get("User-Agent") == "Kinemesh/test" && r.Method == http.MethodPost {
			got.Add(1)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/inbox", http.StatusPermanentRedirect)
	})
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	url := serve(t, mux.ServeHTTP)
	c := loopback(t)
	sign := func(r *http.Request, body []byte, _ signature.Knock) error {
		if string(body) != `{"a":1}` {
			return errors.New("wrong body")
		}
		r.Header.Set("Signature", "s")
		return nil
	}
	if err := c.Post(t.Context(), sign, url+"/inbox", []byte(`{"a":1}`)); err != nil || got.Load() != 1 {
		t.Fatalf("post: %v, arrived %d", err, got.Load())
	}
	if err := c.Post(t.Context(), sign, url+"/moved", []byte(`{"a":1}`)); !errors.Is(err, ErrRedirect) || got.Load() != 1 {
		t.Errorf("redirected post: %v, arrived %d", err, got.Load())
	}
	err := c.Post(t.Context(), sign, url+"/busy", []byte(`{"a":1}`))
	if s, ok := errors.AsType[*StatusError](err); !ok || s.Code != 503 || s.RetryAfter != 2*time.Minute || !Temporary(err) || Gone(err) {
		t.Errorf("busy: %v", err)
	}
	if err := c.Post(t.Context(), sign, url+"/gone", []byte(`{"a":1}`)); !Gone(err) || Temporary(err) {
		t.Errorf("gone: %v", err)
	}
	failing := func(*http.Request, []byte, signature.Knock) error { return errors.New("no key") }
	if err := c.Post(t.Context(), failing, url+"/inbox", []byte(`{"a":1}`)); err == nil || got.Load() != 1 {
		t.Errorf("unsigned post: %v, arrived %d", err, got.Load())
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "60": time.Minute, "-5": 0, "x": 0, "99999999": maxRetryAfter,
		now.Add(time.Hour).Format(http.TimeFormat): time.Hour, now.Add(-time.Hour).Format(http.TimeFormat): 0,
	} {
		err := statusError(&http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {value}}}, now)
		if s, ok := errors.AsType[*StatusError](err); !ok || s.RetryAfter != want {
			t.Errorf("Retry-After %q: %v, want %v", value, s, want)
		}
	}
}

// TestSizes: an endless body, a wrong length and a bomb of 1:1000 each end at
// the limit, and none takes memory for what it claims to be (SEC-27).
func TestSizes(t *testing.T) {
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	chunk := make([]byte, 1<<20)
	for range 200 {
		if _, err := z.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ActivityJSON)
		w.Header().Set("Content-Encoding", "gzip")
		say(w, bomb.String())
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ActivityJSON)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ActivityJSON)
		w.Header().Set("Content-Length", "100")
		say(w, `{"id":"x"}`)
	})
	mux.HandleFunc("/zipped", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ActivityJSON)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		say(z, `{"id":"x"}`)
		if err := z.Close(); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/deep", document(strings.Repeat("[", 33)+strings.Repeat("]", 33)))
	mux.HandleFunc("/wide", document("["+strings.TrimSuffix(strings.Repeat("1,", 1001), ",")+"]"))
	mux.HandleFunc("/twice", document(`{"id":"x","id":"y"}`))
	mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Big", strings.Repeat("x", 1<<20))
		document(`{}`)(w, nil)
	})
	url := serve(t, mux.ServeHTTP)
	c := loopback(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for path, want := range map[string]error{
		"/bomb": ErrTooLarge, "/endless": ErrTooLarge, "/short": io.ErrUnexpectedEOF, "/deep": strict.ErrRefused,
		"/wide": strict.ErrRefused, "/twice": strict.ErrRefused, "/zipped": nil,
	} {
		if _, err := c.Get(t.Context(), nil, url+path); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if _, err := c.Get(t.Context(), nil, url+"/headers"); err == nil {
		t.Error("headers of 1 MiB accepted")
	}
	runtime.ReadMemStats(&after)
	if used := after.HeapSys - before.HeapSys; after.HeapSys > before.HeapSys && used > 64<<20 {
		t.Errorf("heap grew by %d MiB", used>>20)
	}
}

// TestTimes: no answer ends after 5 s, a drip after 10 s (SEC-27).
func TestTimes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", ActivityJSON)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				say(w, " ")
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	url := serve(t, mux.ServeHTTP)
	c := loopback(t)
	for path, want := range map[string]struct {
		limit time.Duration
		says  string // which of the limits it was, however late it is noticed
	}{
		"/silent": {firstByteTimeout, "timeout awaiting response headers"},
		"/drip":   {totalTimeout, context.DeadlineExceeded.Error()},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, err := c.Get(context.Background(), nil, url+path)
			if took := time.Since(start); err == nil || took < want.limit-time.Second || took > want.limit+10*time.Second || !strings.Contains(err.Error(), want.says) {
				t.Errorf("%v after %v, want %q after %v", err, took, want.says, want.limit)
			} else if !Temporary(err) {
				t.Errorf("%v is not temporary", err)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	var hits atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { hits.Add(1); document(`{}`)(w, r) })
	mux.HandleFunc("/hop", func(w http.ResponseWriter, r *http.Request) { hits.Add(1); http.Redirect(w, r, "/", http.StatusFound) })
	url := serve(t, mux.ServeHTTP)
	c := loopback(t)
	ctx := WithBudget(t.Context(), 5)
	inner := WithBudget(ctx, 3)
	for range 2 {
		if _, err := c.Get(inner, nil, url); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Get(inner, nil, url+"/hop"); !errors.Is(err, ErrBudget) {
		t.Errorf("third request with its redirect: %v", err)
	}
	for range 2 { // three are spent of the outer one
		if _, err := c.Get(ctx, nil, url); err != nil {
			t.Errorf("outer budget: %v", err)
		}
	}
	if _, err := c.Get(ctx, nil, url); !errors.Is(err, ErrBudget) {
		t.Errorf("outer budget used up: %v", err)
	}
	if _, err := c.Get(t.Context(), nil, url); err != nil {
		t.Errorf("without a budget: %v", err)
	}
	if hits.Load() != 6 {
		t.Errorf("%d requests arrived", hits.Load())
	}
}

func TestBlocked(t *testing.T) {
	hit := false
	url := serve(t, func(http.ResponseWriter, *http.Request) { hit = true })
	c := loopback(t, func(c *Config) { c.Blocked = func(context.Context, string) bool { return true } })
	if _, err := c.Get(t.Context(), nil, url); !errors.Is(err, ErrBlocked) || hit || Temporary(err) {
		t.Errorf("%v, request arrived: %v", err, hit)
	}
}
