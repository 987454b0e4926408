package crawl_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/crawl"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
)

const host = "https://a.example"

var (
	errGone  = errors.New("410")
	errLater = errors.New("503")
)

// web is a scripted server: documents by address, errors by address, and what
// was fetched.
type web struct {
	mu      sync.Mutex
	docs    map[string]string
	errs    map[string]error
	fetched []string
	hook    func(address string)
}

func (w *web) fetch(ctx context.Context, address string) (vocab.Object, error) {
	w.mu.Lock()
	w.fetched = append(w.fetched, strings.TrimPrefix(address, host))
	doc, err, hook := w.docs[address], w.errs[address], w.hook
	w.mu.Unlock()
	if hook != nil {
		hook(address)
	}
	if err != nil {
		return vocab.Object{}, err
	}
	if ctx.Err() != nil {
		return vocab.Object{}, ctx.Err()
	}
	return vocab.Parse([]byte(doc))
}

// taken remembers items in their order.
type taken struct {
	mu    sync.Mutex
	items []string
	done  int
	fail  map[string]bool
}

func (k *taken) take(_ context.Context, owner string, item vocab.Object) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := strings.TrimPrefix(item.ID(), host+"/")
	if owner != host+"/owner" {
		return fmt.Errorf("owner %s", owner)
	}
	if k.fail[id] {
		return errors.New("not this one")
	}
	k.items = append(k.items, id)
	return nil
}

func (k *taken) all() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.items, " ")
}

