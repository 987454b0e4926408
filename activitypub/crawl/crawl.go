package crawl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// Limits of a crawl (SEC-28), and of one job of it.
const (
	MaxPages = 100
	MaxItems = 2000
	MaxTime  = 10 * time.Minute

	stepPages = 10
	stepTime  = time.Minute
	attempts  = 5 // of a page
)

// The states of a crawl.
const (
	Running = "running"
	Done    = "done"
	Failed  = "failed"
)

// ErrForeign says that a collection is not where it may be: on our own host,
// or at no valid address.
var ErrForeign = errors.New("no collection of another server")

// Kind says who takes the items of a kind of collections.
type Kind struct {
	Name string
	// Take stores an item of the collection of owner: an IRI without a type, or
	// an embedded object, which is the word of the collection's host alone. An
	// error is counted and logged; the crawl goes on. It may run twice for an
	// item.
	Take func(ctx context.Context, owner string, item vocab.Object) error
	// Done hears that a crawl has read everything there was; began is when it
	// started, so that what was not seen since can be dropped. It may be nil.
	Done func(ctx context.Context, owner string, began time.Time) error
}

// Crawl is a row of the table crawls.
type Crawl struct {
	ID         int64 `gorm:"primaryKey"`
	Kind       string
	Owner      string
	Collection string
	State      string
	Next       string
	Skip       int
	Pages      int
	Items      int
	Refused    int
	Total      int
	Seen       string
	SpentMS    int64 `gorm:"column:spent_ms"`
	LastError  string
	StartedAt  time.Time
	UpdatedAt  time.Time
}

// TableName names the table.
func (Crawl) TableName() string { return "crawls" }

// Percent is how much has been read, by what the collection says it holds.
func (c *Crawl) Percent() int {
	if c.State == Done {
		return 100
	}
	if c.Total > 0 {
		return min(99, c.Items*100/min(c.Total, MaxItems))
	}
	return min(99, c.Pages*100/MaxPages)
}

// Options are what a Crawler needs.
type Options struct {
	DB *db.DB
	// Fetch gets a document that may have another id than its address.
	Fetch func(ctx context.Context, address string) (vocab.Object, error)
	// Local tells whether an address is one of ours.
	Local func(address string) bool
	// Blocked tells whether a host is blocked (SEC-19); nil blocks none.
	Blocked func(ctx context.Context, host string) bool
	// Final tells whether asking again is no use after err.
	Final  func(err error) bool
	Logger *slog.Logger
}

// Crawler walks over collections. It is safe for concurrent use, after the
// last Use.
type Crawler struct {
	o     Options
	kinds map[string]Kind
}

// New makes a Crawler without kinds.
func New(o Options) *Crawler { return &Crawler{o: o, kinds: map[string]Kind{}} }

// Use adds a kind; its name must be new.
func (c *Crawler) Use(k Kind) error {
	if _, taken := c.kinds[k.Name]; taken || k.Name == "" || k.Take == nil {
		return fmt.Errorf("kind of collections %q is incomplete or taken", k.Name)
	}
	c.kinds[k.Name] = k
	return nil
}

