package web

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

// answers gives to strangers what other strangers were answered a moment ago,
// where the handler allows it ([rest.Share]). A transaction that this process
// commits ends all of them at once; of what other processes commit one learns
// within a second.
//
// Nobody with credentials gets one, and none is made for them (SEC-31): not for
// a token, a cookie, a signature or a password.
type answers struct {
	changes func() uint64 // grows with every commit; nil: nothing is shared
	now     func() time.Time

	mu    sync.RWMutex
	byKey map[string]*answer
	bytes int
}

const (
	answerLife = time.Second
	maxAnswer  = 512 << 10
	maxAnswers = 16 << 20 // bytes of all together
	maxKey     = 2 << 10
)

type answer struct {
	header  http.Header
	body    []byte
	changes uint64
	until   time.Time
}

// credentials are the headers that make an answer one's own, or a part of one.
var credentials = []string{
	"Authorization", "Cookie", "Signature", "Signature-Input", "X-Peertube-Video-Password",
	"Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Range",
}

// own are the headers of an answer that belong to one request.
var own = []string{"X-Request-Id", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"}

// key names what may be shared; empty for what may not.
func key(r *http.Request) string {
	if r.Method != http.MethodGet || len(r.RequestURI) > maxKey {
		return ""
	}
	for _, name := range credentials {
		if len(r.Header[name]) > 0 {
			return ""
		}
	}
	accept := strings.Join(r.Header["Accept"], ",")
	if len(accept) > maxKey {
		return ""
	}
	packed := "0"
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		packed = "1"
	}
	return packed + r.Host + r.RequestURI + "\x00" + accept + "\x00" + r.Header.Get("Accept-Language")
}

func (a *answers) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		k := key(c.Request())
		if k == "" || a.changes == nil {
			return next(c)
		}
		changes, now := a.changes(), a.now()
		if known := a.get(k, changes, now); known != nil {
			return known.write(c.Response())
		}
		rec := &recorder{ResponseWriter: c.Response().Writer}
		c.Response().Writer = rec
		err := next(c)
		c.Response().Writer = rec.ResponseWriter
		if err == nil && rest.IsShared(c) && c.Response().Status == http.StatusOK && !rec.over && shareable(c.Response().Header()) {
			a.put(k, &answer{withoutOwn(c.Response().Header()), rec.body.Bytes(), changes, now.Add(answerLife)})
		}
		return err
	}
}

// shareable is a second look at what a handler allowed. That other caches shall
// keep a page for its reader alone, since a cookie would change it, is no reason
// against: none was sent.
func shareable(h http.Header) bool {
	return h.Get("Set-Cookie") == "" && !strings.Contains(h.Get("Cache-Control"), "no-store")
}

func withoutOwn(h http.Header) http.Header {
	h = maps.Clone(h)
	maps.DeleteFunc(h, func(name string, _ []string) bool { return slices.Contains(own, name) })
	return h
}

func (a *answers) get(k string, changes uint64, now time.Time) *answer {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if found := a.byKey[k]; found != nil && found.changes == changes && now.Before(found.until) {
		return found
	}
	return nil
}

func (a *answers) put(k string, made *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.byKey[k]; old != nil {
		a.bytes -= len(k) + len(old.body)
	}
	a.bytes += len(k) + len(made.body)
	if a.byKey == nil || a.bytes > maxAnswers {
		a.byKey, a.bytes = map[string]*answer{}, len(k)+len(made.body)
	}
	a.byKey[k] = made
}

func (m *answer) write(w *echo.Response) error {
	h := w.Header()
	maps.DeleteFunc(h, func(name string, _ []string) bool { return !slices.Contains(own, name) })
	maps.Copy(h, m.header)
	h["Content-Length"] = []string{strconv.Itoa(len(m.body))}
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(m.body)
	return err
}

// recorder passes an answer on and remembers it, unless it is long.
type recorder struct {
	http.ResponseWriter
	body bytes.Buffer
	over bool
}

// Write implements io.Writer.
func (r *recorder) Write(p []byte) (int, error) {
	if r.over = r.over || r.body.Len()+len(p) > maxAnswer; !r.over {
		r.body.Write(p)
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach what is below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