func newCrawler(t *testing.T, d *db.DB, w *web, k *taken) *crawl.Crawler {
	t.Helper()
	c := crawl.New(crawl.Options{
		DB: d, Fetch: w.fetch, Logger: slog.New(slog.DiscardHandler),
		Local:   func(s string) bool { return strings.HasPrefix(s, "https://ours.example") },
		Blocked: func(_ context.Context, h string) bool { return h == "blocked.example" },
		Final:   func(err error) bool { return errors.Is(err, errGone) },
	})
	err := c.Use(crawl.Kind{Name: "things", Take: k.take, Done: func(_ context.Context, owner string, began time.Time) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if owner == host+"/owner" && time.Since(began) < time.Minute {
			k.done++
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// collection scripts a collection of n pages with two items each.
func collection(n int) map[string]string {
	docs := map[string]string{host + "/c": fmt.Sprintf(`{"id":"%s/c","type":"OrderedCollection","totalItems":%d,"first":"%s/c?page=1"}`, host, 2*n, host)}
	for i := 1; i <= n; i++ {
		next := ""
		if i < n {
			next = fmt.Sprintf(`,"next":"%s/c?page=%d"`, host, i+1)
		}
		docs[fmt.Sprintf("%s/c?page=%d", host, i)] = fmt.Sprintf(
			`{"id":"%s/c?page=%d","type":"OrderedCollectionPage","orderedItems":["%s/%da",{"id":"%s/%db","type":"Note"}]%s}`, host, i, host, i, host, i, next)
	}
	return docs
}

// TestWalk: every shape of collection, and every trick to keep us busy
// (SEC-28). Each trick has a twin that is read to its end.
func TestWalk(t *testing.T) {
	page := func(id, items, more string) string {
		return fmt.Sprintf(`{"id":"%s%s","type":"OrderedCollectionPage","orderedItems":[%s]%s}`, host, id, items, more)
	}
	for _, c := range []struct {
		name    string
		docs    map[string]string
		want    string
		fetched string
	}{
		{"pages", collection(2), "1a 1b 2a 2b", "/c /c?page=1 /c?page=2"},
		{"no pages", map[string]string{"/c": page("/c", `"`+host+`/1"`, "")}, "1", "/c"},
		{"unordered", map[string]string{"/c": `{"id":"` + host + `/c","type":"Collection","items":"` + host + `/1"}`}, "1", "/c"},
		{"first embedded", map[string]string{"/c": `{"id":"` + host + `/c","first":` + page("/c?page=1", `"`+host+`/1"`, `,"next":"`+host+`/p2"`) + `}`, "/p2": page("/p2", `"`+host+`/2"`, "")}, "1 2", "/c /p2"},
		{"first embedded without an id", map[string]string{"/c": `{"id":"` + host + `/c","first":{"items":["` + host + `/1"]}}`}, "1", "/c"},
		{"first embedded is elsewhere", map[string]string{"/c": `{"id":"` + host + `/c","first":{"id":"https://b.example/c","items":["` + host + `/1"]}}`}, "", "/c"},
		{"empty", map[string]string{"/c": `{"id":"` + host + `/c","totalItems":0}`}, "", "/c"},
		{"next is the page itself", map[string]string{"/c": page("/c", `"`+host+`/1"`, `,"next":"`+host+`/c"`)}, "1", "/c"},
		{"two pages in a circle", map[string]string{"/c": page("/c", `"`+host+`/1"`, `,"next":"`+host+`/d"`), "/d": page("/d", `"`+host+`/2"`, `,"next":"`+host+`/c"`)}, "1 2", "/c /d"},
		{"next on another host", map[string]string{"/c": page("/c", `"`+host+`/1"`, `,"next":"https://b.example/c"`)}, "1", "/c"},
		{"next on ours", map[string]string{"/c": page("/c", `"`+host+`/1"`, `,"next":"https://ours.example/c"`)}, "1", "/c"},
		{"next is the embedded first", map[string]string{"/c": `{"id":"` + host + `/c","first":` + page("/f", `"`+host+`/1"`, `,"next":"`+host+`/f"`) + `}`}, "1", "/c"},
		{"junk between the items", map[string]string{"/c": page("/c", `1,null,"x","`+host+`/1",["y"],{"id":"`+host+`/2"}`, "")}, "1 2", "/c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &web{docs: map[string]string{}}
			for k, v := range c.docs {
				w.docs[host+strings.TrimPrefix(k, host)] = v
			}
			var got []string
			err := newCrawler(t, nil, w, &taken{}).Walk(t.Context(), host+"/c", func(_ context.Context, o vocab.Object) error {
				got = append(got, strings.TrimPrefix(o.ID(), host+"/"))
				return nil
			})
			if err != nil || strings.Join(got, " ") != c.want || strings.Join(w.fetched, " ") != c.fetched {
				t.Errorf("items %q, fetched %q, %v; want %q, %q", got, w.fetched, err, c.want, c.fetched)
			}
		})
	}
}

// TestWalkLimits: endless collections end, whichever way they go on, and what
// is not to be asked is not asked.
func TestWalkLimits(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprintf(`"%s/%d"`, host, i)
	}
	for name, items := range map[string]string{"pages without items": "", "pages full of items": strings.Join(many, ",")} {
		w := &web{docs: map[string]string{}}
		for i := range 300 {
			w.docs[fmt.Sprintf("%s/c?page=%d", host, i)] = fmt.Sprintf(`{"orderedItems":[%s],"next":"%s/c?page=%d"}`, items, host, i+1)
		}
		n := 0
		err := newCrawler(t, nil, w, &taken{}).Walk(t.Context(), host+"/c?page=0", func(context.Context, vocab.Object) error { n++; return nil })
		if err != nil || len(w.fetched) > crawl.MaxPages || n > crawl.MaxItems || len(w.fetched) < 60 {
			t.Errorf("%s: %d pages, %d items, %v", name, len(w.fetched), n, err)
		}
	}
	w := &web{docs: collection(1)}
	c := newCrawler(t, nil, w, &taken{})
	stop := errors.New("enough")
	if err := c.Walk(t.Context(), host+"/c", func(context.Context, vocab.Object) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of the caller: %v", err)
	}
	w.fetched = nil
	for _, bad := range []string{"https://ours.example/c", "https://blocked.example/c", "", "c", "ftp://a.example/c"} {
		err := c.Walk(t.Context(), bad, func(context.Context, vocab.Object) error { return nil })
		if !errors.Is(err, crawl.ErrForeign) || len(w.fetched) != 0 {
			t.Errorf("walk over %q: %v, fetched %v", bad, err, w.fetched)
		}
	}
}

func TestKinds(t *testing.T) {
	c := newCrawler(t, nil, &web{}, &taken{})
	take := func(context.Context, string, vocab.Object) error { return nil }
	for _, bad := range []crawl.Kind{{Name: "things", Take: take}, {Take: take}, {Name: "others"}} {
		if c.Use(bad) == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	if err := c.Use(crawl.Kind{Name: "others", Take: take}); err != nil {
		t.Error(err)
	}
}

func start(t *testing.T, d *db.DB, c *crawl.Crawler) error {
	t.Helper()
	return d.Tx(t.Context(), func(tx *db.Tx) error { return c.Start(tx, "things", host+"/owner", host+"/c") })
}

func state(t *testing.T, c *crawl.Crawler) crawl.Crawl {
	t.Helper()
	rows, err := c.Of(t.Context(), "things", host+"/owner", host+"/nobody")
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d crawls, %v", len(rows), err)
	}
	return rows[host+"/owner"]
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("no %s within a minute", what)
		}
	}
}