// Walk calls each for the items of a collection, page by page, until it ends
// or a limit is reached.
func (c *Crawler) Walk(ctx context.Context, collection string, each func(context.Context, vocab.Object) error) error {
	ctx, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	if err := c.check(ctx, collection); err != nil {
		return err
	}
	for at := newCursor(collection); at.next != ""; {
		doc, err := c.o.Fetch(ctx, at.next)
		if err != nil {
			return fmt.Errorf("page %d of %s: %w", at.pages+1, collection, err)
		}
		for _, item := range at.read(doc) {
			if err := each(ctx, item); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Crawler) check(ctx context.Context, collection string) error {
	if !iri.Valid(collection) || c.o.Local(collection) {
		return fmt.Errorf("%w: %q", ErrForeign, collection)
	}
	if c.o.Blocked != nil && c.o.Blocked(ctx, iri.Host(collection)) { // SEC-19
		return fmt.Errorf("%w: the host of %s is blocked", ErrForeign, collection)
	}
	return nil
}

// StepArgs reads the next pages of a crawl.
type StepArgs struct{ CrawlID int64 }

// Kind names the job.
func (StepArgs) Kind() string { return "activitypub.crawl_step" }

// Start begins the crawl of a collection in tx; one that runs already goes on
// as it is. The kind must be in use, the collection another server's.
func (c *Crawler) Start(tx *db.Tx, kind, owner, collection string) error {
	if _, ok := c.kinds[kind]; !ok {
		return fmt.Errorf("kind of collections %q is not in use", kind)
	}
	if err := c.check(tx.Statement.Context, collection); err != nil {
		return err
	}
	now := db.Now()
	row := Crawl{Kind: kind, Owner: owner, Collection: collection, State: Running, Next: collection, StartedAt: now, UpdatedAt: now}
	err := tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "collection"}},
		Where:   clause.Where{Exprs: []clause.Expression{clause.Neq{Column: "crawls.state", Value: Running}}},
		DoUpdates: clause.AssignmentColumns([]string{
			"kind", "owner", "state", "next", "skip", "pages", "items", "refused", "total", "seen", "spent_ms", "last_error",
			"started_at", "updated_at",
		}),
	}).Create(&row).Error
	if err != nil {
		return fmt.Errorf("start crawl: %w", err)
	}
	if err := tx.Where("collection = ?", collection).Take(&row).Error; err != nil {
		return fmt.Errorf("start crawl: %w", err)
	}
	return c.again(tx, row.ID)
}

func (c *Crawler) again(tx *db.Tx, id int64) error {
	return jobs.Insert(tx, StepArgs{CrawlID: id}, jobs.Unique(fmt.Sprint(id)))
}

// Jobs are the handlers of the crawler.
func (c *Crawler) Jobs() []jobs.Handler {
	return []jobs.Handler{jobs.Handle(c.step, jobs.Attempts(attempts), jobs.Timeout(5*time.Minute), jobs.As("activitypub-http-fetcher"))}
}

// Of gives the crawls of a kind by their owners; who has none is left out.
func (c *Crawler) Of(ctx context.Context, kind string, owners ...string) (map[string]Crawl, error) {
	out := make(map[string]Crawl, len(owners))
	if len(owners) == 0 {
		return out, nil
	}
	var rows []Crawl
	if err := c.o.DB.Read(ctx).Where("owner IN ? AND kind = ?", owners, kind).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("crawls: %w", err)
	}
	for _, r := range rows {
		out[r.Owner] = r
	}
	return out, nil
}

// checkLimit bounds the gaps that are told.
const checkLimit = 100

// Check tells which crawls run that no job goes on with (REL-24).
func (c *Crawler) Check(ctx context.Context) ([]string, error) {
	var rows []Crawl
	err := c.o.DB.Read(ctx).Raw(`SELECT * FROM crawls WHERE state = ? AND NOT EXISTS (SELECT 1 FROM jobs j
		WHERE j.kind = ? AND j.state IN ('waiting', 'active') AND j.args = '{"CrawlID":' || crawls.id || '}') ORDER BY id LIMIT ?`,
		Running, StepArgs{}.Kind(), checkLimit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("check crawls: %w", err)
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = fmt.Sprintf("the crawl of %s has stopped at page %d, and no job goes on with it", r.Collection, r.Pages+1)
	}
	return out, nil
}

// Clean forgets crawls that ended before a time.
func (c *Crawler) Clean(tx *db.Tx, before time.Time) error {
	err := tx.Where("state <> ? AND updated_at < ?", Running, before).Delete(&Crawl{}).Error
	if err != nil {
		return fmt.Errorf("clean crawls: %w", err)
	}
	return nil
}

// step reads some pages and leaves the rest to the next job.
func (c *Crawler) step(ctx context.Context, a StepArgs) error {
	var row Crawl
	err := c.o.DB.Read(ctx).Where("id = ?", a.CrawlID).Take(&row).Error
	if errors.Is(err, db.ErrNotFound) || err == nil && row.State != Running {
		return nil
	}
	if err != nil {
		return fmt.Errorf("crawl: %w", err)
	}
	kind, ok := c.kinds[row.Kind]
	if !ok {
		return c.end(ctx, &row, fmt.Errorf("kind of collections %q is not in use", row.Kind))
	}
	if err := c.check(ctx, row.Collection); err != nil {
		return c.end(ctx, &row, err)
	}
	at := newCursor(row.Collection)
	at.next, at.pages, at.items = row.Next, row.Pages, row.Items
	at.remember(row.Seen)
	until := time.Now().Add(stepTime)
	for read := 0; at.next != ""; read++ {
		if read == stepPages || time.Now().After(until) {
			return c.o.DB.Tx(ctx, func(tx *db.Tx) error { return errors.Join(c.again(tx, row.ID), jobs.Done(ctx, tx)) })
		}
		if err := c.page(ctx, kind, at, &row); err != nil {
			return err
		}
		jobs.Progress(ctx, row.Percent())
	}
	if kind.Done != nil && row.LastError == "" {
		if err := kind.Done(ctx, row.Owner, row.StartedAt); err != nil {
			return fmt.Errorf("after crawl of %s: %w", row.Collection, err)
		}
	}
	row.State = Done
	return c.save(ctx, &row)
}

// page takes the items of one page and moves the row on. When it is cut short
// the row says how many items are done.
func (c *Crawler) page(ctx context.Context, kind Kind, at *cursor, row *Crawl) error {
	began := time.Now()
	doc, err := c.o.Fetch(ctx, at.next)
	if err != nil {
		return c.unread(ctx, at.next, row, err)
	}
	if n, ok := doc.Int("totalItems"); ok && n > 0 && at.pages == 0 {
		row.Total = int(min(n, 1<<31-1))
	}
	for i, item := range at.read(doc) {
		if i < row.Skip {
			continue
		}
		err := kind.Take(transport.WithBudget(ctx, transport.ActivityBudget), row.Owner, item) // SEC-29
		if ctx.Err() != nil {
			row.Skip = i
			return errors.Join(ctx.Err(), c.save(context.WithoutCancel(ctx), row))
		}
		if err != nil {
			row.Refused++
			c.o.Logger.InfoContext(ctx, "item of a collection not taken", "collection", row.Collection, "item", item.ID(), "error", err)
		}
	}
	row.SpentMS += time.Since(began).Milliseconds()
	if row.SpentMS > MaxTime.Milliseconds() {
		at.next, row.LastError = "", "stopped: it took too long"
	}
	row.Next, row.Skip, row.Pages, row.Items, row.Seen = at.next, 0, at.pages, at.items, at.hashes()
	return c.save(ctx, row)
}

// unread notes that a page could not be fetched: for good when asking again is
// no use, or was none.
func (c *Crawler) unread(ctx context.Context, page string, row *Crawl, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if n, most := jobs.Attempt(ctx); !c.o.Final(err) && n < most {
		return fmt.Errorf("page %s: %w", page, err)
	}
	return c.end(ctx, row, err)
}

// end stops a crawl for good; its row says why. An error that might have been
// mended is that of the job too.
func (c *Crawler) end(ctx context.Context, row *Crawl, err error) error {
	c.o.Logger.InfoContext(ctx, "collection not read", "collection", row.Collection, "page", row.Pages+1, "error", err)
	row.State, row.LastError = Failed, clip(err.Error())
	if saveErr := c.save(ctx, row); saveErr != nil {
		return saveErr
	}
	if errors.Is(err, ErrForeign) || c.o.Final(err) {
		return nil
	}
	return err
}

func (c *Crawler) save(ctx context.Context, row *Crawl) error {
	row.UpdatedAt = db.Now()
	err := c.o.DB.Tx(ctx, func(tx *db.Tx) error { return tx.Save(row).Error })
	if err != nil {
		return fmt.Errorf("save crawl: %w", err)
	}
	return nil
}

const maxError = 500

func clip(s string) string { return s[:min(len(s), maxError)] }