// TestCrawl: several jobs read a collection of 25 pages to its end; an item that
// is refused is counted and ends nothing; the same crawl can be made again.
func TestCrawl(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, k := &web{docs: collection(25)}, &taken{fail: map[string]bool{"3a": true}}
		c := newCrawler(t, d, w, k)
		for range 2 { // the second while the first waits: nothing more
			if err := start(t, d, c); err != nil {
				t.Fatal(err)
			}
		}
		jobstest.Run(t, d, c.Jobs()...)
		eventually(t, "end of the crawl", func() bool { return state(t, c).State == crawl.Done })
		row := state(t, c)
		if row.Items != 50 || row.Pages != 26 || row.Refused != 1 || row.Total != 50 || row.Percent() != 100 || k.done != 1 {
			t.Errorf("%+v, done %d times", row, k.done)
		}
		if len(k.items) != 49 || len(w.fetched) != 26 {
			t.Errorf("%d items taken, %d pages fetched", len(k.items), len(w.fetched))
		}
		var steps int64
		if err := d.Read(t.Context()).Table("jobs").Where("kind = ?", crawl.StepArgs{}.Kind()).Count(&steps).Error; err != nil || steps != 3 {
			t.Errorf("%d jobs, %v; want three of ten pages at most", steps, err)
		}
		if err := start(t, d, c); err != nil {
			t.Fatal(err)
		}
		eventually(t, "second crawl", func() bool { k.mu.Lock(); defer k.mu.Unlock(); return k.done == 2 })
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return c.Clean(tx, db.Now().Add(time.Minute)) }); err != nil {
			t.Fatal(err)
		}
		if rows, err := c.Of(t.Context(), "things", host+"/owner"); err != nil || len(rows) != 0 {
			t.Errorf("after cleaning: %v, %v", rows, err)
		}
	})
}

// TestCrawlGoesOn: a crawl that is cut short in the middle of a page goes on at
// the item where it stopped, in another process.
func TestCrawlGoesOn(t *testing.T) {
	d := dbtest.SQLite(t)
	w, k := &web{docs: collection(4)}, &taken{}
	c := newCrawler(t, d, w, k)
	if err := start(t, d, c); err != nil {
		t.Fatal(err)
	}
	gaps := func() int {
		t.Helper()
		found, err := c.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if n := gaps(); n != 0 {
		t.Errorf("%d gaps while the job waits", n)
	}
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("UPDATE jobs SET state = 'dead'").Error }); err != nil {
		t.Fatal(err)
	}
	if n := gaps(); n != 1 {
		t.Errorf("%d gaps after the job died", n)
	}
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("UPDATE jobs SET state = 'waiting'").Error }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := crawl.New(crawl.Options{
		DB: d, Fetch: w.fetch, Logger: slog.New(slog.DiscardHandler), Local: func(string) bool { return false }, Final: func(error) bool { return false },
	})
	err := first.Use(crawl.Kind{Name: "things", Take: func(ctx context.Context, owner string, item vocab.Object) error {
		if item.ID() == host+"/2b" {
			cancel()
			return ctx.Err()
		}
		return k.take(ctx, owner, item)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Jobs()[0].Work(ctx, []byte(`{"CrawlID":1}`)); !errors.Is(err, context.Canceled) {
		t.Fatalf("the killed job: %v", err)
	}
	if row := state(t, c); row.State != crawl.Running || row.Pages != 2 || row.Skip != 1 || row.Percent() == 0 || row.Percent() == 100 {
		t.Errorf("after the kill: %+v", row)
	}
	jobstest.Run(t, d, c.Jobs()...)
	eventually(t, "end of the crawl", func() bool { return state(t, c).State == crawl.Done })
	if got := k.all(); got != "1a 1b 2a 2b 3a 3b 4a 4b" {
		t.Errorf("taken: %s", got)
	}
	if got := strings.Join(w.fetched, " "); got != "/c /c?page=1 /c?page=2 /c?page=2 /c?page=3 /c?page=4" {
		t.Errorf("fetched: %s", got)
	}
}

// TestCrawlFails: what is gone ends a crawl and its job is done; what may come
// back is tried again.
func TestCrawlFails(t *testing.T) {
	d := dbtest.SQLite(t)
	w, k := &web{docs: collection(2), errs: map[string]error{host + "/c?page=2": errGone}}, &taken{}
	c := newCrawler(t, d, w, k)
	work := func() error { return c.Jobs()[0].Work(t.Context(), []byte(`{"CrawlID":1}`)) }
	if err := start(t, d, c); err != nil {
		t.Fatal(err)
	}
	if err := work(); err != nil {
		t.Errorf("a page that is gone: %v", err)
	}
	if row := state(t, c); row.State != crawl.Failed || row.LastError != "410" || row.Items != 2 || k.done != 0 {
		t.Errorf("%+v, done %d times", row, k.done)
	}
	if err := start(t, d, c); err != nil {
		t.Fatal(err)
	}
	w.errs[host+"/c?page=2"] = errLater
	if err := work(); !errors.Is(err, errLater) || jobs.Discard(nil) != nil {
		t.Errorf("a page that may come back: %v", err)
	}
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { return c.Start(tx, "nobody's", host+"/owner", host+"/c") }); err == nil {
		t.Error("a kind that nobody takes is started")
	}
	err := d.Tx(t.Context(), func(tx *db.Tx) error { return c.Start(tx, "things", host+"/owner", "https://ours.example/c") })
	if !errors.Is(err, crawl.ErrForeign) {
		t.Errorf("a collection of ours: %v", err)
	}
}
